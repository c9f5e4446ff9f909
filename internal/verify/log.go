// This file defines the verifier's log: what is written when, at which level.

package verify

import (
	"fmt"
	"math/bits"
	"strconv"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// defaultMaxLog bounds the log when Options.MaxLog is 0.
const defaultMaxLog = 64 << 20

// logger builds the log. At level 0 nothing is written but the last message.
type logger struct {
	level LogLevel
	max   int
	buf   []byte

	regs  uint16 // registers of the running frame changed since they were printed
	slots uint64

	insnEnd   int // end of the last instruction line, 0 when something followed
	insnStart int
	lastLine  *bytecode.LineInfo // printed last
	newPath   bool
	cutAt     int // bytes dropped from the front, so positions stay comparable
}

func (l *logger) on() bool   { return l.level&(LogBranch|LogAll) != 0 }
func (l *logger) full() bool { return l.level&LogAll != 0 }

func (l *logger) len() int { return len(l.buf) + l.cutAt }

func (l *logger) printf(format string, args ...any) {
	l.buf = fmt.Appendf(l.buf, format, args...)
	l.trim()
}

// mute keeps the log silent until unmute is given back what it returned.
func (l *logger) mute() (level LogLevel) {
	level, l.level = l.level, 0
	return level
}

func (l *logger) unmute(level LogLevel) { l.level = level }

// trim keeps the end of a log that outgrew its bound.
func (l *logger) trim() {
	if len(l.buf) > l.max {
		drop := len(l.buf) - l.max*3/4
		l.buf = append(l.buf[:0], l.buf[drop:]...)
		l.cutAt += drop
		l.insnEnd, l.insnStart = 0, 0
	}
}

// branchTo is called when the walk turns to another branch. Below LogAll the
// log shows only the path that is being walked.
func (l *logger) branchTo(pos int) {
	if l.on() && !l.full() && pos >= l.cutAt {
		l.buf = l.buf[:min(pos-l.cutAt, len(l.buf))]
	}
	l.newPath = true
	l.scratchAll()
}

// done is called when every path was walked: below LogAll nothing is left to
// show.
func (l *logger) done() {
	if l.on() && !l.full() {
		l.buf, l.insnEnd = l.buf[:0], 0
	}
}

func (l *logger) scratchAll()         { l.regs, l.slots = 1<<11-1, ^uint64(0) }
func (l *logger) scratchReg(r uint8)  { l.regs |= 1 << r }
func (l *logger) scratchSlot(spi int) { l.slots |= 1 << spi }
func (l *logger) scratched() bool     { return l.regs != 0 || l.slots != 0 }

// insn writes the line of the instruction about to be checked, after the state
// that the one before it changed.
func (l *logger) insn(w *walker) {
	if !l.on() {
		return
	}
	if l.full() && l.newPath {
		l.printf("\nfrom %d to %d%s:", w.prev, w.pc, speculation(w.cur))
		l.state(w, w.cur, w.cur.CurNo(), true)
	}
	l.newPath = false
	if l.scratched() {
		l.changes(w)
	}
	l.line(w, w.pc)
	l.insnStart = l.len()
	l.printf("%d: ", w.pc)
	l.buf = w.appendInsn(l.buf, w.pc)
	l.insnEnd = l.len()
	l.buf = append(l.buf, '\n')
}

func speculation(n *node) string {
	if n.Speculative {
		return " (speculative execution)"
	}
	return ""
}

// States start at stateColumn, or at the next multiple of stateStep behind a
// longer instruction.
const (
	stateColumn = 40
	stateStep   = 8
)

// changes writes the registers and slots that changed, behind the instruction
// that changed them where nothing was written since.
func (l *logger) changes(w *walker) {
	if l.insnEnd > 0 && l.insnEnd+1 == l.len() {
		l.buf = l.buf[:len(l.buf)-1]
		used := l.insnEnd - l.insnStart + 1 // its line end counts
		column := max(used+stateStep/2, stateColumn)
		column = (column + stateStep - 1) / stateStep * stateStep
		l.printf("%*c;", column-used-1, ' ')
	} else {
		l.printf("%d:", w.pc)
	}
	l.state(w, w.cur, w.cur.CurNo(), false)
}

// line writes the source line of an instruction, once.
func (l *logger) line(w *walker, pc int) {
	if !l.on() {
		return
	}
	li := w.prog.LineAt(pc)
	if li == nil || l.lastLine != nil && li.Line == l.lastLine.Line && li.TextOff == l.lastLine.TextOff && li.FileOff == l.lastLine.FileOff {
		return
	}
	l.lastLine = li
	l.buf = append(li.Append(append(l.buf, "; "...)), '\n')
}

// safe notes that the path ends because a stored state covers it.
func (l *logger) safe(w *walker) {
	if !l.on() {
		return
	}
	if l.newPath {
		l.printf("\nfrom %d to %d%s: safe\n", w.prev, w.pc, speculation(w.cur))
	} else {
		l.printf("%d: safe\n", w.pc)
	}
}

func (l *logger) stateAs(w *walker, title string, n *node) {
	if l.on() {
		l.printf("%s", title)
		l.state(w, n, w.cur.CurNo(), true)
	}
}

// state writes one frame of a state as a line.
func (l *logger) state(w *walker, n *node, frame int, all bool) {
	f := n.Frames[frame]
	b := l.buf
	if f.No != 0 {
		b = fmt.Appendf(b, " frame%d:", f.No)
	}
	for r := range f.Regs {
		reg := &f.Regs[r]
		if reg.Kind == domain.NotInit || !all && l.regs&(1<<r) == 0 {
			continue
		}
		b = fmt.Appendf(b, " R%d=", r)
		b = w.appendReg(b, reg, frame)
	}
	for i := range f.Stack {
		if all || l.slots&(1<<i) != 0 {
			b = w.appendSlot(b, &f.Stack[i], i, frame)
		}
	}
	b = appendRefs(b, n)
	switch {
	case f.InCallback:
		b = append(b, " cb"...)
	}
	if f.InAsync {
		b = append(b, " async_cb"...)
	}
	l.buf = append(b, '\n')
	l.trim()
	if !all {
		l.regs, l.slots = 0, 0
	}
}

// appendRefs writes what is held, by identity; locks of data sections have
// none.
func appendRefs(b []byte, n *node) []byte {
	if len(n.Refs) == 0 || n.Refs[0].ID == 0 {
		return b
	}
	sep := " refs="
	for i := range n.Refs {
		if id := n.Refs[i].ID; id != 0 {
			b = strconv.AppendUint(append(b, sep...), uint64(id), 10)
			sep = ","
		}
	}
	return b
}

var slotLetters = [...]byte{
	domain.ByteInvalid: '?', domain.ByteSpill: 'r', domain.ByteMisc: 'm', domain.ByteZero: '0',
	domain.ByteDynptr: 'd', domain.ByteIter: 'i', domain.ByteIRQFlag: 'f',
}

func (w *walker) appendSlot(b []byte, s *domain.Slot, i, frame int) []byte {
	valid := false
	var letters [domain.SlotSize]byte
	for j, k := range s.Bytes {
		letters[j] = slotLetters[k]
		valid = valid || k != domain.ByteInvalid
	}
	if !valid {
		return b
	}
	switch s.Bytes[0] {
	case domain.ByteIter:
		return appendIter(b, &s.Reg, i)
	case domain.ByteDynptr:
		return appendDynptr(b, &s.Reg, i)
	}
	b = fmt.Appendf(b, " fp%d=", -(i+1)*domain.SlotSize)
	if !s.IsSpill() {
		return append(b, letters[:]...)
	}
	b = append(b, letters[:domain.SlotSize-s.SpillWidth()]...)
	return w.appendReg(b, &s.Reg, frame)
}

var iterStates = [...]string{domain.IterNone: "<invalid>", domain.IterActive: "active", domain.IterDrained: "drained"}

// appendIter writes an iterator, at the slot that knows of it.
func appendIter(b []byte, r *domain.Reg, i int) []byte {
	if r.RefID == 0 {
		return b
	}
	return fmt.Appendf(b, " fp%d=iter_%s(ref_id=%d,state=%s,depth=%d)", -(i+1)*domain.SlotSize,
		iterName(r.BTF.Type(r.BTFID)), r.RefID, iterStates[r.IterState], r.IterDepth)
}

// appendDynptr writes a dynptr, at its second slot: that is seen first.
func appendDynptr(b []byte, r *domain.Reg, i int) []byte {
	if r.FirstSlot {
		return b
	}
	f := fieldList{b: fmt.Appendf(b, " fp%d=dynptr_%s(", -(i+dynptrSlots)*domain.SlotSize, dynptrKinds[r.Dynptr].name), first: true}
	f.add("id=%d", r.ID)
	if r.RefID != 0 {
		f.add("ref_id=%d", r.RefID)
	}
	f.add("dynptr_id=1") // the kernel's word for the first slot
	return append(f.b, ')')
}

// appendReg writes what is known of a register, as seen from a frame.
func (w *walker) appendReg(b []byte, r *domain.Reg, frame int) []byte {
	if r.Kind == domain.ScalarValue {
		if r.Precise {
			b = append(b, 'P')
		}
		if r.IsConst() {
			return domain.AppendSigned(b, int64(r.Value()))
		}
	}
	b = appendKind(b, r.Kind, r.Flags)
	switch r.Kind {
	case domain.PtrToArena:
		return b
	case domain.PtrToStack:
		if int(r.Frame) != frame {
			b = fmt.Appendf(b, "[%d]", r.Frame)
		}
		if r.IsConst() {
			return domain.AppendSigned(b, int64(r.Value())+int64(r.Off))
		}
	case domain.PtrToBTFID:
		b = append(b, r.BTF.Type(r.BTFID).Name...)
	}
	return w.appendRegFields(append(b, '('), r)
}

// fieldList separates the fields inside a register's parentheses.
type fieldList struct {
	b     []byte
	first bool
}

func (f *fieldList) add(format string, args ...any) {
	if !f.first {
		f.b = append(f.b, ',')
	}
	f.first = false
	f.b = fmt.Appendf(f.b, format, args...)
}

func (w *walker) appendRegFields(b []byte, r *domain.Reg) []byte {
	f := fieldList{b: b, first: true}
	if r.ID != 0 {
		f.add("id=%d", r.ID)
	}
	if r.Kind == domain.ScalarValue && r.Link != domain.LinkEqual {
		f.b = fmt.Appendf(f.b, "%+d", r.Off)
	}
	if r.RefID != 0 {
		f.add("ref_obj_id=%d", r.RefID)
	}
	if r.Flags&domain.NonOwnRef != 0 {
		f.add("non_own_ref")
	}
	if r.Kind == domain.ConstPtrToMap || r.Kind == domain.PtrToMapValue || r.Kind == domain.PtrToMapKey {
		s := w.mapOf(r).Spec()
		if s.Name != "" && !innerMap(r) {
			f.add("map=%s", kernelName(s.Name))
		}
		f.add("ks=%d,vs=%d", s.KeySize, s.ValueSize)
	}
	if r.Kind != domain.ScalarValue && r.Off != 0 {
		f.add("off=%s", domain.AppendSigned(nil, int64(r.Off)))
	}
	if r.IsPacket() {
		f.add("r=%s", domain.AppendUnsigned(nil, uint64(int64(r.Range))))
	}
	if r.Kind == domain.PtrToMem {
		f.add("sz=%s", domain.AppendUnsigned(nil, uint64(r.MemSize)))
	}
	if r.Kind == domain.ConstPtrToDynptr {
		f.add("type=%s", dynptrKinds[r.Dynptr].name)
	}
	if r.IsConst() {
		if r.Value() != 0 {
			f.add("imm=%s", domain.AppendSigned(nil, int64(r.Value())))
		}
	} else {
		f.b = r.Scalar.AppendLog(f.b, f.first)
	}
	return append(f.b, ')')
}

// mapNameLen is how much of a map's name the kernel keeps.
const mapNameLen = 15

func kernelName(s string) string { return s[:min(len(s), mapNameLen)] }

// kindNames are the kernel's words for kinds, flags apart.
var kindNames = [...]string{
	domain.NotInit: "?", domain.ScalarValue: "scalar", domain.PtrToCtx: "ctx",
	domain.ConstPtrToMap: "map_ptr", domain.PtrToMapValue: "map_value", domain.PtrToMapKey: "map_key",
	domain.PtrToStack: "fp", domain.PtrToPacketMeta: "pkt_meta", domain.PtrToPacket: "pkt",
	domain.PtrToPacketEnd: "pkt_end", domain.PtrToFlowKeys: "flow_keys", domain.PtrToSocket: "sock",
	domain.PtrToSockCommon: "sock_common", domain.PtrToTCPSock: "tcp_sock", domain.PtrToTPBuffer: "tp_buffer",
	domain.PtrToXDPSock: "xdp_sock", domain.PtrToBTFID: "ptr_", domain.PtrToMem: "mem",
	domain.PtrToArena: "arena", domain.PtrToBuf: "buf", domain.PtrToFunc: "func",
	domain.ConstPtrToDynptr: "dynptr_ptr",
}

// flagPrefixes are the kernel's words for flags, in its order.
var flagPrefixes = []struct {
	flag domain.TypeFlags
	word string
}{
	{domain.MemRdonly, "rdonly_"}, {domain.MemRingbuf, "ringbuf_"}, {domain.MemUser, "user_"},
	{domain.MemPercpu, "percpu_"}, {domain.PtrUntrusted, "untrusted_"}, {domain.PtrTrusted, "trusted_"},
	{domain.MemRCU, "rcu_"},
}

func appendKind(b []byte, k domain.RegKind, f domain.TypeFlags) []byte {
	for _, p := range flagPrefixes {
		if f&p.flag != 0 {
			b = append(b, p.word...)
		}
	}
	b = append(b, kindNames[k]...)
	if f&domain.MaybeNull != 0 {
		if k == domain.PtrToBTFID {
			return append(b, "or_null_"...)
		}
		b = append(b, "_or_null"...)
	}
	return b
}

// kindName is the kernel's word for what a register holds, as in messages.
func kindName(r *domain.Reg) string { return string(appendKind(nil, r.Kind, r.Flags)) }

// afterBranch writes what a comparison changed on the way that is followed.
func (l *logger) afterBranch(w *walker) {
	if l.on() && l.scratched() {
		l.changes(w)
	}
}

// entered writes both frames when the walk goes into a function.
func (l *logger) entered(w *walker) {
	if !l.on() {
		return
	}
	n := w.cur.CurNo()
	l.printf("caller:\n")
	l.state(w, w.cur, n-1, true)
	l.printf("callee:\n")
	l.state(w, w.cur, n, true)
}

// returning writes both frames when the walk leaves a function; pc is where it
// goes on.
func (l *logger) returning(w *walker) {
	if !l.on() {
		return
	}
	n := w.cur.CurNo()
	l.printf("returning from callee:\n")
	l.state(w, w.cur, n, true)
	l.printf("to caller at %d:\n", w.pc)
	l.state(w, w.cur, n-1, true)
}

func (l *logger) assumedValid(sub int, name string) {
	if l.on() {
		l.printf("Func#%d ('%s') is global and assumed valid.\n", sub, name)
	}
}

func (l *logger) loopLimit(w *walker) {
	if l.full() {
		l.printf("frame%d bpf_loop iteration limit reached\n", w.cur.CurNo())
	}
}

// preciseStretch, preciseInsn and preciseParent write how backtracking goes.
func (l *logger) preciseStretch(w *walker, frame, last, first, subseq int) {
	if l.full() {
		l.printf("mark_precise: frame%d: last_idx %d first_idx %d subseq_idx %d \n", frame, last, first, subseq)
	}
}

func (l *logger) preciseInsn(w *walker, pc int) {
	if !l.full() {
		return
	}
	b := &w.bt
	l.printf("mark_precise: frame%d: regs=%s stack=%s before %d: ", b.frame, regMask(b.regs[b.frame]), slotMask(b.slots[b.frame]), pc)
	l.buf = append(w.appendInsn(l.buf, pc), '\n')
}

func (l *logger) preciseParent(w *walker, st *node, frame int) {
	if !l.full() {
		return
	}
	b := &w.bt
	l.printf("mark_precise: frame%d: parent state regs=%s stack=%s: ", frame, regMask(b.regs[frame]), slotMask(b.slots[frame]))
	l.state(w, st, frame, true)
}

func (l *logger) propagating(b *backtracker) {
	if !l.full() {
		return
	}
	for i := b.frame; i >= 0; i-- {
		sep := fmt.Sprintf("frame %d: propagating ", i)
		for m := b.regs[i]; m != 0; m &= m - 1 {
			l.printf("%sr%d", sep, bits.TrailingZeros16(m))
			sep = ","
		}
		for m := b.slots[i]; m != 0; m &= m - 1 {
			l.printf("%sfp%d", sep, -8*(bits.TrailingZeros64(m)+1))
			sep = ","
		}
		if sep == "," {
			l.printf("\n")
		}
	}
}

func regMask(m uint16) string {
	s := ""
	for ; m != 0; m &= m - 1 {
		s += ",r" + strconv.Itoa(bits.TrailingZeros16(m))
	}
	return trimComma(s)
}

func slotMask(m uint64) string {
	s := ""
	for ; m != 0; m &= m - 1 {
		s += ",-" + strconv.Itoa(8*(bits.TrailingZeros64(m)+1))
	}
	return trimComma(s)
}

func trimComma(s string) string {
	if s == "" {
		return s
	}
	return s[1:]
}

// appendInsn writes an instruction as the log shows it, with its names.
func (w *walker) appendInsn(b []byte, pc int) []byte {
	next := bytecode.Insn{}
	if pc+1 < len(w.insns) {
		next = w.insns[pc+1]
	}
	return bytecode.AppendInsn(b, w.insns[pc], next, w.names)
}
