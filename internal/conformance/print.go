// This file defines how a report is printed for people and for programs.

package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
)

// PrintTable prints the counts by file and in total.
func (r *Report) PrintTable(w io.Writer) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	t.SetStyle(style)
	header := table.Row{"file", "programs"}
	for c := range numColumns {
		header = append(header, Column(c).String())
	}
	t.AppendHeader(header)
	for _, row := range r.Rows() {
		t.AppendRow(row.cells())
	}
	t.AppendSeparator()
	totals := r.Totals()
	for _, g := range []string{GroupVerifier, GroupOther} {
		if totals[g].Programs > 0 {
			t.AppendRow(totals[g].cells())
		}
	}
	t.Render()
}

func (row *Row) cells() table.Row {
	cells := table.Row{row.File, row.Programs}
	for _, c := range row.Counts {
		cells = append(cells, c.String())
	}
	return cells
}

// String is "agree/total", with the percentage where there is one, and what is
// missing.
func (c Count) String() string {
	text := "-"
	if c.Total > 0 {
		text = fmt.Sprintf("%d/%d %3.0f%%", c.Agree, c.Total, 100*float64(c.Agree)/float64(c.Total))
	}
	if c.Missing > 0 {
		text += fmt.Sprintf(", %d missing", c.Missing)
	}
	return text
}

// PrintDifferences prints up to limit differences, each with both last lines;
// a negative limit prints all.
func (r *Report) PrintDifferences(w io.Writer, limit int) {
	diffs := r.Differences()
	for i, o := range diffs {
		if i == limit {
			fmt.Fprintf(w, "… and %d more\n", len(diffs)-limit)
			return
		}
		o.printLines(w)
	}
}

func (o *Outcome) printLines(w io.Writer) {
	fmt.Fprintf(w, "%s (%s)\n", o.Name(), o.Section)
	from := o.From
	if from == "annotation" {
		from = "expected"
	}
	fmt.Fprintf(w, "  %-8s %-11s %s\n", from, o.Want, o.Kernel.Line())
	fmt.Fprintf(w, "  %-8s %-11s %s\n", "skep", o.Skep.Verdict, o.Skep.Line)
	if o.Marks[ColLog] == Differ {
		fmt.Fprintf(w, "  missing in skep's log: %s\n", o.MissingText)
	}
	for _, run := range o.Skep.Runs {
		if o.Marks[returnColumns[run.Engine]] == Differ {
			fmt.Fprintf(w, "  kernel returned %d, skep (%s) %s\n", o.Kernel.Return, run.Engine, run.returned())
		}
	}
	if o.Marks[ColWork] == Differ {
		n, _ := processed(o.Kernel.Log)
		fmt.Fprintf(w, "  kernel processed %d instructions, skep %d\n", n, o.Skep.Processed)
	}
}

// PrintLogs prints both logs of every outcome.
func (r *Report) PrintLogs(w io.Writer) {
	for _, o := range r.Outcomes {
		o.printLines(w)
		fmt.Fprintf(w, "---- kernel\n%s---- skep\n%s----\n", o.Kernel.Log, o.Skep.Log)
	}
}

// PrintSummary prints what the table does not show.
func (r *Report) PrintSummary(w io.Writer) {
	printReasons(w, "Skep gave no verdict", r.Reasons())
	printReasons(w, "Skep accepted but lacks something to run", r.MissingToRun())
	printReasons(w, "Skep accepted but did not run", r.RunErrors())
	printReasons(w, "not linked", r.UnlinkedReasons())
	printReasons(w, "nothing to compare with", r.NoOracle())
	for path, err := range r.Unread {
		fmt.Fprintf(w, "not read: %s: %s\n", path, err)
	}
	for _, o := range r.Uncompiled {
		fmt.Fprintf(w, "not compiled: %s.c (%s): %s\n", o.Name, o.CPU, o.Failed)
	}
	for _, o := range r.where(func(o *Outcome) bool { return o.Surprising }) {
		fmt.Fprintf(w, "annotation and kernel differ: %s: kernel says %s: %s\n", o.Name(), o.Want, o.Kernel.Line())
	}
	for _, o := range r.where(func(o *Outcome) bool { return o.SurprisingReturn }) {
		fmt.Fprintf(w, "annotation and kernel differ: %s: kernel returned %d, not %d\n", o.Name(), o.Kernel.Return, *o.Expect.Return)
	}
	fmt.Fprintf(w, "instructions processed as by the kernel: %s\n", r.SameWork())
	for _, o := range r.Lenient() {
		fmt.Fprintf(w, "accepted against the annotation: %s: %s\n", o.Name(), o.MissingText)
	}
	for _, o := range r.FalseAccepts() {
		fmt.Fprintf(w, "FALSE ACCEPT: %s: kernel: %s\n", o.Name(), o.Kernel.Line())
	}
}

func printReasons(w io.Writer, title string, reasons []Reason) {
	if len(reasons) == 0 {
		return
	}
	sum := 0
	for _, r := range reasons {
		sum += r.Times
	}
	fmt.Fprintf(w, "%s: %d\n", title, sum)
	for _, r := range reasons {
		fmt.Fprintf(w, "  %5d  %s\n", r.Times, r.Text)
	}
}

// jsonOutcome is one line of PrintJSON.
type jsonOutcome struct {
	V          int    `json:"v"`
	File       string `json:"file"`
	CPU        string `json:"cpu"`
	Program    string `json:"program"`
	Section    string `json:"section"`
	Unpriv     bool   `json:"unprivileged"`
	Want       string `json:"want"`
	From       string `json:"from"`
	Kernel     string `json:"kernel_line"`
	KernelErr  int    `json:"kernel_errno"`
	Skep       string `json:"skep"`
	SkepLine   string `json:"skep_line"`
	SkepErr    int    `json:"skep_errno"`
	Micros     int64  `json:"time_us"`
	Processed  int    `json:"processed"`
	KernelWork int    `json:"kernel_processed"`
	// Marks are those of columnNames, by markNames; absent when not compared.
	Marks       map[string]string `json:"marks"`
	FalseAccept bool              `json:"false_accept"`
}

// PrintJSON prints one object a line, one line a case.
func (r *Report) PrintJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	for _, o := range r.Outcomes {
		if err := enc.Encode(o.json()); err != nil {
			return err
		}
	}
	return nil
}

func (o *Outcome) json() jsonOutcome {
	j := jsonOutcome{
		V: 1, File: o.Object.Name, CPU: o.Object.CPU, Program: o.Program, Section: o.Section, Unpriv: o.Unpriv,
		Want: string(o.Want), From: o.From, Kernel: o.Kernel.Line(), KernelErr: int(o.Kernel.Errno),
		Skep: string(o.Skep.Verdict), SkepLine: o.Skep.Line, SkepErr: o.Skep.Errno,
		Micros: o.Skep.Time.Microseconds(), Processed: o.Skep.Processed,
		Marks: map[string]string{}, FalseAccept: o.FalseAccept(),
	}
	j.KernelWork, _ = processed(o.Kernel.Log)
	for c, m := range o.Marks {
		if m != NotCompared {
			j.Marks[columnNames[c]] = markNames[m]
		}
	}
	return j
}

var markNames = map[Mark]string{Agree: "agree", Differ: "differ", Missing: "missing"}

var processedLine = regexp.MustCompile(`(?m)^processed (\d+) insns`)

// processed reads the count at the end of a verifier log.
func processed(log string) (n int, ok bool) {
	m := processedLine.FindStringSubmatch(log)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}
