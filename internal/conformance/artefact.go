// This file defines where an oracle is not believed: refusals of the running
// kernel that come of how it was configured and are no rule of Linux, and
// annotations of Linux 6.12 that 6.18 has overtaken.

package conformance

import (
	"slices"
	"strings"
)

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

// relaxed are the cases, of any CPU version, whose annotation expects a failure
// and that Linux 6.18 accepts. A run with a live kernel prints others as
// "annotation and kernel differ".
var relaxed = map[string]bool{
	"iters/iter_err_too_permissive2":                               true,
	"iters/iter_err_too_permissive3":                               true,
	"preempt_lock/preempt_global_subprog_test":                     true,
	"verifier_and/known_subreg_with_unknown_reg@unpriv":            true,
	"verifier_bounds/_32bit_and_64bit_arithmetic_test1@unpriv":     true,
	"verifier_bounds/_32bit_and_64bit_arithmetic_test2@unpriv":     true,
	"verifier_bounds/reg32_0_reg32_xor_1@unpriv":                   true,
	"verifier_bounds/reg32_0_reg32_xor_3@unpriv":                   true,
	"verifier_bounds/reg_0_reg_xor_1@unpriv":                       true,
	"verifier_bounds/reg_0_reg_xor_3@unpriv":                       true,
	"verifier_bounds/reg_2_reg_xor_3@unpriv":                       true,
	"verifier_map_ptr/read_non_existent_field_rejected":            true,
	"verifier_movsx/mov64sx_s32_varoff_2@unpriv":                   true,
	"verifier_movsx/mov64sx_s32_varoff_3@unpriv":                   true,
	"verifier_unpriv/alu32_mov_u32_const@unpriv":                   true,
	"verifier_value_ptr_arith/ptr_unknown_vs_unknown_gt@unpriv":    true,
	"verifier_value_ptr_arith/ptr_unknown_vs_unknown_lt@unpriv":    true,
	"verifier_value_ptr_arith/value_ptr_unknown_scalar_2_2@unpriv": true,
}

// relaxed reports whether the case's annotation holds no longer.
func (c *Case) relaxed() bool {
	return relaxed[strings.TrimSuffix(c.Name(), "@"+c.Object.CPU)]
}

// reworded turns texts of 6.12's annotations into what 6.18 writes: registers
// and slots that an instruction writes are not marked any more. Where a running
// kernel's log has the old text no more, nothing is compared; this is for what it
// cannot be asked about.
var reworded = strings.NewReplacer("_w=", "=")

// laterTexts are what 6.18 says of programs whose annotation names a later
// instruction: an iterator that needs an RCU section is now refused where it is
// made. (Programs that this kernel takes, with the same calls, show it:
// internal/verify, TestIterators.)
var laterTexts = map[string]string{
	"iters_task_failure/iter_tasks_without_lock": "kernel func bpf_iter_task_new requires RCU critical section protection",
	"iters_task_failure/iter_css_without_lock":   "kernel func bpf_iter_css_new requires RCU critical section protection",
}

// inLaterWords is what 6.18 says where a program's annotation has certain texts.
func (c *Case) inLaterWords(patterns []Pattern) []Pattern {
	if text, ok := laterTexts[strings.TrimSuffix(c.Name(), "@"+c.Object.CPU)]; ok {
		return []Pattern{{Text: text}}
	}
	out := slices.Clone(patterns)
	for i := range out {
		if out[i].re == nil {
			out[i].Text = reworded.Replace(out[i].Text)
		}
	}
	return out
}
