// This file defines how the two verifiers' logs are compared: the register
// states in them show what verdicts do not.

package fuzz

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
)

// logs compares what both verifiers say about a sample at log level 2.
func (w *worker) logs(ctx context.Context, s *Sample) {
	const level = 2
	k := ask(s.Prog, level)
	o := w.opts.verify(ctx, s.Prog, level)
	if k.class == NoVerdict || o.class != k.class {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.report
	r.LogsCompared++
	diff := diffLogs(k.log, o.log)
	if diff == "" {
		r.LogsAlike++
		return
	}
	f := &Finding{Class: BadLog, Sample: s, Kernel: k.line, Skep: diff}
	r.Violations[BadLog]++
	w.tell(f)
}

// unlike are parts of lines that differ for good reasons.
var unlike = regexp.MustCompile(`(?m)^(verification time|stack depth|processed|SCC ).*\n|^ .*\(18\) r\d = 0x.*$`)

// diffLogs gives the first lines in which two logs differ, "" where they do not.
func diffLogs(kernel, skep string) string {
	a := strings.Split(unlike.ReplaceAllString(kernel, ""), "\n")
	b := strings.Split(unlike.ReplaceAllString(skep, ""), "\n")
	for i := range max(len(a), len(b)) {
		x, y := line(a, i), line(b, i)
		if x != y {
			return fmt.Sprintf("line %d: kernel %q, skep %q (after %q)", i+1, x, y, line(a, i-1))
		}
	}
	return ""
}

func line(lines []string, i int) string {
	if i < 0 || i >= len(lines) {
		return ""
	}
	return lines[i]
}

// Explain is both verifiers' logs of a program, one after the other.
func (o *Options) Explain(p *bytecode.Program) string {
	const level = 2
	k, s := ask(p, level), o.limited().verify(context.Background(), p, level)
	return fmt.Sprintf("---- kernel: %s %s\n%s---- skep: %s %s\n%s----\n", k.class, k.line, k.log, s.class, s.line, s.log)
}
