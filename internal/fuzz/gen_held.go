// This file defines what a program holds: objects in the stack, and things that
// it must give back on every path.

package fuzz

import (
	"math/bits"

	"github.com/skepbpf/skep/internal/bytecode"
)

// Objects live below the slots that fragments track and above the buffers.
const (
	objectTop  = -8 * numSlots
	numObjects = 10
)

// tag names what a pointer is worth nothing without.
type tag uint16

// packetTag is of what a change of the packet makes invalid.
const packetTag tag = 1

func (g *generator) newTag() tag {
	g.tags++
	return packetTag + g.tags
}

// alloc reserves n slots for an object and gives its offset from R10.
func (g *generator) alloc(n int) (off int, ok bool) {
	mask := uint16(1)<<n - 1
	for i := range numObjects - n + 1 {
		if g.taken>>i&mask == 0 {
			g.taken |= mask << i
			return objectTop - 8*(i+n), true
		}
	}
	return 0, false
}

// free gives slots back.
func (g *generator) free(off, n int) {
	i := (objectTop-off)/8 - n
	g.taken &^= (uint16(1)<<n - 1) << i
}

// room reports whether so many slots are free.
func (g *generator) room(n int) bool { return numObjects-bits.OnesCount16(g.taken) >= n }

// frameAddr makes a register point to an object.
func (g *generator) frameAddr(r reg, off int) {
	if g.slip() {
		off += one(g, -8, 8, 1)
	}
	g.emit(mov(r, r10), addK(r, int32(off)))
	g.set(r, value{})
}

// held writes what is done while something is held, and its release, on the
// way on and on the way out.
func (g *generator) held(body, release func()) {
	outer := g.out
	g.out = g.newLabel()
	g.holds++
	body()
	g.holds--
	mine := g.out
	g.out = outer
	if !g.slip() {
		release()
		if g.slip() {
			release()
		}
	}
	if g.used(mine) {
		g.onWayOut(mine, release)
	}
}

// onWayOut writes a release that only those pass who give up.
func (g *generator) onWayOut(mine label, release func()) {
	on, after := g.newLabel(), g.state
	g.goTo(on)
	g.place(mine)
	if !g.slip() {
		release()
	}
	g.goTo(g.out)
	g.place(on)
	g.state = after
}

// given goes on with R0 where it is not NULL: v says what it is then.
func (g *generator) given(v value, body func()) {
	if g.slip() {
		g.take(v)
		body()
		return
	}
	if g.chance(0.4) {
		g.jump(jmpK(w64, bytecode.JmpEq, r0, 0), g.out)
		g.take(v)
		body()
		return
	}
	end := g.newLabel()
	g.set(r0, value{})
	before := g.state
	g.jump(jmpK(w64, bytecode.JmpEq, r0, 0), end)
	g.take(v)
	body()
	g.place(end)
	g.state.meet(&before)
}

// take keeps R0 where calls leave it alone, mostly.
func (g *generator) take(v value) {
	g.set(r0, v)
	if r := g.saved(); r >= r6 && g.pinned>>r&1 == 0 && g.chance(0.8) {
		g.emit(mov(r, r0))
		g.set(r, v)
	}
}

// keep stores R0 in an object's slot.
func (g *generator) keep(off int) { g.emit(storeX(8, r10, off, r0)) }

// lose forgets pointers that are worth nothing any more.
func (g *generator) lose(t tag) {
	if g.slip() {
		return
	}
	g.state.lose(t)
}

func (s *state) lose(t tag) {
	for i := range s.regs {
		if s.regs[i].tag == t {
			s.regs[i] = value{}
		}
	}
	for i := range s.slots {
		if s.slots[i].tag == t {
			s.drop(i)
		}
	}
}

// quiet leaves the registers that hold pointers as they are while fragments are
// written that must not call.
func (g *generator) quiet(body func()) {
	g.locked++
	body()
	g.locked--
}
