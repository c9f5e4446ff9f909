// This file tests every operation on operands that are known to be tricky.

package engine

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/skepbpf/skep/internal/ir"
)

// tricky are operands at which widths, signs and shifts go wrong.
var tricky = []uint64{
	0, 1, 2, 3, 7, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
	math.MaxInt32, 1 << 31, math.MaxUint32, 1 << 32, 1<<32 | 5,
	math.MaxInt64, 1 << 63, math.MaxUint64, math.MaxUint64 - 1, ^uint64(31), 0x0123456789abcdef,
}

// reference says what an operation gives, by the rules of big integers: A and
// B as unsigned and as signed numbers of the operation's width.
type reference func(a, b, sa, sb *big.Int, bits uint) *big.Int

func bigOp(f func(z, x, y *big.Int) *big.Int) reference {
	return func(a, b, _, _ *big.Int, _ uint) *big.Int { return f(new(big.Int), a, b) }
}

// shift takes the count modulo the width.
func shift(f func(z, x *big.Int, n uint) *big.Int, signed bool) reference {
	return func(a, b, sa, _ *big.Int, bits uint) *big.Int {
		if signed {
			a = sa
		}
		return f(new(big.Int), a, uint(b.Uint64()%uint64(bits)))
	}
}

// byZero gives ifZero(A) for a divisor of 0.
func byZero(ifZero func(a *big.Int) *big.Int, signed bool, f func(z, x, y *big.Int) *big.Int) reference {
	return func(a, b, sa, sb *big.Int, _ uint) *big.Int {
		if b.Sign() == 0 {
			return ifZero(a)
		}
		if signed {
			return f(new(big.Int), sa, sb)
		}
		return f(new(big.Int), a, b)
	}
}

func zero(*big.Int) *big.Int   { return new(big.Int) }
func same(a *big.Int) *big.Int { return a }

// references are the arithmetic operations, by their 64-bit code; the 32-bit
// ones are AddW-Add further.
var references = map[ir.Opcode]reference{
	ir.Add:  bigOp((*big.Int).Add),
	ir.Sub:  bigOp((*big.Int).Sub),
	ir.Mul:  bigOp((*big.Int).Mul),
	ir.Div:  byZero(zero, false, (*big.Int).Quo),
	ir.SDiv: byZero(zero, true, (*big.Int).Quo),
	ir.Mod:  byZero(same, false, (*big.Int).Rem),
	ir.SMod: byZero(same, true, (*big.Int).Rem),
	ir.Or:   bigOp((*big.Int).Or),
	ir.And:  bigOp((*big.Int).And),
	ir.Xor:  bigOp((*big.Int).Xor),
	ir.Lsh:  shift((*big.Int).Lsh, false),
	ir.Rsh:  shift((*big.Int).Rsh, false),
	ir.Arsh: shift((*big.Int).Rsh, true),
	ir.Neg:  func(a, _, _, _ *big.Int, _ uint) *big.Int { return new(big.Int).Neg(a) },
	ir.Mov:  func(_, b, _, _ *big.Int, _ uint) *big.Int { return b },
}

// number gives the low bits of v, unsigned and signed.
func number(v uint64, bits uint) (unsigned, signed *big.Int) {
	unsigned = new(big.Int).SetUint64(v << (64 - bits) >> (64 - bits))
	return unsigned, big.NewInt(int64(v<<(64-bits)) >> (64 - bits))
}

func (f reference) apply(a, b uint64, bits uint) uint64 {
	ua, sa := number(a, bits)
	ub, sb := number(b, bits)
	z := f(ua, ub, sa, sb, bits)
	mask := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(1))
	return new(big.Int).And(z, mask).Uint64()
}

// twoOperands is R0 = R1 op R2, or R1 op a constant, from R1 and R2.
func twoOperands(t *testing.T, exec Executable, c ir.Opcode, src ir.Reg, imm uint64) *Program {
	return testProgram(t, exec, op(ir.Mov, ir.R0, ir.R1, 0, 0), op(c, ir.R0, src, 0, int64(imm)), exit())
}

