// This file tests printing.

package helper_test

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"

	"github.com/skepbpf/skep"
)

const (
	enospc = 28
	einval = 22
	efault = 14
	erange = 34
	e2big  = 7
)

// textAt is where the constants that formats point to begin.
const textAt = 256

func constsOf(format, text string) []byte {
	p := make([]byte, textAt+len(text)+1)
	copy(p, format)
	copy(p[textAt:], text)
	return p
}

// printed is a sample that calls bpf_snprintf with room for size bytes.
func printed(format, text string, size int, values ...any) *sample {
	var body asm.Instructions
	for i, v := range values {
		body = append(body, store(stackAt(8*(i-len(values))), v)...)
	}
	args := []any{outAt(0), size, constAt(0), stackAt(-8 * len(values)), 8 * len(values)}
	if len(values) == 0 {
		args[3] = 0
	}
	return &sample{consts: constsOf(format, text), body: append(body, call(asm.FnSnprintf, args...)...)}
}

func TestSnprintf(t *testing.T) {
	const text = "sixteen letters!"
	for _, row := range []struct {
		name, format string
		values       []any
		want         string
	}{
		{"plain", "hello, world\n", nil, "hello, world\n"},
		{"percent", "100%%", nil, "100%"},
		{"int", "%d %i", []any{-7, 1 << 33}, "-7 0"},
		{"long", "%ld %lld", []any{-1 << 40, 1 << 33}, "-1099511627776 8589934592"},
		{"least", "%lld", []any{-1 << 63}, "-9223372036854775808"},
		{"unsigned", "%u %lu %llu", []any{-1, -1, -1}, "4294967295 18446744073709551615 18446744073709551615"},
		{"hex", "%x %X %lx %llX", []any{0xbeef, 0xbeef, -1, -2}, "beef BEEF ffffffffffffffff FFFFFFFFFFFFFFFE"},
		{"zero", "%d%u%x", []any{0, 0, 0}, "000"},
		{"width", "[%5d][%-5d][%05d]", []any{-42, -42, -42}, "[  -42][-42  ][-0042]"},
		{"left beats zero", "[%-05d][%0-5d]", []any{7, 7}, "[7    ][7    ]"},
		{"plus", "[%+d][%+d][%+5d][%+05d]", []any{7, -7, 7, 7}, "[+7][-7][   +7][+0007]"},
		{"blank", "[% d][% d][% +d][% 05d]", []any{7, -7, 7, 7}, "[ 7][-7][+7][ 0007]"},
		{"plus means nothing without sign", "[%+u][%+x][% x]", []any{7, 7, 7}, "[7][7][7]"},
		{"width too small", "[%2d][%02x]", []any{12345, 0xabc}, "[12345][abc]"},
		{"char", "[%c][%3c][%-3c]", []any{'a', 'b', 'c' + 256}, "[a][  b][c  ]"},
		{"char in text", "%cbc", []any{'a'}, "abc"},
		{"NUL char", "a%cb", []any{0}, "a\x00b"},
		{"string", "[%s]", []any{constAt(textAt)}, "[" + text + "]"},
		{"string with width", "[%20s][%-20s][%3s]", []any{constAt(textAt), constAt(textAt), constAt(textAt)},
			"[    " + text + "][" + text + "    ][" + text + "]"},
		{"string from its middle", "%s", []any{constAt(textAt + 8)}, "letters!"},
		{"string at NULL", "[%s]", []any{0}, "[]"},
		{"kernel string", "[%pks] and more", []any{constAt(textAt)}, "[" + text + "] and more"},
		{"kernel string has no width", "[%20pks]", []any{constAt(textAt)}, "[" + text + "]"},
		{"user string nowhere", "[%pus]", []any{1}, "[]"},
		{"address", "%px", []any{0x1234abcd}, "000000001234abcd"},
		{"address with width", "[%20px][%-20px][%3px]", []any{0x1f, 0x1f, 0x1234},
			"[                  1f][1f                  ][1234]"},
		{"address left without width", "[%-px]", []any{0x1f}, "[1f              ]"},
		{"NULL", "[%p][%pK]", []any{0, 0}, "[0000000000000000][0000000000000000]"},
		{"error pointer", "%p", []any{-22}, "ffffffffffffffea"},
		{"letters after a pointer are lost", "%pxyz %pKing %px!", []any{1, 0, 1},
			"0000000000000001 0000000000000000 0000000000000001!"},
		{"symbol", "[%ps][%pS]", []any{0x1234, 0x1234}, "[0x1234][0x1234]"},
		{"symbol with width", "[%8ps][%-8pS]", []any{0x1234, 0x1234}, "[  0x1234][0x1234  ]"},
		{"backtrace symbol", "[%pB][%10pB]", []any{0x1234, 0x1234}, "[0x1234][0x1234]"},
		{"IPv4", "%pI4 %pi4", []any{constAt(textAt), constAt(textAt)}, "115.105.120.116 115.105.120.116"},
		{"IPv4 with zeros", "%pi4 %pI4", []any{constAt(0), constAt(0)}, "037.112.105.052 37.112.105.52"},
		{"IPv6", "%pI6", []any{constAt(textAt)}, "7369:7874:6565:6e20:6c65:7474:6572:7321"},
		{"IPv6 without separators", "%pi6", []any{constAt(textAt)}, "736978746565" + "6e206c6574746572" + "7321"},
		{"IP addresses nowhere", "%pI4 %pI6", []any{0, 0}, "0.0.0.0 0000:0000:0000:0000:0000:0000:0000:0000"},
		{"letters after IP are lost", "%pI4abc def", []any{0}, "0.0.0.0 def"},
		{"twelve values", "%d%d%d%d%d%d%d%d%d%d%d%d", []any{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, "123456789101112"},
		{"more values than conversions", "%d", []any{1, 2, 3}, "1"},
		{"blank ends string", "%s\t%s.", []any{constAt(textAt + 15), constAt(textAt + 15)}, "!\t!."},
		{"width that wraps around", "[%4294967298d][%4294967290d]", []any{7, 7}, "[ 7][7]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := printed(row.format, text, 300, row.values...)
			s.ret, s.out = uint32(len(row.want)+1), []byte(row.want+"\x00")
			s.check(t)
		})
	}
}

