// This file defines how live maps and programs look to the verifier, the
// engine and each other.

package skep

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/maps"
	"github.com/skepbpf/skep/internal/verify"
)

// mapView is a live map as the verifier sees it.
type mapView struct{ *maps.Map }

// Inner implements verify.MapView.
func (v mapView) Inner() verify.MapView {
	if inner := v.Spec().Inner; inner != nil {
		return verify.SpecView{S: inner}
	}
	return nil
}

// Engine implements engine.TailCallee: nil once the program's kernel is closed.
func (p *program) Engine() *engine.Program {
	if p.stopped() {
		return nil
	}
	return p.exe
}

// ID implements maps.Program.
func (p *program) ID() uint32 { return p.id }

// tailCallClass is what programs that call each other must have in common.
type tailCallClass struct {
	typ      bytecode.ProgType
	frags    bool
	attachTo string
}

// TailCallClass implements maps.Program.
func (p *program) TailCallClass() any {
	return tailCallClass{p.linked.Type, p.linked.Flags&bytecode.FlagXDPHasFrags != 0, p.linked.AttachTo}
}

// Retain implements maps.Program.
func (p *program) Retain() { p.refs.Add(1) }

// Release implements maps.Program.
func (p *program) Release() { p.release() }
