// This file defines the comparison with the running kernel's maps.

package maps

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

var liveTypes = []bytecode.MapType{
	bytecode.MapArray, bytecode.MapPerCPUArray, bytecode.MapHash, bytecode.MapPerCPUHash, bytecode.MapLRUHash,
	bytecode.MapLRUPerCPUHash, bytecode.MapLPMTrie, bytecode.MapProgArray, bytecode.MapRingbuf,
}

// TestCreateSizesLive makes maps of many sizes, right and wrong, and compares
// the error numbers.
func TestCreateSizesLive(t *testing.T) {
	needLive(t)
	env := &Env{CPUs: possibleCPUs(t)}
	values := []uint32{0, 1, 4, 8, 512, maxPerCPUValue - 8, maxPerCPUValue, maxPerCPUValue + 1, maxAlloc - 400,
		maxAlloc - 60, maxAlloc - htabElem - 9, maxAlloc - htabElem - 8, lpmMaxValue, lpmMaxValue + 1, maxAlloc, 1 << 31}
	for _, typ := range liveTypes {
		flags := map[bool]uint32{true: bytecode.MapNoPrealloc}[typ == bytecode.MapLPMTrie]
		for _, key := range []uint32{0, 4, 5, 260, 261, maxAlloc} {
			for _, value := range values {
				for _, max := range []uint32{0, 1, 4096, 5000} {
					if uint64(value)*uint64(max) > 1<<24 && value < 1<<31 {
						continue // too large to try
					}
					compareCreate(t, env, &bytecode.MapSpec{Type: typ, KeySize: key, ValueSize: value, MaxEntries: max, Flags: flags})
				}
			}
		}
	}
}

// TestCreateFlagsLive does the same with all pairs of flags.
func TestCreateFlagsLive(t *testing.T) {
	needLive(t)
	env := &Env{CPUs: possibleCPUs(t)}
	const descriptors = bytecode.MapLink | bytecode.MapPathFD | bytecode.MapVtypoBTFObjFD | bytecode.MapTokenFD
	for _, typ := range liveTypes {
		shape := bytecode.MapSpec{Type: typ, KeySize: 4, ValueSize: 4, MaxEntries: 4096}
		switch typ {
		case bytecode.MapLPMTrie:
			shape.KeySize = 8
		case bytecode.MapRingbuf:
			shape.KeySize, shape.ValueSize = 0, 0
		}
		for i := range 20 {
			for j := range i + 1 {
				s := shape
				s.Flags = 1<<i | 1<<j
				if s.Flags&descriptors != 0 {
					continue // they name other objects
				}
				compareCreate(t, env, &s)
				s.ValueSize, s.MaxEntries = maxAlloc, 1
				compareCreate(t, env, &s)
			}
		}
	}
}

func compareCreate(t *testing.T, env *Env, s *bytecode.MapSpec) {
	t.Helper()
	live, want := newLive(s)
	if want == 0 {
		live.close()
	}
	ours, err := New(env, s)
	var got errno.Errno
	if err != nil && !errors.As(err, &got) {
		t.Fatalf("%v: no errno", err)
	}
	if got != want {
		t.Errorf("%s key %d value %d max %d flags %#x: %s, the kernel says %s",
			TypeName(s.Type), s.KeySize, s.ValueSize, s.MaxEntries, s.Flags, got.Name(), want.Name())
	}
	if err == nil {
		ours.Release()
	}
}

