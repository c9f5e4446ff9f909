// This file defines the special fields of map values and of allocated objects:
// what only certain functions may touch.

package verify

import (
	"slices"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// fieldKind is what a special field is; sets of kinds are masks.
type fieldKind uint16

// Kinds of special fields.
const (
	fieldSpinLock fieldKind = 1 << iota
	fieldResSpinLock
	fieldTimer
	fieldWorkqueue
	fieldTaskWork
	fieldRefcount
	fieldListHead
	fieldListNode
	fieldRBRoot
	fieldRBNode
	fieldKptr // holds a reference
	fieldKptrUntrusted
	fieldPercpuKptr
	fieldUptr // user memory, pinned

	fieldLocks    = fieldSpinLock | fieldResSpinLock
	fieldRoots    = fieldListHead | fieldRBRoot
	fieldNodes    = fieldListNode | fieldRBNode
	fieldRefs     = fieldKptr | fieldPercpuKptr
	fieldKptrs    = fieldRefs | fieldKptrUntrusted
	fieldPointers = fieldKptrs | fieldUptr
	// fieldSingle may stand once in a type, fieldRepeated also in arrays.
	fieldSingle   = fieldLocks | fieldTimer | fieldWorkqueue | fieldTaskWork
	fieldRepeated = fieldPointers | fieldRoots

	// What is special in a map's value, and in an object that programs allocate.
	valueFields  = fieldLocks | fieldTimer | fieldWorkqueue | fieldTaskWork | fieldRefcount | fieldRoots | fieldPointers
	objectFields = fieldLocks | fieldRefcount | fieldRoots | fieldNodes | fieldKptrs
)

// field is one special field of a type.
type field struct {
	name string // as messages have it: "bpf_spin_lock", "kptr"
	kind fieldKind
	off  uint32
	size uint32
	// What a pointer points to, or a list or tree holds.
	spec    *btfx.Spec
	id      btfx.ID
	node    string // roots: the member of that struct which is the node
	nodeOff uint32
}

var kptrNames = map[fieldKind]string{fieldKptr: "kptr", fieldKptrUntrusted: "kptr", fieldPercpuKptr: "percpu_kptr", fieldUptr: "uptr"}

// record is the special fields of a type, by offset.
type record []field

func (r record) has(kinds fieldKind) bool {
	return slices.ContainsFunc(r, func(f field) bool { return f.kind&kinds != 0 })
}

// one is the field of a kind that a type has once; nil without it.
func (r record) one(kinds fieldKind) *field {
	for i := range r {
		if r[i].kind&kinds != 0 {
			return &r[i]
		}
	}
	return nil
}

// at is the field of some kinds that begins at an offset; nil without one.
func (r record) at(off int64, kinds fieldKind) *field {
	for i := range r {
		if r[i].kind&kinds != 0 && int64(r[i].off) == off {
			return &r[i]
		}
	}
	return nil
}

// typeID names a type of a BTF.
type typeID struct {
	spec *btfx.Spec
	id   btfx.ID
}

// recordCache keeps what was found of types.
type recordCache struct {
	values  map[*bytecode.MapSpec]foundRecord
	objects map[*btfx.Spec]foundObjects
}

// foundRecord is the record of a map's value; the error says why there is none.
type foundRecord struct {
	record record
	err    error
}

// foundObjects are the objects of a BTF; the error says that a kernel refuses
// the BTF, so that nothing has types.
type foundObjects struct {
	all objects
	err error
}

func newRecordCache() recordCache {
	return recordCache{map[*bytecode.MapSpec]foundRecord{}, map[*btfx.Spec]foundObjects{}}
}

// mapRecord is the record of a map's value; none where the value breaks a rule
// about fields.
func (w *walker) mapRecord(m MapView) record { return w.valueOf(m.Spec()).record }

// typedMap reports whether a map has types, so that fields of its values can be
// found.
func (w *walker) typedMap(s *bytecode.MapSpec) bool {
	return s.BTF != nil && s.ValueTypeID != 0 && w.objectsOf(s.BTF).err == nil && w.valueOf(s).err != errMisplaced
}

func (w *walker) valueOf(s *bytecode.MapSpec) foundRecord {
	v, ok := w.records.values[s]
	if !ok {
		v.record, v.err = valueRecord(w.target, s)
		if v.err != nil || len(v.record) > 0 && w.objectsOf(s.BTF).err != nil {
			v.record = nil
		}
		w.records.values[s] = v
	}
	return v
}

// objectsOf is what programs may allocate of a BTF's structs.
func (w *walker) objectsOf(spec *btfx.Spec) foundObjects {
	o, ok := w.records.objects[spec]
	if !ok {
		o.all, o.err = findObjects(w.target, spec)
		w.records.objects[spec] = o
	}
	return o
}

// objectRecord is the record of a struct that programs allocate.
func (w *walker) objectRecord(t typeID) record { return w.objectsOf(t.spec).all[t.id] }

// regRecord is the record of what a pointer points to.
func (w *walker) regRecord(r *domain.Reg) record {
	switch {
	case r.Is(domain.PtrToMapValue, 0):
		return w.mapRecord(w.mapOf(r))
	case allocated(r):
		return w.objectRecord(typeID{r.BTF, r.BTFID})
	}
	return nil
}

// fieldAt is the field of some kinds that a pointer with a constant offset
// points to; nil when there is none.
func (w *walker) fieldAt(r *domain.Reg, kinds fieldKind) *field {
	return w.regRecord(r).at(offsetIn(r), kinds)
}

// offsetIn is where in its object a pointer with a constant offset points.
func offsetIn(r *domain.Reg) int64 { return int64(r.Off) + int64(r.Value()) }

// checkSpecialFields refuses an access that may touch a special field.
func (w *walker) checkSpecialFields(m MapView, r *domain.Reg, off int32, size int, src accessSource) error {
	lo, hi := int64(off)+r.SMin, int64(off)+int64(r.UMax)+int64(size)
	for _, f := range w.mapRecord(m) {
		if int64(f.off) >= hi || lo >= int64(f.off+f.size) {
			continue
		}
		if f.kind&fieldPointers == 0 {
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
		return w.deny(KindAccess, -1, "%s cannot be accessed indirectly by helper", f.name)
	case !r.IsConst():
		return w.deny(KindAccess, -1, "%s access cannot have variable offset", f.name)
	case int64(f.off) != int64(off)+int64(r.Value()):
		return w.deny(KindAccess, -1, "%s access misaligned expected=%d off=%d", f.name, f.off, int64(off)+int64(r.Value()))
	case size != 8:
		return w.deny(KindAccess, -1, "%s access size must be BPF_DW", f.name)
	}
	return nil
}

// hasLock reports whether what a pointer points to has a lock, which is told
// from others by the pointer's identity.
func (w *walker) hasLock(r *domain.Reg) bool { return w.regRecord(r).has(fieldLocks) }

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
