// This file defines the kernel that has bpf_testmod, for the selftests that
// need the module and of which the running kernel cannot be asked.

package conformance

import (
	"fmt"

	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/conformance/testmod"
	"github.com/skepbpf/skep/internal/object"
)

// noModule is why the kernel is not asked about a case that needs the module.
const noModule = "the running kernel has no " + testmod.Name

// withModule gives a kernel and a target the module.
func withModule(env *object.Env, t *catalog.Target) (*object.Env, *catalog.Target, error) {
	m, err := testmod.Module(env.BTF)
	if err != nil {
		return nil, nil, err
	}
	if t, err = t.WithModule(m); err != nil {
		return nil, nil, fmt.Errorf("target: %w", err)
	}
	e := *env
	e.BTF, e.Modules = m.BTF, []string{m.Name}
	return &e, t, nil
}
