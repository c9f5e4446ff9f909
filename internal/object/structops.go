// This file defines struct_ops: a kernel struct of callbacks that an object fills in.

package object

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// structOpsDef is the struct as the object has it.
type structOpsDef struct {
	typ   *btfx.Type // in the object's BTF
	progs []*function
	// data are the values of the members that are not callbacks.
	data []byte
}

// readStructOpsMaps makes a map of each variable of the struct_ops sections.
func (o *elfObject) readStructOpsMaps() error {
	for i := range o.file.sections {
		sec := &o.file.sections[i]
		if o.roles[sec.index] != roleStructOps {
			continue
		}
		datasec := o.datasec(sec.Name)
		if datasec == nil {
			return fmt.Errorf("BTF data section %q: %w", sec.Name, btfx.ErrNotFound)
		}
		for _, v := range datasec.Vars {
			name := o.btf.Type(v.Type).Name
			if err := o.readStructOpsMap(sec, name, v); err != nil {
				return fmt.Errorf("struct_ops %q: %w", name, err)
			}
		}
	}
	return nil
}

func (o *elfObject) readStructOpsMap(sec *section, name string, v btfx.VarSecinfo) error {
	t := o.btf.Strip(o.btf.Type(v.Type).Type)
	switch {
	case t == nil || t.Kind != btfx.KindStruct || t.Name == "":
		return errors.New("not a named struct")
	case uint64(v.Offset)+uint64(t.Size) > uint64(len(sec.data)):
		return errors.New("lies outside the section")
	}
	secName, manual := strings.CutPrefix(sec.Name, "?")
	m := &mapDef{
		sec: sec.index, off: v.Offset, size: t.Size, manual: manual,
		structOps: &structOpsDef{
			typ:   t,
			progs: make([]*function, len(t.Members)),
			data:  sec.data[v.Offset : v.Offset+t.Size],
		},
		spec: bytecode.MapSpec{
			Name: name, Type: bytecode.MapStructOps, KeySize: 4, ValueSize: t.Size, MaxEntries: 1,
			StructOpsType: btfx.EssentialName(t.Name),
		},
	}
	if secName == ".struct_ops.link" {
		m.spec.Flags = bytecode.MapLink
	}
	o.maps = append(o.maps, m)
	return nil
}

// readStructOpsReloc makes a program the callback that a relocation says.
func (o *elfObject) readStructOpsReloc(secIndex int, rel relocation) error {
	m := o.targets.mapAround(secIndex, rel.off)
	if m == nil {
		return fmt.Errorf("offset %#x lies in no struct", rel.off)
	}
	sym := &o.file.symbols[rel.sym]
	def, off := m.structOps, rel.off-uint64(m.off)
	i := def.memberAt(uint32(off))
	if i < 0 || !isFuncPtr(o.btf, def.typ.Members[i].Type) {
		return fmt.Errorf("struct_ops %q: offset %d is not that of a callback", m.spec.Name, off)
	}
	sec := o.file.section(sym.sec)
	if sec == nil || sym.value%bytecode.InsnSize != 0 || sym.value > sec.Size {
		return fmt.Errorf("struct_ops %q: %q is not a function", m.spec.Name, sym.name)
	}
	fn := o.functionAt(sec.index, int(sym.value/bytecode.InsnSize))
	if fn == nil || fn.def.typ != bytecode.ProgStructOps {
		return fmt.Errorf("struct_ops %q: %q is not a struct_ops program", m.spec.Name, sym.name)
	}
	def.progs[i] = fn
	return nil
}

// memberAt returns the index of the member that starts at a byte offset, -1.
func (d *structOpsDef) memberAt(off uint32) int {
	members := d.typ.Members
	i := sort.Search(len(members), func(i int) bool { return uint64(members[i].BitOffset) >= uint64(off)*8 })
	if i == len(members) || uint64(members[i].BitOffset) != uint64(off)*8 {
		return -1
	}
	return i
}

// isFuncPtr reports whether a type is a pointer to a function.
func isFuncPtr(spec *btfx.Spec, id btfx.ID) bool {
	ptr := spec.Strip(id)
	if ptr == nil || ptr.Kind != btfx.KindPtr {
		return false
	}
	t := spec.Strip(ptr.Type)
	return t != nil && t.Kind == btfx.KindFuncProto
}

// structOpsPrefix starts the name of the struct that a struct_ops map holds:
// the kernel's book-keeping around the struct itself.
const structOpsPrefix = "bpf_struct_ops_"

