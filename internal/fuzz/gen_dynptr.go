// This file defines fragments that make dynptrs and use them.

package fuzz

// dynptr is one in scope.
type dynptr struct {
	off    int  // from R10
	size   int  // what is asked for at most
	tag    tag  // of its slices
	packet bool // slices by kfuncs only
	write  bool
	held   bool // a clone lives as long
	loops  int  // around its making
}

// dynptrKind makes dynptrs of a kind.
type dynptrKind struct {
	make   func(g *generator, d *dynptr) bool
	packet bool
	held   bool
}

var dynptrKinds = []dynptrKind{
	{make: (*generator).dynptrFromMem},
	{make: (*generator).dynptrFromRing, held: true},
	{make: (*generator).dynptrFromPacket, packet: true},
}

const (
	helperDynptrFromMem     = 197
	helperRingReserveDynptr = 198
	helperRingSubmitDynptr  = 199
	helperRingDiscardDynptr = 200
	helperDynptrRead        = 201
	helperDynptrWrite       = 202
	helperDynptrData        = 203
)

// newDynptr makes a dynptr and writes a block in which it is used.
func (g *generator) newDynptr() bool {
	k := &dynptrKinds[g.IntN(len(dynptrKinds))]
	if !g.mayCall() || !g.nests() || k.held && !g.varies() {
		return false
	}
	before := g.taken
	off, ok := g.alloc(2)
	if !ok {
		return false
	}
	defer func() { g.taken = before }() // clones go with it
	d := dynptr{off: off, size: 8 + g.IntN(57), tag: packetTag, packet: k.packet, write: true, held: k.held, loops: g.loops}
	if !k.packet {
		d.tag = g.newTag()
	}
	if !k.make(g, &d) {
		return false
	}
	if k.held {
		g.held(func() { g.withDynptr(d) }, func() {
			g.frameAddr(r1, off)
			g.argK(r1+1, 0)
			g.callPlain(one(g, int32(helperRingSubmitDynptr), helperRingDiscardDynptr))
			g.lose(d.tag)
		})
	} else {
		g.withDynptr(d)
		g.lose(d.tag)
	}
	return true
}

// withDynptr writes a block with the dynptr in scope.
func (g *generator) withDynptr(d dynptr) {
	g.dynptrs = append(g.dynptrs, d)
	for range 1 + g.IntN(3) {
		g.useDynptr()
		g.block(1 + g.IntN(6))
	}
	g.dynptrs = g.dynptrs[:len(g.dynptrs)-1]
}

func (g *generator) dynptrFromMem(d *dynptr) bool {
	g.loadValue(r1, 1, 0)
	g.set(r1, value{})
	if g.mistake() {
		g.emit(mov(r1, r10), addK(r1, -8))
	}
	g.size(r1+1, d.size)
	g.argK(r1+2, 0)
	g.frameAddr(r1+3, d.off)
	g.callPlain(helperDynptrFromMem)
	return true
}

func (g *generator) dynptrFromRing(d *dynptr) bool {
	g.argMap(r1, ringMap)
	g.size(r1+1, d.size)
	g.argK(r1+2, 0)
	g.frameAddr(r1+3, d.off)
	g.callPlain(helperRingReserveDynptr)
	return true
}

// dynptrFromPacket tells the kfunc by the type of the context.
func (g *generator) dynptrFromPacket(d *dynptr) bool {
	name := "bpf_dynptr_from_skb"
	switch {
	case g.profile.family == xdp:
		name = "bpf_dynptr_from_xdp"
	case g.profile.family == tc && g.chance(0.2):
		name = "bpf_dynptr_from_skb_meta"
	}
	ctx, ok := g.having(isContext)
	if !ok || ctx <= r5 || !g.has(name) || g.profile.family&packets == 0 {
		return false
	}
	d.write = !g.profile.readOnly && g.profile.family != socket
	g.argCopy(r1, ctx)
	g.argK(r1+1, 0)
	g.frameAddr(r1+2, d.off)
	g.callKfunc(name)
	return true
}

// dynptrUses are what is done with a dynptr.
var dynptrUses []func(*generator, *dynptr) bool

func init() {
	dynptrUses = []func(*generator, *dynptr) bool{
		(*generator).dynptrData, (*generator).dynptrData,
		(*generator).dynptrSlice, (*generator).dynptrSlice,
		(*generator).dynptrRead, (*generator).dynptrWrite,
		(*generator).dynptrAsk, (*generator).dynptrAdjust, (*generator).dynptrClone, (*generator).dynptrCopy,
		(*generator).dynptrMemset, (*generator).dynptrOverwrite,
	}
}

func (g *generator) useDynptr() bool {
	if len(g.dynptrs) == 0 || !g.mayCall() {
		return false
	}
	d := g.dynptrs[g.IntN(len(g.dynptrs))]
	return dynptrUses[g.IntN(len(dynptrUses))](g, &d)
}

// offsetIn passes where in a dynptr to begin.
func (g *generator) offsetIn(r reg, d *dynptr) {
	if g.chance(0.3) {
		g.argSmall(r)
		return
	}
	g.argK(r, int32(g.IntN(d.size)))
}

