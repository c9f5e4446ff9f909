// This file defines fragments that read objects of the kernel.

package fuzz

import "github.com/skepbpf/skep/internal/btfx"

// objID is the type of an object: a struct of the kernel's BTF.
type objID btfx.ID

// socketObj is a socket as helpers give it.
const socketObj objID = ^objID(0)

func isObject(v value) bool { return v.kind == objPtr }

// object reads a member, or takes a pointer out of one.
func (g *generator) object() bool {
	p, ok := g.having(isObject)
	if !ok {
		return false
	}
	v := g.state.regs[p]
	if v.obj == socketObj {
		r := g.target(true)
		g.emit(load(4, r, p, 4*g.IntN(7)))
		g.set(r, number(maxOf(4)))
		return true
	}
	return g.member(p, v)
}

// loadObject takes the object that the context points to.
func (g *generator) loadObject() {
	ctx, ok := g.having(isContext)
	r := g.saved()
	if !ok || r == ctx {
		return
	}
	g.emit(load(8, r, ctx, 0))
	g.set(r, value{kind: objPtr, obj: g.structOf(g.profile.object)})
}

// member reads a member that is a number; a pointer now and then, of which
// nothing is known.
func (g *generator) member(p reg, v value) bool {
	types := g.linux.BTF
	s := types.Type(btfx.ID(v.obj))
	if s == nil || len(s.Members) == 0 {
		return false
	}
	for range 20 {
		m := s.Members[g.IntN(len(s.Members))]
		t := types.Strip(m.Type)
		if m.BitSize != 0 || m.BitOffset > 8*0x7000 || t == nil {
			continue
		}
		switch {
		case t.Kind == btfx.KindInt && sizeBits[int(t.Size)] != 0 || t.Kind == btfx.KindInt && t.Size == 4:
			return g.readMember(p, m, int(t.Size), unknown)
		case t.Kind == btfx.KindPtr && g.chance(0.2):
			return g.readMember(p, m, 8, value{kind: objPtr, obj: g.pointee(t), tag: v.tag, weak: true})
		}
	}
	return false
}

func (g *generator) readMember(p reg, m btfx.Member, n int, v value) bool {
	r := g.target(v.kind == scalar)
	if v.kind == objPtr && g.linux.BTF.Type(btfx.ID(v.obj)).Kind != btfx.KindStruct {
		return false
	}
	off := int(m.BitOffset / 8)
	if g.mistake() {
		off += one(g, 1, 4, -4)
	}
	g.emit(load(n, r, p, off))
	g.set(r, v)
	return true
}

// pointee is what a pointer points to.
func (g *generator) pointee(t *btfx.Type) objID {
	if s := g.linux.BTF.Strip(t.Type); s != nil {
		return objID(s.ID)
	}
	return 0
}

// structOf gives the id of a struct of the kernel.
func (g *generator) structOf(name string) objID {
	id, _ := g.linux.BTF.Find(name, btfx.KindStruct)
	return objID(id)
}
