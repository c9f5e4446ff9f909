package ringbuf_test

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/ringbuf"
)

func newMap(t *testing.T, spec ebpf.MapSpec) *skep.Map {
	t.Helper()
	spec.Name = "m"
	obj, err := skep.FromCollectionSpec(&ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{"m": &spec}})
	if err != nil {
		t.Fatal(err)
	}
	k, err := skep.NewKernel(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	c, err := k.Load(obj, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.Maps["m"]
}

func newReader(t *testing.T) (*skep.Map, *ringbuf.Reader) {
	t.Helper()
	m := newMap(t, ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 4096})
	r, err := ringbuf.NewReader(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return m, r
}

// send does what a program's bpf_ringbuf_output does.
func send(t *testing.T, m *skep.Map, record string) {
	t.Helper()
	b := []byte(record)
	if e := m.Storage().Ring().Output(uintptr(unsafe.Pointer(&b[0])), uint64(len(b)), 0); e != 0 {
		t.Error(e)
	}
	runtime.KeepAlive(b)
}

func TestRead(t *testing.T) {
	m, r := newReader(t)
	send(t, m, "one")
	send(t, m, "three")
	if n := r.AvailableBytes(); n != 32 || r.BufferSize() != 4096 {
		t.Errorf("%d bytes of %d", n, r.BufferSize())
	}
	rec, err := r.Read()
	if err != nil || string(rec.RawSample) != "one" || rec.Remaining != 16 {
		t.Errorf("%q, %d left, %v", rec.RawSample, rec.Remaining, err)
	}
	if err := r.ReadInto(&rec); err != nil || string(rec.RawSample) != "three" || rec.Remaining != 0 {
		t.Errorf("%q, %d left, %v", rec.RawSample, rec.Remaining, err)
	}
}

func TestReadWaits(t *testing.T) {
	m, r := newReader(t)
	go func() {
		for _, s := range strings.Fields("a b c d e f") {
			time.Sleep(time.Millisecond)
			send(t, m, s)
		}
	}()
	var rec ringbuf.Record
	got := ""
	for range 6 {
		if err := r.ReadInto(&rec); err != nil {
			t.Fatal(err)
		}
		got += string(rec.RawSample)
	}
	if got != "abcdef" {
		t.Errorf("read %q", got)
	}
}

func TestDeadline(t *testing.T) {
	m, r := newReader(t)
	r.SetDeadline(time.Now().Add(-time.Second))
	if _, err := r.Read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past: %v", err)
	}
	send(t, m, "x")
	if _, err := r.Read(); err != nil {
		t.Errorf("a record that is there: %v", err)
	}
	start := time.Now()
	r.SetDeadline(start.Add(20 * time.Millisecond))
	if _, err := r.Read(); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) < 20*time.Millisecond {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	r.SetDeadline(time.Time{})
	time.AfterFunc(5*time.Millisecond, func() { r.SetDeadline(time.Now()) }) // while it waits
	if _, err := r.Read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("set while waiting: %v", err)
	}
}

func TestFlush(t *testing.T) {
	m, r := newReader(t)
	send(t, m, "x")
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(); err != nil {
		t.Errorf("record before the flush: %v", err)
	}
	if _, err := r.Read(); !errors.Is(err, ringbuf.ErrFlushed) {
		t.Errorf("flush: %v", err)
	}
	send(t, m, "y")
	if rec, err := r.Read(); err != nil || string(rec.RawSample) != "y" {
		t.Errorf("after the flush: %q, %v", rec.RawSample, err)
	}
}

func TestClose(t *testing.T) {
	m, r := newReader(t)
	done := make(chan error)
	go func() {
		_, err := r.Read()
		done <- err
	}()
	time.Sleep(time.Millisecond)
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; !errors.Is(err, ringbuf.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if err := r.Flush(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("flush: %v", err)
	}
	send(t, m, "x") // nobody listens
}

// TestReaderHoldsMap: a reader goes on after the map's handle is closed.
func TestReaderHoldsMap(t *testing.T) {
	m, r := newReader(t)
	send(t, m, "x")
	m.Close()
	if rec, err := r.Read(); err != nil || string(rec.RawSample) != "x" {
		t.Errorf("%q, %v", rec.RawSample, err)
	}
	if _, err := ringbuf.NewReader(m); !errors.Is(err, skep.ErrClosed) {
		t.Errorf("reader of a closed map: %v", err)
	}
}

func TestNewReaderErrors(t *testing.T) {
	m := newMap(t, ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if _, err := ringbuf.NewReader(m); !errors.Is(err, skep.EINVAL) || !strings.Contains(err.Error(), "not a ring buffer") {
		t.Errorf("reader of an array: %v", err)
	}
}
