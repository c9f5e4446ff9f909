// This file defines how two answers are compared.

package conformance

import (
	"cmp"
	"fmt"

	"github.com/skepbpf/skep"
)

// Column is something that two verifiers may agree on.
type Column int

// Columns of the table.
const (
	ColVerdict Column = iota // accept or reject, with the capabilities of a test's privileged mode
	ColMessage               // the one-line reason of a rejection
	ColLog                   // the texts that annotations expect in the log
	ColChecked               // what the program returns in the checked interpreter
	ColInterp                // what it returns in the interpreter
	ColWork                  // instructions processed, within workTolerance
	ColUnpriv                // accept or reject without capabilities
	// ColUnprivMessage is ColMessage without capabilities. Where the kernel
	// takes no unprivileged programs nothing is compared, so it has no floor.
	ColUnprivMessage
	numColumns
)

var columnNames = [numColumns]string{"verdict", "message", "log", "retval checked", "retval interp", "work", "unpriv", "unpriv message"}

func (c Column) String() string { return columnNames[c] }

// returnColumns are the columns of what engines return.
var returnColumns = map[skep.Engine]Column{
	skep.EngineChecked: ColChecked,
	skep.EngineInterp:  ColInterp,
}

// Mark is the outcome of one comparison.
type Mark int8

// Marks.
const (
	NotCompared Mark = iota
	Agree
	Differ
	// Missing: nothing to compare with, since Skep knows that it lacks
	// something. The table counts it apart; the floor takes it for Differ.
	Missing
)

func markIf(agree bool) Mark {
	if agree {
		return Agree
	}
	return Differ
}

// Outcome is a case with both answers and where they agree.
type Outcome struct {
	*Case
	Kernel *Answer
	Skep   *SkepAnswer
	// Want is the oracle's verdict: the running kernel's or, where its
	// verifier did not see the program, the annotation's; From says which.
	Want  Verdict
	From  string // "kernel", "annotation", ""
	Marks [numColumns]Mark
	// MissingText is the first expected text that Skep's log lacks.
	MissingText string
	// Surprising: the running kernel does not do what the annotation says; in
	// SurprisingReturn it accepts the program but returns something else.
	Surprising, SurprisingReturn bool
}

// FalseAccept reports whether Skep took a program that the kernel's verifier
// refused: the one mistake that a verifier must not make.
func (o *Outcome) FalseAccept() bool {
	return o.From == "kernel" && o.Want == Reject && o.Skep.Verdict == Accept
}

// Lenient reports whether Skep took a program whose annotation expects a
// failure and that the running kernel did not look at: likely a false accept,
// unless later kernels take the program too.
func (o *Outcome) Lenient() bool {
	return o.From == "annotation" && o.Want == Reject && o.Skep.Verdict == Accept
}

// Differs reports whether anything that was compared differs.
func (o *Outcome) Differs() bool {
	for _, m := range o.Marks {
		if m == Differ {
			return true
		}
	}
	return false
}

// Judge compares two answers.
func Judge(c *Case, k *Answer, s *SkepAnswer) *Outcome {
	o := &Outcome{Case: c, Kernel: k, Skep: s, Want: NoVerdict}
	if c.Annotated {
		o.Want, o.From = Accept, "annotation"
		if c.Expect.Failure && !c.relaxed() {
			o.Want = Reject
		}
	}
	if v := k.Verdict(); v != NoVerdict && !c.artefact(k) {
		o.Surprising = c.Annotated && v != o.Want
		o.Want, o.From = v, "kernel"
	}
	if o.Want == NoVerdict {
		o.From = ""
		return o
	}
	o.judgeVerdict()
	o.judgeMessage()
	o.judgeLog()
	o.judgeReturn()
	o.judgeWork()
	return o
}

func (o *Outcome) judgeVerdict() {
	col := ColVerdict
	if o.Unpriv {
		col = ColUnpriv
	}
	o.Marks[col] = markIf(o.Skep.Verdict == o.Want)
}

// judgeMessage compares reasons where the kernel itself gave one.
func (o *Outcome) judgeMessage() {
	col := ColMessage
	if o.Unpriv {
		col = ColUnprivMessage
	}
	if o.From == "kernel" && o.Want == Reject {
		o.Marks[col] = markIf(o.Skep.Verdict == Reject && o.Skep.Line == o.Kernel.Line())
	}
}

// judgeLog looks for the texts of annotations that still hold: later kernels
// reworded some, and then the running kernel's log does not have them either.
func (o *Outcome) judgeLog() {
	if len(o.Expect.Messages) == 0 || o.Unpriv || o.Surprising || o.relaxed() {
		return
	}
	if o.From == "kernel" {
		if _, ok := FirstMissing(o.Kernel.Log, o.Expect.Messages); !ok {
			return
		}
	}
	expected := o.Expect.Messages
	if o.From != "kernel" {
		expected = o.inLaterWords(expected)
	}
	missing, ok := FirstMissing(o.Skep.Log, expected)
	o.Marks[ColLog], o.MissingText = markIf(ok), missing.Text
}

// comparesReturn reports whether the return value is known: the kernel ran the
// program and would return the same again.
func (c *Case) comparesReturn(k *Answer) bool {
	return c.Expect.Return != nil && !c.Unpriv && k.Ran
}

// judgeReturn compares return values; a program that Skep should run and does
// not differs.
func (o *Outcome) judgeReturn() {
	if !o.comparesReturn(o.Kernel) {
		return
	}
	o.SurprisingReturn = o.Kernel.Return != *o.Expect.Return
	for _, r := range o.Skep.Runs {
		o.Marks[returnColumns[r.Engine]] = r.mark(o.Skep.Verdict, o.Kernel.Return)
	}
}

func (r *EngineRun) mark(v Verdict, want uint32) Mark {
	if r.Missing || v == Unsupported {
		return Missing
	}
	return markIf(r.Err == "" && r.Return == want)
}

// workTolerance is by what part of the kernel's count of processed instructions
// Skep's may differ: 1/20.
const workTolerance = 20

// judgeWork compares how far the verifiers walked to the same end. Without
// capabilities Linux walks speculative paths too, which Skep does not.
func (o *Outcome) judgeWork() {
	n, ok := o.Kernel.Processed()
	if !ok || n == 0 || o.Unpriv || o.From != "kernel" || o.Skep.Verdict != o.Want {
		return
	}
	o.Marks[ColWork] = markIf(max(n-o.Skep.Processed, o.Skep.Processed-n)*workTolerance <= n)
}

// compareOutcomes sorts by file, CPU version and program.
func compareOutcomes(a, b *Outcome) int {
	return cmp.Or(
		cmp.Compare(a.Object.Name, b.Object.Name),
		cmp.Compare(a.Object.CPU, b.Object.CPU),
		cmp.Compare(a.Program, b.Program),
		cmp.Compare(fmt.Sprint(a.Unpriv), fmt.Sprint(b.Unpriv)),
	)
}
