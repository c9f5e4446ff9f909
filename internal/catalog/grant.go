// This file defines how the question "may this program call that helper?" is
// answered from the tables.

package catalog

import (
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
)

// Grant says whether a program may call a helper, and what is missing if not.
type Grant uint8

// Outcomes of Target.Helper.
const (
	Granted      Grant = iota
	NoSuchHelper       // "invalid func unknown#N"
	NotGranted         // "program of this type cannot use helper NAME#N"
	// NotInProbe: the type may call it, the place that the program attaches to
	// may not: "helper call is not allowed in probe". The kernel says so after
	// it has compared licences.
	NotInProbe
)

// Helper returns the prototype of helper num as a program in e sees it. Where
// the answer is NotGranted the prototype is one of the number's variants, for
// its name; where it is NoSuchHelper it is nil. Whether the licence allows a
// GPLOnly helper is not part of the answer.
func (t *Target) Helper(e Env, num int32) (*Proto, Grant) {
	if num < 0 || num >= NumHelpers || variants[num][0].Since > t.Version {
		return nil, NoSuchHelper
	}
	e = e.fixed()
	for _, set := range helperSets(e) {
		p, decided := set.find(t.Version, e, num)
		switch {
		case p != nil && forbiddenInProbe(p, e):
			return p, NotInProbe
		case p != nil:
			return p, Granted
		case decided:
			return variants[num][0], NotGranted
		}
	}
	return variants[num][0], NotGranted
}

// HelperName returns the name of helper num, as messages print it, in any
// version; "unknown" for numbers that none has.
func HelperName(num int32) string {
	if num < 0 || num >= NumHelpers {
		return "unknown"
	}
	return variants[num][0].Name
}

// grantRow grants helpers to the programs that meet its conditions.
type grantRow struct {
	caps   Caps       // of whoever loads
	since  Version    // first version with the row; 0 is always
	until  Version    // first version without it; 0 is none
	attach attachList // expected attach types; nil is any
	not    attachList // expected attach types that are left out
	when   func(Env) bool
	deny   bool   // the helpers are refused and no later set is asked
	ids    string // ids without "bpf_", separated by blanks
}

// grantSet is grantRows by helper number.
type grantSet [NumHelpers][]grant

type grant struct {
	*grantRow
	proto *Proto
}

// newGrantSet resolves the ids of rows; of rows that grant one number the first
// that matches counts. An id that no table has stays out: a test finds it.
func newGrantSet(rows ...grantRow) *grantSet {
	s := new(grantSet)
	for i := range rows {
		for _, id := range strings.Fields(rows[i].ids) {
			if p := helpers[FuncID("bpf_"+id)]; p != nil {
				s[p.Num] = append(s[p.Num], grant{&rows[i], p})
			}
		}
	}
	return s
}

// find returns what the set says of num; decided without a prototype is a no
// that later sets cannot change.
func (s *grantSet) find(v Version, e Env, num int32) (p *Proto, decided bool) {
	for _, g := range s[num] {
		switch {
		case !g.matches(v, e):
		case g.deny:
			return nil, true
		default:
			return g.proto, true
		}
	}
	return nil, false
}

func (r *grantRow) matches(v Version, e Env) bool {
	return v >= r.since && (r.until == 0 || v < r.until) && e.Caps.Has(r.caps) &&
		(r.attach == nil || r.attach.has(e.Attach)) && !r.not.has(e.Attach) &&
		(r.when == nil || r.when(e))
}

// helperSets lists the sets that a program asks, in order.
func helperSets(e Env) []*grantSet {
	switch e.Type {
	case bytecode.ProgStructOps:
		return structOpsSets[structOf(e.AttachTo)]
	case bytecode.ProgLSM:
		if e.Attach == AttachLSMCgroup {
			return lsmCgroupSets
		}
	case bytecode.ProgTracing:
		if e.Attach == AttachTraceIter {
			return iterSets
		}
	}
	return typeSets[e.Type]
}

// structOf returns the struct's name in "tcp_congestion_ops.init".
func structOf(attachTo string) string {
	name, _, _ := strings.Cut(attachTo, ".")
	return name
}

// memberOf returns the member's name in "tcp_congestion_ops.init".
func memberOf(attachTo string) string {
	_, name, _ := strings.Cut(attachTo, ".")
	return name
}

// forbiddenInProbe reports whether a helper that the type may call is refused
// at the place that the program attaches to (bpf_func_proto.allowed).
func forbiddenInProbe(p *Proto, e Env) bool {
	allowed := allowedInProbe[p.ID]
	return allowed != nil && !allowed(e)
}

var allowedInProbe = map[FuncID]func(Env) bool{
	"bpf_d_path":                    dPathAllowed,
	"bpf_sk_storage_get.tracing":    skStorageAllowed,
	"bpf_sk_storage_delete.tracing": skStorageAllowed,
	"bpf_ima_inode_hash":            sleepableHook,
	"bpf_ima_file_hash":             sleepableHook,
}

func sleepableHook(e Env) bool { return SleepableLSMHook(e.hook()) }

func dPathAllowed(e Env) bool {
	switch {
	case e.Type == bytecode.ProgTracing && e.Attach == AttachTraceIter:
		return true
	case e.Type == bytecode.ProgLSM:
		return sleepableHook(e)
	}
	return dPathFuncs[e.hook()]
}

// skStorageAllowed keeps storage helpers out of the functions that implement
// them.
func skStorageAllowed(e Env) bool {
	switch e.Attach {
	case AttachTraceIter, AttachTraceRawTP:
		return true
	case AttachTraceFentry, AttachTraceFexit:
		return !strings.HasPrefix(e.hook(), "bpf_sk_storage")
	}
	return false
}
