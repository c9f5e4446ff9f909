// This file defines how Skep's verifier is asked about a case: with a time
// limit, and surviving its panics.

package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/verify"
)

// Verdict is what a verifier says of a program.
type Verdict string

// Verdicts. Only the first two are about the program.
const (
	Accept      Verdict = "accept"
	Reject      Verdict = "reject"
	Unsupported Verdict = "unsupported" // Skep does not know something yet
	Failed      Verdict = "error"       // an error, a panic or no answer in time
	NoVerdict   Verdict = "none"        // no verifier saw it
)

// SkepAnswer is what Skep says about a case.
type SkepAnswer struct {
	Verdict   Verdict
	Line      string // the reason of everything but Accept
	Log       string
	Errno     int
	Processed int
	Time      time.Duration
	Runs      []*EngineRun // one an engine; nil when there is nothing to compare
}

// Verifier asks Skep.
type Verifier struct {
	Target *catalog.Target
	Module *catalog.Target // for cases that need bpf_testmod
	Limit  time.Duration   // for one program
}

// grace is how long after its limit a verifier may take to notice.
const grace = 3 * time.Second

// Ask verifies a case's program.
func (v *Verifier) Ask(ctx context.Context, c *Case) *SkepAnswer {
	ctx, cancel := context.WithTimeout(ctx, v.Limit)
	defer cancel()
	done := make(chan *SkepAnswer, 1)
	start := time.Now()
	go func() { done <- v.verify(ctx, c) }()
	var a *SkepAnswer
	select {
	case a = <-done:
	case <-time.After(v.Limit + grace):
		a = &SkepAnswer{Verdict: Failed, Line: "timeout, and it does not stop"}
	}
	a.Time = time.Since(start)
	return a
}

func (v *Verifier) verify(ctx context.Context, c *Case) (a *SkepAnswer) {
	defer func() {
		if p := recover(); p != nil {
			a = &SkepAnswer{Verdict: Failed, Line: fmt.Sprintf("panic: %v", p), Log: string(debug.Stack())}
		}
	}()
	prog, target := *c.prog, v.Target
	prog.Flags |= c.Flags
	if c.Module {
		target = v.Module
	}
	ok, err := verify.Program(ctx, &prog, &verify.Options{
		Target: target, Caps: capsOf(c.Drop), LogLevel: verify.LogLevel(c.LogLevel), MaxLog: 16 << 20,
	})
	var rej *verify.Rejection
	var uns *verify.Unsupported
	switch {
	case err == nil:
		return &SkepAnswer{Verdict: Accept, Log: ok.Log(), Processed: ok.Stats().Processed}
	case errors.As(err, &rej):
		return &SkepAnswer{Verdict: Reject, Line: rej.Line, Log: rej.Log, Errno: rej.Errno, Processed: rej.Stats.Processed}
	case errors.As(err, &uns):
		return &SkepAnswer{Verdict: Unsupported, Line: uns.What}
	case errors.Is(err, context.DeadlineExceeded):
		return &SkepAnswer{Verdict: Failed, Line: "timeout"}
	}
	return &SkepAnswer{Verdict: Failed, Line: err.Error()}
}

// capsOf is what is left of all capabilities, in the catalog's terms.
func capsOf(drop live.Caps) catalog.Caps {
	caps := catalog.CapsAll
	for _, c := range []struct {
		linux live.Caps
		skep  catalog.Caps
	}{
		{live.CapBPF, catalog.CapBPF},
		{live.CapPerfmon, catalog.CapPerfmon},
		{live.CapNetAdmin, catalog.CapNetAdmin},
		{live.CapSysAdmin, catalog.CapSysAdmin},
		{live.CapSysBoot, catalog.CapSysBoot},
	} {
		if drop&c.linux != 0 {
			caps &^= c.skep
		}
	}
	return caps
}