func (g *generator) dynptrData(d *dynptr) bool {
	if d.packet && !g.slip() {
		return false
	}
	n := 1 + g.IntN(d.size)
	g.argK(r1+2, int32(n))
	g.offsetIn(r1+1, d)
	g.frameAddr(r1, d.off)
	g.callPlain(helperDynptrData)
	g.given(value{kind: memPtr, hi: n, atomic: true, tag: d.tag}, func() {})
	return true
}

func (g *generator) dynptrSlice(d *dynptr) bool {
	name, write := "bpf_dynptr_slice", false
	if (d.write && g.profile.family&(tc|xdp) != 0 || g.slip()) && g.chance(0.5) {
		name, write = "bpf_dynptr_slice_rdwr", true
	}
	if !g.has(name) {
		return false
	}
	n := 1 + g.IntN(d.size)
	if g.chance(0.5) {
		g.argK(r1+2, 0)
	} else {
		g.bytes(r1+2, n, true)
	}
	g.argK(r1+3, int32(n))
	g.offsetIn(r1+1, d)
	g.frameAddr(r1, d.off)
	g.callKfunc(name)
	g.given(value{kind: memPtr, hi: n, atomic: write, tag: d.tag}, func() {})
	return true
}

func (g *generator) dynptrRead(d *dynptr) bool {
	n := 1 + g.IntN(min(d.size, 32))
	g.bytes(r1, n, false)
	g.size(r1+1, n)
	g.frameAddr(r1+2, d.off)
	g.offsetIn(r1+3, d)
	g.argK(r1+4, 0)
	g.callPlain(helperDynptrRead)
	return true
}

func (g *generator) dynptrWrite(d *dynptr) bool {
	if !d.write && !g.slip() || d.packet && g.loops > 0 {
		return false
	}
	n := 1 + g.IntN(min(d.size, 32))
	g.bytes(r1+2, n, true)
	g.size(r1+3, n)
	g.frameAddr(r1, d.off)
	g.offsetIn(r1+1, d)
	g.argK(r1+4, 0)
	g.callPlain(helperDynptrWrite)
	if d.packet {
		g.state.dropPackets()
	}
	return true
}

// dynptrAsk asks for a property.
func (g *generator) dynptrAsk(d *dynptr) bool {
	name := one(g, "bpf_dynptr_size", "bpf_dynptr_is_null", "bpf_dynptr_is_rdonly")
	if !g.has(name) {
		return false
	}
	g.frameAddr(r1, d.off)
	g.callKfunc(name)
	return true
}

func (g *generator) dynptrAdjust(d *dynptr) bool {
	if !g.has("bpf_dynptr_adjust") {
		return false
	}
	g.frameAddr(r1, d.off)
	g.argSmall(r1 + 1)
	g.argSmall(r1 + 2)
	g.callKfunc("bpf_dynptr_adjust")
	return true
}

// dynptrClone makes a second one and writes a block with it.
func (g *generator) dynptrClone(d *dynptr) bool {
	if !g.has("bpf_dynptr_clone") || len(g.dynptrs) > 3 || !g.nests() || d.held && d.loops != g.loops && !g.slip() {
		return false
	}
	off, ok := g.alloc(2)
	if !ok {
		return false
	}
	g.frameAddr(r1, d.off)
	g.frameAddr(r1+1, off)
	g.callKfunc("bpf_dynptr_clone")
	c := *d
	c.off = off
	g.withDynptr(c)
	g.lose(d.tag)
	if !d.held {
		g.free(off, 2)
	}
	return true
}

func (g *generator) dynptrCopy(d *dynptr) bool {
	from := g.dynptrs[g.IntN(len(g.dynptrs))]
	if !g.has("bpf_dynptr_copy") || g.loops > 0 {
		return false
	}
	g.frameAddr(r1, d.off)
	g.offsetIn(r1+1, d)
	g.frameAddr(r1+2, from.off)
	g.offsetIn(r1+3, d)
	g.argSmall(r1 + 4)
	g.callKfunc("bpf_dynptr_copy")
	g.state.dropPackets()
	return true
}

func (g *generator) dynptrMemset(d *dynptr) bool {
	if !g.has("bpf_dynptr_memset") || g.loops > 0 {
		return false
	}
	g.frameAddr(r1, d.off)
	g.offsetIn(r1+1, d)
	g.argSmall(r1 + 2)
	g.argSmall(r1 + 3)
	g.callKfunc("bpf_dynptr_memset")
	g.state.dropPackets()
	return true
}

// dynptrOverwrite writes or reads the slots, or passes an address that is not
// the beginning.
func (g *generator) dynptrOverwrite(d *dynptr) bool {
	if !g.slip() {
		return false
	}
	off := d.off + g.IntN(2)*8
	r := g.target(true)
	if g.chance(0.5) {
		g.emit(storeK(one(g, 1, 4, 8), r10, off, 0))
	} else {
		g.emit(load(8, r, r10, off))
		g.set(r, unknown)
	}
	return true
}
