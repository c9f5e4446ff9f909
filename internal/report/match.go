// This file defines how the kernel's lines are recognised.

package report

import "strings"

// row says what a line means. pattern is the line with {name} where it varies;
// problem and advice may quote those parts.
type row struct {
	pattern string
	kind    string
	problem string
	advice  string
}

// lookUp finds the first row whose pattern the line begins with, and the parts
// that vary.
func lookUp(line string) (*row, map[string]string) {
	for i := range rows {
		if vars, ok := match(rows[i].pattern, line); ok {
			return &rows[i], vars
		}
	}
	return nil, nil
}

// match compares a line with a pattern. A {name} takes up to where the text
// that follows it in the pattern comes next; at the end of the pattern, a word.
// What follows a complete match does not matter.
func match(pattern, line string) (map[string]string, bool) {
	vars := map[string]string{}
	for {
		text, rest, more := strings.Cut(pattern, "{")
		if !strings.HasPrefix(line, text) {
			return nil, false
		}
		line = line[len(text):]
		if !more {
			return vars, true
		}
		name, after, _ := strings.Cut(rest, "}")
		stop, _, _ := strings.Cut(after, "{")
		end := strings.Index(line, stop)
		if stop == "" {
			end = wordEnd(line)
		}
		if end < 0 {
			return nil, false
		}
		vars[name], line, pattern = line[:end], line[end:], after
	}
}

// wordEnd is where the first word of a line ends.
func wordEnd(line string) int {
	if i := strings.IndexByte(line, ' '); i >= 0 {
		return i
	}
	return len(line)
}

// fill replaces each {name} of a text.
func fill(text string, vars map[string]string) string {
	for name, value := range vars {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}
