// This file defines the formats of verdicts for people and programs.

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/skepbpf/skep"
)

// formatter writes verdicts as they come.
type formatter interface {
	result(file string, r *skep.VerifyResult)
	end() // after the last
}

var formatters = map[string]func(*app) formatter{
	"text":   func(a *app) formatter { return &textFormat{app: a} },
	"json":   func(a *app) formatter { return &jsonFormat{a} },
	"github": func(a *app) formatter { return &githubFormat{a} },
	"junit":  func(a *app) formatter { return &junitFormat{app: a} },
	"sarif":  func(a *app) formatter { return &sarifFormat{app: a} },
}

func formatNames() []string { return slices.Sorted(maps.Keys(formatters)) }

// textFormat prints a table: a line for each program and target.
type textFormat struct {
	app  *app
	rows []verdictRow
}

type verdictRow struct {
	file string
	*skep.VerifyResult
}

func (t *textFormat) result(file string, r *skep.VerifyResult) {
	t.rows = append(t.rows, verdictRow{file, r})
}

var verdictColours = map[skep.Verdict]text.Color{
	skep.Accept: text.FgGreen, skep.Reject: text.FgRed, skep.Unsupported: text.FgYellow, skep.Failed: text.FgRed,
}

// end prints the table, and below it the logs that were asked for.
func (t *textFormat) end() {
	tab := newTable(t.app.out)
	targets := map[string]bool{}
	for _, r := range t.rows {
		targets[r.Target] = true
	}
	for _, r := range t.rows {
		verdict := paint(t.app.out, verdictColours[r.Verdict], string(r.Verdict))
		row := table.Row{verdict, r.file, r.Program}
		if len(targets) > 1 {
			row = append(row, r.Target)
		}
		tab.AppendRow(append(row, detail(r.VerifyResult)))
	}
	tab.Render()
	for _, r := range t.rows {
		if r.Log != "" {
			fmt.Fprintf(t.app.out, "\n%s, %s, %s:\n%s\n", r.file, r.Program, r.Target, strings.TrimRight(r.Log, "\n"))
		}
		if ve, ok := r.Err.(*skep.VerifierError); ok && t.app.verbose {
			fmt.Fprintf(t.app.out, "\n%s\n", strings.TrimRight(ve.Explanation, "\n"))
		}
	}
}

// detail is what a person wants to know beside the verdict.
func detail(r *skep.VerifyResult) string {
	if r.Verdict == skep.Accept {
		return fmt.Sprintf("%d instructions, %d walked, %v", r.Insns, r.Processed, r.Time.Round(10*time.Microsecond))
	}
	if r.Source != "" {
		return fmt.Sprintf("%s (%s)", oneLine(r), r.Source)
	}
	return oneLine(r)
}

// oneLine is the rejection as the kernel prints it, or the error; "" when the
// program is accepted.
func oneLine(r *skep.VerifyResult) string {
	if r.Err == nil {
		return ""
	}
	if ve, ok := r.Err.(*skep.VerifierError); ok {
		return ve.Line
	}
	return r.Err.Error()
}

// jsonFormat prints one object a line.
type jsonFormat struct{ app *app }

type verdictJSON struct {
	Object     string       `json:"object"`
	Program    string       `json:"program"`
	Section    string       `json:"section"`
	Type       string       `json:"type"`
	Target     string       `json:"target"`
	Verdict    skep.Verdict `json:"verdict"`
	Error      string       `json:"error"`
	Errno      int          `json:"errno"`
	Source     string       `json:"source"`
	Insns      int          `json:"insns"`
	Processed  int          `json:"processed"`
	States     int          `json:"states"`
	PeakStates int          `json:"peak_states"`
	Stack      int          `json:"stack"`
	TimeUS     int64        `json:"time_us"`
	Log        string       `json:"log"`
}

func (j *jsonFormat) result(file string, r *skep.VerifyResult) {
	j.app.line(verdictJSON{
		Object: file, Program: r.Program, Section: r.Section, Type: r.Type, Target: r.Target,
		Verdict: r.Verdict, Error: oneLine(r), Errno: int(r.Errno), Source: r.Source,
		Insns: r.Insns, Processed: r.Processed, States: r.States, PeakStates: r.PeakStates, Stack: r.Stack,
		TimeUS: r.Time.Microseconds(), Log: r.Log,
	})
}

func (j *jsonFormat) end() {}