// live lists the kinds and shapes that random operations are tried on.
var liveCases = []struct {
	name string
	spec bytecode.MapSpec
}{
	{"array", bytecode.MapSpec{Type: bytecode.MapArray, KeySize: 4, ValueSize: 12, MaxEntries: 7}},
	{"array rdonly", bytecode.MapSpec{Type: bytecode.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 3, Flags: bytecode.MapRdonly}},
	{"array wronly", bytecode.MapSpec{Type: bytecode.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 3, Flags: bytecode.MapWronly}},
	{"array const", bytecode.MapSpec{Type: bytecode.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 3, Flags: bytecode.MapRdonlyProg}},
	{"percpu array", bytecode.MapSpec{Type: bytecode.MapPerCPUArray, KeySize: 4, ValueSize: 5, MaxEntries: 5}},
	{"hash", bytecode.MapSpec{Type: bytecode.MapHash, KeySize: 8, ValueSize: 16, MaxEntries: 9}},
	{"hash one", bytecode.MapSpec{Type: bytecode.MapHash, KeySize: 4, ValueSize: 1, MaxEntries: 1}},
	{"hash odd key", bytecode.MapSpec{Type: bytecode.MapHash, KeySize: 13, ValueSize: 3, MaxEntries: 12}},
	{"hash no prealloc", bytecode.MapSpec{Type: bytecode.MapHash, KeySize: 5, ValueSize: 8, MaxEntries: 8, Flags: bytecode.MapNoPrealloc}},
	{"percpu hash", bytecode.MapSpec{Type: bytecode.MapPerCPUHash, KeySize: 8, ValueSize: 12, MaxEntries: 6}},
	{"percpu hash no prealloc", bytecode.MapSpec{Type: bytecode.MapPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 6, Flags: bytecode.MapNoPrealloc}},
	{"lru hash, never full", bytecode.MapSpec{Type: bytecode.MapLRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 4096}},
	{"lru percpu hash, never full", bytecode.MapSpec{Type: bytecode.MapLRUPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 4096}},
	{"lpm 32", bytecode.MapSpec{Type: bytecode.MapLPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 12, Flags: bytecode.MapNoPrealloc}},
	{"lpm 8", bytecode.MapSpec{Type: bytecode.MapLPMTrie, KeySize: 5, ValueSize: 4, MaxEntries: 300, Flags: bytecode.MapNoPrealloc}},
	{"lpm 88", bytecode.MapSpec{Type: bytecode.MapLPMTrie, KeySize: 15, ValueSize: 8, MaxEntries: 20, Flags: bytecode.MapNoPrealloc}},
	{"prog array", bytecode.MapSpec{Type: bytecode.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 4}},
	{"ringbuf", bytecode.MapSpec{Type: bytecode.MapRingbuf, MaxEntries: 4096}},
}

// TestRandomLive does random operations on our map and the kernel's: results,
// error numbers and contents must be the same.
func TestRandomLive(t *testing.T) {
	needLive(t)
	env := &Env{CPUs: possibleCPUs(t)}
	for _, c := range liveCases {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(20) {
				d := newDiff(t, env, &c.spec, seed)
				for range 1000 {
					d.step()
				}
				d.sameContents()
				d.sameFreeze()
				d.close()
			}
		})
	}
}

// diff is a pair of maps that random operations are done on.
type diff struct {
	t    *testing.T
	r    *rand.Rand
	spec *bytecode.MapSpec
	ours *Map
	live *liveMap
	log  []string
}

func newDiff(t *testing.T, env *Env, s *bytecode.MapSpec, seed uint64) *diff {
	t.Helper()
	live, e := newLive(s)
	if e != 0 {
		t.Fatalf("the kernel's map: %v", e)
	}
	ours, err := New(env, s)
	if err != nil {
		t.Fatal(err)
	}
	return &diff{t: t, r: rand.New(rand.NewPCG(seed, 1)), spec: s, ours: ours, live: live}
}

func (d *diff) close() {
	d.ours.Release()
	d.live.close()
}

// key makes keys that often meet again.
func (d *diff) key() []byte {
	k := make([]byte, d.spec.KeySize)
	if len(k) == 0 {
		return k
	}
	if d.spec.Type == bytecode.MapLPMTrie {
		return d.prefix(k)
	}
	k[0] = byte(d.r.IntN(int(min(d.spec.MaxEntries, 24)) + 4))
	if d.r.IntN(20) == 0 {
		k[len(k)-1] = byte(d.r.IntN(2)) * 0xff
	}
	return k
}

// prefix makes a key of a trie: few bits vary, so that prefixes nest.
func (d *diff) prefix(k []byte) []byte {
	bits := 8 * (len(k) - 4)
	k[0] = byte(d.r.IntN(bits + 2)) // one too long
	for i := 4; i < len(k); i++ {
		few := d.r.Uint32() // few bits set: prefixes that share bytes
		k[i] = byte(few) & byte(few>>8) & 0xc3
	}
	if d.r.IntN(50) == 0 {
		k[3] = 0xff
	}
	return k
}

func (d *diff) value(fill bool) []byte {
	v := make([]byte, d.ours.UserValueSize())
	for i := range v {
		if fill {
			v[i] = byte(d.r.Uint32())
		}
	}
	if d.ours.PerCPU() { // the bytes between values are not always kept
		stride := len(v) / d.ours.CPUs()
		for i := range v {
			if uint32(i%stride) >= d.spec.ValueSize {
				v[i] = 0
			}
		}
	}
	return v
}

