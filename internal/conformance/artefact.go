// This file defines which of the running kernel's refusals come of how it was
// configured, and are no rule of Linux.

package conformance

import "strings"

// artefacts are refusals that the annotation, and not the kernel, decides.
var artefacts = []struct{ line, reason string }{
	{"cannot use helper bpf_probe_write_user", "lockdown refuses it"},
	{"cannot use helper bpf_override_return", "built without CONFIG_BPF_KPROBE_OVERRIDE"},
	{"failed to find the address for kernel symbol", "built without CONFIG_KALLSYMS_ALL: the types have variables that the symbol table has not"},
}

// artefact reports whether the kernel's refusal is one of these.
func (c *Case) artefact(k *Answer) bool {
	if k.Verdict() != Reject {
		return false
	}
	for _, a := range artefacts {
		if strings.Contains(k.Line(), a.line) {
			return true
		}
	}
	return false
}
