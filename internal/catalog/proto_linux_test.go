// This file compares prototypes with the running kernel: a wrong argument is
// refused with the list of what would be right.

package catalog

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skepbpf/skep/internal/bytecode"
)

const memTypes = "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_"

// expected is what the kernel's log lists where an argument of the kind is a
// wrong one: a pointer in place of a scalar, a scalar in place of a pointer.
var expected = map[ArgKind]string{
	ArgConstMapPtr: "map_ptr", ArgMapKey: memTypes, ArgMapValue: memTypes, ArgMem: memTypes,
	ArgConstSize: "scalar", ArgConstSizeOrZero: "scalar", ArgConstAllocSize: "scalar", ArgScalar: "scalar",
	ArgCtx: "ctx", ArgSpinLock: "map_value, ptr_", ArgSockCommon: "sock_common, sock, tcp_sock, xdp_sock",
	ArgSocket: "sock", ArgBTFIDSockCommon: "sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_",
	ArgRingbufMem: "ringbuf_mem", ArgBTFID: "ptr_, trusted_ptr_, rcu_ptr_",
	ArgPercpuBTFID: "percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_",
	ArgFunc:        "func", ArgStack: "fp", ArgConstStr: "map_value", ArgTimer: "map_value",
	ArgKptr: "map_value, ptr_", ArgDynptr: "fp, dynptr_ptr",
}

// eachProto calls f once for every variant of a helper that can be called here.
func eachProto(t *testing.T, k *liveKernel, caps Caps, f func(liveEnv, *Proto)) {
	seen := map[FuncID]bool{}
	for _, e := range k.loadableEnvs(t) {
		e.Caps = caps
		for num := int32(1); num < NumHelpers; num++ {
			p, g := Linux6_18.Helper(e.Env, num)
			if g != Granted || seen[p.ID] || machineOnly[p.Name] != "" || p.MightSleep && !e.Sleepable() {
				continue
			}
			seen[p.ID] = true
			f(e, p)
		}
	}
}

func TestArgumentsAgainstKernel(t *testing.T) {
	k := needKernel(t)
	fd, err := createMap(bytecode.MapArray, mapShape{4, 8, 1, 0})
	if err != nil {
		t.Skipf("creating a map: %v", err)
	}
	defer unix.Close(fd)
	protos, arguments := 0, 0
	eachProto(t, k, CapsAll, func(e liveEnv, p *Proto) {
		protos++
		for i, a := range p.Args {
			prog := callWith(p, i, wrong(a), fd)
			if prog == nil {
				break // what comes before cannot be had in a straight line
			}
			arguments++
			log, _ := e.load(k, prog...)
			said := k.said(fmt.Sprintf("R%d type=", i+1)) || k.said(fmt.Sprintf("R%d !read_ok", i+1))
			want := expected[a.Kind]
			if want == "" && said || want != "" && !k.said(fmt.Sprintf("R%d type=%s expected=%s\n", i+1, wrongType(a), want)) {
				t.Errorf("%s argument %d: want expected=%q, kernel: %s", p.ID, i+1, want, log)
			}
		}
	})
	atLeast(t, 250, protos, "prototypes")
	atLeast(t, 700, arguments, "arguments")
}

// wrong is a value that the kind does not take: 4096 or the frame pointer.
func wrong(a Arg) func(r uint8) []bytecode.Insn {
	if a.Kind == ArgNone {
		return func(uint8) []bytecode.Insn { return []bytecode.Insn{} } // unset: it is not read
	}
	if wrongType(a) == "fp" {
		return func(r uint8) []bytecode.Insn { return []bytecode.Insn{movX(r, 10)} }
	}
	return func(r uint8) []bytecode.Insn { return []bytecode.Insn{movK(r, 4096)} }
}

func wrongType(a Arg) string {
	if expected[a.Kind] == "scalar" || a.Kind == ArgAnything {
		return "fp"
	}
	return "scalar"
}

