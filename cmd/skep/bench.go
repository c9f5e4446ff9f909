// This file defines `skep bench`.

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/skepbpf/skep"
)

type benchFlags struct {
	programs []string
	data     string
	engine   string
	count    uint32
	kernel   bool
}

func newBench(a *app) *cobra.Command {
	f := &benchFlags{}
	cmd := &cobra.Command{
		Use:   "bench FILE.o",
		Short: "Measure how long a run of a program takes",
		Long: `Bench runs the object's programs on one packet and prints the median time of a
run. Packets are given from the link header on; without --data it is 64 zero
bytes. Runs are measured in rounds, so that the median is over rounds.`,
		Example: `  skep bench prog.o --data packet.bin
  skep bench prog.o --program parse --count 100000 --kernel --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.bench(cmd.Context(), f, args[0]) },
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.programs, "program", nil, "measure this program (repeatable)")
	fl.StringVar(&f.data, "data", "", "file with the packet")
	fl.StringVar(&f.engine, "engine", string(skep.EngineAuto), "auto, jit, interp or checked")
	fl.Uint32Var(&f.count, "count", 10_000, "runs")
	fl.BoolVar(&f.kernel, "kernel", false, "measure the running kernel too (needs permission to load)")
	completeFrom(cmd, "engine", engineNames)
	return cmd
}

var engineNames = []string{string(skep.EngineAuto), string(skep.EngineJIT), string(skep.EngineInterp), string(skep.EngineChecked)}

// benchRounds is how many rounds the runs are cut into.
const benchRounds = 20

type benchJSON struct {
	Object  string  `json:"object"`
	Program string  `json:"program"`
	Engine  string  `json:"engine"`
	Return  uint32  `json:"return"`
	NS      float64 `json:"ns_per_run"`
}

func (a *app) bench(ctx context.Context, f *benchFlags, file string) error {
	data, err := f.packet()
	if err != nil {
		return err
	}
	obj, err := skep.OpenObject(file)
	if err != nil {
		return err
	}
	results, err := benchSkep(ctx, f, file, obj, data)
	if err != nil {
		return err
	}
	if f.kernel {
		live, err := benchKernel(f, file, obj, data)
		if err != nil {
			return fmt.Errorf("running kernel: %w", err)
		}
		results = append(results, live...)
	}
	a.printBench(results)
	return nil
}

func (f *benchFlags) packet() ([]byte, error) {
	if f.count == 0 {
		return nil, fmt.Errorf("--count: want at least 1")
	}
	if f.data == "" {
		return make([]byte, 64), nil
	}
	data, err := os.ReadFile(f.data)
	if err != nil {
		return nil, fmt.Errorf("packet: %w", err)
	}
	return data, nil
}

func (a *app) printBench(results []benchJSON) {
	tab := newTable(a.out, 4, 5)
	tab.AppendHeader(row("object", "program", "engine", "return", "ns/run"))
	for _, r := range results {
		if a.json {
			a.line(r)
			continue
		}
		tab.AppendRow(row(r.Object, r.Program, r.Engine, r.Return, fmt.Sprintf("%.1f", r.NS)))
	}
	if !a.json {
		tab.Render()
	}
}

func benchSkep(ctx context.Context, f *benchFlags, file string, obj *skep.Object, data []byte) ([]benchJSON, error) {
	k, err := newKernel(nil)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	coll, err := k.LoadContext(ctx, obj, &skep.LoadOptions{Programs: f.programs, Engine: skep.Engine(f.engine)})
	if err != nil {
		return nil, rejected(err)
	}
	defer coll.Close()
	var out []benchJSON
	for _, info := range obj.Programs() {
		p := coll.Programs[info.Name]
		if p == nil {
			continue
		}
		ret, ns, err := f.measure(func(n uint32) (uint32, time.Duration, error) {
			var d time.Duration
			ret, err := p.RunContext(ctx, &skep.RunOptions{Data: data, Repeat: n, Duration: &d})
			return ret, d, err
		})
		if err != nil {
			return nil, err
		}
		out = append(out, benchJSON{file, info.Name, engineOf(f.engine), ret, ns})
	}
	return out, nil
}

// engineOf is the engine that a choice stands for in this build.
func engineOf(choice string) string {
	if choice == string(skep.EngineAuto) {
		return string(skep.EngineInterp)
	}
	return choice
}

// measure runs rounds and gives the median of their means.
func (f *benchFlags) measure(run func(n uint32) (uint32, time.Duration, error)) (ret uint32, ns float64, err error) {
	n := max(f.count/benchRounds, 1)
	var means []float64
	for range min(f.count, benchRounds) {
		r, d, err := run(n)
		if err != nil {
			return 0, 0, err
		}
		ret = r
		means = append(means, float64(d.Nanoseconds()))
	}
	slices.Sort(means)
	return ret, means[len(means)/2], nil
}

// wants reports whether a program is to be measured.
func (f *benchFlags) wants(name string) bool {
	return len(f.programs) == 0 || slices.Contains(f.programs, name)
}
