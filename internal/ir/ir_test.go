// This file tests the tables of the package.

package ir

import (
	"testing"
	"unsafe"
)

func TestEveryOpcodeHasAName(t *testing.T) {
	seen := map[string]Opcode{}
	for c := Opcode(0); c < NumOpcodes; c++ {
		name := c.String()
		if name == "" {
			t.Errorf("opcode %d has no name", c)
		}
		if other, ok := seen[name]; ok {
			t.Errorf("opcodes %d and %d are both %q", other, c, name)
		}
		seen[name] = c
	}
}

func TestOpSize(t *testing.T) {
	if got := unsafe.Sizeof(Op{}); got != 16 {
		t.Errorf("an operation has %d bytes, want 16", got)
	}
}

// The images must be where UAPI has them: offsets by include/uapi/linux/bpf.h.
func TestImageOffsets(t *testing.T) {
	for _, row := range []struct {
		name      string
		got, want uintptr
	}{
		{"xdp_md.ingress_ifindex", unsafe.Offsetof(XDP{}.IngressIfindex), 12},
		{"xdp_md.egress_ifindex", unsafe.Offsetof(XDP{}.EgressIfindex), 20},
		{"xdp_md size", unsafe.Offsetof(XDP{}.Packet), xdpImage},
		{"__sk_buff.protocol", unsafe.Offsetof(SKB{}.Protocol), 16},
		{"__sk_buff.cb", unsafe.Offsetof(SKB{}.CB), 48},
		{"__sk_buff.hash", unsafe.Offsetof(SKB{}.Hash), 68},
		{"__sk_buff.napi_id", unsafe.Offsetof(SKB{}.NapiID), 84},
		{"__sk_buff.local_port", unsafe.Offsetof(SKB{}.LocalPort), 136},
		{"__sk_buff.flow_keys", unsafe.Offsetof(SKB{}.FlowKeys), 144},
		{"__sk_buff.tstamp", unsafe.Offsetof(SKB{}.Tstamp), 152},
		{"__sk_buff.sk", unsafe.Offsetof(SKB{}.SK), 168},
		{"__sk_buff.gso_size", unsafe.Offsetof(SKB{}.GSOSize), 176},
		{"__sk_buff.tstamp_type", unsafe.Offsetof(SKB{}.TstampType), 180},
		{"__sk_buff.hwtstamp", unsafe.Offsetof(SKB{}.HWTstamp), 184},
		{"__sk_buff size", unsafe.Offsetof(SKB{}.Packet), skbImage},
	} {
		if row.got != row.want {
			t.Errorf("%s is at %d, want %d", row.name, row.got, row.want)
		}
	}
}

func TestLayoutOffset(t *testing.T) {
	for _, row := range []struct {
		name   string
		layout *Layout
		field  string
		off    int32
		want   int32
	}{
		{"image field stays", SKBLayout, "mark", 8, 8},
		{"byte inside a field stays", SKBLayout, "cb", 53, 53},
		{"pointer moves", XDPLayout, "data", 0, int32(unsafe.Offsetof(XDP{}.Data))},
		{"end moves", SKBLayout, "data_end", 80, int32(unsafe.Offsetof(SKB{}.DataEnd))},
	} {
		if got := row.layout.Offset(row.field, row.off); got != row.want {
			t.Errorf("%s: %d, want %d", row.name, got, row.want)
		}
	}
	if LayoutOf("__sk_buff") != SKBLayout || LayoutOf("bpf_sock") != nil {
		t.Error("layouts are found by the wrong names")
	}
}

func TestOpString(t *testing.T) {
	for _, row := range []struct {
		op   Op
		want string
	}{
		{Op{Code: Add, Dst: R1, Src: RZero, Imm: -4}, "add r1, -4"},
		{Op{Code: Mov, Dst: R2, Src: R10, Imm: -8}, "mov r2, r10-8"},
		{Op{Code: Load32, Dst: R0, Src: R1, Off: 8}, "load32 r0, [r1+8]"},
		{Op{Code: Store8, Dst: R10, Src: RZero, Off: -1, Imm: 7}, "store8 [r10-1], 7"},
		{Op{Code: JSGtW, Dst: R3, Src: R4, Off: 9}, "jsgtw r3, r4 -> 9"},
		{Op{Code: Jump, Off: 3}, "jump -> 3"},
		{Op{Code: Exit}, "exit"},
		{Op{Code: PacketWord, Dst: 2, Src: RZero, Imm: 12}, "packetword16 12"},
	} {
		if got := row.op.String(); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}
