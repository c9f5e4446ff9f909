// This file tests the helpers that call back, and per-CPU look-ups.

package helper_test

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// addTo adds a register to the word that ctx points to and returns whether the
// register is the limit.
func addTo(ctx, v asm.Register, limit int32) asm.Instructions {
	return join(
		asm.LoadMem(asm.R5, ctx, 0, asm.DWord),
		asm.Add.Reg(asm.R5, v),
		asm.StoreMem(ctx, 0, asm.R5, asm.DWord),
		asm.Mov.Imm(asm.R0, 0),
		asm.JNE.Imm(v, limit, "done"),
		asm.Mov.Imm(asm.R0, 1),
		asm.Return().WithSymbol("done"))
}

// sumOf runs a helper that calls back with the address of a word, and puts the
// word out.
func sumOf(fn asm.Instructions) asm.Instructions {
	return join(store(stackAt(-8), 0), fn,
		asm.LoadMem(asm.R1, asm.RFP, -8, asm.DWord), asm.StoreMem(asm.R9, 0, asm.R1, asm.DWord))
}

func TestLoop(t *testing.T) {
	const maxLoops = 8 << 20
	for _, row := range []struct {
		name  string
		n     any
		flags int
		limit int32
		ret   uint32
		sum   int64
	}{
		{"all", 10, 0, -1, 10, 45},
		{"until the callback returns 1", 10, 0, 5, 6, 15},
		{"none", 0, 0, -1, 0, 0},
		{"most", maxLoops, 0, 3, 4, 6},
		{"too many", maxLoops + 1, 0, -1, minus(e2big), 0},
		{"more than 32 bits", 1 << 32, 0, -1, minus(e2big), 0},
		{"flags", 10, 1, -1, minus(einval), 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{
				body:     sumOf(call(asm.FnLoop, row.n, funcArg("callback"), stackAt(-8), row.flags)),
				callback: addTo(asm.R2, asm.R1, row.limit),
				ret:      row.ret, out: words(row.sum),
			}
			s.check(t)
		})
	}
}

func TestForEachMapElem(t *testing.T) {
	array := &ebpf.MapSpec{Name: "m", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 3}
	hash := &ebpf.MapSpec{Name: "m", Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 10}
	perCPU := &ebpf.MapSpec{Name: "m", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 5}
	empty := &ebpf.MapSpec{Name: "m", Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 10}
	fill := join(put(0, 100, 0), put(1, 20, 0), put(2, 3, 0))
	value := join(asm.LoadMem(asm.R3, asm.R3, 0, asm.DWord))
	key := join(asm.LoadMem(asm.R3, asm.R2, 0, asm.Word))
	for _, row := range []struct {
		name  string
		m     *ebpf.MapSpec
		fill  asm.Instructions
		what  asm.Instructions
		flags int
		limit int32
		ret   uint32
		sum   int64
	}{
		{"values of an array", array, fill, value, 0, -1, 3, 123},
		{"keys of an array", array, fill, key, 0, -1, 3, 3},
		{"array until the callback returns 1", array, fill, value, 0, 20, 2, 120},
		{"values of a hash", hash, fill, value, 0, -1, 3, 123},
		{"keys of a hash", hash, fill, key, 0, -1, 3, 3},
		{"keys of a per-CPU array", perCPU, nil, key, 0, -1, 5, 10},
		{"values of a per-CPU array", perCPU, nil, value, 0, -1, 5, 0},
		{"nothing", empty, nil, key, 0, -1, 0, 0},
		{"flags", array, nil, key, 1, -1, minus(einval), 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{
				maps:     []*ebpf.MapSpec{row.m},
				body:     join(row.fill, sumOf(call(asm.FnForEachMapElem, mapArg("m"), funcArg("callback"), stackAt(-8), row.flags))),
				callback: join(row.what, addTo(asm.R4, asm.R3, row.limit)),
				ret:      row.ret, out: words(row.sum),
			}
			s.check(t)
		})
	}
}

// put updates the map "m".
func put(k, v, flags int) asm.Instructions {
	const key, value = stackAt(-8), stackAt(-16)
	return join(store(key, k), store(value, v), call(asm.FnMapUpdateElem, mapArg("m"), key, value, flags))
}

func TestMapCalls(t *testing.T) {
	hash := &ebpf.MapSpec{Name: "m", Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 2}
	array := &ebpf.MapSpec{Name: "m", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 2}
	const key = stackAt(-8)
	remove := func(k int) asm.Instructions {
		return join(store(key, k), call(asm.FnMapDeleteElem, mapArg("m"), key))
	}
	lookup := func(k int) asm.Instructions {
		return join(store(key, k), call(asm.FnMapLookupElem, mapArg("m"), key),
			asm.JNE.Imm(asm.R0, 0, "found"),
			asm.Return(),
			asm.LoadMem(asm.R0, asm.R0, 0, asm.DWord).WithSymbol("found"))
	}
	for _, row := range []struct {
		name string
		m    *ebpf.MapSpec
		body asm.Instructions
		ret  uint32
	}{
		{"update and look up", hash, join(put(1, 77, 0), lookup(1)), 77},
		{"look up what is not there", hash, join(put(1, 77, 0), lookup(2)), 0},
		{"update what must be there", hash, put(1, 77, 2), minus(2)},
		{"update what must not be there", hash, join(put(1, 77, 0), put(1, 78, 1)), minus(17)},
		{"update with bad flags", hash, put(1, 77, 8), minus(einval)},
		{"update a full map", hash, join(put(1, 7, 0), put(2, 7, 0), put(3, 7, 0)), minus(e2big)},
		{"delete", hash, join(put(1, 7, 0), remove(1), lookup(1)), 0},
		{"delete what is not there", hash, remove(1), minus(2)},
		{"array", array, join(put(1, 77, 0), lookup(1)), 77},
		{"array past its end", array, put(2, 77, 0), minus(e2big)},
		{"delete from an array", array, remove(1), minus(einval)},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{maps: []*ebpf.MapSpec{row.m}, body: row.body, ret: row.ret}
			s.check(t)
		})
	}
}

func TestLookupPerCPU(t *testing.T) {
	array := &ebpf.MapSpec{Name: "m", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 2}
	for _, row := range []struct {
		name     string
		key, cpu int
		found    uint32
	}{
		{"first CPU", 1, 0, 1},
		{"CPU of 32 bits", 1, 1 << 32, 1},
		{"no such CPU", 1, 1 << 20, 0},
		{"no such key", 2, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{maps: []*ebpf.MapSpec{array}, ret: row.found}
			s.body = join(store(stackAt(-8), row.key),
				call(asm.FnMapLookupPercpuElem, mapArg("m"), stackAt(-8), row.cpu),
				asm.Mov.Reg(asm.R1, asm.R0), asm.Mov.Imm(asm.R0, 0),
				asm.JEq.Imm(asm.R1, 0, "end"), asm.Mov.Imm(asm.R0, 1),
				asm.Mov.Reg(asm.R0, asm.R0).WithSymbol("end"))
			s.check(t)
		})
	}
}
