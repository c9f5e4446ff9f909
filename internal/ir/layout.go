// This file defines the layouts of the contexts that programs are given.

package ir

import "unsafe"

// Layout says where Skep keeps the fields of a context. A context in memory is
// the image of its UAPI structure, byte for byte, followed by what UAPI has no
// room for: the 64-bit pointers behind its 32-bit pointer fields, and the
// engine's own words. So an access is where UAPI says, except for the fields
// in Moved.
//
//	+--------------------------+-----------------------+-------------+
//	| UAPI image (ImageSize)   | pointers (Moved)      | engine's    |
//	+--------------------------+-----------------------+-------------+
//	0                                                               Size
type Layout struct {
	Name      string // name of the UAPI structure
	ImageSize int32
	Size      int32
	Moved     map[string]int32 // UAPI field name → byte offset of its 64-bit storage
}

// Offset gives the storage of an access at byte off, which lies in the named
// field.
func (l *Layout) Offset(field string, off int32) int32 {
	if at, ok := l.Moved[field]; ok {
		return at
	}
	return off
}

// XDP is the context of XDP programs: struct xdp_md, then the packet.
type XDP struct {
	_              [3]uint32 // data, data_end, data_meta
	IngressIfindex uint32
	RxQueueIndex   uint32
	EgressIfindex  uint32
	Packet
}

// SKB is the context of socket filter, tc, cgroup_skb and the other programs
// that look at a socket buffer: struct __sk_buff, then the packet.
type SKB struct {
	Len            uint32
	PktType        uint32
	Mark           uint32
	QueueMapping   uint32
	Protocol       uint32 // network order
	VlanPresent    uint32
	VlanTCI        uint32
	VlanProto      uint32
	Priority       uint32
	IngressIfindex uint32
	Ifindex        uint32
	TCIndex        uint32
	CB             [5]uint32
	Hash           uint32
	TCClassid      uint32
	_              [2]uint32 // data, data_end
	NapiID         uint32
	Family         uint32
	RemoteIP4      uint32
	LocalIP4       uint32
	RemoteIP6      [4]uint32
	LocalIP6       [4]uint32
	RemotePort     uint32
	LocalPort      uint32
	_              uint32 // data_meta
	FlowKeys       uint64
	Tstamp         uint64 // nanoseconds
	WireLen        uint32
	GSOSegs        uint32
	SK             uint64
	GSOSize        uint32
	TstampType     uint8
	_              [3]uint8
	HWTstamp       uint64
	Packet
}

// Packet is what a packet context keeps behind the UAPI image: addresses of
// the packet's bytes and of the buffer around them.
//
//	BufStart ≤ DataMeta ≤ Data ≤ DataEnd ≤ BufEnd
type Packet struct {
	Data, DataEnd, DataMeta uint64
	BufStart, BufEnd        uint64 // room that adjust_head and adjust_tail may use
	MACHeader, NetHeader    uint64 // 0 when not known
}

const (
	xdpImage = 24
	skbImage = 192
)

// XDPLayout and SKBLayout describe the structures above.
var (
	XDPLayout = packetLayout("xdp_md", xdpImage, unsafe.Offsetof(XDP{}.Packet), unsafe.Sizeof(XDP{}))
	SKBLayout = packetLayout("__sk_buff", skbImage, unsafe.Offsetof(SKB{}.Packet), unsafe.Sizeof(SKB{}))
)

// LayoutOf gives the layout of the UAPI structure of a name; nil when a context
// of that name is its UAPI image and nothing else.
func LayoutOf(name string) *Layout {
	for _, l := range []*Layout{XDPLayout, SKBLayout} {
		if l.Name == name {
			return l
		}
	}
	return nil
}

func packetLayout(name string, image int32, packet, size uintptr) *Layout {
	at := func(field uintptr) int32 { return int32(packet + field) }
	return &Layout{
		Name: name, ImageSize: image, Size: int32(size),
		Moved: map[string]int32{
			"data":      at(unsafe.Offsetof(Packet{}.Data)),
			"data_end":  at(unsafe.Offsetof(Packet{}.DataEnd)),
			"data_meta": at(unsafe.Offsetof(Packet{}.DataMeta)),
		},
	}
}
