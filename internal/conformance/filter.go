// This file defines Filter, the choice of files and programs.

package conformance

import (
	"fmt"
	"regexp"
	"strings"
)

// Filter chooses files and programs as "go test -run" does: "FILE/PROGRAM",
// each a regular expression, either may be missing.
type Filter struct{ file, program *regexp.Regexp }

// ParseFilter reads a filter; "" takes everything.
func ParseFilter(s string) (Filter, error) {
	file, program, _ := strings.Cut(s, "/")
	f, err := regexp.Compile(file)
	if err != nil {
		return Filter{}, fmt.Errorf("filter: %w", err)
	}
	p, err := regexp.Compile(program)
	if err != nil {
		return Filter{}, fmt.Errorf("filter: %w", err)
	}
	return Filter{f, p}, nil
}
