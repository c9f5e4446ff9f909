// This file defines the regions of a run: all memory that it may touch.

package engine

import (
	"encoding/binary"

	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/maps"
)

// RegionKind is the kind of memory behind an address.
type RegionKind uint8

// Kinds of regions.
const (
	NoRegion       RegionKind = iota
	StackRegion               // frame Index, counted from the run's first function; -1 when not known
	ContextRegion             // the context
	PacketRegion              // from data_meta to data_end
	MemoryRegion              // what Slot.Memory gave
	MapValueRegion            // one element of map Index of the program
	MapRegion                 // the handle of map Index; not to be read
	FuncRegion                // the handle of function Index; not to be read
	GivenRegion               // what a host function returned
)

var regionNames = [...]string{
	NoRegion: "no region", StackRegion: "stack", ContextRegion: "context", PacketRegion: "packet",
	MemoryRegion: "memory", MapValueRegion: "map value", MapRegion: "map", FuncRegion: "function",
	GivenRegion: "given memory",
}

// String returns the kind's name.
func (k RegionKind) String() string { return regionNames[k] }

// Region is a piece of memory that an access must stay inside.
type Region struct {
	Kind  RegionKind
	Index int
	Addr  uint64
	Size  uint64 // bytes; 0 for handles
}

// contains reports whether n bytes at addr lie inside.
func (r Region) contains(addr, n uint64) bool {
	off := addr - r.Addr
	return off <= r.Size && n <= r.Size-off
}

// readable reports whether the kind is memory.
func (k RegionKind) readable() bool {
	return k != NoRegion && k != MapRegion && k != FuncRegion
}

// MemoryView lets a Shadow ask what lies at the addresses that registers hold.
type MemoryView interface {
	// Region gives the region that an address lies in. One past its end is
	// in it only when nothing else begins there; an address in no region has
	// the kind NoRegion.
	Region(addr uint64) Region
	// Frames lists the stack frames of the run, the first function's first. A
	// frame's end is where its caller's begins, so a pointer to the stack is
	// placed by them, not by Region.
	Frames() []Region
	// Read copies memory and reports whether all of it is inside one region.
	Read(addr uint64, p []byte) bool
}

// region finds what the slot itself and the program's maps know.
func (s *Slot) region(p *Program, addr, n uint64) Region {
	for _, r := range s.ownRegions() {
		if r.Addr != 0 && r.contains(addr, n) {
			return r
		}
	}
	for i, m := range p.maps {
		if r, ok := mapRegion(m, addr, n); ok {
			r.Index = i
			return r
		}
	}
	if fn, ok := ir.FuncOf(addr); ok && n == 0 && fn < len(p.code.Funcs) {
		return Region{Kind: FuncRegion, Index: fn, Addr: addr}
	}
	return Region{}
}

// ownRegions lists stack, packet, memory and context. The packet comes first:
// of regions that touch, the one that the address begins is the better answer.
func (s *Slot) ownRegions() [4]Region {
	var pkt Region
	run := &s.contexts[max(s.depth, 1)-1]
	if run.packet != 0 {
		p := at[ir.Packet](run.packet)
		pkt = Region{Kind: PacketRegion, Addr: p.DataMeta, Size: p.DataEnd - p.DataMeta}
	}
	return [4]Region{
		pkt,
		{Kind: MemoryRegion, Addr: run.given, Size: run.givenSize},
		{Kind: ContextRegion, Addr: run.addr, Size: run.size},
		{Kind: StackRegion, Index: -1, Addr: s.hdr.StackLow, Size: uint64(len(s.stack))},
	}
}

// mapRegion finds the element of a map that n bytes at addr lie in; for n = 0
// also the map itself, by its handle.
func mapRegion(m *maps.Map, addr, n uint64) (Region, bool) {
	if n == 0 && addr == Handle(m) {
		return Region{Kind: MapRegion, Addr: addr}, true
	}
	value, size, ok := m.Locate(uintptr(addr))
	if !ok {
		return Region{}, false
	}
	r := Region{Kind: MapValueRegion, Addr: uint64(value), Size: uint64(size)}
	return r, r.contains(addr, n)
}

// probe copies memory that may not be there, and clears p where it is not.
func (s *Slot) probe(p *Program, dst []byte, addr uint64) bool {
	if !s.region(p, addr, uint64(len(dst))).Kind.readable() {
		clear(dst)
		return false
	}
	copy(dst, memory(addr, len(dst)))
	return true
}

// loadProbe is the operation LoadProbe: how is its Imm.
func (s *Slot) loadProbe(p *Program, addr uint64, how int64) uint64 {
	var word [8]byte
	size := int(how & 0xff)
	s.probe(p, word[:size], addr)
	v := binary.LittleEndian.Uint64(word[:])
	if how&ir.ProbeSigned == 0 {
		return v
	}
	shift := 64 - 8*size
	return uint64(int64(v<<shift) >> shift)
}
