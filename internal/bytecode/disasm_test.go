// This file defines tests of instructions as text. internal/verify compares the
// same texts with the running kernel's log.

package bytecode

import "testing"

var insnTests = []struct {
	in   Insn
	next Insn
	want string
}{
	{in: Insn{Op: 0xb7, Dst: 0, Imm: -1}, want: "(b7) r0 = -1"},
	{in: Insn{Op: 0xb4, Dst: 3, Imm: 5}, want: "(b4) w3 = 5"},
	{in: Insn{Op: 0xbf, Dst: 1, Src: 2}, want: "(bf) r1 = r2"},
	{in: Insn{Op: 0xbf, Dst: 1, Src: 2, Off: 8}, want: "(bf) r1 = (s8)r2"},
	{in: Insn{Op: 0xbf, Dst: 1, Src: 2, Off: 32}, want: "(bf) r1 = (s32)r2"},
	{in: Insn{Op: 0xbc, Dst: 1, Src: 2, Off: 16}, want: "(bc) w1 = (s16)w2"},
	{in: Insn{Op: 0xbf, Dst: 1, Src: 2, Off: 1, Imm: 1 << 16}, want: "(bf) r1 = addr_space_cast(r2, 1, 0)"},
	{in: Insn{Op: 0x0f, Dst: 1, Src: 2}, want: "(0f) r1 += r2"},
	{in: Insn{Op: 0x37, Dst: 1, Imm: 3}, want: "(37) r1 /= 3"},
	{in: Insn{Op: 0x37, Dst: 1, Imm: 3, Off: 1}, want: "(37) r1 s/= 3"},
	{in: Insn{Op: 0x9c, Dst: 1, Src: 4, Off: 1}, want: "(9c) w1 s%= w4"},
	{in: Insn{Op: 0xc7, Dst: 1, Imm: 63}, want: "(c7) r1 s>>= 63"},
	{in: Insn{Op: 0x87, Dst: 1}, want: "(87) r1 = -r1"},
	{in: Insn{Op: 0x84, Dst: 1}, want: "(84) w1 = -w1"},
	{in: Insn{Op: 0xd4, Dst: 1, Imm: 16}, want: "(d4) r1 = le16 r1"},
	{in: Insn{Op: 0xdc, Dst: 1, Imm: 64}, want: "(dc) r1 = be64 r1"},
	{in: Insn{Op: 0xd7, Dst: 1, Imm: 32}, want: "(d7) r1 = bswap32 r1"},
	{in: Insn{Op: 0x18, Dst: 1, Imm: -1}, next: Insn{Imm: 1}, want: "(18) r1 = 0x1ffffffff"},
	{in: Insn{Op: 0x18, Dst: 1, Src: PseudoMapIdx, Imm: 3}, want: "(18) r1 = 0x0"},
	{in: Insn{Op: 0x18, Dst: 2, Src: PseudoFunc, Imm: 7}, want: "(18) r2 = 0x7"},
	{in: Insn{Op: 0x30, Imm: 12}, want: "(30) r0 = *(u8 *)skb[12]"},
	{in: Insn{Op: 0x48, Src: 2, Imm: 12}, want: "(48) r0 = *(u16 *)skb[r2 + 12]"},
	{in: Insn{Op: 0x61, Dst: 1, Src: 2, Off: -4}, want: "(61) r1 = *(u32 *)(r2 -4)"},
	{in: Insn{Op: 0x91, Dst: 1, Src: 2}, want: "(91) r1 = *(s8 *)(r2 +0)"},
	{in: Insn{Op: 0x72, Dst: 1, Off: 3, Imm: 9}, want: "(72) *(u8 *)(r1 +3) = 9"},
	{in: Insn{Op: 0x7b, Dst: 10, Src: 1, Off: -8}, want: "(7b) *(u64 *)(r10 -8) = r1"},
	{in: Insn{Op: 0xc3, Dst: 1, Src: 2}, want: "(c3) lock *(u32 *)(r1 +0) += r2"},
	{in: Insn{Op: 0xdb, Dst: 1, Src: 2, Imm: 0xa0}, want: "(db) lock *(u64 *)(r1 +0) ^= r2"},
	{in: Insn{Op: 0xdb, Dst: 1, Src: 2, Imm: 0x41}, want: "(db) r2 = atomic64_fetch_or((u64 *)(r1 +0), r2)"},
	{in: Insn{Op: 0xc3, Dst: 1, Src: 2, Imm: 0xe1}, want: "(c3) r2 = atomic_xchg((u32 *)(r1 +0), r2)"},
	{in: Insn{Op: 0xdb, Dst: 1, Src: 2, Imm: 0xf1}, want: "(db) r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)"},
	{in: Insn{Op: 0xd3, Dst: 1, Src: 2, Imm: 0x100}, want: "(d3) r1 = load_acquire((u8 *)(r2 +0))"},
	{in: Insn{Op: 0xcb, Dst: 1, Src: 2, Imm: 0x110}, want: "(cb) store_release((u16 *)(r1 +0), r2)"},
	{in: Insn{Op: 0xdb, Dst: 1, Src: 2, Imm: 0x99}, want: "BUG_db"},
	{in: Insn{Op: 0x05, Off: -2}, want: "(05) goto pc-2"},
	{in: Insn{Op: 0x06, Imm: 70000}, want: "(06) gotol pc+70000"},
	{in: Insn{Op: 0xe5, Off: 3}, want: "(e5) may_goto pc+3"},
	{in: Insn{Op: 0x95}, want: "(95) exit"},
	{in: Insn{Op: 0x15, Dst: 1, Imm: -1, Off: 2}, want: "(15) if r1 == 0xffffffff goto pc+2"},
	{in: Insn{Op: 0xc6, Dst: 1, Off: -1}, want: "(c6) if w1 s< 0x0 goto pc-1"},
	{in: Insn{Op: 0x4d, Dst: 1, Src: 2, Off: 1}, want: "(4d) if r1 & r2 goto pc+1"},
	{in: Insn{Op: 0x85, Imm: 1}, want: "(85) call bpf_map_lookup_elem#1"},
	{in: Insn{Op: 0x85, Imm: 999}, want: "(85) call unknown#999"},
	{in: Insn{Op: 0x85, Src: PseudoCall, Imm: 5}, want: "(85) call pc+5"},
	{in: Insn{Op: 0x85, Src: PseudoKfuncCall, Imm: 70}, want: "(85) call bpf_iter_num_next#70"},
	{in: Insn{Op: 0x85, Src: PseudoKfuncCall, Imm: 71}, want: "(85) call kernel-function#71"},
	{in: Insn{Op: 0x85, Src: 7, Imm: 71}, want: "(85) call unknown#71"},
	{in: Insn{Op: 0x00}, want: "BUG_ld_00"},
	{in: Insn{Op: 0xe1}, want: "BUG_ldx_e1"},
}

func TestAppendInsn(t *testing.T) {
	names := Names{
		Helper: func(num int32) string { return map[int32]string{1: "bpf_map_lookup_elem"}[num] },
		Kfunc:  func(in Insn) string { return map[int32]string{70: "bpf_iter_num_next"}[in.Imm] },
	}
	for _, tt := range insnTests {
		t.Run(tt.want, func(t *testing.T) {
			if got := string(AppendInsn(nil, tt.in, tt.next, names)); got != tt.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func BenchmarkAppendInsn(b *testing.B) {
	in := Insn{Op: 0x7b, Dst: 10, Src: 1, Off: -8}
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendInsn(buf[:0], in, Insn{}, Names{})
	}
}
