// This file defines `skep verify`.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skepbpf/skep"
)

type verifyFlags struct {
	programs, targets    []string
	btf, typ             string
	caps, format         string
	logLevel             uint32
	timeLimit            time.Duration
	formatter            formatter
	rejected, unfinished bool
}

func newVerify(a *app) *cobra.Command {
	f := &verifyFlags{}
	cmd := &cobra.Command{
		Use:   "verify FILE.o...",
		Short: "Say whether a kernel would load the programs, and if not, why",
		Long: `Verify gives the kernel verifier's verdict on each program of the object files,
for one kernel or several. Nothing is loaded anywhere.

The verdict is accept or reject; unsupported where Skep itself does not know yet
what a program needs; error where no verifier saw it (bad ELF, missing extern).`,
		Example: `  skep verify prog.o
  skep verify prog.o --target linux-6.18 --target linux-5.15
  skep verify prog.o --program handle_tp --log-level 2
  skep verify build/*.o --format github`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.verify(cmd.Context(), f, args) },
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.programs, "program", nil, "verify this program (repeatable; default: all that load by default)")
	fl.StringArrayVar(&f.targets, "target", nil, "kernel to verify for: linux-6.18 (default), host, ... (repeatable)")
	fl.StringVar(&f.btf, "btf", "", "take the kernel's types from this BTF file")
	fl.StringVar(&f.typ, "type", "", "program type of sections that name none (xdp, sched_cls, ...)")
	fl.Uint32Var(&f.logLevel, "log-level", 0, "verifier log: 1 path, 2 states, 4 counts, added up")
	fl.StringVar(&f.caps, "caps", "all", "capabilities of who loads: all, none, or a list (bpf,net_admin,...)")
	fl.StringVar(&f.format, "format", "text", "text, json, github, junit or sarif")
	fl.DurationVar(&f.timeLimit, "time-limit", 0, "give up on a program after this time (verdict unsupported)")
	completeFrom(cmd, "target", append(skep.Targets(), "host"))
	completeFrom(cmd, "format", formatNames())
	return cmd
}

// verify prints a verdict for each program of each object.
func (a *app) verify(ctx context.Context, f *verifyFlags, files []string) error {
	opts, err := f.options(a)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := f.verifyFile(ctx, a, file, opts); err != nil {
			return err
		}
	}
	f.formatter.end()
	switch {
	case f.unfinished:
		return errSaid
	case f.rejected:
		return &answer{}
	}
	return nil
}

func (f *verifyFlags) options(a *app) (*skep.VerifyOptions, error) {
	if a.json {
		f.format = "json"
	}
	newFormatter := formatters[f.format]
	if newFormatter == nil {
		return nil, fmt.Errorf("format %q: want one of %s", f.format, strings.Join(formatNames(), ", "))
	}
	f.formatter = newFormatter(a)
	if f.logLevel > 7 {
		return nil, fmt.Errorf("log level %d: want 0 to 7", f.logLevel)
	}
	if a.verbose && f.logLevel == 0 {
		f.logLevel = 1
	}
	caps, err := skep.ParseCaps(f.caps)
	if err != nil {
		return nil, err
	}
	targets, err := resolveTargets(f.targets, f.btf)
	if err != nil {
		return nil, err
	}
	return &skep.VerifyOptions{
		Targets: targets, Programs: f.programs, Type: f.typ, Caps: caps, LogLevel: f.logLevel, TimeLimit: f.timeLimit,
	}, nil
}

// resolveTargets finds targets by name and gives them kernel types: those of a
// file, or all that the command carries.
func resolveTargets(names []string, btfFile string) ([]skep.Target, error) {
	if len(names) == 0 {
		names = []string{skep.Linux6_18.Name()}
	}
	var targets []skep.Target
	for _, name := range names {
		t, err := skep.LookupTarget(name)
		if err != nil {
			return nil, err
		}
		if t, err = withTypes(t, btfFile); err != nil {
			return nil, fmt.Errorf("target %s: %w", name, err)
		}
		targets = append(targets, t)
	}
	return targets, nil
}

func withTypes(t skep.Target, btfFile string) (skep.Target, error) {
	if btfFile == "" {
		return wholeTypes(t)
	}
	raw, err := os.ReadFile(btfFile)
	if err != nil {
		return t, fmt.Errorf("BTF: %w", err)
	}
	return t.WithBTF(raw)
}

// verifyFile prints the verdicts on one object. The error ends the command.
func (f *verifyFlags) verifyFile(ctx context.Context, a *app, file string, opts *skep.VerifyOptions) error {
	obj, err := skep.OpenObject(file)
	if err != nil {
		f.unfinished = true
		f.formatter.result(file, &skep.VerifyResult{Verdict: skep.Failed, Err: err})
		return nil
	}
	if err := f.warnNone(obj, file); err != nil {
		return err
	}
	results, err := skep.Verify(ctx, obj, opts)
	for i := range results {
		r := &results[i]
		f.rejected = f.rejected || r.Verdict == skep.Reject
		f.unfinished = f.unfinished || r.Verdict == skep.Unsupported || r.Verdict == skep.Failed
		f.formatter.result(file, r)
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return err
}

// warnNone: an object without programs gives no verdict, which must not pass
// for one.
func (f *verifyFlags) warnNone(obj *skep.Object, file string) error {
	if len(f.programs) > 0 || slices.ContainsFunc(obj.Programs(), func(p skep.ObjectProgram) bool { return p.Autoload }) {
		return nil
	}
	return fmt.Errorf("object %s: no programs that load by default", file)
}

func completeFrom(cmd *cobra.Command, flag string, values []string) {
	// The flag exists: this cannot fail.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
