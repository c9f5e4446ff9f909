// This file defines tests of how logs are read.

package live

import "testing"

func TestLastLine(t *testing.T) {
	for _, tt := range []struct{ name, log, want string }{
		{"empty", "", ""},
		{"only counts", "processed 1 insns (limit 1000000)\n", ""},
		{"counts after", "0: (bf) r0 = r3\nR3 !read_ok\nverification time 5 usec\nstack depth 0\nprocessed 1 insns\n", "R3 !read_ok"},
		{"states of a loop", "infinite loop detected at insn 1\ncur state: R0=0\nold state: R0=0\nprocessed 2 insns\n", "infinite loop detected at insn 1"},
		{"blank lines", "a\nb\n\n\n", "b"},
		{"no end of the line", "a\nexpected prog array map for tail callprocessed 3 insns (limit 1000000)\n", "expected prog array map for tail call"},
		{"no final newline", "a\nb", "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := LastLine(tt.log); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
