// This file defines which of the kernel's types programs may store pointers to.

package catalog

// kptrTypes are the structs that the kernel knows how to give back when a map
// goes away, by the version that began it; rcu says that a pointer to one that
// was read from a map may be used inside an RCU section.
var kptrTypes = map[string]struct {
	since Version
	rcu   Version // 0: not protected
}{
	"task_struct":         {V(6, 2), V(6, 4)},
	"cgroup":              {V(6, 2), V(6, 4)},
	"bpf_cpumask":         {V(6, 3), V(6, 4)},
	"bpf_crypto_ctx":      {V(6, 10), V(6, 10)},
	"prog_test_ref_kfunc": {V(5, 19), V(6, 4)},
	"prog_test_member":    {V(5, 19), 0},
}

// HasDestructor reports whether programs may store references to the struct
// (register_btf_id_dtor_kfuncs).
func (t *Target) HasDestructor(name string) bool {
	for _, m := range t.modules {
		if m.Destructible[name] {
			return true
		}
	}
	k, ok := kptrTypes[name]
	return ok && k.since <= t.Version
}

// RCUProtected reports whether the struct is freed only after an RCU grace
// period, so that a stored pointer to it can be read (rcu_protected_types).
func (t *Target) RCUProtected(name string) bool {
	k, ok := kptrTypes[name]
	return ok && k.rcu != 0 && k.rcu <= t.Version
}
