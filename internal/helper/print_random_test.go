// This file compares printing with the running kernel's on random formats.

package helper_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skepbpf/skep"
)

// randomFormat gives a format that the kernel takes, and its values.
func randomFormat(r *rand.Rand) (format string, values []any) {
	pick := func(choices ...string) string { return choices[r.IntN(len(choices))] }
	var b strings.Builder
	for range 1 + r.IntN(6) {
		b.WriteString(pick("", "a", "x ", "%%", "-- ", "09"))
		flags := pick("", "", "-", "0", "+", " ", "-0", "+ ", "0+-")
		width := pick("", "", "1", "7", "20", "200")
		verb := pick("d", "i", "u", "x", "X", "ld", "lu", "lx", "lld", "llX", "c", "s", "s", "px", "pks", "pus", "ps",
			"pS", "pB", "pI4", "pi4", "pI6", "pi6")
		fmt.Fprintf(&b, "%%%s%s%s", flags, width, verb)
		switch verb {
		case "s", "pks", "pus":
			b.WriteString(pick(" ", ".", "%%", "\n"))
		}
		switch verb {
		case "s", "pks", "pI4", "pi4", "pI6", "pi6":
			values = append(values, []any{constAt(textAt), constAt(textAt + r.IntN(8)), 0}[r.IntN(3)])
		case "pus":
			values = append(values, 0) // the program's texts are no user memory
		default:
			values = append(values, int(r.Uint64())>>r.IntN(64))
		}
	}
	return b.String(), values
}

func TestRandomFormatsAgainstKernel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		format, values := randomFormat(r)
		size := r.IntN(256)
		s := printed(format, "some text of the program", size, values...)
		s.packet = make([]byte, 64)
		want, ok := s.runKernel(t)
		if !ok {
			t.Skip("no kernel to compare with")
		}
		got := s.runSkep(t, skep.EngineInterp)
		// Where the text is cut the kernel may count what an earlier print left
		// in its buffer (see output.formatted).
		sameLength := got.ret == want.ret || int(want.ret) > size
		if !sameLength || string(got.out) != string(want.out) {
			t.Errorf("%q of %v: %d %.100q, kernel %d %.100q", format, values, int32(got.ret), got.out, int32(want.ret), want.out)
		}
	}
}
