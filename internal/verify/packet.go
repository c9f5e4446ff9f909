// This file defines what comparisons with the packet's end prove.

package verify

import "github.com/skepbpf/skep/internal/verify/domain"

// packetBounds handles "pkt+n <cmp> pkt_end" and its like for metadata, either
// way round: where the pointer does not lie behind the end, n bytes are
// readable (n+1 where it lies before).
//
//	         jump taken            fall-through
//	>   a > b: a is beyond b      a <= b: bytes up to a
//	>=  a is at or beyond b       bytes up to and with *a
//	<   bytes up to and with *a   a is at or beyond b
//	<=  bytes up to a             a is beyond b
//
// where a is the packet pointer. With the operands exchanged the comparison
// flips.
func (w *walker) packetBounds(n branchNeed, taken *node) bool {
	a, b := w.regs()[n.in.Dst], w.regs()[n.in.Src]
	cmp, reg := n.cmp, n.in.Dst
	if !boundedBy(&a, &b) {
		if !boundedBy(&b, &a) {
			return false
		}
		a, cmp, reg = b, cmp.Flip(), n.in.Src
	}
	cur := &w.cur.State
	switch cmp {
	case domain.Gt:
		provePacket(cur, &a, false)
		markPastEnd(&taken.State, reg, domain.BeyondPacketEnd)
	case domain.Ge:
		provePacket(cur, &a, true)
		markPastEnd(&taken.State, reg, domain.AtPacketEnd)
	case domain.Lt:
		provePacket(&taken.State, &a, true)
		markPastEnd(cur, reg, domain.AtPacketEnd)
	case domain.Le:
		provePacket(&taken.State, &a, false)
		markPastEnd(cur, reg, domain.BeyondPacketEnd)
	default:
		return false
	}
	return true
}

// boundedBy reports whether end is where what p points into ends.
func boundedBy(p, end *domain.Reg) bool {
	switch p.Kind {
	case domain.PtrToPacket:
		return end.Kind == domain.PtrToPacketEnd
	case domain.PtrToPacketMeta:
		return end.Kind == domain.PtrToPacket && end.Off == 0 && end.IsConst() && end.Value() == 0
	}
	return false
}

// provePacket makes the bytes up to p's offset readable through every pointer
// with p's base; with includesP also the byte that p points to.
func provePacket(st *domain.State, p *domain.Reg, includesP bool) {
	if p.Off < 0 || p.Off == 0 && includesP || p.UMax > maxPacketOff || p.UMax+uint64(p.Off) > maxPacketOff {
		return
	}
	proved := p.Off
	if includesP {
		proved++
	}
	kind, id := p.Kind, p.ID
	st.EachReg(func(r *domain.Reg) {
		if r.Kind == kind && r.ID == id && r.Flags == p.Flags {
			r.Range = max(r.Range, proved)
		}
	})
}

// markPastEnd remembers that a packet pointer is not before the end.
func markPastEnd(st *domain.State, reg uint8, where int32) {
	if r := &st.Regs()[reg]; r.Kind == domain.PtrToPacket {
		r.Range = where
	}
}