// Which memory a helper writes: a read-only map's value is refused there.
func TestWrittenMemoryAgainstKernel(t *testing.T) {
	k := needKernel(t)
	fd, err := createMap(bytecode.MapArray, mapShape{4, 64, 1, bytecode.MapRdonlyProg})
	if err != nil {
		t.Skipf("creating a map: %v", err)
	}
	defer unix.Close(fd)
	readOnly := func(r uint8) []bytecode.Insn {
		return []bytecode.Insn{{Op: bytecode.OpLdImm64, Dst: r, Src: bytecode.PseudoMapValue, Imm: int32(fd)}, {}}
	}
	arguments := 0
	eachProto(t, k, CapsAll, func(e liveEnv, p *Proto) {
		for i, a := range p.Args {
			prog := callWith(p, i, readOnly, fd)
			if a.Kind != ArgMem || prog == nil {
				continue
			}
			log, loaded := e.load(k, prog...)
			refused := k.said("write into map forbidden, value_size=64")
			if !loaded && !refused && !k.said("cannot pass map_type") {
				continue // something else was refused first
			}
			arguments++
			if want := a.Flags&ArgWrite != 0; refused != want {
				t.Errorf("%s argument %d: written %v, kernel %v (%s)", p.ID, i+1, want, refused, log)
			}
		}
	})
	atLeast(t, 60, arguments, "arguments")
}

// Which memory may be left uninitialised: the kernel looks when the loader
// lacks CAP_PERFMON.
func TestUninitialisedMemoryAgainstKernel(t *testing.T) {
	k := needKernel(t)
	const caps = CapBPF | CapNetAdmin
	k.loadableEnvs(t) // with all capabilities, for all tests
	withCaps(t, caps, func() {
		arguments := 0
		below := func(r uint8) []bytecode.Insn {
			return []bytecode.Insn{movX(r, 10), {Op: bytecode.ClassALU64 | bytecode.ALUAdd, Dst: r, Imm: -80}}
		}
		eachProto(t, k, caps, func(e liveEnv, p *Proto) {
			for i, a := range p.Args {
				prog := callWith(p, i, below, 0)
				if a.Kind != ArgMem || prog == nil {
					continue
				}
				log, loaded := e.load(k, prog...)
				refused := k.said(fmt.Sprintf("invalid read from stack R%d off=-80", i+1))
				if !loaded && !refused {
					continue
				}
				arguments++
				if want := a.Flags&ArgUninit == 0; refused != want {
					t.Errorf("%s argument %d: must be initialised %v, kernel %v (%s)", p.ID, i+1, want, refused, log)
				}
			}
		})
		atLeast(t, 40, arguments, "arguments")
	})
}

// GPL-only and sleeping helpers are refused before their arguments are read.
func TestLicencesAgainstKernel(t *testing.T) {
	k := needKernel(t)
	eachProto(t, k, CapsAll, func(e liveEnv, p *Proto) {
		k.load(liveLoad{Type: e.Type, Attach: e.Attach, BTFID: e.btfID, Flags: e.Flags, NotGPL: true,
			Insns: []bytecode.Insn{call(p.Num), movK(0, 0), exit}})
		if got := k.said("cannot call GPL-restricted function"); got != p.GPLOnly {
			t.Errorf("%s: GPL only %v, kernel %v", p.ID, p.GPLOnly, got)
		}
	})
}

func TestMightSleepAgainstKernel(t *testing.T) {
	k := needKernel(t)
	e := liveEnv{Env: Env{Type: bytecode.ProgKprobe, Caps: CapsAll}}
	for num := int32(1); num < NumHelpers; num++ {
		p, grant := Linux6_18.Helper(e.Env, num)
		e.load(k, call(num), movK(0, 0), exit)
		got := k.said("helper call might sleep in a non-sleepable prog")
		if grant == Granted && machineOnly[p.Name] == "" && got != p.MightSleep {
			t.Errorf("%s: might sleep %v, kernel %v", p.ID, p.MightSleep, got)
		}
	}
}

