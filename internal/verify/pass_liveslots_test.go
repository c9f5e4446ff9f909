// This file defines tests of stack liveness: known answers, and random paths
// of random programs that must not read a slot that counts as dead.

package verify

import (
	"math/rand/v2"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
)

// slotsOf runs the passes on a program without checking the rest.
func slotsOf(t *testing.T, insns []bytecode.Insn, maps []*bytecode.MapSpec) []uint64 {
	t.Helper()
	s, _, r := findShape(&bytecode.Program{Type: bytecode.ProgSchedCLS, Insns: insns, Maps: maps}, testEnv(), testNames)
	if r != nil {
		t.Fatal(r)
	}
	return s.liveSlots
}

func TestLiveSlots(t *testing.T) {
	const fp = bytecode.R10
	type at map[int]uint64 // slots live before an instruction
	for _, tt := range []struct {
		name  string
		insns []bytecode.Insn
		maps  []*bytecode.MapSpec
		want  at
	}{
		{"written, then read", code(stDW(fp, -8, 1), ldxDW(0, fp, -8), exit()), nil, at{0: 0, 1: 1, 2: 0}},
		{"never read", code(stDW(fp, -8, 1), movK(0, 0), exit()), nil, at{0: 0, 1: 0}},
		{"half written", code(stDW(fp, -8, 1), insn(0x62, fp, 0, -4, 1), ldxDW(0, fp, -8), exit()), nil, at{0: 0, 1: 1, 2: 1}},
		{"read across two slots", code(movK(1, 0), insn(0x61, 0, fp, -10, 0), exit()), nil, at{0: 0b11}},
		{"through a copy", code(movX(2, fp), addK(2, -16), ldxDW(0, 2, 8), exit()), nil, at{0: 1, 2: 1, 3: 0}},
		{"through a copy, overwritten", code(movX(2, fp), addK(2, -16), stxDW(2, 0, 1), ldxDW(0, fp, -16), exit()), nil, at{0: 0, 3: 0b10}},
		{"constant in a register", code(movK(2, -24), insn(0x0f, 2, fp, 0, 0), ldxDW(0, 2, 0), exit()), nil, at{0: 0b100}},
		{"unknown offset", code(movX(2, fp), insn(0x0f, 2, 1, 0, 0), ldxDW(0, 2, 0), exit()), nil, at{2: allSlots, 3: 0}},
		{"unknown offset overwrites nothing", code(movX(2, fp), insn(0x0f, 2, 1, 0, 0), stxDW(2, 0, 1), ldxDW(0, fp, -8), exit()), nil, at{2: 1}},
		{"pointer kept on the stack", code(movX(2, fp), addK(2, -16), stxDW(fp, -8, 2), ldxDW(3, fp, -8), ldxDW(0, 3, 0), exit()), nil,
			at{0: 0b10, 3: 0b11, 4: 0b10}},
		{"two paths", code(movK(0, 0), jeqK(0, 0, 1), stDW(fp, -8, 0), ldxDW(0, fp, -8), exit()), nil, at{0: 1, 2: 0, 3: 1}},
		{"loop", code(movK(0, 0), ldxDW(1, fp, -8), stDW(fp, -8, 0), jeqK(0, 9, -3), exit()), nil, at{0: 1, 2: 0, 3: 1}},
		{"map key", code(movX(2, fp), addK(2, -32), mapLoad(1, 0), callHelper(1), movK(0, 0), exit()), wideArray, at{4: 0b1000}},
		{"map key of an unknown map", code(movX(2, fp), addK(2, -32), callHelper(1), movK(0, 0), exit()), wideArray, at{2: 0b1111}},
		{"memory of known size", code(movX(3, fp), addK(3, -32), movK(4, 9), callHelper(26), movK(0, 0), exit()), nil, at{3: 0b1100}},
		{"memory of unknown size", code(movX(3, fp), addK(3, -32), callHelper(26), movK(0, 0), exit()), nil, at{2: 0b1111}},
		{"given to a function", code(movX(1, fp), addK(1, -8), callSubprog(2), movK(0, 0), exit(), ldxDW(0, 1, 0), exit()), nil,
			at{2: allSlots, 3: 0, 5: 0}},
		{"function that does not look", code(movX(2, fp), addK(2, -8), callSubprog(2), movK(0, 0), exit(), ldxDW(0, 1, 0), exit()), nil, at{2: 0}},
		{"given to a callback", code(movX(3, fp), funcRef(2, 4), callHelper(helperLoop), movK(0, 0), exit(), movK(0, 0), exit()), nil,
			at{3: allSlots, 4: 0}},
		{"pointer changed by a function", code(
			movX(2, fp), addK(2, -16), stxDW(fp, -24, 2), // fp-24 holds fp-16
			movX(1, fp), addK(1, -24), callSubprog(4), // the callee may change it
			ldxDW(3, fp, -24), stDW(3, 0, 0), ldxDW(0, fp, -16), exit(), // so this overwrites nothing for sure
			movK(0, 0), stxDW(1, 0, 0), exit()), nil, at{7: 0b10}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := slotsOf(t, tt.insns, tt.maps)
			for pc, want := range tt.want {
				if got[pc] != want {
					t.Errorf("before insn %d: %#b, want %#b", pc, got[pc], want)
				}
			}
		})
	}
}

