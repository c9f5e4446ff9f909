// This file defines Report: all outcomes, and what they add up to.

package conformance

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Report is the result of a run.
type Report struct {
	Outcomes []*Outcome // sorted by file, CPU version, program, mode
	// Unlinked are cases that never became a program, with the reason each.
	Unlinked []*Case
	// Uncompiled are sources that clang refused.
	Uncompiled []*CorpusObject
	// Unread are objects that Skep's reader refused, by path, with the reason.
	Unread map[string]string
}

// Count is how many of a number of comparisons agreed.
type Count struct {
	Agree   int `json:"agree"`
	Total   int `json:"total"`
	Missing int `json:"missing,omitempty"` // not among Total
}

func (c *Count) add(m Mark) {
	switch m {
	case Agree:
		c.Agree++
		c.Total++
	case Differ:
		c.Total++
	case Missing:
		c.Missing++
	}
}

// Counts are the counts of all columns.
type Counts [numColumns]Count

// Add counts an outcome.
func (c *Counts) Add(o *Outcome) {
	for i, m := range o.Marks {
		c[i].add(m)
	}
}

// Row is one line of the table.
type Row struct {
	File     string
	Programs int // cases, each CPU version and mode counted
	Counts   Counts
}

// Rows adds up the outcomes by file, in order.
func (r *Report) Rows() []Row {
	return r.RowsBy(func(o *Outcome) string { return o.Object.Name })
}

// RowsBy adds up the outcomes by a name of theirs, in order of first use; those
// named "" are left out.
func (r *Report) RowsBy(name func(*Outcome) string) []Row {
	var rows []Row
	at := map[string]int{}
	for _, o := range r.Outcomes {
		n := name(o)
		if n == "" {
			continue
		}
		i, ok := at[n]
		if !ok {
			i, at[n] = len(rows), len(rows)
			rows = append(rows, Row{File: n})
		}
		rows[i].Programs++
		rows[i].Counts.Add(o)
	}
	return rows
}

// Groups of files that totals are kept for.
const (
	GroupVerifier = "verifier" // verifier_*.c, the verifier's own tests
	GroupOther    = "other"
)

// Totals adds up the rows by group.
func (r *Report) Totals() map[string]*Row {
	t := map[string]*Row{GroupVerifier: {File: "verifier_*"}, GroupOther: {File: "others"}}
	for _, o := range r.Outcomes {
		g := o.group()
		t[g].Programs++
		t[g].Counts.Add(o)
	}
	return t
}

// group is GroupVerifier or GroupOther.
func (c *Case) group() string {
	if c.Object.IsVerifierTest() {
		return GroupVerifier
	}
	return GroupOther
}

// FalseAccepts are the programs that Skep must not have accepted.
func (r *Report) FalseAccepts() []*Outcome {
	return r.where((*Outcome).FalseAccept)
}

// Lenient are the programs that Skep accepted against their annotation, with no
// kernel to ask.
func (r *Report) Lenient() []*Outcome { return r.where((*Outcome).Lenient) }

// Differences are the outcomes with something that differs.
func (r *Report) Differences() []*Outcome { return r.where((*Outcome).Differs) }

func (r *Report) where(f func(*Outcome) bool) []*Outcome {
	var out []*Outcome
	for _, o := range r.Outcomes {
		if f(o) {
			out = append(out, o)
		}
	}
	return out
}

// Reason is a text and how often it was given.
type Reason struct {
	Text  string
	Times int
}

// Reasons counts why Skep gave no verdict, the most frequent first.
func (r *Report) Reasons() []Reason {
	return histogram(r.Outcomes, func(o *Outcome) string {
		if v := o.Skep.Verdict; v == Accept || v == Reject {
			return ""
		}
		return string(o.Skep.Verdict) + ": " + o.Skep.Line
	})
}

// MissingToRun counts what Skep lacks for running what it accepted.
func (r *Report) MissingToRun() []Reason { return r.runErrors(true) }

// RunErrors counts why Skep otherwise did not run what it accepted.
func (r *Report) RunErrors() []Reason { return r.runErrors(false) }

// runErrors counts a program once, and not once an engine.
func (r *Report) runErrors(missing bool) []Reason {
	return histogram(r.Outcomes, func(o *Outcome) string {
		for _, run := range o.Skep.Runs {
			if o.Skep.Verdict == Accept && run.Err != "" && run.Missing == missing {
				return whereInProgram.ReplaceAllString(run.Err, "")
			}
		}
		return ""
	})
}

// NoOracle counts why there was nothing to compare with, by Skep's verdict.
func (r *Report) NoOracle() []Reason {
	return histogram(r.Outcomes, func(o *Outcome) string {
		if o.Want != NoVerdict {
			return ""
		}
		return o.Kernel.Line() + " (Skep: " + string(o.Skep.Verdict) + ")"
	})
}

// UnlinkedReasons counts why programs could not be linked.
func (r *Report) UnlinkedReasons() []Reason {
	return histogram(r.Unlinked, func(c *Case) string { return whereInProgram.ReplaceAllString(c.LinkErr.Error(), "") })
}

// whereInProgram is what makes the same reason read differently.
var whereInProgram = regexp.MustCompile(`(program|function|struct_ops) "?[^": ]*"?: |lower \S+: insn \d+: |instruction \d+: `)

// histogram counts texts, "" not counted.
func histogram[T any](items []T, text func(T) string) []Reason {
	n := map[string]int{}
	for _, it := range items {
		if t := text(it); t != "" {
			n[strings.TrimSpace(t)]++
		}
	}
	var out []Reason
	for t, k := range n {
		out = append(out, Reason{t, k})
	}
	slices.SortFunc(out, func(a, b Reason) int {
		return cmp.Or(-cmp.Compare(a.Times, b.Times), cmp.Compare(a.Text, b.Text))
	})
	return out
}

// SameWork counts the programs that both verifiers walked to an end, and of
// those the ones for which both processed the same number of instructions.
func (r *Report) SameWork() (c Count) {
	for _, o := range r.Outcomes {
		n, ok := processed(o.Kernel.Log)
		if ok && o.From == "kernel" && o.Skep.Verdict == o.Want && o.Skep.Processed > 0 {
			c.add(markIf(n == o.Skep.Processed))
		}
	}
	return c
}
