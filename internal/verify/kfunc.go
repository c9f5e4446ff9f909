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
	rule     kfuncRule
	iter     iterSite
	dynptr   domain.Reg        // the last dynptr argument that is not made by the call
	written  domain.DynptrKind // the dynptr in the first argument
	retSize  uint32            // rdonly_buf_size, rdwr_buf_size
	retWrite bool

	object typeID // type of an allocated object among the arguments
	owned  bool   // and the program owns it
	root   *field // list or tree among the arguments
}

// mayReturnNull: counting one reference more to an object that the program
// owns cannot fail.
func (c *kfuncCall) mayReturnNull() bool { return c.has(catalog.KfRetNull) && !c.owned }

func (c *kfuncCall) acquires() bool { return c.has(catalog.KfAcquire) }

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
	case c.rule.unknown:
		return w.unsupported("kfunc %s", c.Name)
	}
	if c.rule.before != nil {
		if err := c.rule.before(w, c); err != nil {
			return err
		}
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
	if err := w.kfuncCheck(c); err != nil {
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
	switch {
	case c.has(catalog.KfIterNext):
		return w.nextIter(c)
	case c.rule.after != nil:
		return c.rule.after(w, c)
	}
	return nil
}

// kfuncCheck applies what holds besides the arguments' own rules.
func (w *walker) kfuncCheck(c *kfuncCall) error {
	if c.rule.check != nil {
		return c.rule.check(w, c)
	}
	return w.checkSections(c)
}

// kfuncRule is what a kernel function asks and does beyond what its prototype,
// its flags and the suffixes of its parameters say. What is nil is as for any
// other function.
type kfuncRule struct {
	before  func(*walker, *kfuncCall) error              // ahead of the arguments: other ways on
	check   func(*walker, *kfuncCall) error              // once the arguments are checked, in place of the rules about sections
	result  func(*walker, *kfuncCall, *domain.Reg) error // types R0
	after   func(*walker, *kfuncCall) error              // once R0 is typed: other ways on
	unknown bool                                         // the walk does not know it
}

// kfuncRules are these rules, by topic and function.
var kfuncRules = []map[string]kfuncRule{sectionRules, dynptrRules, allocRules, graphRules, timerRules, throwRules, resLockRules, castRules}

func kfuncRuleOf(name string) kfuncRule {
	for _, rules := range kfuncRules {
		if r, ok := rules[name]; ok {
			return r
		}
	}
	return kfuncRule{}
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
	c.raw.reg, c.callback, c.rule = -1, -1, kfuncRuleOf(k.Name)
	c.proto = &catalog.Proto{ID: catalog.FuncID(k.Name), Num: -1, Name: k.Name}
	return c, nil
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
