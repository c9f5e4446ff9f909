// This file defines the command that runs the conformance harness.

// Command conformance compiles the kernel's BPF selftests, asks Skep and the
// running kernel about every program and prints where they agree.
//
// Exit 0: at or above the floor and nothing wrongly accepted; 1: not so; 2: it
// could not be done.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/conformance"
)

type flags struct {
	conformance.Options
	floor, doc    string
	diffs         int
	verbose, json bool
	bless, check  bool
}

func parseFlags() *flags {
	var f flags
	flag.StringVar(&f.Run, "run", "", "only `FILE/PROGRAM`, two regular expressions, each may be missing")
	flag.StringVar(&f.CPU, "cpu", "", "only objects compiled for `v3` or v4")
	flag.StringVar(&f.Cache, "cache", "", "`directory` of the corpus and the kernel's answers (default: in the user's cache)")
	flag.IntVar(&f.Workers, "j", 2, "how many objects at a time")
	flag.DurationVar(&f.Limit, "timeout", 0, "for Skep to verify one program (default 1m)")
	flag.BoolVar(&f.Unprivileged, "unpriv", false, "set kernel.unprivileged_bpf_disabled to 0 meanwhile, to ask the kernel about unprivileged programs")
	flag.StringVar(&f.floor, "floor", "internal/conformance/floor.json", "`file` of the agreement that may only rise")
	flag.StringVar(&f.doc, "doc", "", "`file` to write the figures to, in Markdown")
	flag.BoolVar(&f.check, "check", false, "leave -doc's file as it is, and fail where it is not what would be written")
	flag.IntVar(&f.diffs, "diffs", -1, "how many differences to print, all by default")
	flag.BoolVar(&f.verbose, "v", false, "print both logs of every program")
	flag.Var((*engines)(&f.Engines), "engine", "`ENGINES` that run accepted programs, by commas (default checked,interp)")
	flag.BoolVar(&f.json, "json", false, "print one JSON object a program, and nothing else, on standard output")
	flag.BoolVar(&f.bless, "bless", false, "raise the floor to this run's agreement")
	flag.Parse()
	if f.verbose {
		f.KeepLog = 64 << 20
	}
	f.Progress = conformance.NewProgress(os.Stderr)
	return &f
}

// engines is a flag's value.
type engines []skep.Engine

func (e *engines) String() string { return fmt.Sprint([]skep.Engine(*e)) }

func (e *engines) Set(s string) error {
	*e = nil
	for name := range strings.SplitSeq(s, ",") {
		*e = append(*e, skep.Engine(name))
	}
	return nil
}

func main() {
	debug.SetMemoryLimit(4 << 30)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	f := parseFlags()
	ok, err := f.run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func (f *flags) run(ctx context.Context) (ok bool, err error) {
	r, err := conformance.Run(ctx, f.Options)
	if err != nil {
		return false, err
	}
	if f.json {
		err = r.PrintJSON(os.Stdout)
	} else {
		f.print(r)
	}
	if err != nil {
		return false, err
	}
	current, err := f.document(r)
	if err != nil {
		return false, err
	}
	ok, err = f.judge(r)
	return ok && current, err
}

func (f *flags) print(r *conformance.Report) {
	if f.verbose {
		r.PrintLogs(os.Stdout)
	} else {
		r.PrintDifferences(os.Stdout, f.diffs)
	}
	r.PrintTable(os.Stdout)
	r.PrintSummary(os.Stdout)
	r.PrintFigures(os.Stdout)
}

// document writes the figures, or reports whether they stand written.
func (f *flags) document(r *conformance.Report) (current bool, err error) {
	if f.doc == "" {
		return true, nil
	}
	var text bytes.Buffer
	r.WriteDoc(&text)
	if !f.check {
		return true, os.WriteFile(f.doc, text.Bytes(), 0o644)
	}
	old, err := os.ReadFile(f.doc)
	if err != nil {
		return false, err
	}
	line, differs := conformance.FirstDifference(string(old), text.String())
	if differs {
		fmt.Fprintf(os.Stderr, "%s is not what this run gives, from this line on: %s\n", f.doc, line)
	}
	return !differs, nil
}

// judge holds a whole run against the floor; part of one only against the rule
// that nothing may be wrongly accepted.
func (f *flags) judge(r *conformance.Report) (ok bool, err error) {
	ok = len(r.FalseAccepts()) == 0
	if f.Run != "" || f.CPU != "" {
		return ok, nil
	}
	floor, err := conformance.ReadFloor(f.floor)
	if err != nil {
		return false, err
	}
	below := r.Floor().Below(floor)
	for _, line := range below {
		fmt.Fprintln(os.Stderr, "below the floor:", line)
	}
	if len(below) > 0 || !ok {
		return false, nil
	}
	if f.bless {
		return true, r.Floor().Write(f.floor)
	}
	return true, nil
}