func mustRun2(t *testing.T, s *Slot, p *Program, r1, r2 uint64) uint64 {
	t.Helper()
	r0, err := p.Run(s, r1, r2)
	if err != nil {
		t.Fatal(err)
	}
	return r0
}

func TestArithmetic(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	for wide, ref := range references {
		for _, e := range engines {
			testArithmetic(t, s, e.exec, wide, ref, 64)
			testArithmetic(t, s, e.exec, wide+ir.AddW-ir.Add, ref, 32)
		}
	}
}

// testArithmetic runs one code with a register and with constants.
func testArithmetic(t *testing.T, s *Slot, exec Executable, c ir.Opcode, ref reference, bits uint) {
	t.Helper()
	register := twoOperands(t, exec, c, ir.R2, 0)
	for _, b := range tricky {
		immediate := twoOperands(t, exec, c, ir.RZero, b)
		for _, a := range tricky {
			want := ref.apply(a, b, bits)
			if got := mustRun2(t, s, register, a, b); got != want {
				t.Fatalf("%T: %s %#x, %#x: got %#x, want %#x", exec, c, a, b, got, want)
			}
			if got := mustRun2(t, s, immediate, a, ^b); got != want {
				t.Fatalf("%T: %s %#x, constant %#x: got %#x, want %#x", exec, c, a, b, got, want)
			}
		}
	}
}

func TestConversions(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	const v = 0x8182838485868788
	for _, row := range []struct {
		code ir.Opcode
		want uint64
	}{
		{ir.Sext8, 0xffffffffffffff88},
		{ir.Sext16, 0xffffffffffff8788},
		{ir.Sext32, 0xffffffff85868788},
		{ir.Sext8W, 0xffffff88},
		{ir.Sext16W, 0xffff8788},
		{ir.Zext16, 0x8788},
		{ir.Swap16, 0x8887},
		{ir.Swap32, 0x88878685},
		{ir.Swap64, 0x8887868584838281},
	} {
		for _, e := range engines {
			if got := mustRun2(t, s, twoOperands(t, e.exec, row.code, ir.R2, 0), v, v); got != row.want {
				t.Errorf("%s %s: got %#x, want %#x", e.name, row.code, got, row.want)
			}
		}
	}
}

// conditions are the conditional jumps by their 64-bit code, on comparisons of
// big integers; JSet apart.
var conditions = map[ir.Opcode]struct {
	signed bool
	holds  func(cmp int) bool
}{
	ir.JEq:  {false, func(c int) bool { return c == 0 }},
	ir.JNe:  {false, func(c int) bool { return c != 0 }},
	ir.JGt:  {false, func(c int) bool { return c > 0 }},
	ir.JGe:  {false, func(c int) bool { return c >= 0 }},
	ir.JLt:  {false, func(c int) bool { return c < 0 }},
	ir.JLe:  {false, func(c int) bool { return c <= 0 }},
	ir.JSGt: {true, func(c int) bool { return c > 0 }},
	ir.JSGe: {true, func(c int) bool { return c >= 0 }},
	ir.JSLt: {true, func(c int) bool { return c < 0 }},
	ir.JSLe: {true, func(c int) bool { return c <= 0 }},
}

func wantJump(c ir.Opcode, a, b uint64) bool {
	bits, wide := uint(64), c
	if c >= ir.JEqW {
		bits, wide = 32, c-(ir.JEqW-ir.JEq)
	}
	ua, sa := number(a, bits)
	ub, sb := number(b, bits)
	if wide == ir.JSet {
		return new(big.Int).And(ua, ub).Sign() != 0
	}
	cond := conditions[wide]
	if cond.signed {
		ua, ub = sa, sb
	}
	return cond.holds(ua.Cmp(ub))
}

func TestJumps(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	for c := ir.JEq; c <= ir.JSetW; c++ {
		for _, e := range engines {
			testJump(t, s, e.exec, c)
		}
	}
}

