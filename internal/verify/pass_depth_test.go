// This file defines tests of the stack of nested calls, against the running
// kernel where there is one.

package verify

import (
	"slices"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
)

// nest makes functions that call each other in turn, the i-th with depths[i]
// bytes of stack.
func nest(depths ...int32) []bytecode.Insn {
	var insns []bytecode.Insn
	for i, depth := range depths {
		if depth > 0 {
			insns = append(insns, stDW(bytecode.R10, int16(-depth), 0))
		}
		if i+1 < len(depths) {
			insns = append(insns, callSubprog(2))
		}
		insns = append(insns, movK(0, 0), exit())
	}
	return insns
}

func frames(depths ...int32) []frameUse {
	uses := make([]frameUse, len(depths))
	for i, d := range depths {
		uses[i].Depth = d
	}
	return uses
}

var depthTests = []struct {
	name   string
	typ    bytecode.ProgType
	depths []int32
	line   string
}{
	{"one frame", bytecode.ProgSocketFilter, []int32{512}, ""},
	{"two frames that fit", bytecode.ProgSocketFilter, []int32{256, 256}, ""},
	{"two frames that do not", bytecode.ProgSocketFilter, []int32{256, 264}, "combined stack size of 2 calls is 528. Too large"},
	{"rounding counts", bytecode.ProgSocketFilter, []int32{8, 8, 488}, "combined stack size of 3 calls is 528. Too large"},
	{"eight frames", bytecode.ProgSocketFilter, []int32{0, 0, 0, 0, 0, 0, 0, 0}, ""},
	{"private stacks", bytecode.ProgKprobe, []int32{512, 512, 512}, ""},
	{"small frames are shared", bytecode.ProgKprobe, []int32{56, 512, 56}, ""},
	{"tracepoint", bytecode.ProgTracepoint, []int32{256, 264}, ""},
	{"raw tracepoint", bytecode.ProgRawTracepoint, []int32{256, 264}, ""},
	{"perf event", bytecode.ProgPerfEvent, []int32{256, 264}, ""},
	{"xdp", bytecode.ProgXDP, []int32{256, 264}, "combined stack size of 2 calls is 528. Too large"},
}

func TestStackDepth(t *testing.T) {
	for _, tt := range depthTests {
		t.Run(tt.name, func(t *testing.T) {
			p := &bytecode.Program{Type: tt.typ, License: "GPL", Insns: nest(tt.depths...)}
			env := testEnv()
			subs, r := findSubprogs(p, env)
			if r != nil {
				t.Fatal(r)
			}
			line := ""
			if r := checkStackDepth(p, subs, frames(tt.depths...), env); r != nil {
				line = r.Line
			}
			if line != tt.line {
				t.Errorf("got %q, want %q", line, tt.line)
			}
		})
	}
}

func TestStackDepthOracle(t *testing.T) {
	kernel := needKernel(t)
	for _, tt := range depthTests {
		p := &bytecode.Program{Type: tt.typ, License: "GPL", Insns: nest(tt.depths...)}
		r := kernel.load(p, 0)
		if r.Accepted() != (tt.line == "") || !r.Accepted() && r.Line() != tt.line {
			t.Errorf("%s: the kernel says %q", tt.name, r.Line())
		}
	}
}

// TestStackDepthRules has what the kernel cannot easily be asked: functions
// that the walk never reaches from the main one alone.
func TestStackDepthRules(t *testing.T) {
	tail := code(callSubprog(2), movK(0, 0), exit(), callHelper(helperTailCall), movK(0, 0), exit())
	callback := code(funcRef(2, 4), callHelper(helperLoop), movK(0, 0), exit(), movX(6, 1), ldAbs(0), exit())
	for _, tt := range []struct {
		name  string
		insns []bytecode.Insn
		uses  []frameUse
		line  string
	}{
		{"nine frames", nest(make([]int32, 9)...), make([]frameUse, 9), "the call stack of 8 frames is too deep !"},
		{"tail call below 240 bytes", tail, frames(240, 0), ""},
		{"tail call below 256 bytes", tail, frames(256, 0),
			"tail_calls are not allowed when call stack of previous frames is 256 bytes. Too large"},
		{"packet load in a callback", callback, []frameUse{{}, {IsCallback: true}}, "cannot use BPF_LD_[ABS|IND] within callback"},
		{"callback on the caller's stack", callback, frames(512, 16), "combined stack size of 2 calls is 528. Too large"},
		{"asynchronous callback on its own", callback, []frameUse{{Depth: 512}, {Depth: 512, IsAsync: true}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &bytecode.Program{Type: bytecode.ProgSocketFilter, Insns: tt.insns}
			env := testEnv()
			subs, r := findSubprogs(p, env)
			if r != nil {
				t.Fatal(r)
			}
			if r := checkSubprogs(p, subs); r != nil {
				t.Fatal(r)
			}
			line := ""
			if r := checkStackDepth(p, subs, tt.uses, env); r != nil {
				line = r.Line
			}
			if line != tt.line {
				t.Errorf("got %q, want %q", line, tt.line)
			}
		})
	}
}

// TestStackDepthManyPaths: a call graph with 100^6 paths is judged at once.
func TestStackDepthManyPaths(t *testing.T) {
	const levels, calls = 7, 100
	var insns []bytecode.Insn
	for level := range levels {
		for i := range calls {
			if level+1 < levels {
				insns = append(insns, callSubprog(int32(calls-i-1+2)))
			}
		}
		insns = append(insns, movK(0, 0), exit())
	}
	p := &bytecode.Program{Insns: insns}
	env := testEnv()
	subs, r := findSubprogs(p, env)
	if r != nil {
		t.Fatal(r)
	}
	if len(subs) != levels {
		t.Fatalf("%d functions, want %d", len(subs), levels)
	}
	if r := checkStackDepth(p, subs, make([]frameUse, levels), env); r != nil {
		t.Error(r)
	}
	if got := string(appendDepths(nil, slices.Repeat(frames(8), 2))); got != "stack depth 8+8" {
		t.Errorf("depths print as %q", got)
	}
}
