// This file defines the tests of the assembler.

package isa

import (
	"slices"
	"strings"
	"testing"
)

func TestAssemble(t *testing.T) {
	for _, row := range []struct {
		text string // lines between semicolons
		want []uint64
	}{
		{"add %r1, %r2", []uint64{0x210f}},
		{"add32 %r1, -1", []uint64{0xffffffff_0000_01_04}},
		{"mov %r3, 0xffffffff", []uint64{0xffffffff_0000_03_b7}},
		{"sdiv %r1, %r2", []uint64{0x0001_21_3f}},
		{"smod32 %r1, 3", []uint64{0x3_0001_01_94}},
		{"neg %r4", []uint64{0x04_87}},
		{"neg32 %r4", []uint64{0x04_84}},
		{"arsh32 %r4, 5", []uint64{0x5_0000_04_c4}},
		{"le16 %r1", []uint64{16<<32 | 0x01_d4}},
		{"be64 %r1", []uint64{64<<32 | 0x01_dc}},
		{"swap32 %r1", []uint64{32<<32 | 0x01_d7}},
		{"bswap32 %r1", []uint64{32<<32 | 0x01_d7}},
		{"movsx832 %r1, %r2", []uint64{0x0008_21_bc}},
		{"movsx3264 %r1, %r2", []uint64{0x0020_21_bf}},
		{"lddw %r1, 0x1122334455667788", []uint64{0x55667788_0000_01_18, 0x11223344_0000_00_00}},
		{"lddw %r1, -2", []uint64{0xfffffffe_0000_01_18, 0xffffffff_0000_00_00}},
		{"lddw %r1, 0xffffffffffffffff", []uint64{0xffffffff_0000_01_18, 0xffffffff_0000_00_00}},
		{"ldxb %r1, [%r2]", []uint64{0x21_71}},
		{"ldxdw %r1, [%r10-8]", []uint64{0xfff8_a1_79}},
		{"ldxsh %r1, [%r2+0x10]", []uint64{0x0010_21_89}},
		{"stxw [%r1+4], %r2", []uint64{0x0004_21_63}},
		{"sth [%r1+2], 7", []uint64{0x7_0002_01_6a}},
		{"ja +3", []uint64{0x0003_00_05}},
		{"ja32 -1", []uint64{0xffffffff_0000_00_06}},
		{"jeq %r1, 5, +1", []uint64{0x5_0001_01_15}},
		{"jsle32 %r1, %r2, -2", []uint64{0xfffe_21_de}},
		{"jset %r1, %r2, +0", []uint64{0x21_4d}},
		{"call 5", []uint64{0x5_0000_00_85}},
		{"call %r2", []uint64{0x02_8d}},
		{"f:;call local f;exit", []uint64{0xffffffff_0000_10_85, 0x95}},
		{"lock add [%r10-8], %r1", []uint64{0xfff8_1a_db}},
		{"lock fetch or32 [%r2], %r1", []uint64{0x41_0000_12_c3}},
		{"lock xchg [%r2], %r1", []uint64{0xe1_0000_12_db}},
		{"lock cmpxchg32 [%r2+4], %r1", []uint64{0xf1_0004_12_c3}},
		{"ja end;exit;end:;exit", []uint64{0x0001_00_05, 0x95, 0x95}},
		{"ja exit;exit;exit", []uint64{0x0001_00_05, 0x95, 0x95}},
		{"exit:;ja exit;exit", []uint64{0xffff_00_05, 0x95}},
		{"  mov %r0,1   # comment;exit#", []uint64{0x1_0000_00_b7, 0x95}},
		{"jne %r0, 1, skip;lddw %r0, 1;skip:;exit", []uint64{0x1_0002_00_55, 0x1_0000_00_18, 0, 0x95}},
	} {
		t.Run(row.text, func(t *testing.T) {
			insns, err := Assemble(strings.Split(row.text, ";"))
			if err != nil {
				t.Fatal(err)
			}
			var got []uint64
			for _, in := range insns {
				got = append(got, word(in))
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("%#x, not %#x", got, row.want)
			}
		})
	}
}

func TestAssembleErrors(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"mnemonic", "frob %r1", `unknown mnemonic "frob"`},
		{"sign extension of 8 bytes", "ldxsdw %r1, [%r2]", "unknown mnemonic"},
		{"register", "mov %r11, 1", `invalid register "%r11"`},
		{"no register", "mov r1, 1", `invalid register "r1"`},
		{"operands", "add %r1", "add takes 2 operands, not 1"},
		{"operand of exit", "exit 1", "exit takes 0 operands, not 1"},
		{"decimal immediate", "mov %r1, 2147483648", "does not fit 32 bits"},
		{"negative immediate", "mov %r1, -2147483649", "does not fit 32 bits"},
		{"number", "mov %r1, x", `invalid number "x"`},
		{"wide number", "lddw %r1, 0x10000000000000000", "invalid number"},
		{"memory", "ldxw %r1, %r2", "no memory operand"},
		{"offset", "ldxw %r1, [%r2+32768]", "does not fit 16 bits"},
		{"offset text", "ldxw %r1, [%r2+x]", "invalid number"},
		{"label", "ja nowhere", `unknown label "nowhere"`},
		{"no exit", "ja exit", `unknown label "exit"`},
		{"two labels", "a:;a:;exit", "label a stands twice"},
		{"jump", "ja +40000", "does not fit 16 bits"},
		{"lock alone", "lock", "unknown mnemonic"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Assemble(strings.Split(row.text, ";"))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, not %q", err, row.want)
			}
		})
	}
}
