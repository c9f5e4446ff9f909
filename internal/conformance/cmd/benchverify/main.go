// This file defines the command that compares verification times.

// Command benchverify verifies the heaviest of the kernel's selftests with
// Skep and with the running kernel, by turns, and prints how long each took.
//
// Exit 0: within the limits; 1: not so; 2: it could not be done.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/skepbpf/skep/internal/conformance"
)

// Limits of each program.
const (
	maxRatio = 1.5
	maxPeak  = 1 << 30
)

func main() {
	rounds := flag.Int("n", 9, "`rounds`, of which the best counts")
	doc := flag.String("doc", "", "`file` to put the table into, in Markdown")
	cache := flag.String("cache", "", "`directory` of the corpus (default: in the user's cache)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	opts := conformance.Options{Cache: *cache, Progress: conformance.NewProgress(os.Stderr)}
	rows, err := conformance.Bench(ctx, opts, *rounds)
	if err == nil {
		conformance.WriteBench(os.Stdout, rows)
		err = write(*doc, rows, *rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !within(rows) {
		os.Exit(1)
	}
}

// within reports whether every program keeps the limits, and says which do not.
func within(rows []conformance.BenchRow) bool {
	ok := true
	for _, r := range rows {
		if r.Ratio() > maxRatio || r.Peak > maxPeak {
			fmt.Fprintf(os.Stderr, "%s: %.2f times the kernel's time (at most %.1f), %d MiB (at most %d)\n",
				r.Name, r.Ratio(), maxRatio, r.Peak>>20, maxPeak>>20)
			ok = false
		}
	}
	return ok
}

func write(doc string, rows []conformance.BenchRow, rounds int) error {
	if doc == "" {
		return nil
	}
	old, err := os.ReadFile(doc)
	if os.IsNotExist(err) {
		old, err = []byte("# Benchmarks\n"), nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(doc, []byte(conformance.InsertBench(string(old), rows, rounds, conformance.Machine())), 0o644)
}