// stackValue is a concrete value: a number, or fp plus an offset.
type stackValue struct {
	isFrame bool
	n       int
}

// stackMachine runs one path of a function and notes which slots it reads.
type stackMachine struct {
	insns []bytecode.Insn
	rng   *rand.Rand
	regs  [11]stackValue
	slots [stackSlots]stackValue
	read  func(slots uint64)
	wrote func(slots uint64)
}

// run takes a random path. It goes on where the verifier would refuse, with
// numbers for what is read through them.
func (m *stackMachine) run(trace func(pc int)) {
	m.regs[bytecode.R10].isFrame = true
	for pc, steps := 0, 0; steps < 200; steps++ {
		in := m.insns[pc]
		trace(pc)
		if in.IsExit() {
			return
		}
		m.step(in)
		next := pc + in.Width()
		if in.Jumps() && (in.IsGoto() || m.rng.IntN(2) == 0) {
			next = in.JumpTarget(pc)
		}
		pc = next
	}
}

func (m *stackMachine) step(in bytecode.Insn) {
	dst := &m.regs[in.Dst]
	switch {
	case in.Op == 0xb7:
		*dst = stackValue{n: int(in.Imm)}
	case in.Op == 0xbf:
		*dst = m.regs[in.Src]
	case in.Op == 0x07:
		dst.n += int(in.Imm)
	case in.Op == 0x0f:
		*dst = stackValue{dst.isFrame || m.regs[in.Src].isFrame, dst.n + m.regs[in.Src].n}
	case in.Class() == bytecode.ClassLDX:
		*dst = m.load(m.regs[in.Src], in)
	case in.Class() == bytecode.ClassST || in.Class() == bytecode.ClassSTX:
		if off := dst.n + int(in.Off); accessible(*dst, off, in.MemSize()) {
			m.store(in, off)
		}
	case in.IsSubprogCall():
		m.callee()
	}
}

func (m *stackMachine) load(base stackValue, in bytecode.Insn) stackValue {
	off := base.n + int(in.Off)
	if !accessible(base, off, in.MemSize()) {
		return stackValue{}
	}
	m.read(slotRange(off, in.MemSize()))
	if slot, whole := wholeSlot(off, in.MemSize()); whole {
		return m.slots[slot]
	}
	return stackValue{n: -8 * m.rng.IntN(8)}
}

func accessible(base stackValue, off, size int) bool {
	return base.isFrame && off >= -stackSlots*slotSize && off+size <= 0
}

