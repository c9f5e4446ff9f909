// This file compares context accesses with the running kernel: every offset,
// width and direction.

package catalog

import (
	"fmt"
	"slices"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
)

// kindInLog is how the kernel's log prints what a load gave.
var kindInLog = map[ValueKind]string{
	ValueScalar:           "R2=scalar(",
	ValuePacket:           "R2=pkt(",
	ValuePacketMeta:       "R2=pkt_meta(",
	ValuePacketEnd:        "R2=pkt_end(",
	ValueFlowKeys:         "R2=flow_keys(",
	ValueSocket:           "R2=sock(",
	ValueSockCommonOrNull: "R2=sock_common_or_null(",
	ValueSocketOrNull:     "R2=sock_or_null(",
	ValueBTF:              "R2=trusted_ptr_%s(",
	ValueTPBuffer:         "R2=tp_buffer(",
}

func TestContextsAgainstKernel(t *testing.T) {
	k := needKernel(t)
	target := Linux6_18
	accesses := 0
	seen := map[bytecode.ProgType]bool{}
	for _, e := range k.loadableEnvs(t) {
		e.Caps = CapsAll
		c := Context(e.Type)
		if c == nil {
			t.Errorf("%v: no context", e)
			continue
		}
		if c.BTFArgs || seen[e.Type] && !attachMatters(c) {
			continue
		}
		seen[e.Type] = true
		for _, off := range probeOffsets(c) {
			for _, size := range []int{1, 2, 4, 8} {
				if off%size != 0 && off > 16 {
					continue // refused everywhere alike
				}
				accesses += compareAccess(t, k, target, e, off, size)
			}
		}
	}
	atLeast(t, 20_000, accesses, "accesses")
}

// attachMatters reports whether some field depends on the attach type.
func attachMatters(c *Ctx) bool {
	return slices.ContainsFunc(c.Fields, func(f CtxField) bool { return f.Attach != nil })
}

// probeOffsets are all offsets of contexts with fields, and those around the
// bounds of raw ones.
func probeOffsets(c *Ctx) []int {
	var offs []int
	for off := -8; off < int(c.Size)+16; off++ {
		raw := c.Raw != nil && off > 24
		if !raw && off < 272 || off > int(c.Size)-9 && off < 1<<15 {
			offs = append(offs, off)
		}
	}
	return offs
}

// compareAccess asks for a load, a sign-extending load and a store.
func compareAccess(t *testing.T, k *liveKernel, target *Target, e liveEnv, off, size int) int {
	type access struct {
		what string
		q    CtxQuery
		insn bytecode.Insn
	}
	accesses := []access{
		{"load", CtxQuery{Env: e.Env, Off: off, Size: size}, ldx(bytecode.ModeMEM, size, off)},
		{"store", CtxQuery{Env: e.Env, Off: off, Size: size, Write: true}, stx(size, off)},
	}
	if size < 8 {
		accesses = append(accesses, access{"sign-extending load",
			CtxQuery{Env: e.Env, Off: off, Size: size, SignExtend: true}, ldx(bytecode.ModeMEMSX, size, off)})
	}
	for _, a := range accesses {
		log, _ := e.load(k, movK(2, 0), a.insn, movK(0, 0), exit)
		want := !k.said(fmt.Sprintf("invalid bpf_context access off=%d size=%d", off, size))
		if e.Type == bytecode.ProgTracepoint && off < 0 {
			want = false // an unsigned comparison lets the kernel read in front of the record
		}
		r, got := target.CtxAccess(a.q)
		if got != want {
			t.Errorf("%v: %s off=%d size=%d: allowed=%v, kernel %v (%s)", e, a.what, off, size, got, want, log)
			continue
		}
		if name := loadedKind(r); got && !a.q.Write && !k.said(name) {
			t.Errorf("%v: %s off=%d size=%d does not give %s (%s)", e, a.what, off, size, name, log)
		}
	}
	return len(accesses)
}

func loadedKind(r CtxResult) string {
	if r.Kind == ValueBTF {
		return fmt.Sprintf(kindInLog[r.Kind], r.BTF)
	}
	return kindInLog[r.Kind]
}

func TestObjectsAgainstKernel(t *testing.T) {
	k := needKernel(t)
	jumpIfNull := bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpEq, Dst: 1, Off: 1}
	movR1R0 := bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUMov | bytecode.SrcX, Dst: 1, Src: 0}
	loadSock := func(off int16) bytecode.Insn {
		return bytecode.Insn{Op: bytecode.ClassLDX | bytecode.ModeMEM | bytecode.SizeDW, Dst: 1, Src: 1, Off: off}
	}
	for _, tt := range []struct {
		name   string
		object Object
		env    Env
		get    []bytecode.Insn // leaves the object or NULL in R1
		size   int
	}{
		{"sock_common", ObjectSockCommon, Env{Type: bytecode.ProgSchedCLS}, []bytecode.Insn{loadSock(168)}, 80},
		{"socket", ObjectSocket, Env{Type: bytecode.ProgSKMsg}, []bytecode.Insn{loadSock(72)}, 80},
		{"tcp_sock", ObjectTCPSock, Env{Type: bytecode.ProgCgroupSockopt, Attach: AttachCgroupSetsockopt},
			[]bytecode.Insn{loadSock(0), call(96), movR1R0}, 112},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := liveEnv{Env: tt.env}
			for off := 0; off < tt.size+8; off++ {
				for _, size := range []int{1, 2, 4, 8} {
					prog := slices.Concat(tt.get, []bytecode.Insn{jumpIfNull, ldx(bytecode.ModeMEM, size, off), movK(0, 0), exit})
					log, want := e.load(k, prog...)
					if !want && !k.said(fmt.Sprintf("access off=%d size=%d", off, size)) && !k.said("error during ctx access conversion") {
						t.Fatalf("off=%d size=%d: %s", off, size, log)
					}
					if _, got := Linux6_18.ObjectAccess(tt.object, off, size); got != want {
						t.Errorf("off=%d size=%d: allowed=%v, kernel %v (%s)", off, size, got, want, log)
					}
				}
			}
		})
	}
}
