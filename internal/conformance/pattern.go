// This file defines the patterns that annotations expect in a log: plain text
// with regular expressions in double braces.

package conformance

import (
	"fmt"
	"regexp"
	"strings"
)

// Pattern matches part of a verifier log. "foo{{[0-9]+}}" is the text "foo"
// and then the expression [0-9]+; everything outside of braces is literal.
type Pattern struct {
	Text string
	re   *regexp.Regexp // nil for plain text
}

// ParsePattern fails for an expression that is not closed or not valid.
func ParsePattern(text string) (Pattern, error) {
	p := Pattern{Text: text}
	if !strings.Contains(text, "{{") {
		return p, nil
	}
	var expr strings.Builder
	expr.WriteString("(?m)")
	for rest := text; rest != ""; {
		literal, after, ok := strings.Cut(rest, "{{")
		expr.WriteString(regexp.QuoteMeta(literal))
		if !ok {
			break
		}
		inner, tail, ok := strings.Cut(after, "}}")
		if !ok {
			return p, fmt.Errorf("pattern %q: {{ without }}", text)
		}
		expr.WriteString(inner)
		rest = tail
	}
	re, err := regexp.Compile(expr.String())
	if err != nil {
		return p, fmt.Errorf("pattern %q: %w", text, err)
	}
	re.Longest() // as POSIX matches
	p.re = re
	return p, nil
}

// find returns the first match in s as [start, end), or -1.
func (p Pattern) find(s string) (start, end int) {
	if p.re == nil {
		i := strings.Index(s, p.Text)
		return i, i + len(p.Text)
	}
	if m := p.re.FindStringIndex(s); m != nil {
		return m[0], m[1]
	}
	return -1, -1
}

// FirstMissing matches the patterns one after the other, each behind the match
// before it, and returns the first that is not there; ok is true when all are.
func FirstMissing(log string, patterns []Pattern) (missing Pattern, ok bool) {
	for _, p := range patterns {
		start, end := p.find(log)
		if start < 0 {
			return p, false
		}
		log = log[end:]
	}
	return Pattern{}, true
}