// Which helpers may be given packet memory, in which types.
func TestPacketArgumentsAgainstKernel(t *testing.T) {
	k := needKernel(t)
	fd, err := createMap(bytecode.MapArray, mapShape{4, 8, 1, 0})
	if err != nil {
		t.Skipf("creating a map: %v", err)
	}
	defer unix.Close(fd)
	arguments := 0
	for _, e := range k.loadableEnvs(t) {
		e.Caps = CapsAll
		data, end := packetFields(Context(e.Type))
		if data == nil || e.Attach != 0 && e.Type == bytecode.ProgSockOps {
			continue
		}
		for num := int32(1); num < NumHelpers; num++ {
			p, grant := Linux6_18.Helper(e.Env, num)
			for i, a := range p.Args {
				prog := callWith(p, i, func(r uint8) []bytecode.Insn { return []bytecode.Insn{movX(r, 7)} }, fd)
				if grant != Granted || a.Kind != ArgMem && a.Kind != ArgMapKey && a.Kind != ArgMapValue || prog == nil {
					continue
				}
				log, loaded := e.load(k, slices.Concat(packetBounds(data, end), prog)...)
				refused := k.said("helper access to the packet is not allowed")
				if !loaded && !refused {
					continue
				}
				arguments++
				if want := ProgTypeInfo(e.Type).HelperTakesPacket(p); want == refused {
					t.Errorf("%v: %s argument %d: may be packet %v, kernel %v (%s)", e, p.ID, i+1, want, loaded, log)
				}
			}
		}
	}
	atLeast(t, 60, arguments, "arguments")
}

func packetFields(c *Ctx) (data, end *CtxField) {
	for i := range c.Fields {
		switch f := &c.Fields[i]; f.Kind {
		case ValuePacket:
			data = f
		case ValuePacketEnd:
			end = f
		}
	}
	return data, end
}

// packetBounds leaves a pointer to 40 readable bytes of packet in R7.
func packetBounds(data, end *CtxField) []bytecode.Insn {
	load := func(dst uint8, f *CtxField) bytecode.Insn {
		return bytecode.Insn{Op: bytecode.ClassLDX | bytecode.ModeMEM | sizeOp[int(f.Size)], Dst: dst, Src: 1, Off: int16(f.Off)}
	}
	return []bytecode.Insn{
		load(7, data), load(8, end), movX(9, 7),
		{Op: bytecode.ClassALU64 | bytecode.ALUAdd, Dst: 9, Imm: 40},
		{Op: bytecode.ClassJMP | bytecode.JmpLe | bytecode.SrcX, Dst: 9, Src: 8, Off: 2},
		movK(0, 0), exit,
	}
}

// callWith returns a program that calls p with argument bad set by set, the
// others before it (and a size after it) plain; nil where one has no plain
// value.
func callWith(p *Proto, bad int, set func(r uint8) []bytecode.Insn, fd int) []bytecode.Insn {
	prog := []bytecode.Insn{movX(6, 1)}
	for off := int16(-40); off < 0; off += 8 {
		prog = append(prog, bytecode.Insn{Op: bytecode.ClassST | bytecode.ModeMEM | bytecode.SizeDW, Dst: 10, Off: off})
	}
	for i, a := range p.Args {
		r := uint8(i + 1)
		insns := set(r)
		if i != bad {
			insns = plain(a, r, fd)
		}
		switch {
		case insns == nil && i < bad:
			return nil
		case insns == nil && i > bad:
			continue
		}
		prog = append(prog, insns...)
	}
	return append(prog, call(p.Num), movK(0, 0), exit)
}

// plain sets a register to the simplest argument of a kind: 0, the map, 40
// bytes of stack; nil for kinds without.
func plain(a Arg, r uint8, fd int) []bytecode.Insn {
	switch a.Kind {
	case ArgConstMapPtr:
		return []bytecode.Insn{{Op: bytecode.OpLdImm64, Dst: r, Src: bytecode.PseudoMapFD, Imm: int32(fd)}, {}}
	case ArgCtx:
		return []bytecode.Insn{movX(r, 6)}
	case ArgAnything, ArgScalar:
		return []bytecode.Insn{movK(r, 0)}
	case ArgConstSize, ArgConstSizeOrZero, ArgConstAllocSize:
		return []bytecode.Insn{movK(r, 8)}
	case ArgMem, ArgMapKey, ArgMapValue:
		return []bytecode.Insn{movX(r, 10), {Op: bytecode.ClassALU64 | bytecode.ALUAdd, Dst: r, Imm: -40}}
	}
	if a.Flags&ArgMaybeNull != 0 {
		return []bytecode.Insn{movK(r, 0)}
	}
	return nil
}
