// This file defines objects that programs allocate.

package verify

var allocRules = unknownKfuncs("bpf_obj_new_impl", "bpf_obj_drop_impl", "bpf_percpu_obj_new_impl", "bpf_percpu_obj_drop_impl", "bpf_refcount_acquire_impl")

func (w *walker) checkAllocArg(*kfuncCall, *kfuncArg) error {
	return w.unsupported("allocated object arguments of kfuncs")
}

func (w *walker) checkRefcountedArg(*kfuncCall, *kfuncArg) error {
	return w.unsupported("refcounted kptr arguments of kfuncs")
}
