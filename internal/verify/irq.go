// This file defines sections with interrupts disabled; the flags that they save
// lie on the stack.

package verify

var irqRules = unknownKfuncs("bpf_local_irq_save", "bpf_local_irq_restore")

func (w *walker) checkIRQFlagArg(*kfuncCall, *kfuncArg) error {
	return w.unsupported("IRQ flag arguments of kfuncs")
}
