// This file defines spin locks: where a lock is, which one is held, what may
// be called meanwhile.

package verify

import (
	"slices"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// Helpers of locks, by number (UAPI, stable).
const (
	helperSpinLock   = 93
	helperSpinUnlock = 94
	helperKptrXchg   = 194
)

// lockClass is a kind of lock: its field, how messages call it, and how a held
// one is noted.
type lockClass struct {
	field fieldKind
	word  string
	held  domain.RefKind
}

var spinLock = lockClass{fieldSpinLock, "bpf_spin", domain.RefLock}

// checkLockArg takes or gives back the lock that an argument points to.
func (w *walker) checkLockArg(r uint8, m *callMeta) error {
	if w.inLessCallback() {
		return w.deny(KindCall, int(r), "can't spin_{lock,unlock} in rbtree cb")
	}
	if err := w.checkLock(r, spinLock); err != nil {
		return err
	}
	reg := &w.regs()[r]
	if m.proto.Num == helperSpinLock {
		if w.holds(domain.RefLock) {
			return w.fail("Locking two bpf_spin_locks are not allowed")
		}
		w.takeLock(reg, spinLock)
		return nil
	}
	return w.dropLock(reg, spinLock)
}

// checkLock requires a pointer to the lock of a map's value or of an allocated
// object.
func (w *walker) checkLock(r uint8, class lockClass) error {
	reg := &w.regs()[r]
	if !reg.IsConst() {
		return w.fail("R%d doesn't have constant offset. %s_lock has to be at the constant offset", r, class.word)
	}
	what, name := "local", "kptr"
	if reg.Kind == domain.PtrToMapValue {
		s := w.mapOf(reg).Spec()
		what, name = "map", w.mapName(reg)
		if !w.typedMap(s) {
			return w.fail("map '%s' has to have BTF in order to use %s_lock", name, class.word)
		}
	}
	lock := w.regRecord(reg).one(class.field)
	if lock == nil {
		return w.fail("%s '%s' has no valid %s_lock", what, name, class.word)
	}
	if at := offsetIn(reg); at != int64(lock.off) {
		return w.fail("off %d doesn't point to 'struct %s_lock' that is at %d", at, class.word, lock.off)
	}
	return nil
}

// lockRef is the lock in what a pointer points to. The allocation is known by
// the pointer's identity, within its map or BTF.
func lockRef(r *domain.Reg, held domain.RefKind) domain.Ref {
	if r.Kind == domain.PtrToBTFID {
		return domain.Ref{Kind: held, ID: r.ID, MapIdx: -1, BTF: r.BTF}
	}
	return domain.Ref{Kind: held, ID: r.ID, MapIdx: r.MapIdx}
}

// isLock reports whether a resource is a lock.
func isLock(l *domain.Ref) bool {
	return l.Kind == domain.RefLock || l.Kind == domain.RefResLock || l.Kind == domain.RefResLockIRQ
}

// sameLock reports whether two locks are in the same allocation.
func sameLock(a, b *domain.Ref) bool { return a.ID == b.ID && a.MapIdx == b.MapIdx && a.BTF == b.BTF }

// holds reports whether a lock of a kind is held.
func (w *walker) holds(kind domain.RefKind) bool {
	return slices.ContainsFunc(w.cur.Refs, func(l domain.Ref) bool { return l.Kind == kind })
}

// heldLock is the held lock in the object that a pointer points to, nil when
// there is none.
func (w *walker) heldLock(r *domain.Reg) *domain.Ref {
	want := lockRef(r, domain.RefLock)
	for i := range w.cur.Refs {
		if l := &w.cur.Refs[i]; isLock(l) && sameLock(l, &want) {
			return l
		}
	}
	return nil
}

func (w *walker) takeLock(r *domain.Reg, class lockClass) {
	l := lockRef(r, class.held)
	l.Insn = w.pc
	w.cur.ActiveLocks++
	w.cur.Refs = append(w.cur.Refs, l)
}

// dropLock gives a lock back: the one that was taken last.
func (w *walker) dropLock(r *domain.Reg, class lockClass) error {
	if w.cur.ActiveLocks == 0 {
		return w.fail("%s_unlock without taking a lock", class.word)
	}
	want, at, last := lockRef(r, class.held), -1, -1
	for i := range w.cur.Refs {
		l := &w.cur.Refs[i]
		if l.Kind == class.held && sameLock(l, &want) {
			at = i
		}
		if isLock(l) {
			last = i
		}
	}
	switch {
	case at < 0:
		return w.fail("%s_unlock of different lock", class.word)
	case at != last:
		return w.fail("%s_unlock cannot be out of order", class.word)
	}
	w.cur.Refs = slices.Delete(w.cur.Refs, at, at+1)
	w.cur.ActiveLocks--
	w.forgetNodes()
	return nil
}

// lockedKfuncs are the beginnings of the names of functions that may be called
// while a lock is held.
var lockedKfuncs = []string{"bpf_list_", "bpf_rbtree_", "bpf_refcount_acquire", "bpf_iter_num_", "bpf_res_spin_"}

// isTreeName reports the functions of trees.
func isTreeName(name string) bool { return strings.HasPrefix(name, "bpf_rbtree_") }

// checkCallUnderLock refuses calls while a lock is held, but for the unlock.
func (w *walker) checkCallUnderLock(in bytecode.Insn) error {
	if w.cur.ActiveLocks == 0 || in.IsSubprogCall() {
		return nil
	}
	if in.IsHelperCall() && in.Imm == helperSpinUnlock {
		return nil
	}
	name := w.kfuncName(in)
	if in.IsKfuncCall() && slices.ContainsFunc(lockedKfuncs, func(p string) bool { return strings.HasPrefix(name, p) }) {
		return nil
	}
	return w.fail("function calls are not allowed while holding a lock")
}
