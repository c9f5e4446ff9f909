// This file defines the stack: spills and fills, reads and writes of part of a
// slot, accesses at offsets that are not known.

package verify

import (
	"math/bits"

	"github.com/skepbpf/skep/internal/verify/domain"
)

// maxStack is how many bytes one frame may have.
const maxStack = 512

// stackOf returns the frame that a stack pointer points into.
func (w *walker) stackOf(r *domain.Reg) *domain.Frame { return w.cur.Frames[r.Frame] }

// slotOf gives the slot and the byte in it for an offset from the frame
// pointer (negative).
func slotOf(off int) (slot, b int) {
	at := -off - 1
	return at / domain.SlotSize, at % domain.SlotSize
}

// accessStack decides and applies a load or store on the stack.
func (w *walker) accessStack(n memNeed) (domain.Reg, error) {
	base := &w.regs()[n.reg]
	if err := w.stackBounds(n.reg, int(n.off), n.size, accessDirect, n.write); err != nil {
		return domain.Reg{}, err
	}
	if n.write {
		return domain.Reg{}, w.writeStack(base, n)
	}
	if base.IsConst() {
		return w.readSlot(w.stackOf(base), int(n.off)+int(int64(base.Value())), n)
	}
	if !n.want {
		return domain.Reg{}, w.deny(KindAccess, int(n.reg),
			"variable offset stack pointer cannot be passed into helper function; var_off=%s off=%d size=%d", base.Var, n.off, n.size)
	}
	return w.readStackRange(n)
}

var accessWords = [...][2]string{
	accessDirect: {" read from", " write to"},
	accessHelper: {" read from", " write to"},
}

// stackBounds requires an access to lie in the frame, and makes the frame's
// stack large enough for it.
func (w *walker) stackBounds(reg uint8, off, size int, src accessSource, write bool) error {
	r := &w.regs()[reg]
	word := accessWords[src][0]
	if write {
		word = accessWords[src][1]
	}
	var lo, hi int64
	if r.IsConst() {
		lo = int64(r.Value()) + int64(off)
		hi = lo + int64(size)
	} else {
		if r.SMax >= maxVarOff || r.SMin <= -maxVarOff {
			return w.deny(KindBounds, int(reg), "invalid unbounded variable-offset%s stack R%d", word, reg)
		}
		lo, hi = r.SMin+int64(off), r.SMax+int64(off)+int64(size)
	}
	f := w.stackOf(r)
	least := int64(-maxStack)
	if !write && !w.priv.uninitStack {
		least = -int64(len(f.Stack) * domain.SlotSize)
	}
	errno := 0
	switch {
	case lo < least || lo > -1:
		errno = errEACCES
	case hi > 0:
		errno = errEINVAL
	case size < 0:
		errno = errEFAULT
	}
	if errno != 0 {
		if r.IsConst() {
			return w.refuse(KindBounds, errno, int(reg), "invalid%s stack R%d off=%d size=%d", word, reg, off, size)
		}
		return w.refuse(KindBounds, errno, int(reg), "invalid variable-offset%s stack R%d var_off=%s off=%d size=%d", word, reg, r.Var, off, size)
	}
	w.growStack(f, int(-lo))
	return nil
}

// growStack makes room and remembers how deep the function reaches.
func (w *walker) growStack(f *domain.Frame, bytes int) {
	f.Grow(bytes)
	u := &w.uses[f.Subprog]
	u.Depth = max(u.Depth, int32(len(f.Stack)*domain.SlotSize))
}

func (w *walker) writeStack(base *domain.Reg, n memNeed) error {
	if base.IsConst() {
		return w.writeSlot(w.stackOf(base), int(n.off)+int(int64(base.Value())), n)
	}
	return w.writeStackRange(base, n)
}

