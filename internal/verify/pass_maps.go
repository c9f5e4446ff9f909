// This file defines which maps a program may use.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// checkMapLoad checks the map that a load names; each map is judged where it
// is first used.
func (u *usedMaps) checkMapLoad(pc int, in bytecode.Insn) *Rejection {
	if in.Src == bytecode.PseudoMapFD || in.Src == bytecode.PseudoMapValue ||
		in.Imm < 0 || int(in.Imm) >= len(u.prog.Maps) {
		return refuse(KindMap, errEBADF, pc, "fd %d is not pointing to valid bpf_map", in.Imm)
	}
	if u.seen[in.Imm] {
		return nil
	}
	u.seen[in.Imm] = true
	if u.count++; u.count > u.env.Limits.Maps {
		return refuse(KindLimit, errE2BIG, pc,
			"The total number of maps per program has reached the limit of %d", u.env.Limits.Maps)
	}
	return u.checkMap(pc, u.prog.Maps[in.Imm])
}

// checkMap checks that a program of this type may use the map.
func (u *usedMaps) checkMap(pc int, m *bytecode.MapSpec) *Rejection {
	fields, _ := valueRecord(u.env.Target, m)
	if msg := u.env.Target.MapRefusal(u.programEnv(), m.Type, restricted(fields)); msg != "" {
		return refuse(KindMap, errEINVAL, pc, "%s", msg)
	}
	if msg := onlyOne[m.Type]; msg != "" {
		if u.kinds[m.Type] {
			return refuse(KindMap, errEBUSY, pc, "%s", msg)
		}
		u.kinds[m.Type] = true
	}
	if m.Type == bytecode.MapArena && !u.env.Perfmon {
		return refuse(KindPrivilege, errEPERM, pc, "CAP_BPF and CAP_PERFMON are required to use arena")
	}
	return nil
}

// programEnv is what of the program decides which maps it may use.
func (u *usedMaps) programEnv() catalog.Env {
	return catalog.Env{Type: u.prog.Type, Attach: u.prog.ExpectedAttach, AttachTo: u.prog.AttachTo, Flags: u.prog.Flags}
}

// onlyOne has the map kinds of which a program may use one map.
var onlyOne = map[bytecode.MapType]string{
	bytecode.MapCgroupStorage:       "only one cgroup storage of each type is allowed",
	bytecode.MapPerCPUCgroupStorage: "only one cgroup storage of each type is allowed",
	bytecode.MapArena:               "Only one arena per program",
}

// restrictedFields are the special fields that decide which programs may use
// the map.
var restrictedFields = map[fieldKind]catalog.ValueFields{
	fieldSpinLock:    catalog.FieldSpinLock,
	fieldResSpinLock: catalog.FieldResSpinLock,
	fieldTimer:       catalog.FieldTimer,
	fieldWorkqueue:   catalog.FieldWorkqueue,
	fieldListHead:    catalog.FieldListHead,
	fieldRBRoot:      catalog.FieldRBRoot,
}

func restricted(r record) catalog.ValueFields {
	var found catalog.ValueFields
	for i := range r {
		found |= restrictedFields[r[i].kind]
	}
	return found
}

// checkMapValue checks a load of the address of a map's value at an offset.
func checkMapValue(pc int, m *bytecode.MapSpec, off uint32) *Rejection {
	if off >= maxVarOff {
		return refuse(KindMap, errEINVAL, pc, "direct value offset of %d is not allowed", off)
	}
	errno := 0
	switch m.Type {
	case bytecode.MapArray:
		switch {
		case m.MaxEntries != 1:
			errno = errENOTSUPP
		case off >= m.ValueSize:
			errno = errEINVAL
		}
	case bytecode.MapArena:
		if uint64(off) > uint64(m.MaxEntries)*pageSize {
			errno = errERANGE
		}
	default:
		return refuse(KindMap, errEINVAL, pc, "no direct value access support for this map type")
	}
	if errno != 0 {
		return refuse(KindMap, errno, pc, "invalid access to map value pointer, value_size=%d off=%d", m.ValueSize, off)
	}
	return nil
}

// pageSize is the unit of an arena's size.
const pageSize = 4096
