// This file defines the contexts of RunContext, per family of program types.

package skep

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/engine"
)

// loopback is the interface that packets of BPF_PROG_TEST_RUN come by.
const loopback = 1

// Offsets in struct xdp_md.
const (
	xdpData    = 0
	xdpDataEnd = 4
	xdpMeta    = 8
	xdpIngress = 12
	xdpQueue   = 16
	xdpEgress  = 20
	xdpSize    = 24
)

// enterXDP gives Context's meaning as BPF_PROG_TEST_RUN does: the first
// Context.data bytes of Data are metadata, the linear part of the packet ends at
// Context.data_end, and what is behind it is the packet's fragments.
func (c *testContext) enterXDP(s *engine.Slot) (uint64, uint64, error) {
	c.xdp = s.XDP(c.prog.exe, c.data)
	if c.opts.TestRun {
		c.xdp.IngressIfindex = loopback
	}
	if len(c.opts.Context) == 0 {
		return s.ContextAddr(), 0, nil
	}
	md, err := readXDP(c.opts.Context, len(c.data))
	if err != nil {
		return 0, 0, err
	}
	if md.ingress != 0 {
		c.xdp.IngressIfindex, c.xdp.RxQueueIndex = md.ingress, md.queue
	}
	c.md = md
	c.xdp.DataEnd = c.xdp.Data + uint64(md.end)
	c.xdp.Data += uint64(md.data)
	return s.ContextAddr(), 0, nil
}

// xdpMD is what a caller may say in struct xdp_md.
type xdpMD struct{ data, end, ingress, queue uint32 }

func readXDP(context []byte, size int) (md xdpMD, err error) {
	const maxMeta = 256 - 40 // XDP_PACKET_HEADROOM less struct xdp_frame
	if len(context) > xdpSize {
		return md, fmt.Errorf("xdp_md of %d bytes: %w", len(context), E2BIG)
	}
	var raw [xdpSize]byte
	copy(raw[:], context)
	u32 := func(off int) uint32 { return binary.NativeEndian.Uint32(raw[off:]) }
	md = xdpMD{u32(xdpData), u32(xdpDataEnd), u32(xdpIngress), u32(xdpQueue)}
	switch {
	case u32(xdpMeta) != 0 || u32(xdpEgress) != 0:
		return md, fmt.Errorf("xdp_md: data_meta and egress_ifindex must be 0: %w", EINVAL)
	case md.data > md.end || int(md.end) > size:
		return md, fmt.Errorf("xdp_md: data %d, data_end %d of %d bytes: %w", md.data, md.end, size, EINVAL)
	case md.data%4 != 0 || md.data > maxMeta || int(md.data) > size-etherLen:
		return md, fmt.Errorf("xdp_md: %d bytes of metadata: %w", md.data, EINVAL)
	case md.ingress == 0 && md.queue != 0:
		return md, fmt.Errorf("xdp_md: rx_queue_index without ingress_ifindex: %w", EINVAL)
	}
	return md, nil
}

func (c *testContext) finishXDP(s *engine.Slot) error {
	p := c.xdp.Packet
	var md [xdpSize]byte
	binary.NativeEndian.PutUint32(md[xdpData:], uint32(p.Data-p.DataMeta))
	binary.NativeEndian.PutUint32(md[xdpDataEnd:], uint32(p.DataEnd-p.DataMeta))
	binary.NativeEndian.PutUint32(md[xdpIngress:], c.md.ingress)
	binary.NativeEndian.PutUint32(md[xdpQueue:], c.md.queue)
	p.Data = p.DataMeta
	packet := s.Packet(&p)
	if len(c.opts.Context) > 0 {
		packet = append(bytes.Clone(packet), c.opts.Data[c.md.end:]...)
	}
	if err := c.putData(packet); err != nil {
		return err
	}
	return c.putContext(md[:])
}

// skbInput are the parts of struct __sk_buff that BPF_PROG_TEST_RUN takes and
// gives, as [from, to): all else must be 0.
var skbInput = [][2]int{
	{8, 12},    // mark
	{32, 44},   // priority, ingress_ifindex, ifindex
	{48, 68},   // cb
	{152, 168}, // tstamp, wire_len, gso_segs
	{176, 180}, // gso_size
	{184, 192}, // hwtstamp
}

const skbSize = 192

// seesLink are the types of programs that BPF_PROG_TEST_RUN gives a packet
// from its link header on.
func seesLink(t bytecode.ProgType) bool {
	return t == bytecode.ProgSchedCLS || t == bytecode.ProgSchedACT
}

