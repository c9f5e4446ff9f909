// This file tests ring buffers.

package helper_test

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

func TestRingbuf(t *testing.T) {
	const (
		queryData, querySize, queryConsumer, queryProducer = 0, 1, 2, 3
		noWakeup, forceWakeup                              = 1, 2
	)
	output := func(text int32, size, flags int) asm.Instructions {
		return call(asm.FnRingbufOutput, mapArg(ringMap), constAt(text), size, flags)
	}
	query := func(what int) asm.Instructions { return call(asm.FnRingbufQuery, mapArg(ringMap), what) }
	// reserve takes 16 bytes, writes 8 of them and ends the record.
	reserve := func(end asm.BuiltinFunc, endFlags int) asm.Instructions {
		return join(call(asm.FnRingbufReserve, mapArg(ringMap), 16, 0),
			asm.JNE.Imm(asm.R0, 0, "reserved"),
			asm.Return(),
			asm.Mov.Reg(asm.R1, asm.R0).WithSymbol("reserved"),
			asm.Mov.Imm(asm.R2, 0x11), asm.StoreMem(asm.R1, 0, asm.R2, asm.DWord),
			asm.Mov.Imm(asm.R2, 0x22), asm.StoreMem(asm.R1, 8, asm.R2, asm.DWord),
			asm.Mov.Imm(asm.R2, int32(endFlags)),
			end.Call())
	}
	full := func(size, flags int) asm.Instructions {
		return join(call(asm.FnRingbufReserve, mapArg(ringMap), size, flags),
			asm.JEq.Imm(asm.R0, 0, "full"),
			asm.Mov.Reg(asm.R1, asm.R0), asm.Mov.Imm(asm.R2, 0), asm.FnRingbufSubmit.Call(),
			asm.Mov.Imm(asm.R0, 1),
			asm.Mov.Reg(asm.R0, asm.R0).WithSymbol("full"))
	}
	record := string(words(0x11, 0x22))
	for _, row := range []struct {
		name    string
		body    asm.Instructions
		ret     uint32
		records []string
	}{
		{"output", join(output(0, 5, 0), output(5, 3, 0)), 0, []string{"01234", "567"}},
		{"output of nothing", output(0, 0, 0), 0, []string{""}},
		{"output with flags", join(output(0, 5, noWakeup), output(0, 5, forceWakeup)), 0, []string{"01234", "01234"}},
		{"output with bad flags", output(0, 5, 4), minus(einval), nil},
		{"submit", join(reserve(asm.FnRingbufSubmit, 0), query(queryProducer)), 24, []string{record}},
		{"submit without wake-up", join(reserve(asm.FnRingbufSubmit, noWakeup), query(queryData)), 24, []string{record}},
		{"discard", join(reserve(asm.FnRingbufDiscard, 0), query(queryProducer)), 24, nil},
		{"largest", full(4096-8, 0), 0, nil},
		{"too large", full(4096-7, 0), 0, nil},
		{"flags", full(16, 1), 0, nil},
		{"data", join(output(0, 5, 0), query(queryData)), 16, []string{"01234"}},
		{"size", query(querySize), 4096, nil},
		{"consumer", join(output(0, 5, 0), query(queryConsumer)), 0, []string{"01234"}},
		{"no question", join(output(0, 5, 0), query(4)), 0, []string{"01234"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{
				maps:   []*ebpf.MapSpec{{Name: ringMap, Type: ebpf.RingBuf, MaxEntries: 4096}},
				consts: []byte("0123456789"), body: row.body, ret: row.ret, records: row.records,
			}
			s.check(t)
		})
	}
}
