// This file defines kernel pointers in map values and allocated objects.

package verify

import "github.com/skepbpf/skep/internal/catalog"

// checkKptrArg checks the kptr that a helper is given.
func (w *walker) checkKptrArg(_ uint8, _ catalog.Arg, m *callMeta) error {
	return w.unsupported("arguments of %s", m.proto.Name)
}
