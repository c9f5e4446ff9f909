// This file defines which maps a program may use.

package verify

import (
	"github.com/skepbpf/skep/internal/btfx"
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
	if msg := u.env.Target.MapRefusal(u.programEnv(), m.Type, mapFields(m)); msg != "" {
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

// specialStructs are the structures of the kernel that a value may have, by
// name, as far as they decide which programs may use the map.
var specialStructs = map[string]catalog.ValueFields{
	"bpf_spin_lock":     catalog.FieldSpinLock,
	"bpf_res_spin_lock": catalog.FieldResSpinLock,
	"bpf_timer":         catalog.FieldTimer,
	"bpf_wq":            catalog.FieldWorkqueue,
	"bpf_list_head":     catalog.FieldListHead,
	"bpf_rb_root":       catalog.FieldRBRoot,
}

// mapFields returns the kernel structures in a map's value. The value of a map
// made of global variables is a data section, whose variables may be such
// structures themselves.
func mapFields(m *bytecode.MapSpec) catalog.ValueFields {
	if m.BTF == nil || m.ValueTypeID == 0 {
		return 0
	}
	value := m.BTF.Type(m.ValueTypeID)
	if value == nil || value.Kind != btfx.KindDatasec {
		return typeFields(m.BTF, m.ValueTypeID)
	}
	var found catalog.ValueFields
	for _, v := range value.Vars {
		if variable := m.BTF.Type(v.Type); variable != nil && variable.Kind == btfx.KindVar {
			found |= typeFields(m.BTF, variable.Type)
		}
	}
	return found
}

func typeFields(spec *btfx.Spec, id btfx.ID) catalog.ValueFields {
	var found catalog.ValueFields
	if t := spec.Strip(id); t != nil && t.Kind == btfx.KindStruct {
		found = specialStructs[t.Name]
	}
	for _, f := range fieldsOf(spec, id) {
		found |= specialStructs[f.name]
	}
	return found
}

// maxNesting bounds the search for nested structures.
const maxNesting = 8

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
