// This file defines the figures that the verifier is held to: one line each,
// with the share that is wanted.

package conformance

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Figure is one thing that is counted over all outcomes.
type Figure struct {
	Key  string // its name in the floor
	Text string
	Goal float64 // the share that is wanted, in percent
	// Inverse figures count what should not be: they are printed the other way
	// round, and their goal is a share not to be passed. Count holds the good
	// ones all the same.
	Inverse bool
	Count
}

// rule is how a Figure is counted.
type rule struct {
	key, text string
	goal      float64
	inverse   bool
	mark      func(*Outcome) Mark
}

// rules are the figures in the order in which they are printed.
var rules = []rule{
	{"verifier verdict", "verifier_*: verdict as the kernel's", 99.5, false, in(GroupVerifier, column(ColVerdict))},
	{"verifier message", "verifier_*: reason word for word the kernel's", 98, false, in(GroupVerifier, column(ColMessage))},
	{"verifier log", "verifier_*: texts that are expected in the log", 98, false, in(GroupVerifier, column(ColLog))},
	{"verifier false accepts", "verifier_*: accepted though the kernel rejects", 0, true, in(GroupVerifier, notWronglyAccepted)},
	{"verifier complexity", "verifier_*: too complex for both", 100, false, in(GroupVerifier, tooComplex)},
	{"verifier unpriv", "verifier_*: verdict without capabilities", 98, false, in(GroupVerifier, column(ColUnpriv))},
	{"verifier retval checked", "verifier_*: return value, checked interpreter", 100, false, in(GroupVerifier, column(ColChecked))},
	{"verifier retval interp", "verifier_*: return value, interpreter", 100, false, in(GroupVerifier, column(ColInterp))},
	{"other accepted", "others: accepted, of what the kernel accepts", 98, false, in(GroupOther, whereKernel(Accept))},
	{"other rejected", "others: rejected, of what the kernel rejects", 98, false, in(GroupOther, whereKernel(Reject))},
	{"other message", "others: last line the kernel's, of what both reject", 95, false, in(GroupOther, sameLine)},
	{"other false accepts", "others: accepted though the kernel rejects", 0, true, in(GroupOther, notWronglyAccepted)},
	{"other annotated", "others: verdict as annotated, where the kernel does not look", 95, false, in(GroupOther, asAnnotated)},
	{"other annotated log", "others: expected texts, of these", 95, false, in(GroupOther, annotatedLog)},
	{"other unjudged", "others: crashed or timed out, where nothing is known", 0, true, in(GroupOther, unjudgedAnswered)},
	{"other unsupported", "others: unsupported, of all", 1, true, in(GroupOther, supported)},
	{"work", "all: processed instructions within ±5 %, of what both accept", 95, false, workOfAccepted},
}

// Figures counts what the verifier is held to.
func (r *Report) Figures() []Figure {
	out := make([]Figure, len(rules))
	for i, u := range rules {
		f := Figure{Key: u.key, Text: u.text, Goal: u.goal, Inverse: u.inverse}
		for _, o := range r.Outcomes {
			f.add(u.mark(o))
		}
		if u.key == "other annotated" {
			f.Total += len(r.unlinkedAnnotated())
		}
		out[i] = f
	}
	return out
}

// unlinkedAnnotated are programs of the other files that say what is expected
// of them and that could not even be linked: they agree with nothing.
func (r *Report) unlinkedAnnotated() []*Case {
	var out []*Case
	for _, c := range r.Unlinked {
		if c.Annotated && !c.Object.IsVerifierTest() {
			out = append(out, c)
		}
	}
	return out
}

// in restricts a mark to a group of files.
func in(group string, mark func(*Outcome) Mark) func(*Outcome) Mark {
	return func(o *Outcome) Mark {
		if o.group() != group {
			return NotCompared
		}
		return mark(o)
	}
}

func column(c Column) func(*Outcome) Mark {
	return func(o *Outcome) Mark { return o.Marks[c] }
}

// markWhere is agreement where a condition holds.
func markWhere(compared, agree bool) Mark {
	if !compared {
		return NotCompared
	}
	return markIf(agree)
}

// kernelSays reports whether the running kernel itself gave that verdict.
func (o *Outcome) kernelSays(v Verdict) bool { return o.From == "kernel" && o.Want == v }

func whereKernel(v Verdict) func(*Outcome) Mark {
	return func(o *Outcome) Mark { return markWhere(o.kernelSays(v), o.Skep.Verdict == v) }
}

func notWronglyAccepted(o *Outcome) Mark {
	return markWhere(o.kernelSays(Reject), o.Skep.Verdict != Accept)
}

func sameLine(o *Outcome) Mark {
	return markWhere(o.kernelSays(Reject) && o.Skep.Verdict == Reject, o.Marks[ColMessage] == Agree)
}

func asAnnotated(o *Outcome) Mark {
	return markWhere(o.From == "annotation", o.Skep.Verdict == o.Want)
}

func annotatedLog(o *Outcome) Mark {
	return markWhere(o.From == "annotation" && o.Marks[ColLog] != NotCompared, o.Marks[ColLog] == Agree)
}

// complexity is how a verifier gives up.
var complexity = regexp.MustCompile(`^(BPF program is too large\. Processed|The sequence of \d+ jumps is too complex)`)

