// This file tests kernels: limits, ids, closing.

package skep_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/skepbpf/skep"
)

func TestLimits(t *testing.T) {
	for _, row := range []struct {
		name   string
		limits skep.Limits
		errno  skep.Errno
	}{
		{"maps", skep.Limits{Maps: 2}, skep.EPERM},
		{"map memory", skep.Limits{MapBytes: 1000}, skep.ENOMEM},
		{"programs", skep.Limits{Programs: 1}, skep.EPERM},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := newKernel(t, &skep.KernelOptions{Limits: row.limits})
			_, err := k.Load(open(t, kindsObject), nil)
			if !errors.Is(err, skep.ErrLimit) || !errors.Is(err, row.errno) {
				t.Errorf("error %v, want ErrLimit and %v", err, row.errno)
			}
			// Nothing is left behind: what fits still does.
			load(t, k, assemble(t, ebpf.XDP, returns(2)...), nil)
		})
	}
}

// TestRunTime stops a program that runs for very long: nested bounded loops.
func TestRunTime(t *testing.T) {
	k := newKernel(t, &skep.KernelOptions{Limits: skep.Limits{RunTime: 5 * time.Millisecond}})
	p := load(t, k, spinner(t), nil).Programs["prog"]
	start := time.Now()
	if _, err := p.Run(make([]byte, 64)); err == nil {
		t.Error("an endless run ended by itself")
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("stopped after %v", d)
	}
}

// spinner is a program that takes may_goto's whole budget.
func spinner(t *testing.T) *skep.Object {
	t.Helper()
	mayGoto := asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(0xe0), Offset: 1}
	return assemble(t, ebpf.XDP,
		asm.Mov.Imm(asm.R0, 2),
		mayGoto,
		asm.Instruction{OpCode: asm.Ja.Op(asm.ImmSource), Offset: -2},
		asm.Return(),
	)
}

// TestCloseWaits: runs that go on while the kernel closes either end well or
// are told so; none comes after Close.
func TestCloseWaits(t *testing.T) {
	for range 20 {
		k, err := skep.NewKernel(nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := k.Load(open(t, protocolsObject), nil)
		if err != nil {
			t.Fatal(err)
		}
		p := c.Programs["protocols"]
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					if _, err := p.Run(make([]byte, 64)); err != nil {
						if !errors.Is(err, skep.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		time.Sleep(time.Millisecond)
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if _, err := k.Load(open(t, protocolsObject), nil); !errors.Is(err, skep.ErrClosed) {
			t.Errorf("load into a closed kernel: %v", err)
		}
	}
}

// TestKernelsShareNothing: ids begin anew, maps are apart.
func TestKernelsShareNothing(t *testing.T) {
	var ids []uint32
	for range 2 {
		c := load(t, newKernel(t, nil), open(t, protocolsObject), nil)
		info, err := c.Programs["protocols"].Info()
		if err != nil {
			t.Fatal(err)
		}
		if len(info.MapIDs) != 2 || info.Insns != 81 || info.Type != "socket_filter" || info.License != "Apache-2.0" {
			t.Errorf("info %+v", info)
		}
		ids = append(ids, info.ID)
	}
	if ids[0] != ids[1] {
		t.Errorf("ids %v depend on another kernel", ids)
	}
}

// TestMapReplacements shares a map between two collections.
func TestMapReplacements(t *testing.T) {
	k, obj := newKernel(t, nil), open(t, protocolsObject)
	a := load(t, k, obj, nil)
	b := load(t, k, obj, &skep.LoadOptions{MapReplacements: map[string]*skep.Map{"packets": a.Maps["packets"]}})
	packet := make([]byte, 64)
	packet[12], packet[23] = 8, 17
	for _, c := range []*skep.Collection{a, b} {
		if _, err := c.Programs["protocols"].Run(packet); err != nil {
			t.Fatal(err)
		}
	}
	var n uint64
	if err := b.Maps["packets"].Lookup(uint32(17), &n); err != nil || n != 2 {
		t.Errorf("%d packets, %v; want 2", n, err)
	}
	_, err := k.Load(obj, &skep.LoadOptions{MapReplacements: map[string]*skep.Map{"nothing": a.Maps["packets"]}})
	if !errors.Is(err, skep.ErrNotFound) {
		t.Errorf("replacement of an unknown map: %v", err)
	}
	_, err = k.Load(obj, &skep.LoadOptions{MapReplacements: map[string]*skep.Map{"packets": a.Maps["protocol.bss"]}})
	if !errors.Is(err, skep.ErrMapIncompatible) {
		t.Errorf("replacement of another size: %v", err)
	}
}
