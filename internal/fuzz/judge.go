// This file defines how both verifiers are asked about a sample and what their
// answers amount to.

package fuzz

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/verify"
)

// Class is what came of a sample.
type Class string

// Classes. The first two are agreement.
const (
	Accepted Class = "accepted by both"
	Rejected Class = "rejected by both"
	// FalseAccept: the kernel's verifier rejects and Skep accepts. Nothing is
	// worse.
	FalseAccept Class = "false accept"
	FalseReject Class = "false reject"
	// TooComplex: the kernel gave the program up, which says nothing about
	// what it does; Skep needs fewer steps and accepts it.
	TooComplex Class = "given up by the kernel only"
	// Unsupported: Skep does not know something that the program needs.
	Unsupported Class = "unsupported"
	// Broken: Skep's verifier panicked, or did not end in time.
	Broken Class = "broken"
	// NoVerdict: the kernel refused the program before its verifier saw it.
	NoVerdict Class = "no verdict"
	// Unasked: there is no kernel to ask; Skep's verdict stands alone.
	Unasked Class = "unasked"
)

// opinion is Skep's about a program.
type opinion struct {
	verified *verify.Verified // nil unless accepted
	line     string           // the reason of everything else
	work     int              // instructions processed
	class    Class            // Accepted, Rejected, Unsupported or Broken
	log      string
}

// verifyLimit bounds the verification of one program.
const verifyLimit = 20 * time.Second

// verify asks Skep's verifier.
func (opts *Options) verify(ctx context.Context, p *bytecode.Program, level uint32) (o opinion) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(opts.Limit, verifyLimit))
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			o = opinion{class: Broken, line: fmt.Sprintf("panic: %v", r), log: string(debug.Stack())}
		}
	}()
	v, err := verify.Program(ctx, p, &verify.Options{
		Target: cmp.Or(opts.Target, catalog.Linux6_18), Caps: catalog.CapsAll,
		LogLevel: verify.LogLevel(level), KeepStates: true, MaxLog: maxLog,
	})
	var rejection *verify.Rejection
	var unsupported *verify.Unsupported
	switch {
	case err == nil:
		return opinion{class: Accepted, verified: v, log: v.Log(), work: v.Stats().Processed}
	case errors.As(err, &rejection):
		return opinion{class: Rejected, line: rejection.Line, log: rejection.Log, work: rejection.Stats.Processed}
	case errors.As(err, &unsupported):
		return opinion{class: Unsupported, line: unsupported.What}
	}
	return opinion{class: Broken, line: err.Error()}
}

const maxLog = 32 << 20

// answer is the kernel's about a program.
type answer struct {
	class Class // Accepted, Rejected, NoVerdict
	line  string
	log   string
}

// work is how many instructions the kernel processed, 0 where it does not say.
func (a *answer) work() int {
	if i := strings.LastIndex(a.log, "processed "); i >= 0 {
		return int(atoi(a.log[i+len("processed "):]))
	}
	return 0
}

// counts is the log level at which the kernel gives its reason and its counts,
// and no more.
const counts = 4

// kernel asks the running kernel, with a log at the given level or none. The
// program's descriptor stays open until the set is closed.
func kernel(set *live.Set, p *bytecode.Program, level uint32) (answer, int) {
	r, err := set.Load(p, live.LoadOptions{LogLevel: level, MaxLog: maxLog})
	switch {
	case err != nil:
		return answer{class: NoVerdict, line: err.Error()}, -1
	case r.Accepted():
		return answer{class: Accepted, log: r.Log}, r.FD
	case isArtefact(r.Line()):
		return answer{class: NoVerdict, line: r.Line()}, -1
	case level == 0 || r.Rejected():
		return answer{class: Rejected, line: r.Line(), log: r.Log}, -1
	}
	return answer{class: NoVerdict, line: r.Errno.Error()}, -1
}

// isArtefact tells reasons that come of how a machine is set up, not of the
// program: lockdown takes this helper away.
func isArtefact(line string) bool { return strings.Contains(line, "bpf_probe_write_user") }

// loaded is a program that the kernel was asked about, with what it needs.
type loaded struct {
	answer
	prog *bytecode.Program
	set  *live.Set
	fd   int // -1 unless accepted
	ran  bool
}

func submit(p *bytecode.Program) *loaded {
	l := &loaded{prog: p, set: live.NewSet()}
	l.answer, l.fd = kernel(l.set, p, counts)
	return l
}

func (l *loaded) close() { l.set.Close() }

// fresh returns the program's descriptor, its maps being as they were at first.
func (l *loaded) fresh() int {
	if l.ran && l.set.Reset() != nil {
		l.set.Close()
		_, l.fd = kernel(l.set, l.prog, 0)
	}
	l.ran = true
	return l.fd
}

// ask asks the kernel with a log and gives everything back.
func ask(p *bytecode.Program, level uint32) answer {
	set := live.NewSet()
	defer set.Close()
	a, _ := kernel(set, p, level)
	return a
}

// compare puts two answers together. Where they disagree the kernel is asked
// once more, for its log: without one no verifier saw the program.
func compare(o opinion, k *answer, p *bytecode.Program) Class {
	switch {
	case o.class == Unsupported || o.class == Broken:
		return o.class
	case k == nil:
		return Unasked
	case k.class == NoVerdict:
		return NoVerdict
	case o.class == k.class:
		return o.class
	case k.class == Accepted:
		return FalseReject
	}
	*k = ask(p, 1)
	switch k.class {
	case NoVerdict:
		return NoVerdict
	case Accepted:
		return Accepted // the first answer was not about the program
	}
	if strings.HasPrefix(k.line, tooLarge) {
		return TooComplex
	}
	return FalseAccept
}

// tooLarge is how both verifiers begin to say that they gave up.
const tooLarge = "BPF program is too large"