func tooComplex(o *Outcome) Mark {
	kind := complexity.FindString(o.Kernel.Line())
	return markWhere(o.kernelSays(Reject) && kind != "", o.Skep.Verdict == Reject && complexity.FindString(o.Skep.Line) == kind)
}

func unjudgedAnswered(o *Outcome) Mark {
	return markWhere(o.Want == NoVerdict, o.Skep.Verdict != Failed)
}

func supported(o *Outcome) Mark { return markIf(o.Skep.Verdict != Unsupported) }

func workOfAccepted(o *Outcome) Mark {
	return markWhere(o.kernelSays(Accept) && o.Marks[ColWork] != NotCompared, o.Marks[ColWork] == Agree)
}

// shown is the count as it is printed: of an inverse figure, what should not be.
func (f *Figure) shown() Count {
	if f.Inverse {
		return Count{Agree: f.Total - f.Agree, Total: f.Total}
	}
	return f.Count
}

// goal is what the share should be.
func (f *Figure) goal() string {
	switch {
	case f.Inverse && f.Goal == 0:
		return "none"
	case f.Inverse:
		return fmt.Sprintf("≤ %g %%", f.Goal)
	case f.Goal == 100:
		return "all"
	}
	return fmt.Sprintf("≥ %g %%", f.Goal)
}

// Met reports whether the goal is reached; nothing counted reaches every goal.
func (f *Figure) Met() bool {
	c := f.shown()
	if f.Inverse {
		return float64(100*c.Agree) <= f.Goal*float64(c.Total)
	}
	return float64(100*c.Agree) >= f.Goal*float64(c.Total)
}

// share is the percentage, cut (never rounded) to one decimal.
func (c Count) share() string {
	if c.Total == 0 {
		return "-"
	}
	tenths := 1000 * c.Agree / c.Total
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

// counts is "agree/total", with what is missing.
func (c Count) counts() string {
	text := fmt.Sprintf("%d/%d", c.Agree, c.Total)
	if c.Missing > 0 {
		text += fmt.Sprintf(", %d missing", c.Missing)
	}
	return text
}

// verdictMark is how a figure's line begins.
func (f *Figure) verdictMark() string {
	if f.Met() {
		return "ok"
	}
	return "--"
}

// PrintFigures prints a line a figure, what Skep says of programs that nothing
// judges, and what it does not support.
func (r *Report) PrintFigures(w io.Writer) {
	for _, f := range r.Figures() {
		c := f.shown()
		fmt.Fprintf(w, "%s  %-62s %8s  %-22s %s\n", f.verdictMark(), f.Text, c.share(), c.counts(), f.goal())
	}
	printReasons(w, "others, where nothing is known, Skep's verdict", r.Unjudged())
	printReasons(w, "others, unsupported", r.unsupportedOthers())
}

// Unjudged counts what Skep says of the other files' programs whose verdict
// neither the running kernel nor an annotation gives, with the reason.
func (r *Report) Unjudged() []Reason {
	var texts []string
	for _, o := range r.Outcomes {
		if o.group() == GroupOther && o.Want == NoVerdict {
			texts = append(texts, o.Skep.verdictText())
		}
	}
	for _, c := range r.Unlinked {
		if !c.Annotated && !c.Object.IsVerifierTest() {
			texts = append(texts, "not linked: "+linkReason(c))
		}
	}
	return histogram(texts, func(s string) string { return s })
}

// verdictText is a verdict with its reason; what is unsupported, by feature.
func (a *SkepAnswer) verdictText() string {
	switch a.Verdict {
	case Accept:
		return string(Accept)
	case Unsupported:
		return "unsupported: " + featureOf(a.Line)
	}
	return string(a.Verdict) + ": " + a.Line
}

func (r *Report) unsupportedOthers() []Reason {
	return histogram(r.Outcomes, func(o *Outcome) string {
		if o.group() != GroupOther || o.Skep.Verdict != Unsupported {
			return ""
		}
		return featureOf(o.Skep.Line)
	})
}

// linkReasons are the reasons for which programs do not link that differ only
// in a name.
var linkReasons = []struct{ find, text string }{
	{"names no program type", "the section names no program type"},
	{"names nothing to attach to", "the section names nothing to attach to"},
	{"no program to attach to is given", "no program to attach to is given"},
	{": not in the target", "something is not in the target"},
}

func linkReason(c *Case) string {
	text := c.LinkErr.Error()
	for _, l := range linkReasons {
		if strings.Contains(text, l.find) {
			return l.text
		}
	}
	return whereInProgram.ReplaceAllString(text, "")
}

// writeFigures writes the figures as tables in Markdown.
func (r *Report) writeFigures(w io.Writer) {
	fmt.Fprintf(w, "## What the verifier is held to\n\n| figure | share | programs | goal | |\n|---|---:|---:|---:|---|\n")
	for _, f := range r.Figures() {
		c, met := f.shown(), "not yet"
		if f.Met() {
			met = "reached"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", f.Text, c.share(), c.counts(), f.goal(), met)
	}
	fmt.Fprintln(w)
	writeReasons(w, "## Other files: Skep's verdict where nothing is known of Linux's", r.Unjudged())
}
