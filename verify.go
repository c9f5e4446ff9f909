// This file defines verification without loading.

package skep

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/object"
	"github.com/skepbpf/skep/internal/verify"
)

// Verdict is what came of verifying a program.
type Verdict string

// Verdicts.
const (
	Accept Verdict = "accept"
	Reject Verdict = "reject"
	// Unsupported: Skep itself does not know yet what the program needs.
	Unsupported Verdict = "unsupported"
	// Failed: no verifier saw the program (missing extern, unknown section).
	Failed Verdict = "error"
)

// VerifyOptions choose what to verify and for what. The zero value, and nil,
// verify all programs that load by default for Linux 6.18 as root.
type VerifyOptions struct {
	Targets  []Target // nil: Linux6_18
	Programs []string // nil: all that load by default
	Caps     Caps     // 0: all
	LogLevel uint32   // bits as for bpf(2): 1 path, 2 states, 4 counts
	// Type is the type of programs whose section names none ("xdp"); without
	// it such a program gets the verdict Failed, as libbpf would not load it.
	Type string
	// TimeLimit bounds the verification of one program; 0 is no limit. Past
	// it the verdict is Unsupported.
	TimeLimit time.Duration
}

// VerifyResult is the verdict about one program for one target.
type VerifyResult struct {
	Program, Section, Type string
	Target                 string
	Verdict                Verdict
	// Err is nil for Accept, a *VerifierError for Reject.
	Err   error
	Errno Errno // what BPF_PROG_LOAD would answer; 0 for Accept
	// Source is the source line of the rejection, "file.c:31"; "" when unknown.
	Source     string
	Insns      int // length in instruction slots
	Processed  int // instructions that the verifier walked
	States     int
	PeakStates int
	Stack      int // bytes, sum over all functions
	Time       time.Duration
	Log        string // at VerifyOptions.LogLevel
}

// Verify gives a verdict for each program and target, in the order of targets,
// then of programs. It creates nothing. The error is about the request (unknown
// program, ctx ended); what is wrong with a program is in its result.
func Verify(ctx context.Context, obj *Object, opts *VerifyOptions) ([]VerifyResult, error) {
	if opts == nil {
		opts = &VerifyOptions{}
	}
	targets := opts.Targets
	if len(targets) == 0 {
		targets = []Target{Linux6_18}
	}
	var results []VerifyResult
	for _, t := range targets {
		rs, err := verifyTarget(ctx, obj, t, opts)
		results = append(results, rs...)
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

func verifyTarget(ctx context.Context, obj *Object, t Target, opts *VerifyOptions) ([]VerifyResult, error) {
	linkOpts, err := linkOptions(opts.Programs, opts.Type)
	if err != nil {
		return nil, err
	}
	linked, err := obj.link(t, linkOpts)
	if err != nil {
		return nil, err
	}
	var results []VerifyResult
	for _, info := range obj.obj.Programs() {
		r := VerifyResult{Program: info.Name, Section: info.Section, Type: typeName(info.Type), Target: t.Name(), Insns: info.Insns}
		p, err := linked.Program(info.Name)
		switch {
		case err == nil:
			r.Type = typeName(p.Type)
			err = r.verify(ctx, p, t, opts)
		case errors.Is(err, object.ErrNoProgram):
			continue // not selected
		default:
			r.Verdict, r.Err, r.Errno = Failed, err, errnoOf(err)
			err = nil
		}
		if err != nil {
			return results, err
		}
		results = append(results, r)
	}
	return results, nil
}

// verify fills in the verdict about p. The error is ctx's.
func (r *VerifyResult) verify(ctx context.Context, p *bytecode.Program, t Target, opts *VerifyOptions) error {
	limited := ctx
	if opts.TimeLimit > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, opts.TimeLimit)
		defer cancel()
	}
	start := time.Now()
	v, err := verify.Program(limited, p, &verify.Options{
		Target: t.get(), Caps: opts.Caps.set(), LogLevel: verify.LogLevel(opts.LogLevel),
	})
	r.Time, r.Insns = time.Since(start), len(p.Insns)
	if err == nil {
		r.Verdict, r.Log = Accept, v.Log()
		r.count(v.Stats())
		return nil
	}
	var rejection *verify.Rejection
	var unsupported *verify.Unsupported
	switch {
	case errors.As(err, &rejection):
		ve := newVerifierError(p, rejection)
		r.Verdict, r.Err, r.Errno, r.Log, r.Source = Reject, ve, ve.Errno, rejection.Log, ve.Source
		r.count(rejection.Stats)
	case errors.As(err, &unsupported):
		r.Verdict, r.Err = Unsupported, err
	case ctx.Err() == nil && limited.Err() != nil:
		r.Verdict, r.Err = Unsupported, fmt.Errorf("verification took longer than %v", opts.TimeLimit)
	default:
		return err
	}
	return nil
}

func (r *VerifyResult) count(s verify.Stats) {
	r.Processed, r.States, r.PeakStates = s.Processed, s.TotalStates, s.PeakStates
	for _, d := range s.StackDepths {
		r.Stack += int(d)
	}
}

// sourceOf is the source line of an instruction, "file.c:31", "" when unknown.
func sourceOf(p *bytecode.Program, insn int) string {
	l := p.LineAt(insn)
	if insn < 0 || l == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", filepath.ToSlash(l.File), l.Line)
}
