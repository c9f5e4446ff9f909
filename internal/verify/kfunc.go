// This file defines calls of kernel functions: their prototypes come from the
// target's BTF, their rules from flags and from the suffixes of parameters.

package verify

import (
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// kfuncCall is a call being checked.
type kfuncCall struct {
	callMeta
	*catalog.Kfunc
	spec   *btfx.Spec
	params []btfx.Param
	result btfx.ID

	constant uint64 // value of the __k or __szk argument
	hasConst bool
	iter     iterSite
	retSize  uint32 // rdonly_buf_size, rdwr_buf_size
	retWrite bool
}

func (c *kfuncCall) has(f catalog.KfuncFlags) bool { return c.Flags&f != 0 }

// callKfunc checks a call and applies its effect.
func (w *walker) callKfunc(in bytecode.Insn) error {
	c, err := w.resolveKfunc(in)
	if err != nil {
		return err
	}
	switch {
	case c.has(catalog.KfDestructive) && !w.opt.Caps.Has(catalog.CapSysBoot):
		return w.deny(KindCall, -1, "destructive kfunc calls require CAP_SYS_BOOT capability")
	case c.has(catalog.KfSleepable) && !w.cur.InSleepable:
		return w.deny(KindCall, -1, "program must be sleepable to call sleepable kfunc %s", c.Name)
	case specialKfunc(c.Name):
		return w.unsupported("kfunc %s", c.Name)
	}
	for i := 0; i < len(c.params); i++ {
		skip, err := w.checkKfuncArg(c, i)
		if err != nil {
			return err
		}
		i += skip
	}
	if c.has(catalog.KfRelease) && c.releaseReg == 0 {
		return w.refuse(KindReference, errEINVAL, -1, "release kernel function %s expects refcounted PTR_TO_BTF_ID", c.Name)
	}
	if err := w.kfuncSections(c); err != nil {
		return err
	}
	if c.releaseReg != 0 {
		if err := w.release(w.regs()[c.releaseReg].RefID); err != nil {
			return err
		}
	}
	w.facts.call(w.pc, &c.callMeta)
	w.clobberArgs()
	if err := w.kfuncResult(c); err != nil {
		return err
	}
	if kfuncChangesPacket(c.Name) {
		w.forgetPackets()
	}
	if c.has(catalog.KfIterNext) {
		return w.nextIter(c)
	}
	return nil
}

// resolveKfunc finds what a call names.
func (w *walker) resolveKfunc(in bytecode.Insn) (*kfuncCall, error) {
	if w.target.BTF == nil {
		return nil, w.unsupported("kfunc calls: the target has no BTF")
	}
	if in.Off != 0 {
		return nil, w.unsupported("kfuncs of modules")
	}
	fn := w.target.BTF.Type(btfx.ID(in.Imm))
	if in.Imm == 0 || fn == nil || fn.Kind != btfx.KindFunc {
		return nil, w.unsupported("a call of BTF id %d", in.Imm)
	}
	k, ok := w.target.Kfunc(w.env, fn.Name)
	if !ok {
		return nil, w.deny(KindCall, -1, "calling kernel function %s is not allowed", fn.Name)
	}
	proto := w.target.BTF.Type(fn.Type)
	c := &kfuncCall{Kfunc: k, spec: w.target.BTF, params: proto.Params, result: proto.Type}
	c.raw.reg, c.callback = -1, -1
	c.proto = &catalog.Proto{ID: catalog.FuncID(k.Name), Num: -1, Name: k.Name}
	return c, nil
}

// specialKfuncs have rules that no prototype says and that the walk does not
// know.
func specialKfunc(name string) bool {
	for _, prefix := range []string{
		"bpf_obj_", "bpf_percpu_obj_", "bpf_refcount_", "bpf_list_", "bpf_rbtree_", "bpf_dynptr_", "bpf_throw",
		"bpf_wq_", "bpf_rdonly_cast", "bpf_cast_to_kern_ctx", "bpf_local_irq_", "bpf_res_spin_", "bpf_arena_", "bpf_task_work_",
		"bpf_get_kmem_cache", "bpf_session_cookie", "bpf_set_dentry_xattr", "bpf_remove_dentry_xattr",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func kfuncChangesPacket(name string) bool { return name == "bpf_xdp_pull_data" }

// kfuncSections handles the functions that begin and end sections, and those
// that may not be called inside or outside of one.
func (w *walker) kfuncSections(c *kfuncCall) error {
	st := &w.cur.State
	switch c.Name {
	case "bpf_rcu_read_lock":
		if st.ActiveRCU > 0 {
			return w.fail("nested rcu read lock (kernel function %s)", c.Name)
		}
		st.ActiveRCU++
	case "bpf_rcu_read_unlock":
		if st.ActiveRCU == 0 {
			return w.fail("unmatched rcu read unlock (kernel function %s)", c.Name)
		}
		st.ActiveRCU--
		st.EachReg(endRCU)
		st.EachIter(endRCU)
	case "bpf_preempt_disable":
		st.ActivePreempt++
	case "bpf_preempt_enable":
		if st.ActivePreempt == 0 {
			return w.fail("unmatched attempt to enable preemption (kernel function %s)", c.Name)
		}
		st.ActivePreempt--
	default:
		return w.sectionRules(c)
	}
	return nil
}

// endRCU takes the protection of an RCU section from a pointer.
func endRCU(r *domain.Reg) {
	if r.Flags&domain.MemRCU != 0 {
		r.Flags = r.Flags&^(domain.MemRCU|domain.MaybeNull) | domain.PtrUntrusted
	}
}

func (w *walker) sectionRules(c *kfuncCall) error {
	if region := w.atomicRegion(); c.has(catalog.KfSleepable) && region != "" {
		return w.deny(KindCall, -1, "kernel func %s is sleepable within %s region", c.Name, region)
	}
	if c.has(catalog.KfRCUProtected) && !w.inRCU() {
		return w.deny(KindCall, -1, "kernel func %s requires RCU critical section protection", c.Name)
	}
	return nil
}

// suffixed reports whether a parameter's name carries an annotation.
func suffixed(p btfx.Param, suffix string) bool { return strings.HasSuffix(p.Name, suffix) }

// checkKfuncArg checks one argument; skip is 1 where it used up the next too.
func (w *walker) checkKfuncArg(c *kfuncCall, i int) (skip int, err error) {
	p, r := c.params[i], uint8(bytecode.R1+i)
	if i >= 5 {
		return 0, w.fail("Function %s has %d > 5 args", c.Name, len(c.params))
	}
	if suffixed(p, "__ign") || suffixed(p, "__prog") {
		return 0, nil
	}
	t := c.spec.Strip(p.Type)
	switch {
	case t == nil:
		return 0, w.fail("Unrecognized arg#%d type UNKNOWN", i)
	case t.Kind == btfx.KindInt || t.Kind == btfx.KindEnum || t.Kind == btfx.KindEnum64:
		return 0, w.checkKfuncScalar(c, p, r)
	case t.Kind != btfx.KindPtr:
		return 0, w.fail("Unrecognized arg#%d type %s", i, btfKindNames[t.Kind])
	}
	return w.checkKfuncPointer(c, i, r, t)
}

func (w *walker) checkKfuncScalar(c *kfuncCall, p btfx.Param, r uint8) error {
	reg := &w.regs()[r]
	if reg.Kind != domain.ScalarValue {
		return w.fail("R%d is not a scalar", r)
	}
	switch {
	case suffixed(p, "__k"):
		if !reg.IsConst() {
			return w.fail("R%d must be a known constant", r)
		}
		c.constant, c.hasConst = reg.Value(), true
		return w.markPrecise(r)
	case p.Name == "rdonly_buf_size" || p.Name == "rdwr_buf_size":
		if !reg.IsConst() {
			return w.fail("R%d is not a const", r)
		}
		if reg.Value() > 1<<32-1 {
			return w.fail("R%d rdonly/rdwr_buf_size exceeds u32 max", r)
		}
		c.retSize, c.retWrite = uint32(reg.Value()), p.Name == "rdwr_buf_size"
		return w.markPrecise(r)
	}
	return nil
}

// checkKfuncPointer checks a pointer by what the parameter points to.
func (w *walker) checkKfuncPointer(c *kfuncCall, i int, r uint8, ptr *btfx.Type) (skip int, err error) {
	p, reg := c.params[i], &w.regs()[r]
	strict := c.has(catalog.KfTrustedArgs | catalog.KfRCU | catalog.KfRelease)
	if strict && (reg.IsNull() || reg.MayBeNull()) && !suffixed(p, "__nullable") {
		return 0, w.deny(KindNull, int(r), "Possibly NULL pointer passed to trusted arg%d", i)
	}
	if reg.RefID != 0 {
		c.refID = reg.RefID
		if c.has(catalog.KfRelease) {
			c.releaseReg = int(r)
		}
	}
	to := c.spec.Strip(ptr.Type)
	switch {
	case to == nil:
		return 0, w.fail("Unrecognized arg#%d type UNKNOWN", i)
	case w.isContext(c.spec, ptr.Type):
		return 0, w.checkKfuncCtx(i, r)
	case suffixed(p, "__nullable") && reg.IsNull():
		return 0, w.markPrecise(r)
	}
	if i == 0 && c.has(iterFlags) {
		return 0, w.checkIterArg(c, i, r, to)
	}
	if what := w.specialArg(c, p, to); what != "" {
		return 0, w.unsupported("%s arguments of kfuncs", what)
	}
	switch {
	case suffixed(p, "__str"):
		if err := w.checkArgTypeOf(r, argTypes[catalog.ArgConstStr]); err != nil {
			return 0, err
		}
		return 0, w.checkConstStr(r)
	case suffixed(p, "__map"):
		return 0, w.checkKfuncMap(c, i, r, strict)
	case reg.Kind == domain.PtrToBTFID || objectOf[reg.Kind] != "":
		return 0, w.checkKfuncObject(c, i, r, to, strict)
	}
	return w.checkKfuncMem(c, i, r, to)
}

// specialStructArgs are parameters by the struct that they point to.
var specialStructArgs = map[string]string{
	"bpf_dynptr": "dynptr", "bpf_dynptr_kern": "dynptr", "bpf_list_head": "list head", "bpf_list_node": "list node",
	"bpf_rb_root": "tree root", "bpf_rb_node": "tree node", "bpf_wq": "work queue", "bpf_timer": "timer",
	"bpf_res_spin_lock": "lock", "bpf_task_work": "task work",
}

// specialArg names arguments whose rules the walk does not know.
func (w *walker) specialArg(c *kfuncCall, p btfx.Param, to *btfx.Type) string {
	switch {
	case suffixed(p, "__alloc"):
		return "allocated object"
	case suffixed(p, "__refcounted_kptr"):
		return "refcounted kptr"
	case suffixed(p, "__iter"):
		return "iterator"
	case suffixed(p, "__irq_flag"):
		return "IRQ flag"
	case to.Kind == btfx.KindFuncProto:
		return "callback"
	}
	return specialStructArgs[to.Name]
}

func (w *walker) checkKfuncCtx(i int, r uint8) error {
	reg := &w.regs()[r]
	if reg.Kind != domain.PtrToCtx {
		return w.fail("arg#%d expected pointer to ctx, but got %s", i, kindName(reg))
	}
	return w.checkPlainOffset(reg, r, false)
}

// checkArgTypeOf requires one of some kinds of pointers.
func (w *walker) checkArgTypeOf(r uint8, types []regType) error {
	reg := &w.regs()[r]
	for _, t := range types {
		if t.kind == reg.Kind && t.flags == reg.Flags {
			return nil
		}
	}
	return w.deny(KindCall, int(r), "R%d type=%s expected=%s", r, kindName(reg), regTypeNames(types))
}

func (w *walker) checkKfuncMap(c *kfuncCall, i int, r uint8, strict bool) error {
	reg := &w.regs()[r]
	if reg.Kind != domain.ConstPtrToMap {
		return w.fail("pointer in R%d isn't map pointer", r)
	}
	c.mapCopy = *reg
	c.mapReg = &c.mapCopy
	id, ok := c.spec.Find("bpf_map", btfx.KindStruct)
	if !ok {
		return w.unsupported("maps as arguments of kfuncs")
	}
	return w.checkKfuncObject(c, i, r, c.spec.Type(id), strict)
}

// checkKfuncObject requires a kernel object of the parameter's type, trusted
// as far as the function's flags ask.
func (w *walker) checkKfuncObject(c *kfuncCall, i int, r uint8, to *btfx.Type, strict bool) error {
	reg := &w.regs()[r]
	if to.Kind != btfx.KindStruct && to.Kind != btfx.KindUnion {
		return w.fail("kernel function %s args#%d pointer type %s %s is not supported", c.Name, i, kindWord(to), to.Name)
	}
	if strict && !trusted(reg) {
		switch {
		case !c.has(catalog.KfRCU):
			return w.fail("R%d must be referenced or trusted", r)
		case reg.Flags&domain.MemRCU == 0:
			return w.fail("R%d must be a rcu pointer", r)
		}
	}
	release := c.has(catalog.KfRelease) && reg.RefID != 0
	arg := catalog.Arg{}
	if release {
		arg.Flags = catalog.ArgRelease
	}
	if err := w.checkArgOffset(r, arg); err != nil {
		return err
	}
	if reg.Kind == domain.PtrToBTFID && unsafePointer(reg) && reg.Flags&domain.MemRCU == 0 {
		return w.fail("arg#%d is %s expected %s or socket", i, kindName(reg), appendKind(nil, reg.Kind, reg.Flags&trustFlags))
	}
	return w.matchKfuncObject(c, i, r, to, release)
}

func (w *walker) matchKfuncObject(c *kfuncCall, i int, r uint8, to *btfx.Type, release bool) error {
	reg := &w.regs()[r]
	spec, id := reg.BTF, reg.BTFID
	if reg.Kind != domain.PtrToBTFID {
		found, ok := c.spec.Find(objectOf[reg.Kind], btfx.KindStruct)
		if !ok {
			return w.unsupported("struct %s is not in the target", objectOf[reg.Kind])
		}
		spec, id = c.spec, found
	}
	have := spec.Strip(id)
	strict := release || noCastAlias(have.Name, to.Name)
	if projections[to.Name] == have.Name || structIs(spec, id, reg.Off, c.spec, to.ID, strict) {
		return nil
	}
	return w.fail("kernel function %s args#%d expected pointer to %s %s but R%d has a pointer to %s %s",
		c.Name, i, structWord(to), to.Name, r, structWord(have), have.Name)
}

func structWord(t *btfx.Type) string {
	if t.Kind == btfx.KindUnion {
		return "UNION"
	}
	return "STRUCT"
}

// projections are the types that programs see of kernel structs.
var projections = map[string]string{"__sk_buff": "sk_buff", "xdp_md": "xdp_buff"}

// noCastAlias reports whether two names differ by "___init": such types are
// equal in C and never interchangeable.
func noCastAlias(a, b string) bool {
	const init = "___init"
	return strings.TrimSuffix(a, init) == strings.TrimSuffix(b, init) && a != b
}

// checkKfuncMem requires memory: of the size in the next argument, or of the
// pointee's.
func (w *walker) checkKfuncMem(c *kfuncCall, i int, r uint8, to *btfx.Type) (skip int, err error) {
	sized := i+1 < len(c.params) && (suffixed(c.params[i+1], "__sz") || suffixed(c.params[i+1], "__szk"))
	if !scalarType(c.spec, to.ID, 0) && !(sized && to.Kind == btfx.KindVoid) {
		void := ""
		if sized {
			void = "void, "
		}
		return 0, w.fail("arg#%d pointer type %s %s must point to %sscalar, or struct with scalar", i, kindWord(to), to.Name, void)
	}
	if err := w.checkArgOffset(r, catalog.Arg{}); err != nil {
		return 0, err
	}
	if sized {
		return 1, w.checkKfuncSized(c, i, r)
	}
	size, ok := c.spec.SizeOf(to.ID)
	if !ok {
		return 0, w.fail("arg#%d reference type('%s %s') size cannot be determined: -22", i, kindWord(to), to.Name)
	}
	return 0, w.checkMemReg(r, i, globalArg{kind: domain.PtrToMem, size: size, nullable: true})
}

// scalarType reports whether a type consists of scalars alone.
func scalarType(spec *btfx.Spec, id btfx.ID, depth int) bool {
	t := spec.Strip(id)
	if t == nil || depth > maxScalarNesting {
		return false
	}
	switch t.Kind {
	case btfx.KindInt, btfx.KindEnum, btfx.KindEnum64:
		return true
	case btfx.KindStruct, btfx.KindUnion:
		for _, m := range t.Members {
			if !scalarMember(spec, m.Type, depth) {
				return false
			}
		}
		return true
	}
	return false
}

// maxScalarNesting is how deep structs of scalars may nest.
const maxScalarNesting = 3

// scalarMember allows arrays of plain scalars besides.
func scalarMember(spec *btfx.Spec, id btfx.ID, depth int) bool {
	t := spec.Strip(id)
	if t == nil || t.Kind != btfx.KindArray {
		return scalarType(spec, id, depth+1)
	}
	elem := spec.Strip(t.Type)
	return t.Nelems > 0 && elem != nil && elem.Kind != btfx.KindStruct && elem.Kind != btfx.KindUnion && scalarType(spec, t.Type, depth)
}

// checkKfuncSized checks a pointer and the size that follows it.
func (w *walker) checkKfuncSized(c *kfuncCall, i int, r uint8) error {
	size := r + 1
	if w.regs()[size].Kind != domain.ScalarValue {
		return w.fail("R%d is not a scalar", size)
	}
	if !(w.regs()[r].IsNull() && suffixed(c.params[i], "__opt")) {
		if err := w.checkMemAndSize(r, size); err != nil {
			if _, ok := err.(*Rejection); ok {
				return w.refuse(KindBounds, errEACCES, int(r), "arg#%d arg#%d memory, len pair leads to invalid memory access", i, i+1)
			}
			return err
		}
	}
	if !suffixed(c.params[i+1], "__szk") {
		return nil
	}
	if !w.regs()[size].IsConst() {
		return w.fail("R%d must be a known constant", size)
	}
	c.constant, c.hasConst = w.regs()[size].Value(), true
	return nil
}

// checkMemAndSize requires memory that may be read and written; a pointer that
// may be NULL is checked as if it were not.
func (w *walker) checkMemAndSize(r, size uint8) error {
	saved := w.regs()[r]
	if saved.MayBeNull() {
		w.becomeNonNull(&w.regs()[r])
	}
	m := callMeta{proto: new(catalog.Proto), raw: rawArea{reg: -1}}
	for _, write := range []bool{false, true} {
		if err := w.checkSizeArg(size, write, true, &m); err != nil {
			return err
		}
	}
	w.regs()[r] = saved
	return nil
}

// kfuncResult puts the result into R0.
func (w *walker) kfuncResult(c *kfuncCall) error {
	r0 := &w.regs()[bytecode.R0]
	t := c.spec.Strip(c.result)
	switch {
	case t == nil || t.Kind == btfx.KindVoid:
		return nil
	case t.Kind != btfx.KindPtr:
		w.setUnknown(r0)
		return nil
	}
	to := c.spec.Strip(t.Type)
	if to == nil || to.Kind != btfx.KindStruct && to.Kind != btfx.KindUnion {
		if err := w.kfuncMemory(c, r0, to); err != nil {
			return err
		}
	} else {
		*r0 = w.objectPointer(c.spec, to.ID, w.resultTrust(c))
	}
	if c.has(catalog.KfRCUProtected) && !c.has(iterFlags) {
		r0.Flags |= domain.MemRCU
	}
	if c.has(catalog.KfRetNull) {
		r0.Flags |= domain.MaybeNull
		r0.ID = w.newID()
	}
	if c.has(catalog.KfAcquire) {
		id := w.acquire()
		r0.RefID = id
		if c.has(catalog.KfRetNull) {
			r0.ID = id
		}
	}
	return nil
}

// resultTrust: what an iterator gives is as good as the iterator.
func (w *walker) resultTrust(c *kfuncCall) domain.TypeFlags {
	switch {
	case !c.has(catalog.KfIterNext):
		return 0
	case c.iter.main(&w.cur.State).Flags&domain.MemRCU != 0:
		return domain.MemRCU
	}
	return domain.PtrTrusted
}

// kfuncMemory is a result that points to plain memory.
func (w *walker) kfuncMemory(c *kfuncCall, r0 *domain.Reg, to *btfx.Type) error {
	size, write := c.retSize, c.retWrite
	if size == 0 && to != nil {
		size, _ = c.spec.SizeOf(to.ID)
		write = false
	}
	if size == 0 {
		name := ""
		if to != nil {
			name = to.Name
		}
		return w.fail("kernel function %s returns pointer type %s %s is not supported", c.Name, kindWord(to), name)
	}
	*r0 = domain.Pointer(domain.PtrToMem, 0)
	if !write {
		r0.Flags = domain.MemRdonly
	}
	r0.MemSize, r0.RefID = size, c.refID
	return nil
}

// kfuncTraitsOf is what the static passes need of a kernel function; nil when
// it is not known or this program may not call it.
func (w *walker) kfuncTraitsOf(in bytecode.Insn) *kfuncTraits {
	if w.target.BTF == nil || in.Off != 0 {
		return nil
	}
	fn := w.target.BTF.Type(btfx.ID(in.Imm))
	if fn == nil || fn.Kind != btfx.KindFunc {
		return nil
	}
	k, ok := w.target.Kfunc(w.env, fn.Name)
	if !ok {
		return nil
	}
	proto := w.target.BTF.Type(fn.Type)
	ret := w.target.BTF.Strip(proto.Type)
	return &kfuncTraits{
		Params: len(proto.Params), Void: ret == nil || ret.Kind == btfx.KindVoid,
		IterNext: k.Flags&catalog.KfIterNext != 0, Sleepable: k.Flags&catalog.KfSleepable != 0,
		ChangesPkt: kfuncChangesPacket(k.Name), SyncCallback: strings.HasPrefix(k.Name, "bpf_rbtree_add"),
		AsyncCallback: strings.HasPrefix(k.Name, "bpf_wq_set_callback") || strings.HasPrefix(k.Name, "bpf_task_work_schedule"),
		Throws:        k.Name == "bpf_throw", Fastcall: k.Flags&catalog.KfFastcall != 0,
	}
}

// kfuncName names the kernel function of a call, as the log prints it.
func (w *walker) kfuncName(in bytecode.Insn) string {
	if w.target.BTF != nil && in.Off == 0 {
		if t := w.target.BTF.Type(btfx.ID(in.Imm)); t != nil {
			return t.Name
		}
	}
	return "kernel-function"
}

// addKfunc refuses calls that cannot be resolved at all, wherever they stand.
func (w *walker) addKfunc(pc int) *Rejection {
	if !catalog.GPLCompatible(w.prog.License) {
		return refuse(KindCall, errEINVAL, pc, "cannot call kernel function from non-GPL compatible program")
	}
	bound := w.prog.Flags&bytecode.FlagXDPDevBoundOnly != 0
	if strings.HasPrefix(w.kfuncName(w.insns[pc]), "bpf_xdp_metadata_rx_") && !bound {
		return refuse(KindCall, errEINVAL, pc, "metadata kfuncs require device-bound program")
	}
	return nil
}
