// This file defines the passes of the verifier, in their order.

package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// Program verifies p. The error is a *Rejection, an *Unsupported, or ctx's.
func Program(ctx context.Context, p *bytecode.Program, o *Options) (*Verified, error) {
	v, err := newWalker(ctx, p, o).program()
	if errors.Is(err, errMissedMark) {
		w := newWalker(ctx, p, o)
		w.careful = true
		return w.program()
	}
	return v, err
}

func (w *walker) program() (*Verified, error) {
	for _, pass := range []func() error{
		w.checkLoad,      // may this loader load this type at all?
		w.findShape,      // structure, subprograms, control flow, loops, liveness
		w.checkStructOps, // of a struct_ops member that is given references
		w.checkExtension, // against the function that it replaces
		w.walkMain,       // every path of the main function and what it calls
		w.walkGlobals,    // then the global functions, each by its prototype
		w.checkTailCalls, // without CAP_PERFMON
		w.checkFuncRefs,  // to functions that no path reaches
		w.checkDepth,     // the stack of nested calls
	} {
		if err := pass(); err != nil {
			return nil, w.conclude(err)
		}
	}
	w.countStats()
	v := &Verified{prog: w.prog, facts: w.facts.finish(w.shape.subs, w.frames), log: string(w.log.buf), stats: w.stats}
	if w.opt.KeepStates {
		v.tree = &explored{walker: w}
	}
	return v, nil
}

func newWalker(ctx context.Context, p *bytecode.Program, o *Options) *walker {
	w := &walker{
		ctx: ctx, prog: p, insns: p.Insns, opt: o, target: o.Target,
		priv:    privilegesOf(o.Caps),
		maps:    o.Maps,
		facts:   newFactRecorder(p),
		sccs:    sccVisits{},
		records: newRecordCache(),
		called:  map[int]bool{}, masks: map[int]aluMask{},
		log: logger{level: o.LogLevel, max: o.MaxLog},
	}
	if w.log.max == 0 {
		w.log.max = defaultMaxLog
	}
	w.strict = p.Flags&bytecode.FlagStrictAlignment != 0 // amd64 and arm64 load unaligned
	w.names = bytecode.Names{Helper: catalog.HelperName, Kfunc: w.kfuncName}
	w.fork = w.push
	w.ids.AllowUninit = w.priv.uninitStack
	if w.maps == nil {
		for _, m := range p.Maps {
			w.maps = append(w.maps, SpecView{m})
		}
	}
	w.setEnv(catalog.Env{Type: p.Type, Attach: p.ExpectedAttach, AttachTo: p.AttachTo, Flags: p.Flags, Caps: o.Caps})
	return w
}

// setEnv decides whose rules hold: the program's own, or of what it extends.
func (w *walker) setEnv(e catalog.Env) {
	w.env, w.ret = e, w.target.ReturnRange(e)
	w.penv = newPassEnv(w.target, e)
	w.penv.Quiet = !w.log.full()
	w.penv.Kfunc, w.penv.AddKfunc = w.kfuncTraitsOf, w.addKfunc
}

// checkLoad refuses what the system call does before the verifier runs.
func (w *walker) checkLoad() error {
	w.pt = catalog.ProgTypeInfo(w.prog.Type)
	if w.pt == nil || w.pt.Since > w.target.Version {
		return &Rejection{Line: "unknown program type", Insn: -1, Reg: -1, Kind: KindInsn, Errno: errEINVAL}
	}
	if r := checkLength(w.prog, w.penv); r != nil {
		return r
	}
	if !w.opt.Caps.Has(w.pt.Caps) {
		return &Rejection{Line: "program type needs capabilities that the loader does not have", Insn: -1, Reg: -1, Kind: KindAccess, Errno: errEPERM}
	}
	for _, m := range w.maps {
		s := m.Spec()
		if (s.Type == bytecode.MapArrayOfMaps || s.Type == bytecode.MapHashOfMaps) && m.Inner() == nil {
			return w.refuseLoad(fmt.Sprintf("map %s: a map of maps without a description of the inner ones", s.Name))
		}
	}
	if w.pt.Ctx.BTFArgs {
		return w.findAttachTarget()
	}
	return nil
}

