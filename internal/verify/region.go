// This file defines bounds: memory of known size, map values, packets,
// alignment.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// checkRegion decides an access of size bytes at reg+off in memory of memSize
// bytes. off includes the register's fixed offset.
func (w *walker) checkRegion(reg uint8, off int32, size int, memSize uint32, zeroOK bool) error {
	r := &w.regs()[reg]
	// The extremes of the variable part decide: memory is contiguous.
	if r.SMin < 0 && (r.SMin == -1<<63 || int64(off)+r.SMin != int64(int32(int64(off)+r.SMin)) || int64(off)+r.SMin < 0) {
		return w.deny(KindBounds, int(reg), "R%d min value is negative, either use unsigned index or do a if (index >=0) check.", reg)
	}
	if err := w.checkRegionAt(reg, int64(off)+r.SMin, size, memSize, zeroOK); err != nil {
		w.note("R%d min value is outside of the allowed memory range", reg)
		return w.rejection(KindBounds, errEACCES, "R%d min value is outside of the allowed memory range", reg)
	}
	if r.UMax >= maxVarOff {
		return w.deny(KindBounds, int(reg), "R%d unbounded memory access, make sure to bounds check any such access", reg)
	}
	if err := w.checkRegionAt(reg, int64(off)+int64(r.UMax), size, memSize, zeroOK); err != nil {
		w.note("R%d max value is outside of the allowed memory range", reg)
		return w.rejection(KindBounds, errEACCES, "R%d max value is outside of the allowed memory range", reg)
	}
	return nil
}

func (w *walker) checkRegionAt(reg uint8, off int64, size int, memSize uint32, zeroOK bool) error {
	if off >= 0 && (size > 0 || zeroOK) && uint64(off)+uint64(size) <= uint64(memSize) {
		return nil
	}
	r := &w.regs()[reg]
	switch r.Kind {
	case domain.PtrToMapKey:
		return w.deny(KindBounds, int(reg), "invalid access to map key, key_size=%d off=%d size=%d", memSize, off, size)
	case domain.PtrToMapValue:
		return w.deny(KindBounds, int(reg), "invalid access to map value, value_size=%d off=%d size=%d", memSize, off, size)
	case domain.PtrToPacket, domain.PtrToPacketMeta, domain.PtrToPacketEnd:
		return w.deny(KindBounds, int(reg), "invalid access to packet, off=%d size=%d, R%d(id=%d,off=%d,r=%d)", off, size, reg, r.ID, off, memSize)
	}
	return w.deny(KindBounds, int(reg), "invalid access to memory, mem_size=%d off=%d size=%d", memSize, off, size)
}

// accessSource says who accesses memory.
type accessSource uint8

const (
	accessDirect accessSource = iota
	accessHelper
)

// checkMapAccess decides an access to a map value: bounds, and no overlap with
// fields that only helpers may touch.
func (w *walker) checkMapAccess(reg uint8, off int32, size int, zeroOK, read bool, src accessSource) error {
	r := &w.regs()[reg]
	m := w.mapOf(r)
	if err := w.checkRegion(reg, off, size, valueSize(m.Spec()), zeroOK); err != nil {
		return err
	}
	return w.checkSpecialFields(m, r, off, size, src)
}

// valueSize is the size of what a pointer to a map's value may access.
func valueSize(s *bytecode.MapSpec) uint32 { return s.ValueSize }

// checkMapRights decides whether the program may read or write the map.
func (w *walker) checkMapRights(reg uint8, off int32, size int, write bool) error {
	s := w.mapOf(&w.regs()[reg]).Spec()
	if write && s.Flags&bytecode.MapRdonlyProg != 0 {
		return w.deny(KindAccess, int(reg), "write into map forbidden, value_size=%d off=%d size=%d", s.ValueSize, off, size)
	}
	if !write && s.Flags&bytecode.MapWronlyProg != 0 {
		return w.deny(KindAccess, int(reg), "read from map forbidden, value_size=%d off=%d size=%d", s.ValueSize, off, size)
	}
	return nil
}

// maxPacketOff bounds what a packet pointer can have proved.
const maxPacketOff = 0xffff

// checkPacket decides an access to the packet by what comparisons with its
// end have proved.
func (w *walker) checkPacket(reg uint8, off int32, size int, zeroOK bool) error {
	r := &w.regs()[reg]
	if r.SMin < 0 {
		return w.deny(KindBounds, int(reg), "R%d min value is negative, either use unsigned index or do a if (index >=0) check.", reg)
	}
	if r.Range < 0 {
		return w.failErrno(errEINVAL, "R%d offset is outside of the packet", reg)
	}
	if err := w.checkRegionAt(reg, int64(off), size, uint32(r.Range), zeroOK); err != nil {
		w.note("R%d offset is outside of the packet", reg)
		return w.rejection(KindBounds, errEACCES, "R%d offset is outside of the packet", reg)
	}
	return nil
}

// mayWritePacket reports whether the program's type may store into packets.
func (w *walker) mayWritePacket() bool { return w.pt.PktWrite }

// helperMayRead reports whether a helper may be given packet memory.
func (w *walker) helperMayRead(p *catalog.Proto) bool {
	return w.pt.PktAnyHelper || w.pt.PktRead && p.PktAccess
}

// netIPAlign is how far the kernel shifts packets so that IP headers are
// aligned; on amd64 and arm64 it is 0, but strict alignment assumes 2.
const netIPAlign = 2

// checkAlignment tests an access against the alignment of its size.
func (w *walker) checkAlignment(r *domain.Reg, n memNeed) error {
	strict := w.strict || n.aligned
	what := ""
	switch r.Kind {
	case domain.PtrToPacket, domain.PtrToPacketMeta:
		return w.checkPacketAlignment(r, n, strict)
	case domain.PtrToFlowKeys:
		what = "flow keys "
	case domain.PtrToMapKey:
		what = "key "
	case domain.PtrToMapValue:
		what = "value "
	case domain.PtrToCtx:
		what = "context "
	case domain.PtrToStack:
		what, strict = "stack ", true // spills must not straddle slots
	case domain.PtrToSocket:
		what = "sock "
	case domain.PtrToSockCommon:
		what = "sock_common "
	case domain.PtrToTCPSock:
		what = "tcp_sock "
	case domain.PtrToXDPSock:
		what = "xdp_sock "
	case domain.PtrToArena:
		return nil
	}
	if !strict || n.size == 1 {
		return nil
	}
	if t := r.Var.Add(domain.TnumConst(uint64(int64(r.Off) + int64(n.off)))); !t.IsAligned(uint64(n.size)) {
		return w.deny(KindAlignment, int(n.reg), "misaligned %saccess off %s+%d+%d size %d", what, r.Var, r.Off, n.off, n.size)
	}
	return nil
}

func (w *walker) checkPacketAlignment(r *domain.Reg, n memNeed, strict bool) error {
	if !strict || n.size == 1 {
		return nil
	}
	if t := r.Var.Add(domain.TnumConst(uint64(int64(netIPAlign) + int64(r.Off) + int64(n.off)))); !t.IsAligned(uint64(n.size)) {
		return w.deny(KindAlignment, int(n.reg), "misaligned packet access off %d+%s+%d+%d size %d", netIPAlign, r.Var, r.Off, n.off, n.size)
	}
	return nil
}
