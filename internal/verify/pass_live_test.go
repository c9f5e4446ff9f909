// This file defines how the tests of the static passes ask the running kernel.

package verify

import (
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/live"
)

// oracle is a running 6.18 kernel.
type oracle struct{ t *testing.T }

// needKernel skips unless this is a 6.18 kernel that loads programs for us.
func needKernel(t *testing.T) oracle {
	t.Helper()
	if err := live.Available(); err != nil {
		t.Skipf("needs a live kernel: %v", err)
	}
	if !strings.HasPrefix(live.Release(), "6.18.") {
		t.Skipf("needs a 6.18 kernel, this is %s", live.Release())
	}
	return oracle{t}
}

// load returns the kernel's answer with its log at level 2.
func (o oracle) load(p *bytecode.Program, drop live.Caps) *live.Result {
	o.t.Helper()
	s := live.NewSet()
	defer s.Close()
	r, err := s.Load(p, live.LoadOptions{LogLevel: 2, Drop: drop})
	if err != nil {
		o.t.Fatalf("asking the kernel: %v", err)
	}
	return r
}
