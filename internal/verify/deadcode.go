// This file defines what becomes of references to functions that no path
// reaches, once a kernel has removed them.

package verify

// checkFuncRefs refuses loads of the address of a function that is never run,
// where a kernel would not find it any more: it removes dead code and leaves
// the reference as it was, so that it names whatever has moved there.
func (w *walker) checkFuncRefs() error {
	d := w.findDead()
	if d.functions <= 1 {
		return nil // a program of one function is compiled as it is
	}
	for pc, in := range w.insns {
		if !in.IsFuncRef() || d.dead[pc] {
			continue
		}
		to := calleeOf(in, pc)
		if to >= len(w.insns) || !d.dead[to] || d.starts[d.moved(pc, to)] {
			continue
		}
		at := d.moved(pc, to)
		if w.addsHandler() {
			at += handlerLen
		}
		return w.failErrno(errEFAULT, "verifier bug: No program to jit at insn %d (subprog < 0)", at)
	}
	return nil
}

// deadCode is a program without the instructions that no path reaches.
type deadCode struct {
	dead      []bool
	index     []int        // slot before removal → after it; of dead slots, of what follows
	starts    map[int]bool // functions that stay, after removal
	functions int
}

func (w *walker) findDead() deadCode {
	d := deadCode{dead: make([]bool, len(w.insns)), index: make([]int, len(w.insns)), starts: map[int]bool{}}
	live := 0
	for pc := 0; pc < len(w.insns); pc++ {
		d.index[pc] = live
		if !w.facts.facts.Insns[pc].Seen {
			d.dead[pc] = true
			continue
		}
		live++
		if w.insns[pc].IsLdImm64() {
			pc++
			d.index[pc] = live
			live++
		}
	}
	for i := range w.shape.subs {
		if start := w.shape.subs[i].Start; !d.dead[start] {
			d.starts[d.index[start]] = true
			d.functions++
		}
	}
	if w.addsHandler() {
		d.functions++
	}
	return d
}

// moved is where a reference at pc to a removed instruction leads afterwards:
// as far from the removed run's place as before, less the run itself where the
// reference stood behind it.
func (d *deadCode) moved(pc, to int) int {
	first := to
	for first > 0 && d.dead[first-1] {
		first--
	}
	end := to
	for end < len(d.dead) && d.dead[end] {
		end++
	}
	at := d.index[first] + to - first
	if pc >= end {
		at -= end - first
	}
	return at
}
