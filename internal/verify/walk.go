// This file defines the walk: the paths of a program, one instruction at a
// time, with the branches not yet taken on a stack.

package verify

import (
	"context"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// privileges are what the capabilities of the loader mean inside the walk.
type privileges struct {
	bpf         bool // CAP_BPF: loops, calls, bounded by processed instructions only
	leaks       bool // pointers may leak (CAP_PERFMON)
	uninitStack bool // reads of stack that was never written (CAP_PERFMON)
	bypassSpec  bool // no rules against speculation (CAP_PERFMON)
}

func privilegesOf(c catalog.Caps) privileges {
	perfmon := c.Has(catalog.CapPerfmon)
	return privileges{bpf: c.Has(catalog.CapBPF), leaks: perfmon, uninitStack: perfmon, bypassSpec: perfmon}
}

// walker holds everything about the verification of one program.
type walker struct {
	ctx     context.Context
	prog    *bytecode.Program
	insns   []bytecode.Insn
	opt     *Options
	target  *catalog.Target
	env     catalog.Env
	pt      *catalog.ProgType
	ret     catalog.ReturnRule
	attach  *catalog.AttachTarget // of programs with BTF-typed contexts
	host    *host                 // of programs that attach to other programs
	argRefs map[int32]uint32      // references that arguments are, by context offset
	maps    []MapView
	priv    privileges
	strict  bool // alignment is checked
	penv    *passEnv

	shape *shape // what the static passes found

	cur      *node // the path being walked
	pc, prev int   // slot being checked; slot checked before it
	noted    int   // index of the history entry about pc, -1 without one
	pending  []pending
	seen     stateTable

	// activations are the functions verified by themselves; nil in a replay.
	activations *activation
	overwritten [maxFrames]uint64 // slots, by the instruction being checked
	fetched     [maxFrames]uint64 // slots that atomics read, as backtracking met them

	sccs    sccVisits
	careful bool // callbacks are loops like any other
	ids     domain.IDMap
	idGen   uint32
	bt      backtracker

	// fork receives the other side of a branch. The walk pushes it on pending;
	// a replay decides by the concrete path.
	fork func(st *node, pc, prev int, speculative bool) error

	links     linkedRegs      // what the comparison being walked narrows together
	records   recordCache     // special fields of types
	masks     map[int]aluMask // how offsets are masked, without CAP_PERFMON
	called    map[int]bool    // global functions that are called
	uses      []frameUse      // by function, as the depth check counts them
	frames    []int32         // by function, bytes of stack as the program touches it
	names     bytecode.Names
	replaying bool // following a run: nothing is stored or marked

	stats     Stats
	jumps     int // conditional jumps and the like processed
	prevJumps int // and at the last stored state
	prevInsns int
	log       logger
	facts     *factRecorder
	free      []*node // recycled
}

// pending is a branch that is still to be walked.
type pending struct {
	st       *node
	pc, prev int
	logPos   int
}

// walk verifies one function and what it calls, from st on.
func (w *walker) walk(st *node, pc int) error {
	w.cur, w.pc, w.prev = st, pc, -1
	w.pending = w.pending[:0]
	for {
		if err := w.path(); err != nil {
			return err
		}
		w.cur.act.update(w)
		if err := w.endPath(w.cur); err != nil {
			return err
		}
		n := len(w.pending)
		if n == 0 {
			w.log.done()
			return nil
		}
		next := w.pending[n-1]
		w.pending = w.pending[:n-1]
		w.recycle(w.cur)
		w.cur, w.pc, w.prev = next.st, next.pc, next.prev
		w.log.branchTo(next.logPos)
	}
}

// path walks until the path ends: at an exit, or at a point where a state
// that covers this one was explored before.
func (w *walker) path() error {
	for {
		w.noted = -1
		pc := w.pc
		if pc < 0 || pc >= len(w.insns) {
			return w.failErrno(errEFAULT, "invalid insn idx %d insn_cnt %d", pc, len(w.insns))
		}
		if err := w.tick(); err != nil {
			return err
		}
		w.cur.last, w.cur.pc = w.prev, pc
		if w.shape.prune[pc] {
			if covered, err := w.visit(); err != nil || covered {
				return err
			}
		}
		if w.shape.jump[pc] {
			w.record(0, nil)
		}
		w.log.insn(w)
		w.facts.seen(pc)
		act := w.cur.act
		w.overwritten = [maxFrames]uint64{}
		done, err := w.insn(w.insns[pc])
		if err != nil || done {
			return err
		}
		if w.cur.act == act { // a call that was entered is seen by its activation
			act.wrote(pc, &w.overwritten)
		}
		w.prev = pc
	}
}

// tick counts an instruction against the limits.
func (w *walker) tick() error {
	w.stats.Processed++
	if w.stats.Processed > w.target.Limits.Insns {
		return w.failErrno(errE2BIG, "BPF program is too large. Processed %d insn", w.stats.Processed)
	}
	if w.stats.Processed&0xfff == 0 {
		return w.ctx.Err()
	}
	return nil
}

// insn checks one instruction on the current state and applies it. done says
// that the path ends here.
func (w *walker) insn(in bytecode.Insn) (done bool, err error) {
	switch in.Class() {
	case bytecode.ClassALU, bytecode.ClassALU64:
		err = w.alu(in)
	case bytecode.ClassLDX:
		err = w.load(in)
	case bytecode.ClassSTX:
		if in.Mode() == bytecode.ModeATOMIC {
			err = w.atomic(in)
		} else {
			err = w.storeReg(in)
		}
	case bytecode.ClassST:
		err = w.storeImm(in)
	case bytecode.ClassJMP, bytecode.ClassJMP32:
		w.jumps++
		return w.jumpOrCall(in)
	case bytecode.ClassLD:
		if in.IsLdImm64() {
			err = w.loadImm(in)
			w.pc++
		} else {
			err = w.loadPacket(in)
		}
	}
	w.pc++
	return false, err
}

// jumpOrCall handles everything that may leave the straight line.
func (w *walker) jumpOrCall(in bytecode.Insn) (done bool, err error) {
	switch in.JmpOp() {
	case bytecode.JmpCall:
		return w.throws(in), w.call(in)
	case bytecode.JmpExit:
		return w.exit(in)
	case bytecode.JmpA:
		if s := reservedFields(in); s != "" {
			return false, w.fail("%s", s)
		}
		w.pc = in.JumpTarget(w.pc)
		return false, nil
	}
	return false, w.branch(in)
}

// push keeps the other side of a branch for later.
func (w *walker) push(st *node, pc, prev int, speculative bool) error {
	if st.parent != nil {
		st.parent.branches++
	}
	st.Speculative = st.Speculative || speculative
	w.pending = append(w.pending, pending{st: st, pc: pc, prev: prev, logPos: w.log.len()})
	if len(w.pending) > w.target.Limits.JumpSequence {
		return w.failErrno(errE2BIG, "The sequence of %d jumps is too complex.", len(w.pending))
	}
	return nil
}

// clone copies the current path for another branch.
func (w *walker) clone() *node {
	n := w.newNode()
	n.copyFrom(w.cur)
	return n
}

func (w *walker) newID() uint32 {
	w.idGen++
	return w.idGen
}

// regs returns the running frame's registers.
func (w *walker) regs() *[11]domain.Reg { return w.cur.Regs() }

// setUnknown makes a register an unknown scalar.
func (w *walker) setUnknown(r *domain.Reg) { r.SetUnknown(!w.priv.bpf) }
