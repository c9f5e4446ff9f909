// This file defines the command that runs the harness.

// Command realworld fetches BPF objects of well-known projects, asks Skep and
// the running kernel about every program and prints where they agree.
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

	"github.com/skepbpf/skep/internal/conformance"
	"github.com/skepbpf/skep/internal/realworld"
)

type flags struct {
	conformance.Options
	floor, doc, list string
	bless, verbose   bool
}

func parseFlags() *flags {
	var f flags
	flag.StringVar(&f.Run, "run", "", "only `OBJECT/PROGRAM`, two regular expressions, each may be missing")
	flag.StringVar(&f.Cache, "cache", "", "`directory` of the objects and the kernel's answers (default: in the user's cache)")
	flag.IntVar(&f.Workers, "j", 2, "how many objects at a time")
	flag.DurationVar(&f.Limit, "timeout", 0, "for Skep to verify one program (default 1m)")
	flag.StringVar(&f.floor, "floor", "internal/realworld/floor.json", "`file` of the agreement that may only rise")
	flag.StringVar(&f.doc, "doc", "", "`file` to write the figures to, in Markdown")
	flag.StringVar(&f.list, "list", "", "fetch all packages and write the table of objects to `file`, nothing else")
	flag.BoolVar(&f.verbose, "v", false, "print both logs of every program")
	flag.BoolVar(&f.bless, "bless", false, "raise the floor to this run's agreement")
	flag.Parse()
	f.Progress = conformance.NewProgress(os.Stderr)
	return &f
}

func main() {
	debug.SetMemoryLimit(4 << 30)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := parseFlags().run(ctx)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "realworld:", err)
		os.Exit(2)
	case !ok:
		os.Exit(1)
	}
}

func (f *flags) run(ctx context.Context) (ok bool, err error) {
	if f.list != "" {
		table, err := realworld.List(ctx)
		if err != nil {
			return false, err
		}
		return true, os.WriteFile(f.list, table, 0o644)
	}
	r, err := realworld.Run(ctx, f.Options)
	if err != nil {
		return false, err
	}
	if f.verbose {
		r.PrintLogs(os.Stdout)
	}
	r.Print(os.Stdout)
	if f.doc != "" {
		var text bytes.Buffer
		r.WriteDoc(&text)
		if err := os.WriteFile(f.doc, text.Bytes(), 0o644); err != nil {
			return false, err
		}
	}
	return f.judge(r)
}

// judge holds a whole run against the floor, part of one only against the rule
// that nothing may be wrongly accepted.
func (f *flags) judge(r *realworld.Report) (ok bool, err error) {
	ok = len(r.FalseAccepts()) == 0
	if f.Run != "" || len(r.Skipped()) > 0 {
		return ok, nil
	}
	floor, err := conformance.ReadFloor(f.floor)
	if err != nil {
		return false, err
	}
	for _, line := range r.Floor().Below(floor) {
		fmt.Fprintln(os.Stderr, "below the floor:", line)
		ok = false
	}
	if ok && f.bless {
		err = r.Floor().Write(f.floor)
	}
	return ok, err
}
