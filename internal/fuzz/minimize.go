// This file defines how a program is made small that shows something.

package fuzz

import (
	"cmp"
	"context"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
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

// tooComplex reports whether Skep gave up on a program that the kernel walks.
func (f *Finding) tooComplex() bool {
	return f.Class == Broken && strings.Contains(f.Skep, context.DeadlineExceeded.Error()) ||
		f.Class == FalseReject && strings.HasPrefix(f.Skep, tooLarge)
}

// Instructions that a small program that diverges takes.
const (
	fewInsns  = 3_000  // the kernel at most
	manyInsns = 20_000 // Skep at least
)

// diverges reports whether the kernel accepts p soon and Skep does not.
func (o *Options) diverges(p *bytecode.Program) bool {
	k := ask(p, counts)
	n := k.work()
	s := o.limited().verify(context.Background(), p, 0)
	return k.class == Accepted && n <= fewInsns && strings.HasPrefix(s.line, tooLarge)
}

// limited are the options for a kernel that gives up soon.
func (o *Options) limited() *Options {
	c := *o
	t := *cmp.Or(o.Target, catalog.Linux6_18)
	t.Limits.Insns = manyInsns
	c.Target = &t
	return &c
}

// atoi reads the digits that a text begins with.
func atoi(s string) (n uint64) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + uint64(c-'0')
	}
	return n
}
