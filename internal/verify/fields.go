// This file defines the special fields of map values: structures that only
// helpers may touch.

package verify

import (
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// field is one special field of a type.
type field struct {
	name string // "bpf_spin_lock", or "kptr" and its like
	off  uint32
	size uint32
	kptr bool
}

// fieldSizes are the structures that the kernel knows, with their sizes.
var fieldSizes = map[string]uint32{
	"bpf_spin_lock": 4, "bpf_res_spin_lock": 8, "bpf_timer": 16, "bpf_wq": 16, "bpf_task_work": 8,
	"bpf_list_head": 16, "bpf_list_node": 24, "bpf_rb_root": 16, "bpf_rb_node": 32, "bpf_refcount": 4,
}

// kptrTags are the type tags that make a pointer a kptr.
var kptrTags = map[string]bool{"kptr": true, "kptr_untrusted": true, "kptr_ref": true, "percpu_kptr": true, "uptr": true}

// fieldsOf finds the special fields of a map's value: a type, or the variables
// of a data section.
func fieldsOf(spec *btfx.Spec, id btfx.ID) []field {
	if spec == nil || id == 0 {
		return nil
	}
	f := fieldFinder{spec: spec, budget: maxVisited}
	f.find(id, 0, 0)
	return f.found
}

// maxVisited bounds the search: hostile types nest without end.
const maxVisited = 1 << 14

// maxFields bounds how many fields one value may have (BTF_FIELDS_MAX).
const maxFields = 11

type fieldFinder struct {
	spec   *btfx.Spec
	found  []field
	budget int
}

// find adds the fields of a type that begins at off.
func (f *fieldFinder) find(id btfx.ID, off uint32, depth int) {
	f.budget--
	t := f.spec.Strip(id)
	if t == nil || depth > maxNesting || f.budget < 0 {
		return
	}
	switch t.Kind {
	case btfx.KindDatasec:
		for _, at := range t.Vars {
			if v := f.spec.Type(at.Type); v != nil && v.Kind == btfx.KindVar {
				f.find(v.Type, off+at.Offset, depth+1)
			}
		}
	case btfx.KindStruct:
		f.inStruct(t, off, depth)
	case btfx.KindArray:
		f.inArray(t, off, depth)
	case btfx.KindPtr:
		if p := f.spec.Type(t.Type); p != nil && p.Kind == btfx.KindTypeTag && kptrTags[p.Name] {
			f.found = append(f.found, field{name: "kptr", off: off, size: 8, kptr: true})
		}
	}
}

func (f *fieldFinder) inStruct(t *btfx.Type, off uint32, depth int) {
	if size, ok := fieldSizes[t.Name]; ok && depth > 0 {
		f.found = append(f.found, field{name: t.Name, off: off, size: size})
		return
	}
	for _, m := range t.Members {
		f.find(m.Type, off+m.BitOffset/8, depth+1)
	}
}

// inArray looks at each element until one has no field: all are alike.
func (f *fieldFinder) inArray(t *btfx.Type, off uint32, depth int) {
	size, ok := f.spec.SizeOf(t.Type)
	if !ok || size == 0 {
		return
	}
	for i := range t.Nelems {
		before := len(f.found)
		f.find(t.Type, off+i*size, depth+1)
		if len(f.found) == before || len(f.found) > maxFields {
			return
		}
	}
}

// mapRecord is the fields of a map's value, found once.
func (w *walker) mapRecord(m MapView) []field {
	s := m.Spec()
	if f, ok := w.records[s]; ok {
		return f
	}
	f := fieldsOf(s.BTF, s.ValueTypeID)
	w.records[s] = f
	return f
}

// checkSpecialFields refuses an access that may touch a special field.
func (w *walker) checkSpecialFields(m MapView, r *domain.Reg, off int32, size int, src accessSource) error {
	lo, hi := int64(off)+r.SMin, int64(off)+int64(r.UMax)+int64(size)
	for _, f := range w.mapRecord(m) {
		if int64(f.off) >= hi || lo >= int64(f.off+f.size) {
			continue
		}
		if !f.kptr {
			return w.deny(KindAccess, -1, "%s cannot be accessed directly by load/store", f.name)
		}
		if err := w.checkKptrAccess(f, r, off, size, src); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) checkKptrAccess(f field, r *domain.Reg, off int32, size int, src accessSource) error {
	switch {
	case src != accessDirect:
		return w.deny(KindAccess, -1, "kptr cannot be accessed indirectly by helper")
	case !r.IsConst():
		return w.deny(KindAccess, -1, "kptr access cannot have variable offset")
	case int64(f.off) != int64(off)+int64(r.Value()):
		return w.deny(KindAccess, -1, "kptr access misaligned expected=%d off=%d", f.off, int64(off)+int64(r.Value()))
	case size != 8:
		return w.deny(KindAccess, -1, "kptr access size must be BPF_DW")
	}
	return nil
}

// kptrAt reports whether an access is one to a kptr.
func (w *walker) kptrAt(r *domain.Reg, n memNeed) (string, bool) {
	for _, f := range w.mapRecord(w.mapOf(r)) {
		if f.kptr && r.IsConst() && int64(f.off) == int64(n.off)+int64(r.Value()) {
			return f.name, true
		}
	}
	return "", false
}

// hasLock reports whether a map value that r points to has a spin lock.
func (w *walker) hasLock(r *domain.Reg) bool {
	for _, f := range w.mapRecord(w.mapOf(r)) {
		if strings.HasSuffix(f.name, "spin_lock") {
			return true
		}
	}
	return false
}

// innerMap reports whether a map pointer came out of a map of maps.
func innerMap(r *domain.Reg) bool { return r.MapIdx >= innerBase }

// innerBase is added to the index of an outer map to name its inner maps'
// template.
const innerBase = 1 << 16

// mapOf returns the map that a register is about.
func (w *walker) mapOf(r *domain.Reg) MapView {
	if innerMap(r) {
		return w.maps[r.MapIdx-innerBase].Inner()
	}
	return w.maps[r.MapIdx]
}

// becomeNonNull settles that a pointer is not NULL. What a map of maps gives
// is then a map.
func (w *walker) becomeNonNull(r *domain.Reg) {
	r.Flags &^= domain.MaybeNull
	if r.Kind != domain.PtrToMapValue || innerMap(r) {
		return
	}
	switch w.maps[r.MapIdx].Spec().Type {
	case bytecode.MapArrayOfMaps, bytecode.MapHashOfMaps:
		r.Kind = domain.ConstPtrToMap
		r.MapIdx += innerBase
		r.MapUID = r.ID
	case bytecode.MapXSKMap:
		r.Kind = domain.PtrToXDPSock
	case bytecode.MapSockmap, bytecode.MapSockhash:
		r.Kind = domain.PtrToSocket
	}
}
