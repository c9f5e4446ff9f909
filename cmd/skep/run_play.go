// This file defines how packets come by.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/skepbpf/skep/internal/attach"
	"github.com/skepbpf/skep/internal/attach/capture"
)

// checkEvery is how many packets pass between looks at the clock and at
// cancellation.
const checkEvery = 1024

// play gives every packet to every program.
func (r *runner) play(ctx context.Context) error {
	if r.flags.pcapOut != "" {
		sink, err := capture.Create(r.flags.pcapOut)
		if err != nil {
			return err
		}
		r.sink = sink
		if r.flags.pcapOut == capture.Stdin {
			r.out = r.err // standard output is the capture's
		}
	}
	switch {
	case r.flags.iface != "":
		return r.playInterface(ctx)
	case r.flags.pcap != "":
		return r.playCaptures(ctx)
	case r.flags.repeat > 0:
		return r.playZeros(ctx)
	}
	return errors.New("no packets: use --pcap or --iface, or --repeat for runs on zeros")
}

func (r *runner) playInterface(ctx context.Context) error {
	src, err := attach.OpenInterface(ctx, r.flags.iface)
	if err != nil {
		return err
	}
	defer src.Close()
	err = r.playSource(ctx, src, nil)
	if errors.Is(err, context.Canceled) {
		return nil // that is how it ends
	}
	return err
}

func (r *runner) playCaptures(ctx context.Context) error {
	for range max(r.flags.repeat, 1) {
		src, err := capture.Open(r.flags.pcap)
		if err != nil {
			return err
		}
		ahead := attach.ReadAhead(src)
		err = r.playSource(ctx, ahead, src.Progress)
		ahead.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) playZeros(ctx context.Context) error {
	return r.playSource(ctx, &zeros{left: r.flags.repeat}, nil)
}

// zeros is a source of frames of zero bytes.
type zeros struct {
	left  uint32
	frame [64]byte
}

func (z *zeros) Next(p *attach.Packet) error {
	if z.left == 0 {
		return io.EOF
	}
	z.left--
	clear(z.frame[:])
	p.Data, p.Length = z.frame[:], len(z.frame)
	return nil
}

func (z *zeros) Close() error { return nil }

// playSource plays one source to its end. Packets before an error have been seen.
func (r *runner) playSource(ctx context.Context, src attach.Source, progress func() (read, size int64)) error {
	watch := r.newWatch(progress)
	defer watch.stop()
	var p attach.Packet
	for n := 0; ; n++ {
		if n%checkEvery == 0 || r.flags.iface != "" {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("interrupted after %d packets: %w", n, err)
			}
			watch.tick(n)
		}
		err := src.Next(&p)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.packet(n, &p); err != nil {
			return err
		}
	}
}

// packet gives one packet to every program.
func (r *runner) packet(n int, p *attach.Packet) error {
	for _, a := range r.attached {
		frame := p.Data
		if len(r.attached) > 1 {
			a.frame = append(a.frame[:0], frame...)
			frame = a.frame
		}
		if err := a.fire(n, frame); err != nil {
			return fmt.Errorf("packet %d: %w", n+1, err)
		}
	}
	if len(r.rings) > 0 {
		if err := r.drain(); err != nil {
			return err
		}
	}
	return r.pass(p)
}

// After the first timeAll runs, of which all are measured, timeEvery share one
// measured one: reading the clock costs as much as a small program.
const (
	timeAll   = 1024
	timeEvery = 32
)

func (a *attached) fire(n int, frame []byte) error {
	if n >= timeAll && n%timeEvery != 0 {
		err := a.link.Fire(frame, &a.event)
		a.counts.add(a.event.Return)
		return err
	}
	start := time.Now()
	err := a.link.Fire(frame, &a.event)
	a.spent += time.Since(start)
	a.timed++
	a.counts.add(a.event.Return)
	return err
}

// pass writes what the program let pass, with the packet's own time. What the
// program left of the packet is also its length on the wire, unless the program
// kept all that was captured of a longer one.
func (r *runner) pass(p *attach.Packet) error {
	if r.sink == nil {
		return nil
	}
	out := r.attached[0].event.Packet
	if len(out) == 0 {
		return nil
	}
	return r.sink.Write(&attach.Packet{Data: out, Length: wireLength(p, out), Time: p.Time})
}

// wireLength keeps the original length where a snap length cut the packet.
func wireLength(p *attach.Packet, out []byte) int {
	if len(out) > len(p.Data) {
		return len(out)
	}
	return p.Length
}