func (d *diff) flags() uint64 {
	return []uint64{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 8, 1 << 40}[d.r.IntN(12)]
}

// step does one random operation on both maps.
func (d *diff) step() {
	d.t.Helper()
	key, flags := d.key(), d.flags()
	switch op := d.r.IntN(12); op {
	case 0, 1, 2, 3:
		v := d.value(true)
		d.both(fmt.Sprintf("update %x %x flags %#x", key, v, flags), nil,
			func(m userMap, _ []byte) errno.Errno { return m.Update(key, v, flags) })
	case 4, 5:
		d.both(fmt.Sprintf("lookup %x flags %#x", key, flags), d.value(false),
			func(m userMap, v []byte) errno.Errno { return m.Lookup(key, v, flags) })
	case 6, 7:
		d.both(fmt.Sprintf("delete %x", key), nil, func(m userMap, _ []byte) errno.Errno { return m.Delete(key) })
	case 8:
		d.both(fmt.Sprintf("take %x flags %#x", key, flags), d.value(false),
			func(m userMap, v []byte) errno.Errno { return m.LookupAndDelete(key, v, flags) })
	case 9:
		d.nextKey(key)
	case 10:
		d.writeBatch()
	case 11:
		if d.r.IntN(5) == 0 {
			d.sameBatches()
		}
	}
}

// both does an operation on both maps and compares error and output.
func (d *diff) both(what string, out []byte, op func(m userMap, out []byte) errno.Errno) {
	d.t.Helper()
	d.log = append(d.log, what)
	want := slices.Clone(out)
	we, ge := op(d.live, want), op(d.ours, out)
	if we != ge {
		d.fail("%s: %s, the kernel says %s", what, ge.Name(), we.Name())
	}
	if !bytes.Equal(out, want) {
		d.fail("%s: %x, the kernel says %x", what, out, want)
	}
}

func (d *diff) fail(format string, args ...any) {
	d.t.Helper()
	for _, l := range d.log[max(0, len(d.log)-15):] {
		d.t.Log(l)
	}
	d.t.Fatalf(format, args...)
}

// nextKey compares the errors; the order of hash maps is each one's own, but
// what follows an unknown key is the first one.
func (d *diff) nextKey(key []byte) {
	d.t.Helper()
	ordered := d.spec.Type != bytecode.MapHash && d.spec.Type != bytecode.MapPerCPUHash &&
		d.spec.Type != bytecode.MapLRUHash && d.spec.Type != bytecode.MapLRUPerCPUHash
	if ordered {
		d.both(fmt.Sprintf("next key after %x", key), make([]byte, d.spec.KeySize),
			func(m userMap, next []byte) errno.Errno { return m.NextKey(key, next) })
		return
	}
	if d.ours.Lookup(key, d.value(false), 0) != errno.ENOENT {
		return
	}
	first, next := make([]byte, len(key)), make([]byte, len(key))
	e1, e2 := d.ours.NextKey(nil, first), d.ours.NextKey(key, next)
	if e1 != e2 || !bytes.Equal(first, next) {
		d.fail("after the unknown key %x comes %x (%v), not the first, %x (%v)", key, next, e2, first, e1)
	}
	if e := d.live.NextKey(nil, next); e != e1 {
		d.fail("first key: %s, the kernel says %s", e1.Name(), e.Name())
	}
}

// writeBatch updates or deletes some keys at once.
func (d *diff) writeBatch() {
	d.t.Helper()
	b := Batch{Count: d.r.IntN(4), ElemFlags: []uint64{0, 0, 0, 0, 4, 1}[d.r.IntN(6)]}
	for range b.Count {
		b.Keys = append(b.Keys, d.key()...)
		b.Values = append(b.Values, d.value(true)...)
	}
	name, run := "update", userMap.UpdateBatch
	if d.r.IntN(2) == 0 {
		name, run = "delete", userMap.DeleteBatch
	}
	what := fmt.Sprintf("%s batch %x of %d, flags %#x", name, b.Keys, b.Count, b.ElemFlags)
	d.log = append(d.log, what)
	theirs := b
	n, e := run(d.ours, &b)
	wn, we := run(d.live, &theirs)
	if e != we || e == 0 && n != wn || (e == errno.ENOENT || e == errno.E2BIG || e == errno.EINVAL) && n != wn && wn != b.Count {
		d.fail("%s: %d, %s; the kernel says %d, %s", what, n, e.Name(), wn, we.Name())
	}
}

