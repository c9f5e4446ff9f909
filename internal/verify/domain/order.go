// This file defines when one state covers another, which is what lets the walk
// stop at a point that it has seen before.

package domain

// Exactness is how closely two states must agree.
type Exactness uint8

// Degrees of agreement.
const (
	// NotExact: imprecise scalars of the old state cover anything.
	NotExact Exactness = iota
	// Exact: nothing may differ; two such states on one path are an infinite loop.
	Exact
	// RangeWithin: every scalar counts as precise; used where precision marks
	// of the old state are not complete yet (loops being explored).
	RangeWithin
)

// IDMap relates the identities of an old state to those of a current one. It
// is scratch space: Reset before each comparison.
type IDMap struct {
	// AllowUninit says that a program may read stack bytes that it never
	// wrote, so that an unknown byte covers any other.
	AllowUninit bool
	// ExactScalars says that scalars must be equal to be covered: what one path
	// computes decides how another is compiled.
	ExactScalars bool

	pairs []idPair
	temp  uint32
}

type idPair struct{ old, cur uint32 }

// Reset empties the map. Fresh ids for unlinked scalars start above maxID.
func (m *IDMap) Reset(maxID uint32) { m.pairs, m.temp = m.pairs[:0], maxID }

// match reports whether old and cur can be the same identity, remembering it.
func (m *IDMap) match(old, cur uint32) bool {
	if (old == 0) != (cur == 0) {
		return false
	}
	if old == 0 {
		return true
	}
	for _, p := range m.pairs {
		if p.old == old {
			return p.cur == cur
		}
		if p.cur == cur {
			return false
		}
	}
	m.pairs = append(m.pairs, idPair{old, cur})
	return true
}

// matchScalar is match where an unlinked scalar counts as linked to nothing
// else: an old link must not be lost, a missing one is covered.
func (m *IDMap) matchScalar(old, cur uint32) bool {
	if old == 0 {
		m.temp++
		old = m.temp
	}
	if cur == 0 {
		m.temp++
		cur = m.temp
	}
	return m.match(old, cur)
}

// Covers reports whether everything that is safe from old on is safe from cur
// on. live gives, for each frame, the registers that are read later, bit r for
// register r.
func Covers(old, cur *State, live func(frame int) uint16, e Exactness, m *IDMap) bool {
	if len(old.Frames) != len(cur.Frames) || old.Speculative && !cur.Speculative ||
		old.InSleepable != cur.InSleepable || !sameRefs(old, cur, m) {
		return false
	}
	for i, of := range old.Frames {
		if of.CallSite != cur.Frames[i].CallSite {
			return false
		}
	}
	for i, of := range old.Frames {
		if !coversFrame(of, cur.Frames[i], live(i), e, m) {
			return false
		}
	}
	return true
}

func sameRefs(old, cur *State, m *IDMap) bool {
	if len(old.Refs) != len(cur.Refs) || old.ActiveLocks != cur.ActiveLocks ||
		old.ActiveRCU != cur.ActiveRCU || old.ActivePreempt != cur.ActivePreempt ||
		!m.match(old.ActiveIRQ, cur.ActiveIRQ) {
		return false
	}
	for i := range old.Refs {
		o, c := &old.Refs[i], &cur.Refs[i]
		if o.Kind != c.Kind || o.MapIdx != c.MapIdx || o.BTF != c.BTF || !m.match(o.ID, c.ID) || !m.match(o.LockID, c.LockID) {
			return false
		}
	}
	return true
}

func coversFrame(old, cur *Frame, live uint16, e Exactness, m *IDMap) bool {
	if old.CallbackDepth > cur.CallbackDepth {
		return false
	}
	for i := range old.Regs {
		if live&(1<<i) != 0 && !coversReg(&old.Regs[i], &cur.Regs[i], e, m) {
			return false
		}
	}
	return coversStack(old, cur, e, m)
}

// coversReg reports whether old covers cur in one register.
func coversReg(old, cur *Reg, e Exactness, m *IDMap) bool {
	if e == Exact {
		return sameReg(old, cur, m)
	}
	if old.Kind == NotInit {
		return true // nothing on the old path read it
	}
	if old.Kind != cur.Kind || old.Flags != cur.Flags {
		return false
	}
	switch old.Kind {
	case ScalarValue:
		return coversScalar(old, cur, e, m)
	case PtrToMapKey, PtrToMapValue, PtrToMem, PtrToBuf, PtrToTPBuffer:
		return old.sameLayout(cur) && old.Includes(cur.Scalar) &&
			m.match(old.ID, cur.ID) && m.match(old.RefID, cur.RefID)
	case PtrToPacket, PtrToPacketMeta:
		return coversPacket(old, cur, m)
	case PtrToStack:
		return sameReg(old, cur, m) && old.Frame == cur.Frame
	case PtrToArena:
		return true
	}
	return sameReg(old, cur, m)
}

