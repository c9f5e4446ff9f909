// This file defines lists and trees of allocated objects: which lock protects
// them, what goes in and what comes out.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// graphRules are the functions of lists and trees.
var graphRules = map[string]kfuncRule{
	"bpf_list_push_front_impl": {check: (*walker).insertNode},
	"bpf_list_push_back_impl":  {check: (*walker).insertNode},
	"bpf_list_pop_front":       {result: (*walker).nodeResult},
	"bpf_list_pop_back":        {result: (*walker).nodeResult},
	"bpf_list_front":           {result: (*walker).peekResult},
	"bpf_list_back":            {result: (*walker).peekResult},
	"bpf_rbtree_add_impl":      {check: (*walker).insertSorted},
	"bpf_rbtree_remove":        {result: (*walker).nodeResult},
	"bpf_rbtree_first":         {result: (*walker).peekResult},
	"bpf_rbtree_root":          {result: (*walker).peekResult},
	"bpf_rbtree_left":          {result: (*walker).peekResult},
	"bpf_rbtree_right":         {result: (*walker).peekResult},
}

// inserts reports whether a function puts its second argument into its first.
func (c *kfuncCall) inserts() bool { return c.rule.check != nil }

func (w *walker) checkListHeadArg(c *kfuncCall, a *kfuncArg) error {
	return w.checkRoot(c, a, fieldListHead)
}

func (w *walker) checkRBRootArg(c *kfuncCall, a *kfuncArg) error {
	return w.checkRoot(c, a, fieldRBRoot)
}

// checkRoot requires a list or tree whose lock is held.
func (w *walker) checkRoot(c *kfuncCall, a *kfuncArg, kind fieldKind) error {
	if err := w.checkKfuncOffset(c, a); err != nil {
		return err
	}
	reg := &w.regs()[a.r]
	switch {
	case !reg.Is(domain.PtrToMapValue, 0) && !reg.Is(domain.PtrToBTFID, domain.MemAlloc):
		return w.fail("arg#%d expected pointer to map value or allocated object", a.i)
	case reg.Kind == domain.PtrToBTFID && reg.RefID == 0:
		return w.checkOwned(reg)
	case !reg.IsConst():
		return w.fail("R%d doesn't have constant offset. %s has to be at the constant offset", a.r, a.to.Name)
	}
	c.root = w.fieldAt(reg, kind)
	if c.root == nil {
		return w.fail("%s not found at offset=%d", a.to.Name, offsetIn(reg))
	}
	if w.cur.ActiveLocks > 0 && w.heldLock(reg) == nil {
		w.note("held lock and object are not in the same allocation")
	}
	if w.heldLock(reg) == nil {
		return w.fail("bpf_spin_lock at off=%d must be held for %s", w.lockOffset(reg), a.to.Name)
	}
	return nil
}

// lockOffset is where the lock of a list or tree is: that of bpf_spin_lock,
// -EINVAL without one.
func (w *walker) lockOffset(reg *domain.Reg) int32 {
	if l := w.regRecord(reg).one(fieldSpinLock); l != nil {
		return int32(l.off)
	}
	return -errEINVAL
}

func (w *walker) checkListNodeArg(c *kfuncCall, a *kfuncArg) error {
	if err := w.checkNewNode(c, a); err != nil {
		return err
	}
	return w.checkNode(c, a, fieldListNode)
}

func (w *walker) checkRBNodeArg(c *kfuncCall, a *kfuncArg) error {
	check := (*walker).checkHeldNode
	if c.inserts() {
		check = (*walker).checkNewNode
	}
	if err := check(w, c, a); err != nil {
		return err
	}
	return w.checkNode(c, a, fieldRBNode)
}

// checkNewNode requires an object of the program's own: what is inserted.
func (w *walker) checkNewNode(c *kfuncCall, a *kfuncArg) error {
	if err := w.checkKfuncOffset(c, a); err != nil {
		return err
	}
	reg := &w.regs()[a.r]
	if !reg.Is(domain.PtrToBTFID, domain.MemAlloc) {
		return w.fail("arg#%d expected pointer to allocated object", a.i)
	}
	return w.checkOwned(reg)
}

// checkHeldNode requires a node that may be in the tree.
func (w *walker) checkHeldNode(c *kfuncCall, a *kfuncArg) error {
	if err := w.checkKfuncOffset(c, a); err != nil {
		return err
	}
	reg := &w.regs()[a.r]
	switch {
	case w.target.Version < catalog.V(6, 16) && (!nonOwning(reg) || reg.RefID != 0):
		return w.fail("rbtree_remove node input must be non-owning ref")
	case !nonOwning(reg) && reg.RefID == 0:
		return w.fail("%s can only take non-owning or refcounted bpf_rb_node pointer", c.Name)
	case w.inLessCallback():
		return w.fail("%s not allowed in rbtree cb", c.Name)
	}
	return nil
}

