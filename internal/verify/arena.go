// This file defines arenas: memory that the program shares with user space,
// where every address is a number and every access is safe, because it stays
// in the arena whatever the upper half of the pointer holds, and where nothing
// is mapped it reads 0.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// usesArena reports whether an arena is among the program's maps.
func (w *walker) usesArena() bool {
	for _, m := range w.maps {
		if m.Spec().Type == bytecode.MapArena {
			return true
		}
	}
	return false
}

// castSpace is addr_space_cast: from a user-space address to one that the
// program may access (1), or back to a number.
func (w *walker) castSpace(in bytecode.Insn) error {
	if !w.usesArena() {
		return w.fail("addr_space_cast insn can only be used in a program that has an associated arena")
	}
	dst := &w.regs()[in.Dst]
	w.setUnknown(dst)
	if in.Imm == 1 {
		dst.Kind = domain.PtrToArena
	}
	return nil
}

// arenaMath is any operation with an arena pointer, which gives one.
func (w *walker) arenaMath(n aluNeed) {
	dst := &w.regs()[n.in.Dst]
	if dst.Kind != domain.PtrToArena {
		*dst = w.regs()[n.in.Src]
	}
	w.facts.pointerMath(w.pc, domain.PtrToArena)
}

// accessArena allows every access.
func (w *walker) accessArena(memNeed) (domain.Reg, error) { return w.unknownValue(), nil }

// noArenaAtomic are the operations that amd64 cannot do in an arena, where a
// fault must not leave them half done: they take a loop.
var noArenaAtomic = map[int32]bool{
	bytecode.AtomicAnd | bytecode.AtomicFetch: true, bytecode.AtomicOr | bytecode.AtomicFetch: true, bytecode.AtomicXor | bytecode.AtomicFetch: true,
}