func coversScalar(old, cur *Reg, e Exactness, m *IDMap) bool {
	if m.ExactScalars {
		return old.Scalar == cur.Scalar && old.Off == cur.Off && m.matchScalar(old.ID, cur.ID)
	}
	if !old.Precise && e == NotExact {
		return true
	}
	if !old.Includes(cur.Scalar) {
		return false
	}
	if old.ID == 0 {
		return true // nothing was concluded from a link
	}
	if old.Link != cur.Link || old.Link != LinkEqual && old.Off != cur.Off {
		return false
	}
	return m.matchScalar(old.ID, cur.ID)
}

func coversPacket(old, cur *Reg, m *IDMap) bool {
	if old.Range < 0 || cur.Range < 0 {
		if old.Range != cur.Range {
			return false
		}
	} else if old.Range > cur.Range {
		return false
	}
	return old.Off == cur.Off && m.match(old.ID, cur.ID) && old.Includes(cur.Scalar)
}

func sameReg(old, cur *Reg, m *IDMap) bool {
	return old.sameLayout(cur) && old.Scalar == cur.Scalar && m.match(old.ID, cur.ID) && m.match(old.RefID, cur.RefID)
}

// unknownReg stands for a stack slot whose bytes are initialised but unknown.
var unknownReg = Reg{Kind: ScalarValue, Scalar: Unknown()}

// asScalar views a slot as one 64-bit scalar, or returns nil.
func (s *Slot) asScalar(allowUninit bool) *Reg {
	if s.IsFullScalarSpill() {
		return &s.Reg
	}
	for _, b := range s.Bytes {
		if b != ByteMisc && !(b == ByteInvalid && allowUninit) {
			return nil
		}
	}
	return &unknownReg
}

func coversStack(old, cur *Frame, e Exactness, m *IDMap) bool {
	var none Slot
	for i := range old.Stack {
		c := cur.Slot(i)
		if c == nil {
			if e != NotExact || !old.Stack[i].coversPlainBytes(&none, m) {
				return false
			}
			continue
		}
		if !coversSlot(&old.Stack[i], c, e, m) {
			return false
		}
	}
	return true
}

func coversSlot(o, c *Slot, e Exactness, m *IDMap) bool {
	if e != NotExact && o.Bytes != c.Bytes {
		return false
	}
	if o.coversPlainBytes(c, m) {
		return true
	}
	if or, cr := o.asScalar(m.AllowUninit), c.asScalar(m.AllowUninit); or != nil && cr != nil {
		return coversReg(or, cr, e, m)
	}
	for j, ob := range o.Bytes {
		if cb := c.Bytes[j]; ob != cb && !ob.coversByte(cb, m) {
			return false
		}
	}
	switch o.Bytes[SlotSize-1] {
	case ByteSpill:
		return coversReg(&o.Reg, &c.Reg, e, m)
	case ByteDynptr, ByteIter, ByteIRQFlag:
		return o.Reg.sameLayout(&c.Reg) && m.match(o.Reg.ID, c.Reg.ID) && m.match(o.Reg.RefID, c.Reg.RefID)
	}
	return true
}

// coversPlainBytes reports whether every byte of o covers c's without looking
// at registers.
func (o *Slot) coversPlainBytes(c *Slot, m *IDMap) bool {
	for j, ob := range o.Bytes {
		if !ob.coversByte(c.Bytes[j], m) {
			return false
		}
	}
	return true
}

// coversByte reports whether a byte of this kind covers one of kind cb.
func (ob SlotByte) coversByte(cb SlotByte, m *IDMap) bool {
	switch ob {
	case ByteInvalid:
		return true
	case ByteMisc:
		return m.AllowUninit || cb == ByteMisc || cb == ByteZero
	case ByteZero:
		return cb == ByteZero
	}
	return false
}

// MaybeLooping is a cheap test that two states of one path might be equal:
// the running frames' registers agree in all but precision.
func MaybeLooping(old, cur *State) bool {
	if len(old.Frames) != len(cur.Frames) {
		return false
	}
	of, cf := old.Cur(), cur.Cur()
	for i := range of.Regs {
		o, c := &of.Regs[i], &cf.Regs[i]
		if o.Kind != c.Kind || o.Flags != c.Flags || o.Off != c.Off || o.Scalar != c.Scalar {
			return false
		}
	}
	return true
}
