// This file defines tests of how programs are run.

package conformance

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/maps"
)

// Programs are found through the slots of programs that are found.
func TestCompanions(t *testing.T) {
	calls := func(names ...string) *bytecode.Program {
		m := &bytecode.MapSpec{Type: bytecode.MapProgArray}
		for i, n := range names {
			m.Slots = append(m.Slots, bytecode.MapSlot{Key: uint32(i), Program: n})
		}
		return &bytecode.Program{Maps: []*bytecode.MapSpec{m}}
	}
	for _, tt := range []struct {
		name     string
		programs map[string]*bytecode.Program
		want     []string
	}{
		{"alone", map[string]*bytecode.Program{"main": {}}, []string{"main"}},
		{"itself", map[string]*bytecode.Program{"main": calls("main")}, []string{"main"}},
		{"through another", map[string]*bytecode.Program{"main": calls("a"), "a": calls("b", "main"), "b": {}}, []string{"main", "a", "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &Case{Program: "main", program: func(n string) *bytecode.Program { return tt.programs[n] }}
			if got := c.companions(); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestIsMissing(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"map kind", fmt.Errorf("load: %w", &maps.KindError{Type: bytecode.MapSKStorage}), true},
		{"helper", errors.New("load: program p: lower p: insn 3: bpf_sk_release needs sockets: no body to run"), true},
		{"fault", errors.New("insn 3: read of 8 bytes outside of the run's memory"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := isMissing(tt.err); got != tt.want {
				t.Errorf("%v: %v", tt.err, got)
			}
		})
	}
}

func TestNewRunnerEngines(t *testing.T) {
	if _, err := NewRunner([]skep.Engine{"abacus"}); err == nil {
		t.Error("no error for an engine without a column")
	}
}
