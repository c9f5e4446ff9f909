// This file tests both worlds.

package world

import (
	"testing"
	"time"
)

func TestFakeIsDeterministic(t *testing.T) {
	a, b := NewFake(), NewFake()
	for range 100 {
		if x, y := a.Uint32(), b.Uint32(); x != y {
			t.Fatalf("two fakes gave %d and %d", x, y)
		}
	}
	a.Seed(7)
	first := a.Uint32()
	a.Seed(7)
	if again := a.Uint32(); again != first {
		t.Errorf("the same seed gave %d, then %d", first, again)
	}
}

func TestFakeClock(t *testing.T) {
	f := NewFake()
	f.Advance(1500 * time.Microsecond)
	for _, row := range []struct {
		name      string
		got, want uint64
	}{
		{"monotonic", f.Mono(), FakeStart + 1500000},
		{"boot", f.Boot(), FakeStart + 1500000},
		{"coarse is the last tick", f.Coarse(), FakeStart},
		{"TAI", f.TAI(), fakeEpoch + 37*second + FakeStart + 1500000},
	} {
		if row.got != row.want {
			t.Errorf("%s: %d, want %d", row.name, row.got, row.want)
		}
	}
}

func TestFakeTaskAndCPUs(t *testing.T) {
	f := NewFake()
	f.SetCurrent(Task{PID: 7, TGID: 6, Comm: "a name longer than it may be"})
	if got := f.Current(); got.PID != 7 || got.Comm != "a name longer t" {
		t.Errorf("current task is %+v", got)
	}
	f.SetCPUs(0)
	if got := f.World().CPUs.Count(); got != 1 {
		t.Errorf("no CPUs were asked for: got %d, want 1", got)
	}
}

func TestRealClockMoves(t *testing.T) {
	w := Real()
	for _, row := range []struct {
		name string
		read func() uint64
		tick time.Duration // resolution
	}{
		{"monotonic", w.Clock.Mono, 0},
		{"boot", w.Clock.Boot, 0},
		{"TAI", w.Clock.TAI, 0},
		{"coarse", w.Clock.Coarse, 20 * time.Millisecond},
	} {
		before := row.read()
		time.Sleep(2*time.Millisecond + row.tick)
		if took := row.read() - before; took < uint64(time.Millisecond) || took > uint64(10*time.Second) {
			t.Errorf("%s: %d ns passed while 2 ms were slept", row.name, took)
		}
	}
	if ahead := int64(w.Clock.Boot()-w.Clock.Mono()) + int64(time.Second); ahead < 0 {
		t.Errorf("the clock since boot is behind the monotonic one")
	}
}

func TestRealTask(t *testing.T) {
	w := Real()
	if got := w.Tasks.Current(); got.TGID == 0 || got.PID == 0 || got.Comm == "" || len(got.Comm) > maxComm {
		t.Errorf("current task is %+v", got)
	}
	if w.CPUs.Count() < 1 {
		t.Error("there is no CPU")
	}
}

func BenchmarkMono(b *testing.B) {
	c := Real().Clock
	for b.Loop() {
		c.Mono()
	}
}