func (m *stackMachine) store(in bytecode.Insn, off int) {
	v := stackValue{n: int(in.Imm)}
	if in.Class() == bytecode.ClassSTX {
		v = m.regs[in.Src]
	}
	if slot, whole := wholeSlot(off, in.MemSize()); whole {
		m.slots[slot] = v
		m.wrote(1 << slot)
		return
	}
	for i := range m.slots {
		if slotRange(off, in.MemSize())&(1<<i) != 0 {
			m.slots[i] = stackValue{n: m.rng.IntN(64) - 64}
		}
	}
}

// callee reads and overwrites whatever it was given a pointer to.
func (m *stackMachine) callee() {
	if m.regs[1].isFrame {
		for range 3 {
			m.read(1 << m.rng.IntN(stackSlots))
			m.slots[m.rng.IntN(4)] = stackValue{n: -8 * m.rng.IntN(8)}
		}
	}
	for r := range 6 {
		m.regs[r] = stackValue{}
	}
}

// TestLiveSlotsCoverPaths: whatever a path reads before it overwrites is live
// at every instruction in between.
func TestLiveSlotsCoverPaths(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	reads := 0
	for range 3000 {
		insns := randomStackProgram(rng)
		live := slotsOf(t, insns, nil)
		for range 20 {
			var path []int
			overwritten := []uint64{} // by step: slots overwritten since
			m := stackMachine{insns: insns, rng: rng}
			m.wrote = func(s uint64) {
				for i := range overwritten {
					overwritten[i] |= s
				}
			}
			m.read = func(s uint64) {
				reads++
				for i, pc := range path {
					if missed := s &^ overwritten[i] &^ live[pc]; missed != 0 {
						t.Fatalf("insn %d reads slots %#b that are dead before insn %d\n%s", path[len(path)-1], missed, pc, listing(insns))
					}
				}
			}
			m.run(func(pc int) { path, overwritten = append(path, pc), append(overwritten, 0) })
		}
	}
	if reads < 50_000 {
		t.Errorf("only %d reads: the random programs are too tame", reads)
	}
}

func listing(insns []bytecode.Insn) string {
	p := bytecode.Program{Insns: insns}
	var b []byte
	for pc := range insns {
		b = append(p.AppendInsn(b, pc, testNames), '\n')
	}
	return string(b)
}

// randomStackProgram makes a function that does much with its stack, and one
// that it calls.
func randomStackProgram(rng *rand.Rand) []bytecode.Insn {
	const n = 24
	insns := make([]bytecode.Insn, 0, n+3)
	for _, r := range busyRegs {
		insns = append(insns, movX(r, bytecode.R10), addK(r, int32(-8*rng.IntN(4))))
	}
	start := len(insns)
	for len(insns) < start+n {
		insns = append(insns, randomStackInsn(rng, len(insns), start, start+n))
	}
	insns = append(insns, callSubprog(0), exit())
	for pc, in := range insns {
		if in.IsSubprogCall() {
			insns[pc].Imm = int32(len(insns) - pc - 1)
		}
	}
	return append(insns, ldxDW(0, 1, 0), exit())
}

// busyRegs are few, so that values meet.
var busyRegs = []uint8{1, 6, 7, 8}

func randomStackInsn(rng *rand.Rand, pc, start, end int) bytecode.Insn {
	reg := func() uint8 { return busyRegs[rng.IntN(len(busyRegs))] }
	base := func() uint8 { return append(busyRegs, bytecode.R10)[rng.IntN(len(busyRegs)+1)] }
	off := func() int16 { return int16(-4 * rng.IntN(8)) }
	switch rng.IntN(11) {
	case 0:
		return movX(reg(), base())
	case 1:
		return addK(reg(), int32(8*(rng.IntN(5)-2)))
	case 2:
		return insn(0x0f, reg(), reg(), 0, 0)
	case 3:
		return movK(reg(), int32(-8*rng.IntN(4)))
	case 4, 5:
		return stxDW(base(), off()&^7, reg())
	case 6:
		return stDW(base(), off(), -16)
	case 7, 8:
		return ldxDW(reg(), base(), off())
	case 9:
		return jeqK(reg(), 0, int16(start+rng.IntN(end-start)-pc-1))
	}
	return callSubprog(0)
}
