// This file defines the control flow inside one function: successors,
// postorder and strongly connected components.

package bytecode

// Width returns how many slots the instruction takes: 2 for a 64-bit immediate
// load, else 1.
func (in Insn) Width() int {
	if in.IsLdImm64() {
		return 2
	}
	return 1
}

// Falls reports whether control may go on to the next instruction: everything
// but exit and the unconditional jumps. Calls fall through, as they return.
func (in Insn) Falls() bool {
	return !in.IsExit() && !in.IsGoto()
}

// IsGoto reports an unconditional jump, with its distance in Off (goto) or in
// Imm (gotol).
func (in Insn) IsGoto() bool { return in.IsJump() && in.JmpOp() == JmpA }

// Jumps reports whether the instruction has a jump target inside its function:
// unconditional and conditional jumps, but not calls and exit.
func (in Insn) Jumps() bool {
	return in.IsJump() && in.JmpOp() != JmpCall && in.JmpOp() != JmpExit
}

// Successors lists the instructions that control may go to from pc inside the
// function, the fall-through first. A call's only successor is the instruction
// after it. Indexes outside insns are left out.
func Successors(insns []Insn, pc int) (succ [2]int, n int) {
	in := insns[pc]
	if next := pc + in.Width(); in.Falls() && next < len(insns) {
		succ[n] = next
		n++
	}
	if !in.Jumps() {
		return succ, n
	}
	target := in.JumpTarget(pc)
	if target >= 0 && target < len(insns) && (n == 0 || succ[0] != target) {
		succ[n] = target
		n++
	}
	return succ, n
}

// Postorder lists the instructions reachable from each of the starts, every
// instruction once and before one that leads to it. A pass that computes facts
// from successors converges fast in this order. It is the one that the kernel's
// log shows (6.18), and no strict postorder: jumps are followed before the next
// instruction, and a place that several ways lead to belongs to the first from
// which it was seen.
func Postorder(insns []Insn, starts ...int) []int32 {
	const seen, expanded = 1, 2
	order := make([]int32, 0, len(insns))
	state := make([]uint8, len(insns))
	var stack []int
	for _, start := range starts {
		if state[start] != 0 {
			continue
		}
		state[start] = seen
		stack = append(stack, start)
		for len(stack) > 0 {
			pc := stack[len(stack)-1]
			if state[pc] == expanded {
				order = append(order, int32(pc))
				stack = stack[:len(stack)-1]
				continue
			}
			state[pc] = expanded
			succ, n := Successors(insns, pc)
			for _, s := range succ[:n] {
				if state[s] == 0 {
					state[s] = seen
					stack = append(stack, s)
				}
			}
		}
	}
	return order
}

// SCC numbers the strongly connected components of the control flow from 1 on.
// An instruction alone in its component has 0, unless it leads to itself.
// Numbers are given in the order in which Tarjan's search completes components,
// from the first instruction on, fall-through before jump; the kernel's log
// prints the same ones (6.18: a call that runs a callback again and again is no
// loop in this sense).
func SCC(insns []Insn) []int32 {
	t := tarjan{
		insns: insns,
		pre:   make([]int32, len(insns)),
		low:   make([]int32, len(insns)),
		scc:   make([]int32, len(insns)),
	}
	for pc := 0; pc < len(insns); pc += insns[pc].Width() {
		if t.pre[pc] == 0 {
			t.search(pc)
		}
	}
	return t.scc
}

// tarjan is the state of Tarjan's algorithm with an explicit stack.
type tarjan struct {
	insns   []Insn
	pre     []int32 // preorder number, 0 not visited
	low     []int32 // smallest preorder number reachable; closed once assigned
	scc     []int32
	open    []int // visited and in no component yet
	dfs     []dfsFrame
	visited int32
	count   int32
}

// closed is the low of an instruction whose component is complete.
const closed = 1<<31 - 1

func (t *tarjan) enter(pc int) {
	t.visited++
	t.pre[pc], t.low[pc] = t.visited, t.visited
	t.open = append(t.open, pc)
	t.dfs = append(t.dfs, newFrame(t.insns, pc))
}

func (t *tarjan) search(root int) {
	t.enter(root)
	for len(t.dfs) > 0 {
		top := &t.dfs[len(t.dfs)-1]
		s, more := top.next()
		switch {
		case more && t.pre[s] == 0:
			t.enter(s)
		case more:
			t.low[top.pc] = min(t.low[top.pc], t.low[s])
		default:
			t.leave(top.pc)
		}
	}
}

// leave closes pc's component when pc is its root, and hands its low up.
func (t *tarjan) leave(pc int) {
	t.dfs = t.dfs[:len(t.dfs)-1]
	if t.low[pc] == t.pre[pc] {
		t.pop(pc)
	}
	if len(t.dfs) > 0 {
		parent := t.dfs[len(t.dfs)-1].pc
		t.low[parent] = min(t.low[parent], t.low[pc])
	}
}

func (t *tarjan) pop(root int) {
	i := len(t.open) - 1
	for t.open[i] != root {
		i--
	}
	members := t.open[i:]
	t.open = t.open[:i]
	id := int32(0)
	if len(members) > 1 || t.loopsToItself(root) {
		t.count++
		id = t.count
	}
	for _, pc := range members {
		t.low[pc] = closed
		t.scc[pc] = id
	}
}

func (t *tarjan) loopsToItself(pc int) bool {
	succ, n := Successors(t.insns, pc)
	for _, s := range succ[:n] {
		if s == pc {
			return true
		}
	}
	return false
}

// dfsFrame is one instruction on the stack of a depth-first search.
type dfsFrame struct {
	pc   int
	succ [2]int
	n, i int
}

func newFrame(insns []Insn, pc int) dfsFrame {
	succ, n := Successors(insns, pc)
	return dfsFrame{pc: pc, succ: succ, n: n}
}

// next returns the successors one by one.
func (f *dfsFrame) next() (pc int, ok bool) {
	if f.i == f.n {
		return 0, false
	}
	f.i++
	return f.succ[f.i-1], true
}
