// This file defines what a report says and how it prints.

// Package report says in words why a program was rejected: the class of
// mistake, the instruction and source line, what the register held and where
// that came from, and what to do about it. It takes a verify.Rejection and its
// program; the command and the test harness print what it gives. It judges
// nothing and must not import internal/engine or anything that runs programs.
package report

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify"
)

// Report is a rejection in words. Fields that nothing is known of are zero.
type Report struct {
	Kind    string // class of mistake: "missing NULL check"
	Line    string // the kernel's one-line reason
	Problem string // the reason in words
	Where   *Step  // the instruction that was refused
	// Reg is the register concerned, "" when it is none; State is what it held.
	Reg, State string
	// Origin is how the register came to hold it, oldest first.
	Origin []Step
	// Advice is what to change.
	Advice string
}

// Step is an instruction with its source line.
type Step struct {
	Insn   int    `json:"insn"`
	Text   string `json:"text"`             // as the log prints it, with its opcode
	Source string `json:"source,omitempty"` // "file.c:31"
	Code   string `json:"code,omitempty"`   // the source line itself
}

// names resolve helpers. Kernel functions stay anonymous: their numbers mean
// something in one kernel's BTF only.
var names = bytecode.Names{Helper: catalog.HelperName}

// Explain puts a rejection in words. What a register held and where it came
// from is read from r.Log, so they are missing from a rejection at log level 0.
// A line that is not known gets a report without advice.
func Explain(p *bytecode.Program, r *verify.Rejection) Report {
	rep := Report{Kind: string(r.Kind), Line: r.Line}
	vars := map[string]string{}
	for _, line := range append(earlierLines(r), r.Line) {
		row, found := lookUp(line)
		if row == nil {
			continue
		}
		maps.Copy(vars, found)
		if rep.Problem == "" { // the first line has the figures
			rep.Problem = fill(row.problem, found)
		}
		rep.Kind, rep.Advice = row.kind, fill(row.advice, found) // the last one the reason
	}
	if r.Insn < 0 || r.Insn >= len(p.Insns) {
		return rep
	}
	rep.Where = step(p, r.Insn)
	if pc, err := strconv.Atoi(vars["alloc"]); err == nil && pc >= 0 && pc < len(p.Insns) {
		rep.Origin = []Step{*step(p, pc)}
		return rep
	}
	reg, ok := concerned(r, vars)
	if !ok {
		return rep
	}
	rep.Reg = fmt.Sprintf("R%d", reg)
	path := readPath(r.Log, r.Insn)
	rep.State = inWords(path.state[reg])
	for _, pc := range origin(p.Insns, path.pcs, reg) {
		rep.Origin = append(rep.Origin, *step(p, pc))
	}
	return rep
}

// earlierLines are the lines that the log has between the instruction refused
// and the last line of the reason.
func earlierLines(r *verify.Rejection) []string {
	var lines []string
	for line := range strings.Lines(r.Log) {
		line = strings.TrimSpace(line)
		_, _, isInsn := insnLine(line)
		switch {
		case isInsn:
			lines = lines[:0]
		case line == r.Line:
			return lines
		default:
			lines = append(lines, line)
		}
	}
	return nil
}

// concerned returns the register that the rejection is about: the one it
// names, or the one that its line does.
func concerned(r *verify.Rejection, vars map[string]string) (reg int, ok bool) {
	if r.Reg >= 0 && r.Reg <= bytecode.R10 {
		return r.Reg, true
	}
	n, err := fmt.Sscanf(vars["reg"], "%d", &reg)
	return reg, n == 1 && err == nil && reg >= 0 && reg <= bytecode.R10
}

func step(p *bytecode.Program, pc int) *Step {
	s := &Step{Insn: pc, Text: string(p.AppendInsn(nil, pc, names))}
	if l := p.LineAt(pc); l != nil {
		line := l.String()
		at := strings.LastIndex(line, " @ ")
		s.Code, s.Source = line[:at], line[at+len(" @ "):]
	}
	return s
}

// String is the report as text, for people.
//
//	missing NULL check: R0 invalid mem access 'map_value_or_null'
//	  the pointer may be NULL here
//	  at insn 7: (61) r1 = *(u32 *)(r0 +0)
//	     count.c:31: *v += 1;
//	  R0 held: the value of map hits, or NULL
//	  since insn 5: (85) call bpf_map_lookup_elem#1
//	     count.c:30: v = bpf_map_lookup_elem(&hits, &key);
//	  fix: compare the pointer with NULL before using it
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", r.Kind, r.Line)
	if r.Problem != "" {
		fmt.Fprintf(&b, "  %s\n", r.Problem)
	}
	if r.Where != nil {
		r.Where.print(&b, "at")
	}
	if r.State != "" {
		fmt.Fprintf(&b, "  %s held: %s\n", r.Reg, r.State)
	}
	for _, s := range r.Origin {
		s.print(&b, "since")
	}
	if r.Advice != "" {
		fmt.Fprintf(&b, "  fix: %s\n", r.Advice)
	}
	return b.String()
}

func (s *Step) print(b *strings.Builder, word string) {
	fmt.Fprintf(b, "  %s insn %d: %s\n", word, s.Insn, s.Text)
	if s.Source != "" {
		fmt.Fprintf(b, "     %s: %s\n", s.Source, s.Code)
	}
}