// checkNode requires the node that the list or tree links its objects by.
func (w *walker) checkNode(c *kfuncCall, a *kfuncArg, kind fieldKind) error {
	reg := &w.regs()[a.r]
	if !reg.IsConst() {
		return w.fail("R%d doesn't have constant offset. %s has to be at the constant offset", a.r, a.to.Name)
	}
	off := offsetIn(reg)
	if w.fieldAt(reg, kind) == nil {
		return w.fail("%s not found at offset=%d", a.to.Name, off)
	}
	held, have := c.root.spec.Type(c.root.id), reg.BTF.Type(reg.BTFID)
	if !sameType(reg.BTF, reg.BTFID, c.root.spec, c.root.id) {
		return w.fail("operation on %s expects arg#1 %s at offset=%d in struct %s, but arg is at offset=%d in struct %s",
			c.root.name, a.to.Name, c.root.nodeOff, held.Name, off, have.Name)
	}
	if off != int64(c.root.nodeOff) {
		return w.fail("arg#1 offset=%d, but expected %s at offset=%d in struct %s", off, a.to.Name, c.root.nodeOff, held.Name)
	}
	return nil
}

// insertNode makes the object a node: the list or tree owns it from now on, the
// program may look at it until it gives the lock back.
func (w *walker) insertNode(c *kfuncCall) error {
	if err := w.checkSections(c); err != nil {
		return err
	}
	id := w.regs()[bytecode.R2].RefID
	w.cur.EachReg(func(r *domain.Reg) {
		if r.RefID == id {
			r.RefID = 0
			w.disown(r)
		}
	})
	return w.release(id)
}

// insertSorted inserts after the program's function has compared nodes.
func (w *walker) insertSorted(c *kfuncCall) error {
	less := func(callee, _ *domain.Frame, _ *callMeta) {
		for _, r := range []int{bytecode.R1, bytecode.R2} {
			callee.Regs[r] = w.nodePointer(c.root)
			w.disown(&callee.Regs[r])
		}
		callee.CallbackRet = domain.Range{Min: 0, Max: 1}
	}
	if err := w.enterCallback(&c.callMeta, less); err != nil {
		return err
	}
	return w.insertNode(c)
}

// disown makes a pointer one that owns nothing. An object that counts its
// references may be freed once the lock is given back, after a grace period.
func (w *walker) disown(r *domain.Reg) {
	counted := w.regRecord(r).has(fieldRefcount)
	r.Flags |= domain.NonOwnRef
	if counted {
		r.Flags |= domain.MemRCU
	}
}

// nodePointer points to the node in an object of a list or tree.
func (w *walker) nodePointer(root *field) domain.Reg {
	r := w.objectPointer(root.spec, root.id, domain.MemAlloc)
	r.Off = int32(root.nodeOff)
	return r
}

// nodeResult is a node that was taken out: the program owns it.
func (w *walker) nodeResult(c *kfuncCall, r0 *domain.Reg) error {
	*r0 = w.nodePointer(c.root)
	w.ownResult(c, r0)
	return nil
}

// peekResult is a node that stays where it is.
func (w *walker) peekResult(c *kfuncCall, r0 *domain.Reg) error {
	*r0 = w.nodePointer(c.root)
	w.ownResult(c, r0)
	w.disown(r0)
	return nil
}

// forgetNodes makes pointers to nodes that others own unknown: the lock that
// protected them was given back.
func (w *walker) forgetNodes() {
	w.cur.EachReg(func(r *domain.Reg) {
		if r.Kind == domain.PtrToBTFID && r.Flags&domain.NonOwnRef != 0 {
			w.invalidate(r)
		}
	})
}

// inLessCallback reports whether a tree is being searched: the path is in the
// function that compares its nodes, or in what that calls.
func (w *walker) inLessCallback() bool {
	for _, f := range w.cur.Frames[1:] {
		if in := w.insns[f.CallSite]; f.InCallback && in.IsKfuncCall() && w.treeKfunc(in) {
			return true
		}
	}
	return false
}

func (w *walker) treeKfunc(in bytecode.Insn) bool { return in.Off == 0 && isTreeName(w.kfuncName(in)) }
