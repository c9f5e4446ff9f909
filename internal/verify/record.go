// This file defines the recorder that joins what every visit of an
// instruction has found into facts.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// factRecorder fills Facts. Only what pruning preserves may be recorded:
// docs/verifier.md, "Facts".
type factRecorder struct {
	facts Facts
	bases []regType // by instruction: what memory is accessed through, as first seen
	isCB  map[int]bool
	async map[int]bool
}

func newFactRecorder(p *bytecode.Program) *factRecorder {
	return &factRecorder{
		facts: Facts{Insns: make([]InsnFact, len(p.Insns))}, bases: make([]regType, len(p.Insns)),
		isCB: map[int]bool{}, async: map[int]bool{},
	}
}

func (f *factRecorder) seen(pc int) { f.facts.Insns[pc].Seen = true }

func (f *factRecorder) branch(pc int, taken bool) {
	if taken {
		f.facts.Insns[pc].BranchTaken = true
	} else {
		f.facts.Insns[pc].BranchFallthrough = true
	}
}

func (f *factRecorder) pointerMath(pc int, k domain.RegKind) { f.facts.Insns[pc].PtrALU = k }
func (f *factRecorder) tailCall()                            { f.facts.TailCalls = true }
func (f *factRecorder) changesPacket()                       { f.facts.ChangesPkt = true }
func (f *factRecorder) callback(sub int)                     { f.isCB[sub] = true }

func (f *factRecorder) load(pc int, l LoadFact) { f.facts.Insns[pc].Load = &l }

// exclusive are the pointers whose accesses are converted: an instruction that
// meets one of them must meet it on every path.
func exclusive(k domain.RegKind) bool {
	switch k {
	case domain.PtrToCtx, domain.PtrToSocket, domain.PtrToSockCommon, domain.PtrToTCPSock, domain.PtrToXDPSock,
		domain.PtrToBTFID, domain.PtrToArena, domain.ConstPtrToMap:
		return true
	}
	return false
}

// mayFault reports pointers whose target the verifier knows the type of, but
// not that it is there: a kernel guards such reads, or vouches for its own
// objects. In user space nobody does.
func mayFault(r *domain.Reg) bool {
	switch r.Kind {
	case domain.PtrToBTFID, domain.ConstPtrToMap, domain.PtrToSocket, domain.PtrToSockCommon, domain.PtrToTCPSock,
		domain.PtrToXDPSock, domain.PtrToTPBuffer, domain.PtrToBuf:
		return !allocated(r)
	case domain.PtrToMem:
		return r.Flags&domain.PtrUntrusted != 0
	}
	return false
}

// access joins an access through base with what earlier visits found.
func (f *factRecorder) access(w *walker, base domain.Reg, n memNeed) error {
	fact := &f.facts.Insns[w.pc]
	now := MemFact{Kind: base.Kind, Flags: base.Flags, MapIdx: -1}
	switch base.Kind {
	case domain.PtrToMapValue, domain.PtrToMapKey, domain.ConstPtrToMap:
		now.MapIdx = base.MapIdx
	case domain.PtrToCtx:
		now.CtxOff = n.off
	}
	now.MayFault = mayFault(&base)
	if !f.sameBase(w.pc, regType{base.Kind, base.Flags}, w.insns[w.pc].Class() == bytecode.ClassLDX) {
		return w.fail("same insn cannot be used with different pointers")
	}
	was := fact.Mem
	if was == nil {
		fact.Mem = &now
		return nil
	}
	if was.Kind != now.Kind {
		was.Kind = domain.PtrToMem // plain memory of either kind
	}
	if was.MapIdx != now.MapIdx {
		was.MapIdx = -1
	}
	was.Flags |= now.Flags
	was.MayFault = was.MayFault || now.MayFault
	return nil
}

// sameBase reports whether an instruction may go through t besides what it went
// through before. A load may meet memory and objects that are trusted
// differently: it is then as careful as with the least trusted.
func (f *factRecorder) sameBase(pc int, t regType, load bool) bool {
	was := &f.bases[pc]
	switch {
	case was.kind == domain.NotInit:
		*was = t
	case *was == t || !exclusive(was.kind) && !exclusive(t.kind):
	case !load || !memOrObject(was.kind) || !memOrObject(t.kind):
		return false
	default:
		if t.kind == domain.PtrToMem {
			was.kind = domain.PtrToMem
		}
		was.flags = (was.flags | t.flags) & (domain.PtrUntrusted | domain.MemRdonly)
	}
	return true
}

func memOrObject(k domain.RegKind) bool { return k == domain.PtrToMem || k == domain.PtrToBTFID }

// call joins a helper call.
func (f *factRecorder) call(pc int, m *callMeta) {
	now := CallFact{Proto: m.proto, Subprog: m.callback, MapIdx: -1, MemSize: m.memSize, InlineLoop: m.inlineLoop}
	if m.mapReg != nil && !innerMap(m.mapReg) {
		now.MapIdx = m.mapReg.MapIdx
	}
	if m.proto.Num == helperMapLookup && m.hasKey {
		now.ConstKey, now.HasConstKey = m.constKey, true
	}
	fact := &f.facts.Insns[pc]
	if fact.Call == nil {
		fact.Call = &now
		return
	}
	was := fact.Call
	was.InlineLoop = was.InlineLoop && now.InlineLoop && was.Subprog == now.Subprog
	if was.Subprog != now.Subprog {
		was.Subprog = -1
	}
	if was.MapIdx != now.MapIdx {
		was.MapIdx = -1
	}
	if !now.HasConstKey || was.ConstKey != now.ConstKey {
		was.HasConstKey = false
	}
	if was.MemSize != now.MemSize {
		was.MemSize = 0
	}
}

func (f *factRecorder) callSubprog(pc, callee int) {
	f.facts.Insns[pc].Call = &CallFact{Subprog: int32(callee), MapIdx: -1}
}

// finish adds what is known of the functions.
func (f *factRecorder) finish(subs subprogs, depths []int32) Facts {
	for i := range subs {
		s := &subs[i]
		f.facts.Subprogs = append(f.facts.Subprogs, SubprogFact{
			Start: s.Start, End: s.End, Name: s.Name, StackDepth: roundDepth(depths[i]),
			HasTailCall: s.HasTailCall, IsGlobal: s.IsGlobal,
			IsCallback: f.isCB[i], IsAsync: f.async[i],
		})
	}
	return f.facts
}
