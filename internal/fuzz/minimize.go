// This file defines how a program is made small that shows something.

package fuzz

import (
	"github.com/skepbpf/skep/internal/bytecode"
)

// minimize removes instructions, and makes those left simpler, as long as the
// program still shows what it did. The result is p where nothing can go.
func minimize(p *bytecode.Program, shows func(*bytecode.Program) bool) *bytecode.Program {
	for {
		before := len(p.Insns)
		p = shorten(p, shows)
		p = simplify(p, shows)
		if len(p.Insns) == before {
			return p
		}
	}
}

// shorten removes runs of instructions, long ones first.
func shorten(p *bytecode.Program, shows func(*bytecode.Program) bool) *bytecode.Program {
	for n := len(p.Insns) / 2; n > 0; n /= 2 {
		for i := 0; i < len(starts(p)); {
			at := starts(p)
			end := len(p.Insns)
			if i+n < len(at) {
				end = at[i+n]
			}
			if q, ok := splice(p, at[i], end, nil); ok && len(q.Insns) > 0 && shows(q) {
				p = q
			} else {
				i += n
			}
		}
	}
	return p
}

// simplify puts simpler instructions in place of others.
func simplify(p *bytecode.Program, shows func(*bytecode.Program) bool) *bytecode.Program {
	for _, pc := range starts(p) {
		if pc >= len(p.Insns) {
			break
		}
		for _, in := range simpler(p.Insns[pc]) {
			if q, ok := splice(p, pc, pc+p.Insns[pc].Width(), []insn{in}); ok && shows(q) {
				p = q
				break
			}
		}
	}
	return p
}

// simpler lists what an instruction may be replaced by, the simplest first.
func simpler(in insn) []insn {
	var list []insn
	switch in.Class() {
	case bytecode.ClassALU, bytecode.ClassALU64, bytecode.ClassLDX:
		if in != movK(in.Dst, 0) {
			list = append(list, movK(in.Dst, 0))
		}
	case bytecode.ClassLD:
		list = append(list, movK(in.Dst, 0))
	}
	if in.Jumps() && !in.IsGoto() {
		list = append(list, insn{Op: bytecode.ClassJMP | bytecode.JmpA, Off: in.Off})
	}
	return list
}
