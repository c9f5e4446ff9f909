// This file defines a map kind that only tests know, to show that a kind is one
// file: a counter that every update adds one to.

package maps

import (
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

const mapToy bytecode.MapType = 1000

func init() {
	register(kind{
		typ:   mapToy,
		check: func(*bytecode.MapSpec) errno.Errno { return 0 },
		open:  func(*base) (storage, errno.Errno) { return &toy{}, 0 },
	})
}

type toy struct {
	unsupported
	n atomic.Uint64
}

func (c *toy) put(_, _ unsafe.Pointer, _ uint64) errno.Errno { c.n.Add(1); return 0 }

func (c *toy) get(_, value unsafe.Pointer, _ uint64) errno.Errno {
	*u64(value) = c.n.Load()
	return 0
}

func TestToyKind(t *testing.T) {
	m := open(t, nil, bytecode.MapSpec{Type: mapToy, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	value := make([]byte, 8)
	for range 3 {
		if e := m.Update(k4(0), value, 0); e != 0 {
			t.Fatal(e)
		}
	}
	if e := m.Lookup(k4(0), value, 0); e != 0 || value[0] != 3 {
		t.Errorf("count %d, %v", value[0], e)
	}
	if e := m.Delete(k4(0)); e != errno.ENOTSUPP {
		t.Errorf("delete: %v", e)
	}
}
