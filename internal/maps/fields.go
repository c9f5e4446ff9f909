// This file defines the special fields of values, which copies leave alone.

package maps

import (
	"runtime"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// fields are what a value holds besides data: locks, timers, kernel pointers,
// lists. User space never sees nor writes them (copy_map_value).
type fields struct {
	lock    int32 // offset of the struct bpf_spin_lock, when hasLock
	hasLock bool
	spans   []span // ascending
}

// span is a range of bytes of a value.
type span struct{ off, size uint32 }

func (f *fields) any() bool { return len(f.spans) != 0 }

// special are the structs that are no data.
var special = map[string]bool{
	"bpf_spin_lock": true, "bpf_res_spin_lock": true, "bpf_timer": true, "bpf_wq": true, "bpf_task_work": true,
	"bpf_list_head": true, "bpf_list_node": true, "bpf_rb_root": true, "bpf_rb_node": true, "bpf_refcount": true,
}

// findFields reads the special fields from the BTF of the value's type.
func findFields(s *bytecode.MapSpec) fields {
	if s.BTF == nil || s.ValueTypeID == 0 {
		return fields{}
	}
	w := fieldWalk{btf: s.BTF}
	w.visit(s.ValueTypeID, 0, 0)
	return w.found
}

type fieldWalk struct {
	btf   *btfx.Spec
	found fields
}

// maxNesting and maxFields bound the walk over BTF that a client made up; the
// second is BTF_FIELDS_MAX.
const (
	maxNesting = 16
	maxFields  = 11
)

func (w *fieldWalk) visit(id btfx.ID, off uint32, depth int) {
	t := w.btf.Strip(id)
	if t == nil || depth > maxNesting || len(w.found.spans) >= maxFields {
		return
	}
	switch t.Kind {
	case btfx.KindStruct, btfx.KindUnion:
		w.visitStruct(t, off, depth)
	case btfx.KindDatasec:
		for _, v := range t.Vars {
			if vt := w.btf.Type(v.Type); vt != nil && vt.Kind == btfx.KindVar {
				w.visit(vt.Type, off+v.Offset, depth+1)
			}
		}
	case btfx.KindArray:
		size, ok := w.btf.SizeOf(t.Type)
		for i := uint32(0); ok && i < min(t.Nelems, maxFields); i++ {
			w.visit(t.Type, off+i*size, depth+1)
		}
	case btfx.KindPtr:
		if tag := w.btf.Type(t.Type); tag != nil && tag.Kind == btfx.KindTypeTag && isKptrTag(tag.Name) {
			w.add(off, 8)
		}
	}
}

func (w *fieldWalk) visitStruct(t *btfx.Type, off uint32, depth int) {
	if special[t.Name] && t.Kind == btfx.KindStruct {
		if t.Name == "bpf_spin_lock" {
			w.found.lock, w.found.hasLock = int32(off), true
		}
		w.add(off, t.Size)
		return
	}
	for _, m := range t.Members {
		w.visit(m.Type, off+m.BitOffset/8, depth+1)
	}
}

func (w *fieldWalk) add(off, size uint32) { w.found.spans = append(w.found.spans, span{off, size}) }

// isKptrTag: the tags are kptr, kptr_untrusted, percpu_kptr and uptr.
func isKptrTag(name string) bool { return strings.Contains(name, "kptr") || name == "uptr" }

// copyIn copies a value into a map, all but its special fields.
func (f *fields) copyIn(dst, src unsafe.Pointer, size uintptr) {
	if !f.any() {
		copyWords(dst, src, size)
		return
	}
	done := uintptr(0)
	for _, s := range f.spans {
		off := min(uintptr(s.off), size)
		copyWords(at(dst, done), at(src, done), off-done)
		done = min(off+uintptr(s.size), size)
	}
	copyWords(at(dst, done), at(src, done), size-done)
}

// copyOut copies a value out of a map; special fields read as zeros.
func (f *fields) copyOut(dst, src unsafe.Pointer, size uintptr) {
	copyWords(dst, src, size)
	f.clear(dst, size)
}

// clear zeroes the special fields of a value.
func (f *fields) clear(value unsafe.Pointer, size uintptr) {
	for _, s := range f.spans {
		off := min(uintptr(s.off), size)
		zero(at(value, off), min(uintptr(s.size), size-off))
	}
}

// locked runs a copy while holding the value's spin lock.
func (f *fields) locked(value unsafe.Pointer, copy func()) {
	word := u32(at(value, uintptr(f.lock)))
	for !atomic.CompareAndSwapUint32(word, 0, 1) {
		runtime.Gosched()
	}
	defer atomic.StoreUint32(word, 0)
	copy()
}

// load copies a value out, under its lock with FlagLock.
func (f *fields) load(dst, value unsafe.Pointer, size uintptr, flags uint64) {
	if flags&FlagLock == 0 {
		f.copyOut(dst, value, size)
		return
	}
	f.locked(value, func() { copyWords(dst, value, size) })
	f.clear(dst, size)
}

// store copies a value in, under its lock with FlagLock.
func (f *fields) store(value, src unsafe.Pointer, size uintptr, flags uint64) {
	if flags&FlagLock == 0 {
		f.copyIn(value, src, size)
		return
	}
	f.locked(value, func() { f.copyIn(value, src, size) })
}
