// This file defines the internet checksum (RFC 1071) and the helpers that
// update it in packets.

package helper

import (
	"encoding/binary"
	"math/bits"

	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
)

// sum32 is a sum in one's complement of 32-bit words, as they lie in memory.
// It is 0 only when all that was added is.
type sum32 uint32

// add adds with the carry brought round.
func (s sum32) add(v uint32) sum32 {
	sum, carry := bits.Add32(uint32(s), v, 0)
	return sum32(sum + carry)
}

// addBytes adds memory; behind its end it counts as zeros.
func (s sum32) addBytes(p []byte) sum32 {
	for ; len(p) >= 4; p = p[4:] {
		s = s.add(binary.NativeEndian.Uint32(p))
	}
	var rest [4]byte
	copy(rest[:], p)
	return s.add(binary.NativeEndian.Uint32(rest[:]))
}

// fold gives the sum in 16 bits.
func (s sum32) fold() uint16 {
	sum := uint32(s)>>16 + uint32(s)&0xffff
	return uint16(sum + sum>>16)
}

// add16 adds two 16-bit sums.
func add16(a, b uint16) uint16 { return sum32(uint32(a) + uint32(b)).fold() }

// csumDiff gives seed - from + to, folded to 16 bits. Either side may be empty.
// (Before 6.13 the sum was not folded, and sizes had to be multiples of 4.)
func csumDiff(c *engine.Call, from, fromSize, to, toSize, seed uint64) uint64 {
	old, new := bytesAt(c, from, fromSize), bytesAt(c, to, toSize)
	sum := sum32(seed)
	switch {
	case len(old) > 0 && len(new) > 0:
		sum = sum.addBytes(new).add(^uint32(sum32(0).addBytes(old)))
	case len(new) > 0:
		sum = sum.addBytes(new)
	case len(old) > 0:
		sum = ^(^sum).addBytes(old)
	}
	return uint64(sum.fold())
}

// csumUpdate is for packets whose checksum the network card has computed: none.
func csumUpdate(*engine.Call, uint64, uint64, uint64, uint64, uint64) uint64 {
	return result(errno.ENOTSUPP)
}

// What bpf_csum_level does.
const (
	csumLevelQuery = iota
	csumLevelInc
	csumLevelDec
	csumLevelReset
)

// csumLevel has nothing to do: no network card has vouched for any checksum.
func csumLevel(_ *engine.Call, _, level, _, _, _ uint64) uint64 {
	switch level {
	case csumLevelInc, csumLevelDec, csumLevelReset:
		return 0
	case csumLevelQuery:
		return result(errno.EACCES)
	}
	return result(errno.EINVAL)
}

// Flags of the helpers that replace checksums.
const (
	csumField     = 0xf    // BPF_F_HDR_FIELD_MASK: bytes that change; 0: to is a difference
	csumPseudo    = 1 << 4 // BPF_F_PSEUDO_HDR
	csumMangled0  = 1 << 5 // BPF_F_MARK_MANGLED_0: 0 means that there is none
	csumEnforce   = 1 << 6 // BPF_F_MARK_ENFORCE: even so
	csumIPv6      = 1 << 7 // BPF_F_IPV6
	l4CsumFlags   = csumField | csumPseudo | csumMangled0 | csumEnforce | csumIPv6
	mangled0      = 0xffff
	maxCsumOffset = 0xffff
)

func l3CsumReplace(c *engine.Call, ctx, offset, from, to, flags uint64) uint64 {
	field, err := csumAt(c, ctx, offset, flags&^csumField)
	if err != 0 {
		return result(err)
	}
	sum, err := replaceCsum(binary.NativeEndian.Uint16(field), from, to, flags)
	if err == 0 {
		binary.NativeEndian.PutUint16(field, sum)
	}
	return result(err)
}

// l4CsumReplace does no more for pseudo headers: what differs are packets whose
// checksum the network card computes.
func l4CsumReplace(c *engine.Call, ctx, offset, from, to, flags uint64) uint64 {
	field, err := csumAt(c, ctx, offset, flags&^l4CsumFlags)
	if err != 0 {
		return result(err)
	}
	sum := binary.NativeEndian.Uint16(field)
	if sum == 0 && flags&(csumMangled0|csumEnforce) == csumMangled0 {
		return 0
	}
	if flags&csumField == 2 {
		sum = replaceWord(sum, uint32(uint16(from)), uint32(uint16(to)))
	} else if sum, err = replaceCsum(sum, from, to, flags); err != 0 {
		return result(err)
	}
	if sum == 0 && flags&csumMangled0 != 0 {
		sum = mangled0
	}
	binary.NativeEndian.PutUint16(field, sum)
	return 0
}

// csumAt gives the two bytes of a checksum in the packet.
func csumAt(c *engine.Call, ctx, offset, badFlags uint64) ([]byte, errno.Errno) {
	offset = uint64(uint32(offset))
	if badFlags != 0 {
		return nil, errno.EINVAL
	}
	if offset > maxCsumOffset || offset%2 != 0 {
		return nil, errno.EFAULT
	}
	if field := inPacket(c, &c.SKB(ctx).Packet, offset, 2); field != nil {
		return field, 0
	}
	return nil, errno.EFAULT
}

// replaceCsum gives the checksum after a field of 2 or 4 bytes has changed, or
// after the difference to was added (RFC 1624).
func replaceCsum(sum uint16, from, to, flags uint64) (uint16, errno.Errno) {
	switch flags & csumField {
	case 0:
		if from != 0 {
			return 0, errno.EINVAL
		}
		return ^sum32(to).add(^uint32(sum)).fold(), 0
	case 2:
		return ^add16(add16(^sum, ^uint16(from)), uint16(to)), 0
	case 4:
		return replaceWord(sum, uint32(from), uint32(to)), 0
	}
	return 0, errno.EINVAL
}

// replaceWord never gives 0xffff, the other zero.
func replaceWord(sum uint16, from, to uint32) uint16 {
	return ^sum32(^uint32(sum)).add(^from).add(to).fold()
}
