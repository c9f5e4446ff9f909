// This file tests bpf_strtol, bpf_strtoul and bpf_strncmp.

package helper_test

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
)

func TestStrtol(t *testing.T) {
	for _, row := range []struct {
		name, text string
		flags      int
		fn         asm.BuiltinFunc
		ret        int32
		want       int64
	}{
		{"decimal", "1234", 10, asm.FnStrtol, 4, 1234},
		{"negative", "-1234", 0, asm.FnStrtol, 5, -1234},
		{"blanks and rest", " \t\n\v\f\r-12 x", 10, asm.FnStrtol, 9, -12},
		{"no-break space", "\xa07", 10, asm.FnStrtol, 2, 7},
		{"no plus", "+12", 10, asm.FnStrtol, -einval, 0},
		{"blank after sign", "- 12", 10, asm.FnStrtol, -einval, 0},
		{"two signs", "--12", 10, asm.FnStrtol, -einval, 0},
		{"only blanks", "   ", 10, asm.FnStrtol, -einval, 0},
		{"only a sign", "-", 10, asm.FnStrtol, -einval, 0},
		{"NUL", "\x0012", 10, asm.FnStrtol, -einval, 0},
		{"ends at NUL", "12\x0034", 10, asm.FnStrtol, 2, 12},
		{"octal", "0755", 0, asm.FnStrtol, 4, 0o755},
		{"octal by base", "755", 8, asm.FnStrtol, 3, 0o755},
		{"octal ends at 8", "0778", 0, asm.FnStrtol, 3, 0o77},
		{"no octal", "8", 8, asm.FnStrtol, -einval, 0},
		{"hex", "0xBeEf", 0, asm.FnStrtol, 6, 0xbeef},
		{"hex by base", "beef", 16, asm.FnStrtol, 4, 0xbeef},
		{"hex with prefix by base", "0Xbeef", 16, asm.FnStrtol, 6, 0xbeef},
		{"negative hex", "-0x10", 0, asm.FnStrtol, 5, -16},
		{"prefix without digits", "0xg", 0, asm.FnStrtol, 1, 0},
		{"prefix without digits by base", "0xg", 16, asm.FnStrtol, -einval, 0},
		{"prefix in base 10", "0x12", 10, asm.FnStrtol, 1, 0},
		{"zero", "0", 0, asm.FnStrtol, 1, 0},
		{"minus zero", "-0", 0, asm.FnStrtol, 2, 0},
		{"largest", "9223372036854775807", 10, asm.FnStrtol, 19, 1<<63 - 1},
		{"too large", "9223372036854775808", 10, asm.FnStrtol, -erange, 0},
		{"least", "-9223372036854775808", 10, asm.FnStrtol, 20, -1 << 63},
		{"too small", "-9223372036854775809", 10, asm.FnStrtol, -erange, 0},
		{"beyond 64 bits", "-99999999999999999999", 10, asm.FnStrtol, -erange, 0},
		{"63 digits are read", strings.Repeat("0", 63) + "17", 10, asm.FnStrtol, 63, 0},
		{"63 behind blanks", strings.Repeat(" ", 40) + strings.Repeat("0", 62) + "17", 10, asm.FnStrtol, 103, 1},
		{"base 2", "101", 2, asm.FnStrtol, -einval, 0},
		{"flags", "101", 10 | 32, asm.FnStrtol, -einval, 0},
		{"unsigned", "1234", 0, asm.FnStrtoul, 4, 1234},
		{"unsigned largest", "18446744073709551615", 0, asm.FnStrtoul, 20, -1},
		{"unsigned too large", "18446744073709551616", 0, asm.FnStrtoul, -erange, 0},
		{"unsigned hex", "0xffffffffffffffff", 0, asm.FnStrtoul, 18, -1},
		{"unsigned with sign", "-1", 0, asm.FnStrtoul, -einval, 0},
		{"unsigned minus zero", "-0", 0, asm.FnStrtoul, -einval, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{consts: []byte(row.text), ret: uint32(row.ret), out: words(row.want)}
			s.body = join(
				call(row.fn, constAt(0), len(row.text), row.flags, stackAt(-8)),
				asm.LoadMem(asm.R1, asm.RFP, -8, asm.DWord),
				asm.StoreMem(asm.R9, 0, asm.R1, asm.DWord))
			s.check(t)
		})
	}
}

func TestStrncmp(t *testing.T) {
	for _, row := range []struct {
		name, s1, s2 string
		ret          int32
	}{
		{"same", "hello", "hello", 0},
		{"s1 is cut", "hel", "hello", 0},
		{"s2 is a beginning", "hello", "hel", 1},
		{"smaller", "abc", "abd", -1},
		{"larger", "abd", "abc", 1},
		{"NUL ends both", "ab\x00x", "ab", 0},
		{"NUL in s1", "ab\x00x", "abc", -1},
		{"bytes have no sign", "\xff", "a", 1},
		{"empty s2", "a", "", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{consts: append([]byte(row.s1), row.s2+"\x00"...), ret: uint32(row.ret)}
			s.body = call(asm.FnStrncmp, constAt(0), len(row.s1), constAt(len(row.s1)))
			s.check(t)
		})
	}
}
