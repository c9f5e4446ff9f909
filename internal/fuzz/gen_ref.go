// This file defines fragments that acquire references by helpers.

package fuzz

const (
	helperRingReserve = 131
	helperRingSubmit  = 132
	helperRingDiscard = 133
	helperSkLookupTCP = 84
	helperSkLookupUDP = 85
	helperSkRelease   = 86
)

// reference acquires one, uses it and gives it back.
func (g *generator) reference() bool {
	if !g.mayCall() || !g.nests() {
		return false
	}
	if g.profile.family&(tc|cgroup|xdp) != 0 && g.chance(0.3) {
		return g.socket()
	}
	return g.record()
}

// record reserves a record of a ring buffer.
func (g *generator) record() bool {
	at, ok := g.alloc(1)
	if !ok || !g.varies() {
		return false
	}
	n := 1 + g.IntN(64)
	g.argMap(r1, ringMap)
	g.argK(r1+1, int32(n))
	g.argK(r1+2, 0)
	g.callPlain(helperRingReserve)
	v := value{kind: memPtr, hi: n, atomic: true, tag: g.newTag()}
	g.acquired(v, at, func() {
		g.argK(r1+1, 0)
		g.callPlain(one(g, int32(helperRingSubmit), helperRingDiscard))
	})
	return true
}

// socket looks a socket up.
func (g *generator) socket() bool {
	ctx, ok := g.having(isContext)
	if !ok || ctx <= r5 {
		return false
	}
	at, ok := g.alloc(1)
	if !ok {
		return false
	}
	g.bytes(r1+1, 12, true)
	g.argCopy(r1, ctx)
	g.argK(r1+2, 12)
	g.argK(r1+3, -1)
	g.argK(r1+4, 0)
	g.callPlain(one(g, int32(helperSkLookupTCP), helperSkLookupUDP))
	v := value{kind: objPtr, obj: socketObj, tag: g.newTag()}
	g.acquired(v, at, func() { g.callPlain(helperSkRelease) })
	return true
}

// acquired keeps R0, which refers to something or is NULL, until release, which
// finds it in R1. at is its slot, which is free afterwards.
func (g *generator) acquired(v value, at int, release func()) {
	g.given(v, func() { g.referring(v, at, release) })
	g.state.lose(v.tag)
	g.free(at, 1)
}

// referring is acquired where R0 is not NULL.
func (g *generator) referring(v value, at int, release func()) {
	g.keep(at)
	g.held(func() { g.block(1 + g.IntN(10)) }, func() {
		g.argKept(r1, at)
		release()
		g.lose(v.tag)
	})
}
