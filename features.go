// This file defines what this build supports, and what a target has.

package skep

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/helper"
	"github.com/skepbpf/skep/internal/maps"
)

// Features is what a build of Skep can do for a target.
type Features struct {
	Target       string
	BTF          bool     // kernel types are there
	Engines      []Engine // that programs can run on
	ProgramTypes []ProgramTypeFeature
	MapKinds     []MapKindFeature
	Helpers      []HelperFeature
}

// ProgramTypeFeature is a program type of the target.
type ProgramTypeFeature struct {
	Name string
	// Packets: Run gives programs of the type packets. Others run on a context
	// (Program.RunContext).
	Packets bool
}

// MapKindFeature is a kind of map.
type MapKindFeature struct {
	Name   string
	Usable bool // maps of the kind can be made
}

// HelperFeature is a helper of the target.
type HelperFeature struct {
	Name   string
	Number int
	Runs   bool // programs that call it run; others are verified only
}

// engines lists the engines of this build.
func engines() []Engine {
	var out []Engine
	for _, e := range []Engine{EngineInterp, EngineChecked, EngineJIT} {
		if executables[e] != nil {
			out = append(out, e)
		}
	}
	return out
}

// Features lists what this build can do for the target.
func (t Target) Features() *Features {
	f := &Features{Target: t.Name(), BTF: t.HasBTF(), Engines: engines()}
	for _, p := range t.get().ProgTypes() {
		f.ProgramTypes = append(f.ProgramTypes, ProgramTypeFeature{p.Name, enters[p.Type] != nil})
	}
	for m := bytecode.MapHash; m <= bytecode.MapArena; m++ {
		f.MapKinds = append(f.MapKinds, MapKindFeature{maps.TypeName(m), maps.Supported(m)})
	}
	f.Helpers = t.helpers()
	return f
}

func (t Target) helpers() []HelperFeature {
	var out []HelperFeature
	for n := range int32(catalog.NumHelpers) {
		p, grant := t.get().Helper(catalog.Env{}, n)
		if n == 0 || grant == catalog.NoSuchHelper {
			continue
		}
		out = append(out, HelperFeature{p.Name, int(n), helper.Runs(p.ID)})
	}
	return out
}