// writeSlot stores at a known offset, inside one slot: alignment is required.
func (w *walker) writeSlot(f *domain.Frame, off int, n memNeed) error {
	spi, at := slotOf(off)
	s := &f.Stack[spi]
	if !w.priv.leaks && s.IsSpill() && s.Reg.Kind != domain.ScalarValue && n.size != domain.SlotSize {
		return w.deny(KindLeak, -1, "attempt to corrupt spilled pointer on stack")
	}
	if err := w.breakSpecial(f, spi); err != nil {
		return err
	}
	w.touchSlot(f, spi, off)
	if n.size == domain.SlotSize {
		w.overwritesSlot(f.No, spi)
	}
	var value *domain.Reg
	if n.value >= 0 {
		value = &w.regs()[n.value]
	}
	switch {
	case value != nil && off%domain.SlotSize == 0 && value.Kind == domain.ScalarValue && w.priv.bpf:
		fits := width(value) <= 8*n.size
		if fits {
			w.giveID(value)
		}
		spill(s, value, n.size)
		if !fits {
			s.Reg.ClearLink()
		}
	case value == nil && off%domain.SlotSize == 0 && n.imm && w.priv.bpf:
		c := domain.ScalarReg(domain.Const(uint64(int64(w.insns[w.pc].Imm))))
		spill(s, &c, n.size)
	case value != nil && value.Kind != domain.ScalarValue && !unspillable[value.Kind]:
		if n.size != domain.SlotSize {
			w.log.line(w, w.pc)
			return w.deny(KindAccess, n.value, "invalid size of register spill")
		}
		if f != w.cur.Cur() && value.Kind == domain.PtrToStack {
			return w.refuse(KindAccess, errEINVAL, n.value, "cannot spill pointers to stack into stack frame of the caller")
		}
		spill(s, value, n.size)
	default:
		return w.writeBytes(s, at, n, value)
	}
	w.recordStack(int(f.No), spi)
	return nil
}

// unspillable are pointers that come back from the stack as numbers.
var unspillable = map[domain.RegKind]bool{domain.ConstPtrToDynptr: true, domain.PtrToTPBuffer: true}

// width is how many low bits of a scalar may be set.
func width(r *domain.Reg) int { return bits.Len64(r.UMax) }

// spill puts a register into the low size bytes of a slot. What else the slot
// held is lost but for being initialised or not.
func spill(s *domain.Slot, r *domain.Reg, size int) {
	s.Reg = *r
	for i := range s.Bytes {
		switch {
		case i >= domain.SlotSize-size:
			s.Bytes[i] = domain.ByteSpill
		case s.Bytes[i] == domain.ByteSpill:
			s.Bytes[i] = domain.ByteMisc
		}
	}
}

// writeBytes stores a value that is not kept as a register.
func (w *walker) writeBytes(s *domain.Slot, at int, n memNeed, value *domain.Reg) error {
	scrub(s)
	kind := domain.ByteMisc
	if value != nil && value.IsNull() || value == nil && n.imm && w.insns[w.pc].Imm == 0 {
		if n.value >= 0 {
			if err := w.markPrecise(uint8(n.value)); err != nil {
				return err
			}
		}
		kind = domain.ByteZero
	}
	for i := range n.size {
		s.Bytes[at-i] = kind
	}
	return nil
}

// scrub turns what is left of a spill into plain bytes.
func scrub(s *domain.Slot) {
	if !s.IsSpill() {
		return
	}
	for i := range s.Bytes {
		if s.Bytes[i] != domain.ByteInvalid {
			s.Bytes[i] = domain.ByteMisc
		}
	}
}

// breakSpecial handles a plain write over a dynptr, an iterator or a flag. The
// latter two are lost by it, and with them what they hold.
func (w *walker) breakSpecial(f *domain.Frame, spi int) error {
	s := &f.Stack[spi]
	if !s.IsSpecial() {
		return nil
	}
	if s.Bytes[0] == domain.ByteDynptr {
		return w.destroyDynptr(f, spi)
	}
	*s = domain.Slot{}
	for i := range s.Bytes {
		s.Bytes[i] = domain.ByteMisc
	}
	return nil
}

// touchSlot notes an access at off, which is in slot spi.
func (w *walker) touchSlot(f *domain.Frame, spi, off int) {
	if f == w.cur.Cur() {
		w.log.scratchSlot(spi)
	}
	w.keepPatterns(f, off)
}

// keepPatterns: below a function's fastcall spills only the spills themselves
// may be.
func (w *walker) keepPatterns(f *domain.Frame, off int) {
	if s := w.shape; off < int(s.fastcallOff[f.Subprog]) && !s.fastcallPattern[w.pc] {
		s.voidPatterns(f.Subprog, s.subs[f.Subprog])
	}
}

