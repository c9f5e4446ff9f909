// This file tests that the table and the reasons cover the catalog.

package helper

import (
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// prototypes finds every prototype that some program may be granted, and one of
// each number.
func prototypes() map[catalog.FuncID]*catalog.Proto {
	found := map[catalog.FuncID]*catalog.Proto{}
	ask := func(e catalog.Env) {
		for n := range int32(catalog.NumHelpers) {
			if p, grant := catalog.Linux6_18.Helper(e, n); grant != catalog.NoSuchHelper && p.ID != "" {
				found[p.ID] = p
			}
		}
	}
	for typ := bytecode.ProgSocketFilter; typ <= bytecode.ProgNetfilter; typ++ {
		for attach := range bytecode.AttachType(64) {
			for _, flags := range []uint32{0, bytecode.FlagSleepable} {
				ask(catalog.Env{Type: typ, Attach: attach, Flags: flags, Caps: catalog.CapsAll})
			}
		}
	}
	return found
}

func TestEveryPrototypeRunsOrHasAReason(t *testing.T) {
	protos := prototypes()
	if len(protos) < catalog.NumHelpers {
		t.Fatalf("found %d prototypes, fewer than helpers", len(protos))
	}
	for id := range protos {
		if runs, reason := Runs(id), Reason(id); runs == (reason != "") {
			t.Errorf("%s: runs %v, reason %q", id, runs, reason)
		}
		if _, ok := Lookup(id); ok && inlined[id] {
			t.Errorf("%s has a body and is inlined", id)
		}
	}
	t.Logf("%d prototypes, %d bodies", len(protos), len(bodies))
}

func TestTablesNameWhatTheCatalogHas(t *testing.T) {
	known := map[string]bool{}
	for id, p := range prototypes() {
		known[string(id)], known[p.Name] = true, true
	}
	for _, name := range catalog.Linux6_18.KfuncNames() {
		known[name] = true
	}
	for id := range bodies {
		if !known[string(id)] {
			t.Errorf("%s has a body and no prototype", id)
		}
	}
	for id := range reasons {
		if !known[id] && !strings.Contains(id, ".") {
			t.Errorf("%s has a reason and no prototype", id)
		}
	}
}

func TestBodiesNumbersAll(t *testing.T) {
	funcs := Bodies()
	for id := range bodies {
		if _, ok := funcs.Number(string(id)); !ok {
			t.Errorf("%s has no number", id)
		}
	}
	if _, ok := funcs.Number("bpf_sk_lookup_tcp"); ok {
		t.Error("a helper without a body has a number")
	}
}
