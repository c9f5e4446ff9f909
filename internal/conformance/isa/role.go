// This file defines which vectors are not simply run, and why.

package isa

import (
	_ "embed"
	"fmt"
	"strings"
)

// Role is what a vector is good for.
type Role string

// Roles.
const (
	// Runs: the program is accepted and returns Result.
	Runs Role = "runs"
	// Refused: the verifier refuses the program; Reason is the line that Linux
	// 6.18 prints (for a program type that may read and write memory).
	Refused Role = "refused"
	// Assembler: the text is no program; Err says so.
	Assembler Role = "assembler"
	// Runner: a self-test of the program that runs vectors.
	Runner Role = "runner"
)

//go:embed testdata/isa-exceptions.tsv
var exceptionsText string

// exception is a row of the committed list.
type exception struct {
	role   Role
	reason string
}

// exceptions reads the committed list, by vector name.
func exceptions(text string) (map[string]exception, error) {
	all := make(map[string]exception)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		field := strings.Split(line, "\t")
		if len(field) != 3 {
			return nil, fmt.Errorf("exception %q: not three fields", line)
		}
		switch role := Role(field[1]); role {
		case Refused, Assembler, Runner:
			all[field[0]] = exception{role, field[2]}
		default:
			return nil, fmt.Errorf("exception %q: unknown role", line)
		}
	}
	return all, nil
}