// writeStackRange stores at an offset known only within bounds: any slot in
// the range may have been written.
func (w *walker) writeStackRange(base *domain.Reg, n memNeed) error {
	f := w.stackOf(base)
	lo, hi := int(base.SMin)+int(n.off), int(base.SMax)+int(n.off)+n.size
	zero := n.imm && w.insns[w.pc].Imm == 0
	if n.value >= 0 {
		zero = w.regs()[n.value].IsNull()
	}
	usedZero := false
	for i := lo; i < hi; i++ {
		spi, at := slotOf(i)
		if err := w.breakSpecial(f, spi); err != nil {
			return err
		}
		w.touchSlot(f, spi, lo)
		kept, err := w.smear(&f.Stack[spi], at, i, zero)
		if err != nil {
			return err
		}
		usedZero = usedZero || kept
	}
	if usedZero && n.value >= 0 {
		return w.markPrecise(uint8(n.value))
	}
	return nil
}

// smear marks one byte as possibly overwritten. kept says that it stays zero
// because zero is what may have been written.
func (w *walker) smear(s *domain.Slot, at, off int, zero bool) (kept bool, err error) {
	old := s.Bytes[at]
	if !w.priv.leaks && old != domain.ByteMisc && old != domain.ByteZero {
		return false, w.fail("spilled ptr in range of var-offset stack write; insn %d, ptr off: %d", w.pc, off)
	}
	if zero && old == domain.ByteSpill && s.IsScalarSpill() && s.Reg.IsNull() {
		return true, nil
	}
	scrub(s)
	s.Bytes[at] = domain.ByteMisc
	if zero && old == domain.ByteZero {
		s.Bytes[at] = domain.ByteZero
		kept = true
	}
	if old == domain.ByteInvalid && !w.priv.uninitStack {
		return false, w.fail("uninit stack in range of var-offset write prohibited for !root; insn %d, off: %d", w.pc, off)
	}
	return kept, nil
}

// readSlot loads from a known offset, inside one slot.
func (w *walker) readSlot(f *domain.Frame, off int, n memNeed) (domain.Reg, error) {
	spi, at := slotOf(off)
	s := &f.Stack[spi]
	w.touchSlot(f, spi, off)
	w.readsSlot(f.No, spi)
	if !s.IsSpill() {
		if err := w.readableBytes(s, at, off, n.size); err != nil || !n.want {
			return domain.Reg{}, err
		}
		return w.plainValue(f, off, off+n.size), nil
	}
	if n.size == domain.SlotSize && s.SpillWidth() == domain.SlotSize {
		if !n.want && w.leaksPointer(&s.Reg) {
			return domain.Reg{}, w.deny(KindLeak, -1, "leaking pointer from stack off %d", off)
		}
		w.recordStack(int(f.No), spi)
		return s.Reg, nil
	}
	return w.readPartOfSpill(f, spi, at, off, n)
}

// readPartOfSpill loads fewer bytes than a slot, or from a spill of fewer.
func (w *walker) readPartOfSpill(f *domain.Frame, spi, at, off int, n memNeed) (domain.Reg, error) {
	s := &f.Stack[spi]
	if s.Reg.Kind != domain.ScalarValue {
		w.log.line(w, w.pc)
		return domain.Reg{}, w.deny(KindAccess, int(n.reg), "invalid size of register fill")
	}
	if !n.want {
		return domain.Reg{}, nil
	}
	spilled := s.SpillWidth()
	if n.size <= spilled && lowEnd(off, n.size) {
		w.recordStack(int(f.No), spi)
		r := s.Reg
		if width(&r) > 8*n.size {
			r.ClearLink()
		}
		return r, nil
	}
	spills, zeros := 0, 0
	for i := range n.size {
		switch s.Bytes[at-i] {
		case domain.ByteSpill:
			spills++
		case domain.ByteZero:
			zeros++
		}
	}
	if err := w.readableBytes(s, at, off, n.size); err != nil {
		return domain.Reg{}, err
	}
	switch {
	case spills == n.size && s.Reg.IsNull():
		w.recordStack(int(f.No), spi)
		return domain.ScalarReg(domain.Const(0)), nil
	case zeros == n.size:
		return domain.ScalarReg(domain.Const(0)), nil
	}
	return w.unknownValue(), nil
}

// lowEnd reports whether the bytes are the low ones of their slot, so that
// they are the low bytes of what was spilled (little-endian).
func lowEnd(off, size int) bool { return off%domain.SlotSize == 0 && size <= domain.SlotSize }

// readableBytes requires initialised bytes, where that is required.
func (w *walker) readableBytes(s *domain.Slot, at, off, size int) error {
	for i := range size {
		switch s.Bytes[at-i] {
		case domain.ByteMisc, domain.ByteZero:
			continue
		case domain.ByteSpill:
			if s.IsScalarSpill() {
				continue
			}
		case domain.ByteInvalid:
			if w.priv.uninitStack {
				continue
			}
		}
		return w.deny(KindUninit, -1, "invalid read from stack off %d+%d size %d", off, i, size)
	}
	return nil
}

