// This file defines lists and trees of allocated objects.

package verify

var graphRules = unknownKfuncs("bpf_list_push_front_impl", "bpf_list_push_back_impl", "bpf_list_pop_front", "bpf_list_pop_back", "bpf_list_front", "bpf_list_back",
	"bpf_rbtree_remove", "bpf_rbtree_add_impl", "bpf_rbtree_first", "bpf_rbtree_root", "bpf_rbtree_left", "bpf_rbtree_right")

func (w *walker) checkListHeadArg(*kfuncCall, *kfuncArg) error {
	return w.unsupported("list head arguments of kfuncs")
}

func (w *walker) checkListNodeArg(*kfuncCall, *kfuncArg) error {
	return w.unsupported("list node arguments of kfuncs")
}

func (w *walker) checkRBRootArg(*kfuncCall, *kfuncArg) error {
	return w.unsupported("tree root arguments of kfuncs")
}

func (w *walker) checkRBNodeArg(*kfuncCall, *kfuncArg) error {
	return w.unsupported("tree node arguments of kfuncs")
}
