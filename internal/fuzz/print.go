// This file defines how findings and a report are printed.

package fuzz

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// Text is the program for people: one instruction a line.
func (s *Sample) Text() string { return Disassemble(s.Prog) }

// Disassemble is a program for people: one instruction a line.
func Disassemble(p *bytecode.Program) string {
	var b strings.Builder
	fmt.Fprintf(&b, "type %d, flags %#x, %d instructions\n", p.Type, p.Flags, len(p.Insns))
	for i, m := range p.Maps {
		fmt.Fprintf(&b, "map %d: %s, type %d, key %d, value %d, entries %d\n", i, m.Name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries)
	}
	names := bytecode.Names{Helper: catalog.HelperName}
	for pc := 0; pc < len(p.Insns); pc += p.Insns[pc].Width() {
		fmt.Fprintf(&b, "%4d: %s%s\n", pc, p.AppendInsn(nil, pc, names), operand(p, pc))
	}
	return b.String()
}

// operand is what the text of an instruction does not show.
func operand(p *bytecode.Program, pc int) string {
	in := p.Insns[pc]
	switch {
	case in.IsFuncRef(), in.IsSubprogCall():
		return fmt.Sprintf("  ; function at %d", pc+1+int(in.Imm))
	case in.IsLdImm64() && in.Src == bytecode.PseudoMapIdx:
		return fmt.Sprintf("  ; map %d", in.Imm)
	case in.IsLdImm64() && in.Src == bytecode.PseudoMapIdxValue && pc+1 < len(p.Insns):
		return fmt.Sprintf("  ; value of map %d at %d", in.Imm, p.Insns[pc+1].Imm)
	case in.Jumps():
		return fmt.Sprintf("  ; to %d", in.JumpTarget(pc))
	}
	return ""
}

// Print writes a finding: what, where from, both reasons, the program.
func (f *Finding) Print(w io.Writer, seed uint64) {
	fmt.Fprintf(w, "%s: seed %d, program %d (%s)\n", f.Class, seed, f.Sample.Index, f.Sample.Origin)
	fmt.Fprintf(w, "  kernel  %s\n  skep    %s\n", f.Kernel, f.Skep)
	if f.Packet != nil {
		fmt.Fprintf(w, "  packet  %x\n", f.Packet)
	}
	p := f.Small
	if p == nil {
		p = f.Sample.Prog
	}
	fmt.Fprintln(w, Disassemble(p))
}

// Print writes the report as a table.
func (r *Report) Print(out io.Writer, command string) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	row := func(name string, n int, of int) {
		if of > 0 {
			fmt.Fprintf(w, "%s\t%d\t%.3f %%\n", name, n, 100*float64(n)/float64(of))
		} else {
			fmt.Fprintf(w, "%s\t%d\t\n", name, n)
		}
	}
	reasons := func(counts map[string]int) {
		for _, reason := range byCount(counts) {
			fmt.Fprintf(w, "    %s\t%d\t\n", reason, counts[reason])
		}
	}
	fmt.Fprintf(w, "\nprograms\t%d\tin %v, seed %d\n", r.Total, r.Time.Round(time.Millisecond), r.Seed)
	if r.Asked {
		row("accepted by the kernel", r.Kernel, r.Total)
	}
	for _, c := range []Class{Accepted, Rejected, Unasked, TooComplex, FalseAccept, FalseReject} {
		if c != Unasked || r.Classes[c] > 0 {
			row(string(c), r.Classes[c], r.Total)
		}
	}
	reasons(r.FalseRejects)
	row(string(Broken), r.Classes[Broken], 0)
	row(string(Unsupported), r.Classes[Unsupported], r.Total)
	reasons(r.Unsupported)
	row(string(NoVerdict), r.Classes[NoVerdict], r.Total)
	reasons(r.NoVerdict)
	row("runs", r.Runs, 0)
	row("compared with the kernel's", r.KernelRuns, 0)
	row("programs that could not be run", sum(r.NoRun), 0)
	reasons(r.NoRun)
	for _, c := range []Class{BadAccess, BadState, BadResult, BadRun} {
		row(string(c), r.Violations[c], 0)
	}
	if r.LogsCompared > 0 {
		row("logs alike", r.LogsAlike, r.LogsCompared)
	}
	if r.WorkCompared > 0 {
		row("counts of instructions alike", r.WorkAlike, r.WorkCompared)
		row("reasons alike", r.LinesAlike, r.LinesCompared)
	}
	row("kfuncs called", len(r.Kfuncs), 0)
	reasons(r.Kfuncs)
	fmt.Fprintf(w, "command\t%s\t\n", command)
}

func sum(counts map[string]int) (n int) {
	for _, k := range counts {
		n += k
	}
	return n
}
