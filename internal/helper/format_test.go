// This file tests formats at random: any bytes do no harm, and those that the
// kernel takes print what the kernel prints.

package helper

import (
	"testing"

	"github.com/skepbpf/skep/internal/engine"
)

func FuzzFormat(f *testing.F) {
	for _, s := range []string{"%d %s\n", "%-10pks|%pI6|%pi4", "%%%c%+05lld% x", "%pB%px%pKabc", "%8388608d%16777216s", "%"} {
		f.Add(s, uint64(7), uint64(1)<<63, uint16(32))
	}
	pool := newPool(f, 1)
	f.Fuzz(func(t *testing.T, format string, v1, v2 uint64, size uint16) {
		const guard = 8
		p := make([]byte, int(size)+guard)
		err := run(t, pool, 0, func(c *engine.Call) {
			n, err := printTo(c, p[:size], []byte(format), []uint64{v1, v2, v1 ^ v2})
			if err == 0 && size > 0 && p[min(n, int(size)-1)] != 0 {
				t.Errorf("no NUL at %d of %d", n, size)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if string(p[size:]) != "\x00\x00\x00\x00\x00\x00\x00\x00" {
			t.Errorf("wrote behind the end: %x", p[size:])
		}
	})
}

func FuzzParseInteger(f *testing.F) {
	for _, s := range []string{" -0x1f", "0777", "18446744073709551616", "0x", "-"} {
		f.Add(s, uint64(0))
		f.Add(s, uint64(16))
	}
	f.Fuzz(func(t *testing.T, s string, flags uint64) {
		_, _, n, err := parseInteger([]byte(s), flags)
		if err == 0 && (n < 1 || n > len(s)) {
			t.Errorf("%d of %d bytes read", n, len(s))
		}
	})
}