// boundStructOps is a struct_ops map tied to the target's struct.
type boundStructOps struct {
	def     *structOpsDef
	local   *btfx.Spec
	target  *btfx.Spec
	typ     *btfx.Type // the target's struct
	dataOff uint32     // of the struct in the map's value
	spec    *bytecode.MapSpec
}

// bind ties a struct_ops map to the target: the value is the kernel's wrapper
// struct, members go where the kernel has them, callbacks become slots.
func (d *structOpsDef) bind(local, target *btfx.Spec, spec *bytecode.MapSpec, uses map[*function]structOpsAttach) error {
	if target == nil {
		return ErrNoBTF
	}
	b := &boundStructOps{def: d, local: local, target: target, spec: spec}
	if err := b.findTypes(); err != nil {
		return err
	}
	for i, m := range d.typ.Members {
		if err := b.bindMember(i, m, uses); err != nil {
			return fmt.Errorf("member %q: %w", m.Name, err)
		}
	}
	return nil
}

func (b *boundStructOps) findTypes() error {
	name := b.spec.StructOpsType
	wrapper, ok := b.target.Find(structOpsPrefix+name, btfx.KindStruct)
	if !ok {
		return fmt.Errorf("struct %s%s: %w", structOpsPrefix, name, ErrUnresolved)
	}
	id, ok := b.target.Find(name, btfx.KindStruct)
	if !ok {
		return fmt.Errorf("struct %s: %w", name, ErrUnresolved)
	}
	w := b.target.Type(wrapper)
	for _, m := range w.Members {
		if m.Type == id {
			b.typ, b.dataOff = b.target.Type(id), m.BitOffset/8
			b.spec.BTF, b.spec.ValueTypeID, b.spec.ValueSize = b.target, wrapper, w.Size
			b.spec.Contents = make([]byte, w.Size)
			return nil
		}
	}
	return fmt.Errorf("struct %s%s: has no struct %s", structOpsPrefix, name, name)
}

// structOpsAttach is what BPF_PROG_LOAD takes for a callback.
type structOpsAttach struct {
	to     string // "struct.member"
	typeID btfx.ID
	member int
}

func (b *boundStructOps) bindMember(i int, m btfx.Member, uses map[*function]structOpsAttach) error {
	size, ok := b.local.SizeOf(m.Type)
	if !ok || uint64(m.BitOffset/8)+uint64(size) > uint64(len(b.def.data)) {
		return errors.New("has no size")
	}
	data := b.def.data[m.BitOffset/8:][:size]
	j := memberNamed(b.typ, m.Name)
	if j < 0 {
		if b.def.progs[i] != nil || !allZero(data) {
			return ErrUnresolved
		}
		return nil // not there and not set
	}
	km := b.typ.Members[j]
	lt, kt := b.local.Strip(m.Type), b.target.Strip(km.Type)
	switch {
	case m.BitSize != 0 || km.BitSize != 0:
		return errors.New("bit fields are not supported")
	case lt == nil || kt == nil || lt.Kind != kt.Kind:
		return errors.New("of another kind in the target")
	case lt.Kind == btfx.KindPtr:
		return b.bindCallback(i, j, uses)
	}
	if ksize, ok := b.target.SizeOf(km.Type); !ok || ksize != size {
		return fmt.Errorf("%d bytes, %d in the target", size, ksize)
	}
	if dst := uint64(b.dataOff) + uint64(km.BitOffset/8); dst+uint64(size) <= uint64(len(b.spec.Contents)) {
		copy(b.spec.Contents[dst:], data)
	}
	return nil
}

// bindCallback makes member i of the object's struct, j of the target's, a
// slot for its program.
func (b *boundStructOps) bindCallback(i, j int, uses map[*function]structOpsAttach) error {
	fn, km := b.def.progs[i], b.typ.Members[j]
	if fn == nil {
		return nil
	}
	if !isFuncPtr(b.target, km.Type) {
		return errors.New("not a callback in the target")
	}
	use := structOpsAttach{to: b.typ.Name + "." + km.Name, typeID: b.typ.ID, member: j}
	if before, ok := uses[fn]; ok && before != use {
		return fmt.Errorf("program %q is already %s", fn.name, before.to)
	}
	uses[fn] = use
	b.spec.Slots = append(b.spec.Slots, bytecode.MapSlot{
		Program: fn.name, Offset: b.dataOff + km.BitOffset/8,
	})
	return nil
}

func memberNamed(t *btfx.Type, name string) int {
	for i, m := range t.Members {
		if m.Name == name {
			return i
		}
	}
	return -1
}

func allZero(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
