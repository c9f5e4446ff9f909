// This file defines the user side of a map: bpf(2)'s commands on byte slices.

package maps

import (
	"runtime"
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

// Flags of BPF_MAP_UPDATE_ELEM and BPF_MAP_LOOKUP_ELEM.
const (
	FlagAny     = 0 // create or replace
	FlagNoExist = 1 // create
	FlagExist   = 2 // replace
	FlagLock    = 4 // hold the value's bpf_spin_lock
)

// Lookup copies key's value. flags is 0 or FlagLock. ENOENT when there is no
// such key, EPERM for maps that user space may not read.
func (m *Map) Lookup(key, value []byte, flags uint64) errno.Errno {
	if len(key) != int(m.spec.KeySize) || len(value) < int(m.userSize) {
		return errno.EINVAL
	}
	return m.LookupAt(data(key), data(value), flags)
}

// LookupAt is Lookup on memory that has the map's key and value sizes.
func (m *Map) LookupAt(key, value unsafe.Pointer, flags uint64) errno.Errno {
	if flags != 0 || m.noRead {
		if e := m.mayLookup(flags); e != 0 {
			return e
		}
	}
	e := m.get(key, value, flags)
	runtime.KeepAlive(m)
	return e
}

func (m *Map) mayLookup(flags uint64) errno.Errno {
	switch {
	case flags&^FlagLock != 0:
		return errno.EINVAL
	case m.noRead:
		return errno.EPERM
	case flags&FlagLock != 0 && !m.fields.hasLock:
		return errno.EINVAL
	}
	return 0
}

// Update sets key's value. E2BIG when the map is full or the index too large,
// EEXIST and ENOENT as the flags ask, EPERM for maps that user space may not
// write.
func (m *Map) Update(key, value []byte, flags uint64) errno.Errno {
	if len(key) != int(m.spec.KeySize) || len(value) < int(m.userSize) {
		return errno.EINVAL
	}
	return m.UpdateAt(data(key), data(value), flags)
}

// UpdateAt is Update on memory that has the map's key and value sizes.
func (m *Map) UpdateAt(key, value unsafe.Pointer, flags uint64) errno.Errno {
	done, e := m.beginWrite()
	if e != 0 {
		return e
	}
	if flags&FlagLock != 0 && !m.fields.hasLock {
		e = errno.EINVAL
	} else {
		e = m.put(key, value, flags)
	}
	m.endWrite(done)
	return e
}

// Delete removes key. ENOENT when there is none, EINVAL for arrays.
func (m *Map) Delete(key []byte) errno.Errno {
	if len(key) != int(m.spec.KeySize) {
		return errno.EINVAL
	}
	return m.DeleteAt(data(key))
}

// DeleteAt is Delete on memory that has the map's key size.
func (m *Map) DeleteAt(key unsafe.Pointer) errno.Errno {
	done, e := m.beginWrite()
	if e == 0 {
		e = m.remove(key)
		m.endWrite(done)
	}
	return e
}

// LookupAndDelete copies key's value and removes it, in one step. ENOTSUPP for
// kinds without it.
func (m *Map) LookupAndDelete(key, value []byte, flags uint64) errno.Errno {
	if len(key) != int(m.spec.KeySize) || len(value) < int(m.userSize) {
		return errno.EINVAL
	}
	if flags&^FlagLock != 0 {
		return errno.EINVAL
	}
	done, e := m.beginWrite()
	if e != 0 {
		return e
	}
	if e = m.mayLookup(flags); e == 0 {
		e = m.take(data(key), data(value), flags)
	}
	m.endWrite(done)
	return e
}

// NextKey copies the key after key into next. A nil key, and one that is not in
// the map, stand before the first. ENOENT after the last.
func (m *Map) NextKey(key, next []byte) errno.Errno {
	if key != nil && len(key) != int(m.spec.KeySize) || len(next) < int(m.spec.KeySize) {
		return errno.EINVAL
	}
	if m.noRead {
		return errno.EPERM
	}
	e := m.nextKey(data(key), data(next))
	runtime.KeepAlive(m)
	return e
}

// beginWrite judges whether user space may write. Only for arrays that programs
// cannot write does it count writes going on: those can become constants by
// Freeze, which must not happen in the middle of one.
func (m *Map) beginWrite() (counted bool, e errno.Errno) {
	if m.spec.Flags&bytecode.MapRdonly != 0 {
		return false, errno.EPERM
	}
	if counted = m.spec.Flags&bytecode.MapRdonlyProg != 0; counted {
		m.writers.Add(1)
	}
	if m.frozen.Load() {
		m.endWrite(counted)
		return false, errno.EPERM
	}
	return counted, 0
}

func (m *Map) endWrite(counted bool) {
	if counted {
		m.writers.Add(-1)
	}
	runtime.KeepAlive(m)
}

// data is a slice's memory, nil for nil.
func data(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }
