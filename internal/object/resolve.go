// This file defines how externs are found in a target.

package object

import (
	"errors"
	"fmt"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// resolved is what a ksym turned out to be.
type resolved struct {
	btfID btfx.ID // in the target; 0 for untyped ones and those not found
	addr  uint64  // of untyped ones
	err   error
}

// resolve finds a ksym. A weak one that is not there is no error: it has
// neither id nor address.
func (l *linker) resolve(ext *extern) resolved {
	r, ok := l.externs[ext]
	if !ok {
		r = l.find(ext)
		if ext.weak && errors.Is(r.err, ErrUnresolved) {
			r.err = nil
		}
		if r.err != nil {
			r.err = fmt.Errorf("extern %q: %w", ext.name, r.err)
		}
		l.externs[ext] = r
	}
	return r
}

func (l *linker) find(ext *extern) (r resolved) {
	switch {
	case ext.typeID == 0:
		r.addr, r.err = l.address(ext)
	case l.env.BTF == nil:
		r.err = ErrNoBTF
	case ext.isVar:
		r.btfID, r.err = l.findTyped(ext, ext.name, btfx.KindVar)
	default:
		r.btfID, r.err = l.findTyped(ext, btfx.EssentialName(ext.name), btfx.KindFunc)
		if ext.weak && errors.Is(r.err, errIncompatible) {
			r = resolved{} // another function of that name is as good as none
		}
	}
	return r
}

// ksymBase is where made-up addresses are: in the kernel's half.
const ksymBase = 0xffffffff80000000

// address returns the address of an untyped ksym.
func (l *linker) address(ext *extern) (uint64, error) {
	switch {
	case l.env.Syms != nil:
		return l.env.Syms(ext.name)
	case ext.weak:
		return 0, ErrUnresolved
	}
	return ksymBase + uint64(ext.index)*16, nil
}

var errIncompatible = errors.New("of another type in the target")

// findTyped finds a variable or function of the target whose type is
// compatible.
func (l *linker) findTyped(ext *extern, name string, kind btfx.Kind) (btfx.ID, error) {
	id, ok := l.env.BTF.Find(name, kind)
	if !ok {
		return 0, ErrUnresolved
	}
	t := l.env.BTF.Strip(l.env.BTF.Type(id).Type)
	if t == nil {
		return 0, errIncompatible
	}
	ok, err := l.core.compatible(ext.typeID, t.ID, maxMatchDepth)
	if err == nil && !ok {
		err = errIncompatible
	}
	return id, err
}

// poisonKfunc is the helper number, plus the extern's index, that libbpf puts
// where a weak kfunc is not there.
const poisonKfunc = 2002000000

// callExtern makes a call that of a kernel function.
func (a *assembly) callExtern(in *bytecode.Insn, ext *extern) error {
	if ext.isVar {
		return fmt.Errorf("extern %q: a call of a variable", ext.name)
	}
	r := a.l.resolve(ext)
	switch {
	case r.err != nil:
		return r.err
	case r.btfID == 0:
		*in = bytecode.Insn{Op: opCall, Imm: poisonKfunc + int32(ext.index)}
	default:
		in.Src, in.Imm, in.Off = bytecode.PseudoKfuncCall, int32(r.btfID), 0
	}
	return nil
}

// loadExtern makes a 64-bit load that of an extern's address.
func (a *assembly) loadExtern(at int, ext *extern) error {
	if ext.kconfig != nil {
		if err := a.l.noKconfig[ext]; err != nil {
			return err
		}
		a.loadValue(at, a.l.o.kconfig, ext.kconfig.off)
		return nil
	}
	r := a.l.resolve(ext)
	lo, hi := &a.insns[at], &a.insns[at+1]
	switch {
	case r.err != nil:
		return r.err
	case r.btfID != 0:
		lo.Src, lo.Imm, hi.Imm = bytecode.PseudoBTFID, int32(r.btfID), 0
	default:
		lo.Imm, hi.Imm = int32(r.addr), int32(r.addr>>32)
	}
	return nil
}
