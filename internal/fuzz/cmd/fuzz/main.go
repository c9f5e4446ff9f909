// This file defines the command that fuzzes.

// Command fuzz holds Skep's verifier against the running kernel's on generated
// and mutated programs, and runs what Skep accepts in the checked interpreter.
//
// Exit 0: nothing unsound was found; 1: something was; 2: it could not be done.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/skepbpf/skep/internal/fuzz"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o fuzz.Options
	var verbose bool
	var only int
	flag.IntVar(&o.N, "n", 0, "how many `programs`")
	flag.Uint64Var(&o.Seed, "seed", 1, "")
	flag.IntVar(&only, "only", -1, "only the program of this `index`")
	flag.DurationVar(&o.Time, "time", 0, "how long at most")
	flag.IntVar(&o.Workers, "j", 2, "workers")
	flag.IntVar(&o.Logs, "logs", 0, "compare every so-manieth log")
	flag.BoolVar(&o.Minimize, "min", false, "make programs of findings small")
	flag.BoolVar(&verbose, "v", false, "print every finding")
	flag.Parse()
	if only >= 0 {
		fmt.Println(o.Sample(only).Text())
		o.First, o.N = only, 1
	}
	seen := map[string]int{}
	o.Found = func(f *fuzz.Finding) {
		key := f.Key()
		seen[key]++
		if verbose && seen[key] <= 1 {
			fmt.Printf("%s: #%d\n  kernel: %s\n  skep: %s\n", f.Class, f.Sample.Index, f.Kernel, f.Skep)
			if f.Small != nil {
				fmt.Println(fuzz.Disassemble(f.Small))
				if only >= 0 {
					fmt.Println(o.Explain(f.Small))
				}
			}
		}
	}
	r, err := fuzz.Run(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Printf("%d in %v, kernel accepts %.0f%%, classes %v\nfalse rejects %v\nunsupported %v\nno run %v\nno verdict %v\nruns %d kernel %d violations %v\nlogs %d/%d lines %d/%d\n",
		r.Total, r.Time, 100*float64(r.Kernel)/float64(max(r.Total, 1)), r.Classes, r.FalseRejects, r.Unsupported, r.NoRun, r.NoVerdict, r.Runs, r.KernelRuns, r.Violations, r.LogsAlike, r.LogsCompared, r.LinesAlike, r.LinesCompared)
	for k, n := range r.Reasons {
		if verbose {
			fmt.Println(n, k)
		}
	}
}
