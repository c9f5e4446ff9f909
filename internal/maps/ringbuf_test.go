// This file tests the ring buffer.

package maps

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

func openRing(t testing.TB, size uint32) (*Ring, *Env) {
	t.Helper()
	env := &Env{}
	return open(t, env, bytecode.MapSpec{Name: "r", Type: bytecode.MapRingbuf, MaxEntries: size}).Ring(), env
}

func output(r *Ring, record []byte, flags uint64) errno.Errno {
	e := r.Output(cell(record), uint64(len(record)), flags)
	runtime.KeepAlive(record)
	return e
}

// TestRingRecords sends records of random lengths through a small buffer, many
// times around, and some are discarded.
func TestRingRecords(t *testing.T) {
	for _, mirrored := range []bool{true, false} {
		r, _ := openRing(t, 4096)
		if !mirrored { // as where pages cannot be mapped twice
			r.mem = newMem(4 * pageSize)
			r.data = r.mem.at(2 * pageSize)
		}
		rnd := rand.New(rand.NewPCG(1, 1))
		var want [][]byte
		for range 5000 {
			record := make([]byte, rnd.IntN(300))
			for i := range record {
				record[i] = byte(rnd.Uint32())
			}
			if at := r.Reserve(uint64(len(record)), 0); at != 0 {
				copy(view(ptr(at), uintptr(len(record))), record)
				if rnd.IntN(4) == 0 {
					r.Discard(at, 0)
				} else {
					r.Submit(at, 0)
					want = append(want, record)
				}
				continue
			}
			for len(want) != 0 { // full
				got, _, ok := r.Consume(nil)
				if !ok || !bytes.Equal(got, want[0]) {
					t.Fatalf("mirrored %v: record %x (%v), want %x", mirrored, got, ok, want[0])
				}
				want = want[1:]
			}
			if _, _, ok := r.Consume(nil); ok {
				t.Fatal("a record too many")
			}
		}
	}
}

func TestRingFull(t *testing.T) {
	r, _ := openRing(t, 4096)
	record := make([]byte, 4096-2*RingHeader)
	for _, c := range []struct {
		name string
		got  bool
		want bool
	}{
		{"the whole buffer", r.Reserve(4096, 0) != 0, false},
		{"all but the header", r.Reserve(4096-RingHeader, 0) != 0, false}, // a full ring would look empty
		{"flags", r.Reserve(8, 1) != 0, false},
		{"too large a record", r.Reserve(1<<31, 0) != 0, false},
		{"what fits", output(r, record, 0) == 0, true},
		{"no more", output(r, []byte{1}, 0) == 0, false},
	} {
		if c.got != c.want {
			t.Errorf("%s: fits: %v", c.name, c.got)
		}
	}
	if e := output(r, []byte{1}, 0); e != errno.EAGAIN {
		t.Errorf("full: %v", e)
	}
	if e := output(r, []byte{1}, 4); e != errno.EINVAL {
		t.Errorf("unknown flag: %v", e)
	}
	for what, want := range []uint64{RingAvailData: 4088, RingSize: 4096, RingConsumerPos: 0, RingProducerPos: 4088, 4: 0} {
		if got := r.Query(uint64(what)); got != want {
			t.Errorf("query %d: %d, want %d", what, got, want)
		}
	}
	if got, left, ok := r.Consume(nil); len(got) != len(record) || left != 0 || !ok {
		t.Errorf("consumed %d, left %d, %v", len(got), left, ok)
	}
}

// TestRingBusy: an unfinished record holds up those behind it, and is not
// overrun.
func TestRingBusy(t *testing.T) {
	r, env := openRing(t, 4096)
	first, second := r.Reserve(8, 0), r.Reserve(8, 0)
	if env.RingOf(first) != r || env.RingOf(second) != r {
		t.Error("the ring of a record")
	}
	if base, size, ok := r.Locate(second + 7); base != second || size != 8 || !ok {
		t.Errorf("Locate: %#x, %d, %v", base, size, ok)
	}
	r.Submit(second, 0)
	if _, _, ok := r.Consume(nil); ok {
		t.Error("consumed past a busy record")
	}
	if _, _, ok := r.Locate(second); ok {
		t.Error("a submitted record belongs to the consumer")
	}
	store64(r.consumerPos(), 32) // a consumer that lies
	if r.Reserve(4096-40, 0) != 0 {
		t.Error("a busy record was overrun")
	}
	store64(r.consumerPos(), 0)
	r.Submit(first, 0)
	for range 2 {
		if _, _, ok := r.Consume(nil); !ok {
			t.Error("no record")
		}
	}
}

func TestRingWakeups(t *testing.T) {
	r, _ := openRing(t, 4096)
	w := r.Watch()
	for i, c := range []struct {
		name    string
		flags   uint64
		consume bool // before
		want    bool
	}{
		{"consumer waits", 0, false, true},
		{"consumer is behind", 0, false, false},
		{"consumer is behind, forced", RingForceWakeup, false, true},
		{"consumer waits, not wanted", RingNoWakeup, true, false},
		{"consumer waits again", 0, true, true},
	} {
		for ok := c.consume; ok; {
			_, _, ok = r.Consume(nil)
		}
		if e := output(r, []byte{byte(i)}, c.flags); e != 0 {
			t.Fatal(e)
		}
		woken := false
		select {
		case <-w.C:
			woken = true
		default:
		}
		if woken != c.want {
			t.Errorf("%s: woken %v", c.name, woken)
		}
	}
	w.Close()
	if e := output(r, []byte{1}, RingForceWakeup); e != 0 || len(w.C) != 0 {
		t.Errorf("woken after Close (%v)", e)
	}
}

// TestRingHostile: positions and headers that a client made up do not lead
// outside of the buffer.
func TestRingHostile(t *testing.T) {
	r, _ := openRing(t, 4096)
	output(r, []byte{1, 2, 3}, 0)
	for _, c := range []struct {
		name string
		pos  uint64
		len  uint32
	}{
		{"length beyond the end", 0, 1 << 20},
		{"longest length", 0, RingDiscard - 1},
		{"position between words", 3, 3},
		{"position ahead", 1 << 40, 3},
		{"position far behind", ^uint64(0) - 7, 3},
	} {
		store64(r.consumerPos(), c.pos)
		store32(r.data, c.len)
		if got, _, _ := r.Consume(nil); len(got) > 4096 {
			t.Errorf("%s: %d bytes", c.name, len(got))
		}
	}
}

func TestRingConcurrent(t *testing.T) {
	r, _ := openRing(t, 1<<14)
	const producers, records = 4, 3000
	w := r.Watch()
	defer w.Close()
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := 0; i < records; {
				if output(r, fmt.Appendf(nil, "%d %d", p, i), 0) == 0 {
					i++
				} else {
					runtime.Gosched()
				}
			}
		})
	}
	next := [producers]int{}
	var record []byte
	for got := 0; got < producers*records; {
		var ok bool
		if record, _, ok = r.Consume(record[:0]); !ok {
			<-w.C
			continue
		}
		var p, i int
		if _, err := fmt.Sscanf(string(record), "%d %d", &p, &i); err != nil || i != next[p] {
			t.Fatalf("record %q, want %d of producer %d", record, next[p], p)
		}
		next[p]++
		got++
	}
	wg.Wait()
}