func (c *testContext) enterSKB(s *engine.Slot) (uint64, uint64, error) {
	mac := 0
	t := c.prog.linked.Type
	if t != bytecode.ProgSocketFilter && !seesLink(t) || c.opts.TestRun && !seesLink(t) {
		if mac = etherLen; len(c.data) < mac {
			return 0, 0, fmt.Errorf("frame of %d bytes has no Ethernet header: %w", len(c.data), EINVAL)
		}
	}
	c.skb = enterSKB(s, c.prog.exe, c.data, mac)
	if c.opts.TestRun {
		c.skb.Ifindex, c.skb.PktType = loopback, pktType(c.data)
		c.skb.WireLen = 0 // unless the caller gives a context
	}
	if err := c.takeSKB(c.skbImage()); err != nil {
		return 0, 0, err
	}
	return s.ContextAddr(), 0, nil
}

// skbImage is the context as the UAPI structure.
func (c *testContext) skbImage() []byte {
	return (*[skbSize]byte)(unsafe.Pointer(c.skb))[:]
}

// takeSKB copies what Context may set.
func (c *testContext) takeSKB(image []byte) error {
	in := c.opts.Context
	if len(in) == 0 {
		return nil
	}
	if len(in) > skbSize {
		return fmt.Errorf("__sk_buff of %d bytes: %w", len(in), E2BIG)
	}
	full := make([]byte, skbSize)
	copy(full, in)
	length, ifindex := c.skb.Len, c.skb.Ifindex
	next := 0
	for _, r := range append(skbInput, [2]int{skbSize, skbSize}) {
		for i := next; i < r[0]; i++ {
			if full[i] != 0 {
				return fmt.Errorf("__sk_buff: byte %d must be 0: %w", i, EINVAL)
			}
		}
		copy(image[r[0]:r[1]], full[r[0]:r[1]])
		next = r[1]
	}
	if c.skb.WireLen == 0 {
		c.skb.WireLen = length
	}
	if c.skb.Ifindex == 0 {
		c.skb.Ifindex = ifindex
	}
	const maxSegments, maxWireLen = 65535, 65536
	if c.skb.WireLen < length || c.skb.WireLen > max(maxWireLen, length) || c.skb.GSOSegs > maxSegments {
		return fmt.Errorf("__sk_buff: wire_len %d or gso_segs %d: %w", c.skb.WireLen, c.skb.GSOSegs, EINVAL)
	}
	return nil
}

// finishSKB gives the packet back from its link header on. Where the program
// saw it from the network header BPF_PROG_TEST_RUN blanks the link header.
func (c *testContext) finishSKB(s *engine.Slot) error {
	packet := s.Packet(&c.skb.Packet)
	if c.opts.TestRun && !seesLink(c.prog.linked.Type) {
		packet = append(make([]byte, etherLen), packet...)
	}
	if err := c.putData(packet); err != nil {
		return err
	}
	out := make([]byte, skbSize)
	for _, r := range skbInput {
		copy(out[r[0]:r[1]], c.skbImage()[r[0]:r[1]])
	}
	return c.putContext(out)
}

// pktType tells whom a frame is for, seen from the loopback interface, whose
// own and broadcast addresses are all zeros.
func pktType(frame []byte) uint32 {
	const host, multicast, otherHost = 0, 2, 3
	dst := frame[:6]
	switch {
	case dst[0]&1 != 0:
		return multicast
	case string(dst) == "\x00\x00\x00\x00\x00\x00":
		return host
	}
	return otherHost
}

func (c *testContext) enterMemory(s *engine.Slot) (uint64, uint64, error) {
	return s.Memory(c.data), uint64(len(c.data)), nil
}

func (c *testContext) finishMemory(*engine.Slot) error { return c.putData(c.data) }

// enterPlain gives a context that is only bytes.
func (c *testContext) enterPlain(s *engine.Slot) (uint64, uint64, error) {
	if len(c.opts.Data) > 0 {
		return 0, 0, fmt.Errorf("programs of type %s see no packets: %w", typeName(c.prog.linked.Type), EINVAL)
	}
	if c.plain = s.Context(c.opts.Context); c.plain == nil {
		return 0, 0, fmt.Errorf("context of %d bytes: %w", len(c.opts.Context), E2BIG)
	}
	return s.ContextAddr(), 0, nil
}

func (c *testContext) finishPlain(*engine.Slot) error {
	return c.putContext(c.plain[:len(c.opts.Context)])
}

// putData gives the packet back.
func (c *testContext) putData(data []byte) error {
	if c.opts.DataOut == nil {
		return nil
	}
	n := copy(c.opts.DataOut, data)
	c.opts.DataOut = c.opts.DataOut[:n]
	if n < len(data) {
		return fmt.Errorf("packet of %d bytes, room for %d: %w", len(data), n, ENOSPC)
	}
	return nil
}

// putContext gives the context back; it may be longer than the caller wants.
func (c *testContext) putContext(image []byte) error {
	if c.opts.ContextOut == nil {
		return nil
	}
	c.opts.ContextOut = c.opts.ContextOut[:copy(c.opts.ContextOut, image)]
	return nil
}