// plainValue is the value of bytes in [lo, hi) that are no spilled register.
func (w *walker) plainValue(f *domain.Frame, lo, hi int) domain.Reg {
	for i := lo; i < hi; i++ {
		spi, at := slotOf(i)
		if f.Stack[spi].Bytes[at] != domain.ByteZero {
			return w.unknownValue()
		}
	}
	return domain.ScalarReg(domain.Const(0))
}

// readStackRange loads from an offset known only within bounds.
func (w *walker) readStackRange(n memNeed) (domain.Reg, error) {
	if err := w.stackReadable(n.reg, int(n.off), n.size, stackUse{src: accessDirect}); err != nil {
		return domain.Reg{}, err
	}
	base := &w.regs()[n.reg]
	f := w.stackOf(base)
	lo, hi := int(base.SMin)+int(n.off), int(base.SMax)+int(n.off)
	return w.plainValue(f, lo, hi+n.size), nil
}

// stackUse says what a range of stack is needed for.
type stackUse struct {
	src    accessSource
	write  bool     // a helper may write it
	raw    *rawArea // a helper fills it: it need not be initialised
	zeroOK bool
}

// rawArea is stack that a helper fills.
type rawArea struct {
	reg  int // -1 while there is none
	size int
}

// stackReadable requires a range of stack to be initialised, as for a variable
// read or a helper's argument, and forgets spilled scalars that a helper may
// overwrite.
func (w *walker) stackReadable(reg uint8, off, size int, use stackUse) error {
	r := &w.regs()[reg]
	if size == 0 && !use.zeroOK {
		return w.deny(KindBounds, int(reg), "invalid zero-sized read")
	}
	clobber := use.src == accessHelper && use.write
	if err := w.stackBounds(reg, off, size, use.src, use.src == accessHelper && use.write); err != nil {
		return err
	}
	lo, hi := off, off
	if r.IsConst() {
		lo += int(int64(r.Value()))
		hi = lo
	} else {
		if !w.priv.bypassSpec {
			return w.deny(KindAccess, int(reg), "R%d variable offset stack access prohibited for !root, var_off=%s", reg, r.Var)
		}
		use.raw = nil
		lo, hi = lo+int(r.SMin), hi+int(r.SMax)
	}
	f := w.stackOf(r)
	if size > 0 {
		w.keepPatterns(f, lo)
	}
	if use.raw != nil {
		return w.noteRaw(f, reg, lo, hi+size, size, use.raw)
	}
	for i := lo; i < hi+size; i++ {
		if !w.stackByteReadable(f, i, clobber) {
			return w.uninitStack(r, reg, lo, i, size)
		}
	}
	return nil
}

func (w *walker) uninitStack(r *domain.Reg, reg uint8, lo, i, size int) error {
	if r.IsConst() {
		return w.deny(KindUninit, int(reg), "invalid read from stack R%d off %d+%d size %d", reg, lo, i-lo, size)
	}
	return w.deny(KindUninit, int(reg), "invalid read from stack R%d var_off %s+%d size %d", reg, r.Var, i-lo, size)
}

// noteRaw remembers stack that the helper will fill.
func (w *walker) noteRaw(f *domain.Frame, reg uint8, lo, hi, size int, raw *rawArea) error {
	for i := lo; i < hi; i++ {
		if spi, at := slotOf(i); f.Slot(spi) != nil && f.Stack[spi].Bytes[at] == domain.ByteDynptr {
			return w.deny(KindAccess, int(reg), "potential write to dynptr at off=%d disallowed", i)
		}
	}
	raw.reg, raw.size = int(reg), size
	return nil
}

func (w *walker) stackByteReadable(f *domain.Frame, off int, clobber bool) bool {
	spi, at := slotOf(off)
	w.readsSlot(f.No, spi)
	s := &f.Stack[spi]
	b := &s.Bytes[at]
	switch *b {
	case domain.ByteMisc:
		return true
	case domain.ByteInvalid, domain.ByteZero:
		if *b == domain.ByteInvalid && !w.priv.uninitStack {
			return false
		}
		if clobber {
			*b = domain.ByteMisc
		}
		return true
	}
	if !s.IsSpill() || s.Reg.Kind != domain.ScalarValue && !w.priv.leaks {
		return false
	}
	if clobber {
		w.setUnknown(&s.Reg)
		scrub(s)
	}
	return true
}
