// This file defines dynptrs: their slots on the stack, and what makes, reads and
// ends them.

package verify

import (
	"github.com/skepbpf/skep/internal/catalog"
)

var dynptrRules = unknownKfuncs("bpf_dynptr_adjust", "bpf_dynptr_clone", "bpf_dynptr_copy", "bpf_dynptr_from_file", "bpf_dynptr_from_skb",
	"bpf_dynptr_from_skb_meta", "bpf_dynptr_from_xdp", "bpf_dynptr_is_null", "bpf_dynptr_is_rdonly", "bpf_dynptr_memset", "bpf_dynptr_size",
	"bpf_dynptr_slice", "bpf_dynptr_slice_rdwr")

// checkDynptrArg checks the dynptr that a helper is given.
func (w *walker) checkDynptrArg(_ uint8, _ catalog.Arg, m *callMeta) error {
	return w.unsupported("arguments of %s", m.proto.Name)
}

func (w *walker) checkKfuncDynptr(*kfuncCall, *kfuncArg) error {
	return w.unsupported("dynptr arguments of kfuncs")
}