// testJump runs one code with a register and with constants.
func testJump(t *testing.T, s *Slot, exec Executable, c ir.Opcode) {
	t.Helper()
	jump := func(src ir.Reg, imm uint64) *Program {
		return testProgram(t, exec, mov(ir.R0, 1), op(c, ir.R1, src, 3, int64(imm)), mov(ir.R0, 0), exit())
	}
	register := jump(ir.R2, 0)
	for _, b := range tricky {
		immediate := jump(ir.RZero, b)
		for _, a := range tricky {
			want := wantJump(c, a, b)
			if got := mustRun2(t, s, register, a, b) == 1; got != want {
				t.Fatalf("%T: %s %#x, %#x: taken is %v, want %v", exec, c, a, b, got, want)
			}
			if got := mustRun2(t, s, immediate, a, ^b) == 1; got != want {
				t.Fatalf("%T: %s %#x, constant %#x: taken is %v, want %v", exec, c, a, b, got, want)
			}
		}
	}
}

// Memory: stores and loads of every width at the stack's edge.
func TestLoadsAndStores(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	const v = 0x8182838485868788
	for _, row := range []struct {
		store, load ir.Opcode
		want        uint64 // of a load from memory that was all ones
	}{
		{ir.Store8, ir.Load8, 0x88},
		{ir.Store16, ir.Load16, 0x8788},
		{ir.Store32, ir.Load32, 0x85868788},
		{ir.Store64, ir.Load64, v},
		{ir.Store8, ir.LoadS8, 0xffffffffffffff88},
		{ir.Store16, ir.LoadS16, 0xffffffffffff8788},
		{ir.Store32, ir.LoadS32, 0xffffffff85868788},
		{ir.Store8, ir.Load64, 0xffffffffffffff88},
		{ir.Store32, ir.Load64, 0xffffffff85868788},
		{ir.StoreRel8, ir.LoadAcq8, 0x88},
		{ir.StoreRel16, ir.LoadAcq16, 0x8788},
		{ir.StoreRel32, ir.LoadAcq32, 0x85868788},
		{ir.StoreRel64, ir.LoadAcq64, v},
		{ir.StoreRel8, ir.Load64, 0xffffffffffffff88},
		{ir.StoreRel16, ir.Load64, 0xffffffffffff8788},
	} {
		for _, e := range engines {
			p := testProgram(t, e.exec,
				op(ir.Store64, ir.R10, ir.RZero, -8, -1),
				op(row.store, ir.R10, ir.R1, -8, 0),
				op(row.load, ir.R0, ir.R10, -8, 0),
				exit())
			if r0, err := p.Run(s, v, 0); err != nil || r0 != row.want {
				t.Errorf("%s: %s, %s: got %#x (%v), want %#x", e.name, row.store, row.load, r0, err, row.want)
			}
		}
	}
}

// The parts of a word that release stores and acquire loads do not name stay.
func TestPartialAtomics(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	for off := int32(-8); off < 0; off++ {
		p := testProgram(t, Interpreter{},
			op(ir.Store64, ir.R10, ir.RZero, -8, 0x1122334455667788),
			op(ir.StoreRel8, ir.R10, ir.R1, off, 0),
			op(ir.LoadAcq8, ir.R0, ir.R10, off, 0),
			op(ir.Lsh, ir.R0, ir.RZero, 0, int64(8*(off+8))),
			op(ir.Load64, ir.R3, ir.R10, -8, 0),
			op(ir.Xor, ir.R0, ir.R3, 0, 0),
			exit())
		r0, err := p.Run(s, 0xee, 0)
		if want := uint64(0x1122334455667788) &^ (0xff << (8 * (off + 8))); err != nil || r0 != want {
			t.Errorf("byte %d: the others are %#x (%v), want %#x", off, r0, err, want)
		}
	}
}