// findAttachTarget finds the prototype that a BTF-typed context follows.
func (w *walker) findAttachTarget() error {
	switch {
	case w.prog.AttachProg != nil:
		return w.attachToProg()
	case w.prog.Type == bytecode.ProgExt && w.prog.AttachBTFID == 0:
		return w.refuseLoad("Tracing programs must provide btf_id")
	case w.prog.Type == bytecode.ProgExt:
		return w.refuseLoad("Cannot replace kernel functions")
	case w.target.BTF == nil:
		return w.unsupported("programs of type %s: the target has no BTF", w.pt.Name)
	}
	at, err := w.target.AttachTarget(w.env, w.prog.AttachBTFID)
	if err != nil {
		return w.refuseLoad(err.Error())
	}
	w.attach = at
	check := w.target.CheckAttach(w.env, at, w.prog.AttachBTFID, catalog.GPLCompatible(w.prog.License))
	switch {
	case check.NoSupport:
		w.note("%s", check.Refusal)
		return &Rejection{Line: check.Refusal, Insn: -1, Reg: -1, Kind: KindAccess, Errno: errENOTSUPP}
	case check.Refusal != "":
		return w.refuseLoad(check.Refusal)
	case check.Unknown != "":
		return w.unsupported("%s", check.Unknown)
	}
	return nil
}

// refuseLoad refuses what no instruction is to blame for.
func (w *walker) refuseLoad(line string) error {
	w.note("%s", line)
	return &Rejection{Line: line, Insn: -1, Reg: -1, Kind: KindAccess, Errno: errEINVAL}
}

func (w *walker) findShape() error {
	s, log, r := findShape(w.prog, w.penv, w.names)
	if w.log.full() {
		w.log.buf = append(w.log.buf, log...)
	}
	if r != nil {
		if w.log.level != 0 {
			w.log.printf("%s\n", r.Line)
		}
		return r
	}
	w.shape = s
	w.uses = make([]frameUse, len(s.subs))
	w.seen = newStateTable(len(w.insns))
	w.activations = &activation{inner: map[callTo]*activation{}}
	return nil
}

// walkMain verifies the main function, from the context on.
func (w *walker) walkMain() error {
	main := &w.shape.subs[0]
	switch {
	case !w.log.on():
	case w.prog.Type == bytecode.ProgExt:
		w.log.printf("Validating %s() func#0...\n", main.Name)
	case main.IsGlobal:
		_, _ = w.globalArgs(0) // what is wrong with the prototype is only mentioned
	}
	st, err := w.mainEntry()
	if err != nil {
		return err
	}
	return w.walk(st, 0)
}

// mainEntry is the state at the beginning of the main function. An extension
// begins as the function that it replaces, with any arguments of its types.
func (w *walker) mainEntry() (*node, error) {
	if w.prog.Type == bytecode.ProgExt {
		return w.globalEntry(0)
	}
	st := w.entry(0)
	st.Regs()[bytecode.R1] = domain.Pointer(domain.PtrToCtx, 0)
	if w.prog.Type == bytecode.ProgMemory {
		w.memoryArgs(st)
	}
	w.acquireArgs(st)
	return st, nil
}

// entry is the state at the beginning of a function that is verified by
// itself.
func (w *walker) entry(sub int) *node {
	st := new(node) // not a recycled one: nothing may be left in it
	f := st.Push()
	f.CallSite, f.Subprog = -1, sub
	f.Regs[bytecode.R10] = framePointer(0)
	st.branches, st.first = 1, w.shape.subs[sub].Start
	st.act = w.activations.into(-1, st.first, w.shape)
	st.InSleepable = w.env.Sleepable()
	w.log.newPath = false
	w.log.scratchAll()
	return st
}

// conclude completes a rejection with the log and the counts.
func (w *walker) conclude(err error) error {
	var r *Rejection
	if !errors.As(err, &r) {
		return err
	}
	w.countStats()
	r.Log, r.Stats = string(w.log.buf), w.stats
	return r
}

// countStats writes the last lines of the log.
func (w *walker) countStats() {
	s := &w.stats
	s.PeakStates = w.seen.peak
	if w.log.level&LogStats != 0 && w.uses != nil {
		w.log.buf = append(appendDepths(w.log.buf, w.uses), '\n')
	}
	if w.log.level != 0 {
		w.log.printf("processed %d insns (limit %d) max_states_per_insn %d total_states %d peak_states %d mark_read %d\n",
			s.Processed, w.target.Limits.Insns, s.MaxPerInsn, s.TotalStates, s.PeakStates, s.MarkRead)
	}
	for i := range w.uses {
		s.StackDepths = append(s.StackDepths, w.uses[i].Depth)
	}
}

// explored is what a replay needs of the walk.
type explored struct{ walker *walker }
