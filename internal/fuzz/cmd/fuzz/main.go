// This file defines the command that fuzzes.

// Command fuzz holds Skep's verifier against the running kernel's on generated
// programs and mutated selftests, and runs what Skep accepts in the checked
// interpreter, the plain one and the kernel.
//
// Exit 0: nothing unsound was found; 1: something was; 2: it could not be done.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"

	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/conformance"
	"github.com/skepbpf/skep/internal/fuzz"
)

type flags struct {
	fuzz.Options
	only    int
	each    int
	verbose bool
	topics  string
	seen    map[string]int
}

func parseFlags() *flags {
	f := &flags{seen: map[string]int{}}
	flag.IntVar(&f.N, "n", 0, "how many `programs`, 10000 where -time is not given either")
	flag.Uint64Var(&f.Seed, "seed", 1, "of the random numbers: the same `seed` gives the same programs")
	flag.DurationVar(&f.Time, "time", 0, "how long at most")
	flag.IntVar(&f.only, "only", -1, "only the program of this `index`, with both logs")
	flag.IntVar(&f.Workers, "j", 2, "`workers`")
	flag.Float64Var(&f.Mutate, "mutate", 0, "`share` of programs that are mutated selftests (0.5: half); needs what \"make conformance\" needs")
	flag.DurationVar(&f.Limit, "limit", 0, "for Skep to verify one program (default 20s)")
	flag.StringVar(&f.topics, "topics", "", "what generated programs are about, `names` with commas between them (all: everything); default: a mix")
	flag.BoolVar(&f.NoKernel, "no-kernel", false, "ask no kernel even where there is one")
	flag.IntVar(&f.Logs, "logs", 0, "compare the logs of every `n`th program")
	flag.BoolVar(&f.Minimize, "min", false, "make the programs of findings small")
	flag.IntVar(&f.each, "each", 2, "print at most `n` findings of a kind")
	flag.BoolVar(&f.verbose, "v", false, "print every finding")
	flag.Parse()
	switch {
	case f.only >= 0:
		f.First, f.N, f.Minimize = f.only, 1, true
	case f.N == 0 && f.Time == 0:
		f.N = 10_000
	}
	f.Found = f.found
	f.Tick = conformance.NewProgress(os.Stderr).Start("fuzz", f.N)
	return f
}

// found prints a finding, unless there were enough of its kind.
func (f *flags) found(x *fuzz.Finding) {
	f.seen[x.Key()]++
	if !f.verbose && f.seen[x.Key()] > f.each {
		return
	}
	x.Print(os.Stdout, f.Seed)
	if f.only >= 0 && x.Small != nil {
		fmt.Print(f.Explain(x.Small))
	}
}

func (f *flags) run(ctx context.Context) (sound bool, err error) {
	if err := f.prepare(ctx); err != nil {
		return false, err
	}
	if f.only >= 0 {
		fmt.Print(f.Sample(f.only).Text())
	}
	r, err := fuzz.Run(ctx, f.Options)
	if err != nil {
		return false, err
	}
	r.Print(os.Stdout, "go run ./internal/fuzz/cmd/fuzz "+strings.Join(os.Args[1:], " "))
	return r.Sound(), nil
}

// prepare finds what topics need, the kernel's types, and what mutation needs,
// the selftests too.
func (f *flags) prepare(ctx context.Context) (err error) {
	if f.Topics, err = fuzz.ParseTopics(f.topics); err != nil {
		return err
	}
	env, err := conformance.RunningEnv()
	switch {
	case err == nil:
		f.Target = catalog.Linux6_18.WithBTF(env.BTF)
	case f.Mutate <= 0 && f.Topics&^fuzz.Core == 0:
		return nil // the core needs no types
	default:
		return err
	}
	if f.Mutate <= 0 {
		return nil
	}
	f.Corpus, err = fuzz.Corpus(ctx, env)
	return err
}

func main() {
	debug.SetMemoryLimit(4 << 30)
	debug.SetGCPercent(400)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	sound, err := parseFlags().run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !sound {
		os.Exit(1)
	}
}
