// This file defines Link, a program that events fire.

package skep

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/skepbpf/skep/internal/attach"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/ir"
)

// Link ties a program to packets that its owner brings, and applies the
// program's verdict to them. It is safe for concurrent use.
type Link struct {
	prog atomic.Pointer[Program] // nil once closed
	cpus *cpus
	hook *attach.Hook
	typ  bytecode.ProgType
}

// LinkInfo describes a link.
type LinkInfo struct {
	Type    string // "XDP"
	Program ProgramInfo
}

// AttachPackets makes a link for a program that sees packets: XDP, tc,
// cgroup_skb, or a socket filter. The link has its own handle of the program.
func (k *Kernel) AttachPackets(prog *Program) (*Link, error) {
	hook := attach.HookOf(prog.prog.linked.Type)
	if hook == nil {
		return nil, fmt.Errorf("attach program %s: no packets reach programs of type %s: %w", prog.Name(), prog.Type(), EINVAL)
	}
	own, err := prog.Clone()
	if err != nil {
		return nil, err
	}
	l := &Link{cpus: k.cpus, hook: hook, typ: prog.prog.linked.Type}
	l.prog.Store(own)
	return l, nil
}

// Event is what came of a packet.
type Event struct {
	Return  uint32
	Verdict string // "XDP_DROP"; "" when the value has no name
	// Packet is what goes on, as the program changed it: nil when the packet
	// was dropped or sent elsewhere. It is a part of the packet that Fire was
	// given, or of room that the next Fire with the same Event uses again.
	Packet []byte
	room   []byte
}

// Fire runs the program on an Ethernet frame, in place, and applies its
// verdict: a socket filter's return value is a snap length, which cuts the
// packet. e may be used again.
func (l *Link) Fire(frame []byte, e *Event) error {
	s := l.cpus.Lease()
	defer s.Release()
	h := l.prog.Load() // by now a change waits for this run
	if h == nil || h.prog.stopped() {
		return fmt.Errorf("link: %w", ErrClosed)
	}
	ret, pkt, err := h.prog.run(s, frame)
	if err != nil {
		return err
	}
	e.Return, e.Verdict, e.Packet = ret, l.hook.Verdict(ret), frame
	if h.prog.exe.Code().ChangesPkt {
		e.copyFrom(s, pkt, l.hook.L3)
	}
	n := l.hook.Keep(ret, len(e.Packet))
	if n == 0 {
		e.Packet = nil
		return nil
	}
	e.Packet = e.Packet[:n]
	return nil
}

// copyFrom takes the packet out of the slot, before the slot is released.
func (e *Event) copyFrom(s *engine.Slot, pkt *ir.Packet, linkHeader bool) {
	out := *pkt
	if linkHeader {
		out.Data = out.MACHeader
	}
	e.room = append(e.room[:0], s.Packet(&out)...)
	e.Packet = e.room
}

// Update puts another program of the same type in the place of the link's:
// each event sees one or the other. It returns after the last run of the old one.
func (l *Link) Update(prog *Program) error {
	if t := prog.prog.linked.Type; t != l.typ {
		return fmt.Errorf("update link: program %s is of type %s, not %s: %w", prog.Name(), typeName(t), typeName(l.typ), EINVAL)
	}
	own, err := prog.Clone()
	if err != nil {
		return fmt.Errorf("update link: %w", err)
	}
	for {
		old := l.prog.Load()
		if old == nil {
			return errors.Join(fmt.Errorf("update link: %w", ErrClosed), own.Close())
		}
		if l.prog.CompareAndSwap(old, own) {
			return old.Close()
		}
	}
}

// Verdict names a return value ("XDP_DROP"); "" when it has no name.
func (l *Link) Verdict(ret uint32) string { return l.hook.Verdict(ret) }

// Lengths reports whether return values are lengths of packets.
func (l *Link) Lengths() bool { return l.typ == bytecode.ProgSocketFilter }

// Info describes the link.
func (l *Link) Info() (*LinkInfo, error) {
	h := l.prog.Load()
	if h == nil {
		return nil, fmt.Errorf("link: %w", ErrClosed)
	}
	info, err := h.Info()
	if err != nil {
		return nil, err
	}
	return &LinkInfo{Type: l.hook.Name, Program: *info}, nil
}

// Close ends the link. It returns after the last run that it fired.
func (l *Link) Close() error {
	if h := l.prog.Swap(nil); h != nil {
		return h.Close()
	}
	return nil
}