func TestSnprintfCut(t *testing.T) {
	const text = "abcdef"
	for _, row := range []struct {
		name, format string
		size         int
		values       []any
		ret          int
		want         string
	}{
		{"exact", "%s", 7, []any{constAt(textAt)}, 7, "abcdef\x00\x00"},
		{"one short", "%s", 6, []any{constAt(textAt)}, 7, "abcde\x00\x00"},
		{"in text", "hello", 3, nil, 6, "he\x00\x00"},
		{"one byte", "%d", 1, []any{12345}, 6, "\x00\x00"},
		{"nothing", "%d", 0, []any{12345}, 6, "\x00\x00"},
		{"in padding", "%10d", 4, []any{7}, 11, "   \x00\x00"},
		{"behind the end", "ab%5s xyz%d", 2, []any{constAt(textAt), 5}, 14, "a\x00\x00"},
		{"IP behind the end", "ab%pI4", 2, []any{0}, 3, "a\x00\x00"},
		{"IP across the end", "ab%pI4", 4, []any{0}, 10, "ab0\x00\x00"},
		{"huge width", "%8000000d|%8000000s", 4, []any{7, constAt(textAt)}, 16000002, "   \x00\x00"},
		{"largest width", "%8388607d|%16777221d", 4, []any{7, 7}, 2*8388607 + 2, "   \x00\x00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := printed(row.format, text, row.size, row.values...)
			s.ret, s.out = uint32(row.ret), []byte(row.want)
			s.check(t)
		})
	}
}

func TestSnprintfFull(t *testing.T) {
	long := strings.Repeat("x", 600)
	for _, row := range []struct {
		name, format string
		ret          uint32
	}{
		{"a long string is cut to 511 bytes", "%s", 512},
		{"no room after it", "%s %s", minus(enospc)},
		{"no room for a number", "%s %d", minus(enospc)},
		{"no room for a char", "%s %c", minus(enospc)},
		{"no room for an IP address", "%s %pI4", minus(enospc)},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := printed(row.format, long, 16, constAt(textAt), constAt(textAt))
			s.ret = row.ret
			s.check(t)
		})
	}
}

// Two addresses print alike when they are one, and do not show it.
func TestHashedPointers(t *testing.T) {
	s := printed("%p %p %pK %p", "", 300, 0x123456789, 0x123456789, 0x123456789, 0x12345678a)
	s.packet = make([]byte, 64)
	got := strings.Fields(strings.TrimRight(string(s.runSkep(t, skep.EngineInterp).out), "\x00"))
	if got[0] != got[1] || got[0] != got[2] || got[0] == got[3] {
		t.Errorf("got %q, want three alike and one other", got)
	}
	if got[0] == "0000000123456789" || !strings.HasPrefix(got[0], "00000000") {
		t.Errorf("got %q, want 32 other bits", got[0])
	}
}
