// This file tests printing to the log, clocks, tasks and processors.

package helper_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/cilium/ebpf/asm"

	"github.com/skepbpf/skep/world"
)

func TestTrace(t *testing.T) {
	printk := func(size int, values ...any) asm.Instructions {
		return call(asm.FnTracePrintk, append([]any{constAt(0), size}, values...)...)
	}
	long := bytes.Repeat([]byte("x"), 2000)
	for _, row := range []struct {
		name, format string
		body         asm.Instructions
		ret          uint32
		log          []string
	}{
		{"printk", "hello %d %s\n\x00", printk(13, 42, constAt(6)), 16, []string{"hello 42 %d %s\n\n"}},
		{"UTF-8", "é%px!\x00", printk(7, 1, 0, 0), 19, []string{"é0000000000000001!"}},
		{"letters of Latin-1 are lost behind a pointer", "%pxé!\x00", printk(7, 1, 0, 0), 18, []string{"0000000000000001\xa9!"}},
		{"no NUL", "hello\x00", printk(5, 0, 0, 0), minus(einval), nil},
		{"four values", "%d%d%d%d\x00", printk(9, 1, 2, 3), minus(einval), nil},
		{"bad conversion", "%y\x00", printk(3, 1, 2, 3), minus(einval), nil},
		{"precision", "%.3s\x00", printk(5, 1, 2, 3), minus(einval), nil},
		{"star", "%*d\x00", printk(4, 1, 2, 3), minus(einval), nil},
		{"alternative form", "%#x\x00", printk(4, 1, 2, 3), minus(einval), nil},
		{"short", "%hd\x00", printk(4, 1, 2, 3), minus(einval), nil},
		{"size_t", "%zd\x00", printk(4, 1, 2, 3), minus(einval), nil},
		{"floating point", "%f\x00", printk(3, 1, 2, 3), minus(einval), nil},
		{"octal", "%o\x00", printk(3, 1, 2, 3), minus(einval), nil},
		{"width and percent", "%5%\x00", printk(4, 1, 2, 3), minus(einval), nil},
		{"letters behind a string", "%sx\x00", printk(4, 1, 2, 3), minus(einval), nil},
		{"letters behind a kernel string", "%pksx\x00", printk(6, 1, 2, 3), minus(einval), nil},
		{"long string", "%ls\x00", printk(4, 1, 2, 3), minus(einval), nil},
		{"letters behind %p", "%pa\x00", printk(4, 1, 2, 3), minus(einval), nil},
		{"IP of no version", "%pI5\x00", printk(5, 1, 2, 3), minus(einval), nil},
		{"ends in a conversion", "%\x00", printk(2, 1, 2, 3), minus(einval), nil},
		{"control character", "a\x01\x00", printk(3, 1, 2, 3), minus(einval), nil},
		{"DEL", "a\x7f\x00", printk(3, 1, 2, 3), minus(einval), nil},
		{"non-ASCII conversion", "%é\x00", printk(4, 1, 2, 3), minus(einval), nil},
		{"long text", string(long) + "\x00", printk(2001, 0, 0, 0), 2000, []string{string(long[:1023])}},
		{"vprintk", "%d %d %d %d\n\x00", join(
			store(stackAt(-32), 1), store(stackAt(-24), 2), store(stackAt(-16), 3), store(stackAt(-8), 4),
			call(asm.FnTraceVprintk, constAt(0), 13, stackAt(-32), 32)), 8, []string{"1 2 3 4\n"}},
		{"vprintk without values", "hi\x00", call(asm.FnTraceVprintk, constAt(0), 3, 0, 0), 2, []string{"hi"}},
		{"vprintk of half a value", "hi\x00", join(store(stackAt(-8), 4),
			call(asm.FnTraceVprintk, constAt(0), 3, stackAt(-8), 4)), minus(einval), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{consts: []byte(row.format), body: row.body, ret: row.ret, log: row.log}
			s.check(t)
		})
	}
}

func TestWorld(t *testing.T) {
	const start = int64(world.FakeStart)
	put := func(fn asm.BuiltinFunc) asm.Instructions { return join(call(fn), keep(0), asm.Mov.Imm(asm.R0, 0)) }
	for _, row := range []struct {
		name string
		body asm.Instructions
		out  []byte
	}{
		{"monotonic", put(asm.FnKtimeGetNs), words(start)},
		{"boot", put(asm.FnKtimeGetBootNs), words(start)},
		{"coarse", put(asm.FnKtimeGetCoarseNs), words(start)},
		{"TAI", put(asm.FnKtimeGetTaiNs), words(start + 1735689637e9)},
		{"jiffies", put(asm.FnJiffies64), words(math.MaxUint32 + 1 - 300*1000 + 1000*1000)},
		{"NUMA node", put(asm.FnGetNumaNodeId), words(0)},
		{"task", put(asm.FnGetCurrentPidTgid), words(1000<<32 | 1000)},
		{"user", put(asm.FnGetCurrentUidGid), words(1000<<32 | 1000)},
		{"name", join(store(outAt(0), -1), call(asm.FnGetCurrentComm, outAt(0), 8)), []byte("skep\x00\x00\x00\x00")},
		{"cut name", join(store(outAt(0), -1), call(asm.FnGetCurrentComm, outAt(0), 4)), []byte("ske\x00\xff\xff\xff\xff")},
		{"name of nothing", join(store(outAt(0), -1), call(asm.FnGetCurrentComm, outAt(0), 1)), []byte("\x00\xff")},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{body: row.body, out: row.out, ours: true}
			s.check(t)
		})
	}
}

// The processor is one of the world's; random numbers differ, and have 32 bits.
func TestProcessorAndRandom(t *testing.T) {
	s := &sample{body: join(
		call(asm.FnGetPrandomU32), keep(0), call(asm.FnGetPrandomU32), keep(8), call(asm.FnGetSmpProcessorId))}
	s.packet = make([]byte, 64)
	got := s.runSkep(t, "interp")
	if got.ret > 1 {
		t.Errorf("processor %d of 2", got.ret)
	}
	if bytes.Equal(got.out[:8], got.out[8:16]) || !bytes.Equal(got.out[4:8], make([]byte, 4)) {
		t.Errorf("random numbers %x", got.out[:16])
	}
}