func TestAtomics(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	type outcome struct{ memory, source, r0 uint64 }
	for _, row := range []struct {
		name            string
		imm             int64
		memory, src, r0 uint64
		wide, word      outcome
	}{
		{"add", atomicAdd, 5, 1<<32 | 7, 9, outcome{1<<32 | 12, 1<<32 | 7, 9}, outcome{12, 1<<32 | 7, 9}},
		{"fetch add", atomicAdd | atomicFetch, 5, math.MaxUint64, 9, outcome{4, 5, 9}, outcome{4, 5, 9}},
		{"or", atomicOr, 5, 0x70, 9, outcome{0x75, 0x70, 9}, outcome{0x75, 0x70, 9}},
		{"fetch or", atomicOr | atomicFetch, 5, 0x70, 9, outcome{0x75, 5, 9}, outcome{0x75, 5, 9}},
		{"and", atomicAnd, 0x75, 0xf0, 9, outcome{0x70, 0xf0, 9}, outcome{0x70, 0xf0, 9}},
		{"fetch and", atomicAnd | atomicFetch, 0x75, 0xf0, 9, outcome{0x70, 0x75, 9}, outcome{0x70, 0x75, 9}},
		{"xor", atomicXor, 0x75, 0xff, 9, outcome{0x8a, 0xff, 9}, outcome{0x8a, 0xff, 9}},
		{"fetch xor", atomicXor | atomicFetch, 0x75, 0xff, 9, outcome{0x8a, 0x75, 9}, outcome{0x8a, 0x75, 9}},
		{"exchange", atomicXchg, 5, 1<<40 | 6, 9, outcome{1<<40 | 6, 5, 9}, outcome{6, 5, 9}},
		{"compare, equal", atomicCmpXchg, 5, 6, 5, outcome{6, 6, 5}, outcome{6, 6, 5}},
		{"compare, different", atomicCmpXchg, 5, 6, 7, outcome{5, 6, 5}, outcome{5, 6, 5}},
		{"compare, high bits of R0", atomicCmpXchg, 5, 6, 1<<32 | 5, outcome{5, 6, 5}, outcome{6, 6, 5}},
	} {
		for _, e := range engines {
			for _, form := range []struct {
				code ir.Opcode
				want outcome
			}{{ir.Atomic64, row.wide}, {ir.Atomic32, row.word}} {
				var got outcome
				for i, field := range []*uint64{&got.memory, &got.source, &got.r0} {
					p := testProgram(t, e.exec,
						op(ir.Store64, ir.R10, ir.RZero, -8, int64(row.memory)),
						mov(ir.R6, int64(row.src)),
						mov(ir.R0, int64(row.r0)),
						op(form.code, ir.R10, ir.R6, -8, row.imm),
						op(ir.Load64, ir.R7, ir.R10, -8, 0),
						op(ir.Mov, ir.R0, []ir.Reg{ir.R7, ir.R6, ir.R0}[i], 0, 0),
						exit())
					v, err := p.Run(s, 0, 0)
					if err != nil {
						t.Fatal(err)
					}
					*field = v
				}
				if got != form.want {
					t.Errorf("%s, %s, %s: got %+v, want %+v", e.name, row.name, form.code, got, form.want)
				}
			}
		}
	}
}

// TestEveryOpcodeIsRun keeps the tables above complete.
func TestEveryOpcodeIsRun(t *testing.T) {
	elsewhere := []ir.Opcode{
		ir.CPU, ir.LoadProbe, ir.Jump, ir.CallHost, ir.CallFunc, ir.TailCall, ir.Exit, ir.MayGoto, ir.PacketWord,
	}
	for c := ir.Opcode(0); c < ir.NumOpcodes; c++ {
		_, wide := references[c]
		_, word := references[c-(ir.AddW-ir.Add)]
		known := wide || word && c <= ir.MovW || c >= ir.Sext8 && c <= ir.Store64 ||
			c >= ir.Atomic32 && c <= ir.StoreRel64 || c.IsCondJump() || slices.Contains(elsewhere, c)
		if !known {
			t.Errorf("no test runs %s", c)
		}
	}
}