// contents reads a map by NextKey.
func contents(m userMap, keySize, valueSize int) (map[string]string, errno.Errno) {
	all := map[string]string{}
	var key []byte
	for {
		next, value := make([]byte, keySize), make([]byte, valueSize)
		if e := m.NextKey(key, next); e != 0 {
			return all, e
		}
		if e := m.Lookup(next, value, 0); e != 0 && e != errno.ENOENT {
			return all, e
		} else if e == 0 {
			all[string(next)] = string(value)
		}
		key = next
	}
}

func (d *diff) sameContents() {
	d.t.Helper()
	size := int(d.ours.UserValueSize())
	ours, e := contents(d.ours, int(d.spec.KeySize), size)
	live, we := contents(d.live, int(d.spec.KeySize), size)
	if e != we {
		d.fail("walk: %s, the kernel says %s", e.Name(), we.Name())
	}
	d.compare("walk", ours, live)
	if c, e := d.ours.Walk(); e == 0 && d.spec.KeySize != 0 {
		walked := map[string]string{}
		for k, v, ok := c.Next(); ok; k, v, ok = c.Next() {
			walked[string(k)] = string(v)
		}
		d.compare("cursor", walked, live)
	}
}

func (d *diff) compare(what string, got, want map[string]string) {
	d.t.Helper()
	for k, v := range want {
		if got[k] != v {
			d.fail("%s: key %x is %x, the kernel has %x", what, k, got[k], v)
		}
	}
	if len(got) != len(want) {
		d.fail("%s: %d entries, the kernel has %d", what, len(got), len(want))
	}
}

// sameBatches reads both maps in batches, sometimes deleting.
func (d *diff) sameBatches() {
	d.t.Helper()
	run, name := userMap.LookupBatch, "lookup batch"
	if d.r.IntN(4) == 0 {
		run, name = userMap.LookupAndDeleteBatch, "take batch"
	}
	d.log = append(d.log, name)
	count := max(int(min(d.spec.MaxEntries, 64)), 40) // a bucket always fits
	got, e := d.readBatches(d.ours, run, count)
	want, we := d.readBatches(d.live, run, count)
	if e != we {
		d.fail("%s: %s, the kernel says %s", name, e.Name(), we.Name())
	}
	d.compare(name, got, want)
	flags := d.flags()
	e = d.oneBatch(d.ours, run, flags, 0)
	if we := d.oneBatch(d.live, run, flags, 0); e != we {
		d.fail("%s with element flags %#x: %s, the kernel says %s", name, flags, e.Name(), we.Name())
	}
}

func (d *diff) oneBatch(m userMap, run func(userMap, *Batch) (int, errno.Errno), elemFlags, flags uint64) errno.Errno {
	b := d.batch(64)
	b.ElemFlags, b.Flags = elemFlags, flags
	_, e := run(m, b)
	return e
}

func (d *diff) batch(count int) *Batch {
	return &Batch{
		Out:  make([]byte, d.ours.CursorSize()),
		Keys: make([]byte, count*int(d.spec.KeySize)), Values: make([]byte, count*int(d.ours.UserValueSize())), Count: count,
	}
}

func (d *diff) readBatches(m userMap, run func(userMap, *Batch) (int, errno.Errno), count int) (map[string]string, errno.Errno) {
	all := map[string]string{}
	var in []byte
	for {
		b := d.batch(count)
		b.In = in
		n, e := run(m, b)
		if e != 0 && e != errno.ENOENT {
			return all, e
		}
		for i := range n {
			k, v := int(d.spec.KeySize), int(d.ours.UserValueSize())
			all[string(b.Keys[i*k:(i+1)*k])] = string(b.Values[i*v : (i+1)*v])
		}
		if e == errno.ENOENT {
			return all, e
		}
		in = b.Out
	}
}

// sameFreeze freezes both maps; afterwards nothing can be written.
func (d *diff) sameFreeze() {
	d.t.Helper()
	for range 2 {
		d.both("freeze", nil, func(m userMap, _ []byte) errno.Errno { return m.Freeze() })
	}
	for range 20 {
		d.step()
	}
}
