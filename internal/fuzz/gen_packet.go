// This file defines fragments that look at packets.

package fuzz

import "github.com/skepbpf/skep/internal/bytecode"

// hasPacket reports whether the function may load packet pointers.
func (g *generator) hasPacket() bool { return g.profile.data[0] != g.profile.data[1] }

func isContext(v value) bool   { return v.kind == ctxPtr }
func isPacketEnd(v value) bool { return v.kind == packetEnd }

// loadPacket loads the packet's beginning and end.
func (g *generator) loadPacket() bool {
	base, ok := g.having(isContext)
	if !ok {
		return false
	}
	p, end := g.saved(), g.saved()
	if p == base || p == end {
		return false
	}
	g.emit(load(4, p, base, g.profile.data[0]))
	g.set(p, value{kind: packetPtr, fresh: true})
	return g.loadEnd(base, end)
}

func (g *generator) loadEnd(base, end reg) bool {
	g.emit(load(4, end, base, g.profile.data[1]))
	g.set(end, value{kind: packetEnd})
	return true
}

// end gives a register that holds the packet's end, loading it if it must.
func (g *generator) end(not reg) (reg, bool) {
	if end, ok := g.having(isPacketEnd); ok {
		return end, true
	}
	base, ok := g.having(isContext)
	end := g.target(false)
	if !ok || end == base || end == not {
		return 0, false
	}
	return end, g.loadEnd(base, end)
}

func (g *generator) packetCheck() bool {
	if !g.hasPacket() {
		return false
	}
	p, ok := g.having(func(v value) bool { return v.kind == packetPtr })
	if !ok {
		return g.loadPacket()
	}
	return g.checkPacket(p, one(g, 1, 2, 4, 8, 14, 20, 34, 54, 60))
}

// checkPacket compares p+n with the end and gives up where it is beyond.
func (g *generator) checkPacket(p reg, n int) bool {
	end, ok := g.end(p)
	t := g.target(false)
	if !ok || t == p || t == end {
		return false
	}
	g.emit(mov(t, p), addK(t, int32(n)))
	g.set(t, value{kind: packetPtr, lo: -n})
	more := g.newLabel()
	switch g.IntN(6) {
	case 0:
		g.jump(jmpX(w64, bytecode.JmpLt, end, t), g.out)
	case 1:
		g.jump(jmpX(w64, bytecode.JmpGe, t, end), g.out) // one byte too careful
	case 2:
		g.jump(jmpX(w64, bytecode.JmpLe, end, t), g.out)
	case 3:
		g.jump(jmpX(w64, bytecode.JmpLe, t, end), more)
		g.goTo(g.out)
	case 4:
		g.jump(jmpX(w64, bytecode.JmpGe, end, t), more)
		g.goTo(g.out)
	default:
		g.jump(jmpX(w64, bytecode.JmpGt, t, end), g.out)
	}
	g.place(more)
	v := g.state.regs[p]
	v.fresh, v.hi = false, max(v.hi, n)
	g.set(p, v)
	return true
}

// checkedAccess checks a packet pointer for n bytes and accesses them.
func (g *generator) checkedAccess(p reg, n int) bool {
	room := n + g.IntN(8)
	if !g.checkPacket(p, room) {
		return true // what was written stays
	}
	off := g.IntN(room - n + 1)
	if g.mistake() {
		off++
	}
	g.accessAt(p, off, n)
	return true
}

// legacy is LD_ABS or LD_IND.
func (g *generator) legacy() bool {
	if !g.profile.legacy || g.fn.level > 0 || g.holds > 0 && !g.slip() || g.state.regs[r6].kind != ctxPtr || g.pinned&0x3f != 0 {
		return false
	}
	n := one(g, 1, 2, 4)
	in := insn{Op: bytecode.ClassLD | bytecode.ModeABS | sizeBits[n], Imm: int32(g.IntN(80))}
	if src, ok := g.number(false); ok && g.chance(0.4) && src < r10 {
		in.Op, in.Src = bytecode.ClassLD|bytecode.ModeIND|sizeBits[n], src
	}
	g.emit(in)
	g.state.clobber()
	g.set(r0, number(maxOf(n)))
	return true
}
