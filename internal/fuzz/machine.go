// This file defines the machine: how a verified program is run in Skep's engines.

package fuzz

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/helper"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/lower"
	"github.com/skepbpf/skep/internal/maps"
	"github.com/skepbpf/skep/internal/verify"
	"github.com/skepbpf/skep/world"
)

// runLimit bounds one run.
const runLimit = 3 * time.Second

// input is what a program is run on.
type input struct {
	packet  []byte // an Ethernet frame
	context []byte // where the context is given as such
}

func newInput(r *rand.Rand, p *profile) input {
	if p.context > 0 {
		return input{context: noise(r, p.context)}
	}
	pkt := noise(r, 34+r.IntN(100))
	pkt[0] &^= 1                                 // no group address
	binary.BigEndian.PutUint16(pkt[12:], 0x0800) // IPv4
	pkt[14] = 0x45
	return input{packet: pkt}
}

// noise gives bytes of which many are small, many zero.
func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		if v := r.Uint32(); v&3 == 0 {
			b[i] = byte(v >> 8)
		} else if v&3 == 1 {
			b[i] = byte(v>>8) & 15
		}
	}
	return b
}

// outcome is what a run leaves.
type outcome struct {
	ret    uint32
	packet []byte
}

func (o *outcome) String() string { return fmt.Sprintf("%#x, packet %x", o.ret, o.packet) }

func (o *outcome) equal(p *outcome) bool {
	return o.ret == p.ret && string(o.packet) == string(p.packet)
}

// machine has the CPUs that programs run on. It belongs to one goroutine.
type machine struct {
	pool  *engine.Pool
	fake  *world.Fake
	funcs *engine.Funcs
}

func newMachine() (*machine, error) {
	fake := world.NewFake()
	pool, err := engine.NewPool(engine.Host{World: fake.World()})
	if err != nil {
		return nil, fmt.Errorf("CPUs: %w", err)
	}
	return &machine{pool, fake, helper.Bodies()}, nil
}

func (m *machine) close() { m.pool.Close() }

// errCannotRun is wrapped where Skep accepts what it cannot run yet.
var errCannotRun = errors.New("cannot run")

// run lowers a program and runs it once, with fresh maps. Panics and faults
// are errors.
func (m *machine) run(v *verify.Verified, exec engine.Executable, p *profile, in input, seed uint64) (out *outcome, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	live, err := m.newMaps(v.Prog().Maps)
	defer release(live)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCannotRun, err)
	}
	prog, err := m.load(v, live, exec)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCannotRun, err)
	}
	m.fake.Seed(seed)
	return m.runProgram(prog, p, in)
}

func (m *machine) newMaps(specs []*bytecode.MapSpec) (live []*maps.Map, err error) {
	env := &maps.Env{CPUs: m.pool.Size(), Defer: m.pool}
	for _, s := range specs {
		one, err := maps.New(env, s)
		if err != nil {
			return live, err
		}
		live = append(live, one)
	}
	return live, nil
}

func release(live []*maps.Map) {
	for _, m := range live {
		m.Release()
	}
}

func (m *machine) load(v *verify.Verified, live []*maps.Map, exec engine.Executable) (*engine.Program, error) {
	env := &lower.Env{Func: func(id catalog.FuncID) (int32, bool) { return m.funcs.Number(string(id)) }}
	for _, l := range live {
		env.Maps = append(env.Maps, engine.Ref(l))
	}
	code, err := lower.Program(v, env)
	if err != nil {
		return nil, err
	}
	return engine.NewProgram(code, m.funcs, live, exec)
}

func (m *machine) runProgram(prog *engine.Program, p *profile, in input) (*outcome, error) {
	s := m.pool.Lease()
	defer s.Release()
	s.Limit(runLimit)
	pkt := append([]byte(nil), in.packet...)
	at := enter(s, prog, p, pkt, in.context)
	r0, err := prog.Run(s, s.ContextAddr(), 0)
	if err != nil {
		return nil, err
	}
	out := &outcome{ret: uint32(r0)}
	if at != nil {
		out.packet = append(out.packet, s.Packet(at)...)
	}
	return out, nil
}

// enter makes the context of a run, as BPF_PROG_TEST_RUN does.
func enter(s *engine.Slot, prog *engine.Program, p *profile, pkt, context []byte) *ir.Packet {
	const loopback = 1
	switch {
	case p.context > 0 || len(pkt) < etherLen:
		s.Context(context)
		return nil
	case p.typ == bytecode.ProgXDP:
		x := s.XDP(prog, pkt)
		x.IngressIfindex = loopback
		return &x.Packet
	}
	skb := s.SKB(prog, pkt, p.offset, etherLen)
	skb.Protocol = uint32(binary.NativeEndian.Uint16(pkt[12:]))
	skb.Ifindex = loopback
	return &skb.Packet
}
