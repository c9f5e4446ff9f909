// This file defines trimming: which types stay, and how the rest is cut off.

package main

import (
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
)

// depth is how many pointers are followed from the roots to other structs.
// Past it a struct is a forward declaration.
const depth = 2

// rootStructs are what programs read most.
var rootStructs = strings.Fields(`
	task_struct sk_buff sock sock_common inet_sock tcp_sock udp_sock unix_sock tcp6_sock udp6_sock
	tcp_timewait_sock tcp_request_sock mptcp_sock request_sock net_device net file inode dentry path
	super_block vfsmount mm_struct vm_area_struct cred pid nsproxy cgroup css_set cgroup_subsys_state
	pt_regs user_pt_regs linux_binprm socket seq_file xdp_buff xdp_frame bpf_map bpf_prog bpf_prog_aux
	bpf_link bpf_ctx_convert bpf_raw_tracepoint_args
	__sk_buff xdp_md bpf_sock bpf_tcp_sock bpf_xdp_sock bpf_sock_ops sk_msg_md bpf_sock_addr bpf_cgroup_dev_ctx
	bpf_sysctl bpf_sockopt sk_reuseport_md bpf_sk_lookup bpf_perf_event_data bpf_nf_ctx bpf_flow_keys
	iphdr ipv6hdr ethhdr tcphdr udphdr icmphdr vlan_hdr
	trace_entry trace_event_raw_sys_enter trace_event_raw_sys_exit trace_event_raw_sched_switch
	trace_event_raw_sched_process_exec trace_event_raw_sched_process_fork trace_event_raw_sched_process_exit
	tcp_congestion_ops bpf_struct_ops_tcp_congestion_ops bpf_dummy_ops bpf_struct_ops_bpf_dummy_ops
	bpf_dummy_ops_state bpf_struct_ops_common_value nf_hook_state request bio gendisk kernfs_node rq`)

// rootPrefixes are of names that stay with what they are: tracepoints,
// iterators, LSM hooks.
var rootPrefixes = []string{"btf_trace_", "bpf_iter_", "bpf_iter__", "bpf_lsm_"}

// trimmer marks types that stay and writes them.
type trimmer struct {
	spec *btfx.Spec
	keep map[btfx.ID]bool
	next []btfx.ID // structs behind pointers, one level on

	out  *btfx.Builder
	ids  map[btfx.ID]btfx.ID
	fwds map[fwdKey]btfx.ID
}

type fwdKey struct {
	kind btfx.Kind
	name string
}

func trim(spec *btfx.Spec) ([]byte, error) {
	t := &trimmer{spec: spec, keep: map[btfx.ID]bool{}, ids: map[btfx.ID]btfx.ID{0: 0}, fwds: map[fwdKey]btfx.ID{}}
	for _, id := range t.roots() {
		t.mark(id)
	}
	for range depth {
		level := t.next
		t.next = nil
		for _, id := range level {
			t.mark(id)
		}
	}
	return t.write()
}

// roots lists named structs, everything with a rootPrefix, kfuncs with their
// tags, and the enums of the UAPI.
func (t *trimmer) roots() []btfx.ID {
	want := map[string]bool{}
	for _, name := range rootStructs {
		want[name] = true
	}
	var roots []btfx.ID
	for id := btfx.ID(1); id < t.spec.NextID(); id++ {
		if t.isRoot(t.spec.Type(id), want) {
			roots = append(roots, id)
		}
	}
	return roots
}

func (t *trimmer) isRoot(typ *btfx.Type, want map[string]bool) bool {
	switch typ.Kind {
	case btfx.KindStruct, btfx.KindUnion:
		return want[typ.Name] || strings.HasPrefix(typ.Name, "bpf_iter_") || strings.Contains(typ.Name, "__safe_")
	case btfx.KindEnum, btfx.KindEnum64:
		return strings.HasPrefix(typ.Name, "bpf_") || len(typ.Enums) > 0 && strings.HasPrefix(typ.Enums[0].Name, "BPF_")
	case btfx.KindDeclTag:
		return typ.Name == "bpf_kfunc"
	case btfx.KindFunc, btfx.KindTypedef:
		for _, p := range rootPrefixes {
			if strings.HasPrefix(typ.Name, p) {
				return true
			}
		}
	}
	return false
}

// mark keeps a type and everything that its size and layout need. Named
// structs behind a pointer wait for the next level.
func (t *trimmer) mark(id btfx.ID) {
	if id == 0 || t.keep[id] {
		return
	}
	t.keep[id] = true
	typ := t.spec.Type(id)
	for _, ref := range refs(typ) {
		if typ.Kind == btfx.KindPtr && t.namedStruct(ref) {
			t.later(ref)
			continue
		}
		t.mark(ref)
	}
}

// namedStruct reports whether id leads, past qualifiers, to a struct that a
// forward declaration can stand for.
func (t *trimmer) namedStruct(id btfx.ID) bool {
	typ := t.spec.Strip(id)
	return typ != nil && (typ.Kind == btfx.KindStruct || typ.Kind == btfx.KindUnion) && typ.Name != ""
}

// later marks the qualifiers before a struct now and the struct in the next
// level.
func (t *trimmer) later(id btfx.ID) {
	for typ := t.spec.Type(id); typ.Kind.IsModifier(); typ = t.spec.Type(id) {
		t.keep[id] = true
		id = typ.Type
	}
	t.next = append(t.next, id)
}

// refs lists the types that a type names.
func refs(typ *btfx.Type) []btfx.ID {
	var out []btfx.ID
	switch typ.Kind {
	case btfx.KindStruct, btfx.KindUnion:
		for _, m := range typ.Members {
			out = append(out, m.Type)
		}
	case btfx.KindFuncProto:
		out = append(out, typ.Type)
		for _, p := range typ.Params {
			out = append(out, p.Type)
		}
	case btfx.KindArray:
		out = append(out, typ.Type, typ.Index)
	case btfx.KindInt, btfx.KindFloat, btfx.KindEnum, btfx.KindEnum64, btfx.KindFwd:
	default:
		out = append(out, typ.Type)
	}
	return out
}

// write gives the kept types new ids in their old order, then forward
// declarations for what is cut off.
func (t *trimmer) write() ([]byte, error) {
	t.out = btfx.NewBuilder(nil)
	next := t.out.NextID()
	var order []btfx.ID
	for id := btfx.ID(1); id < t.spec.NextID(); id++ {
		if t.keep[id] {
			t.ids[id] = next
			order = append(order, id)
			next++
		}
	}
	var fwds []btfx.Type
	renumber := func(id btfx.ID) btfx.ID {
		if n, ok := t.ids[id]; ok {
			return n
		}
		cut := t.spec.Type(id)
		key := fwdKey{cut.Kind, cut.Name}
		n, ok := t.fwds[key]
		if !ok {
			n = next
			next++
			t.fwds[key] = n
			fwds = append(fwds, btfx.Type{Kind: btfx.KindFwd, Name: cut.Name, KindFlag: cut.Kind == btfx.KindUnion})
		}
		return n
	}
	for _, id := range order {
		t.out.Add(renumbered(t.spec.Type(id), renumber))
	}
	for _, f := range fwds {
		t.out.Add(f)
	}
	return t.out.Bytes()
}

// renumbered copies a type with its references mapped.
func renumbered(typ *btfx.Type, id func(btfx.ID) btfx.ID) btfx.Type {
	c := *typ
	c.Type, c.Index = id(c.Type), id(c.Index)
	c.Members = append([]btfx.Member(nil), typ.Members...)
	for i := range c.Members {
		c.Members[i].Type = id(c.Members[i].Type)
	}
	c.Params = append([]btfx.Param(nil), typ.Params...)
	for i := range c.Params {
		c.Params[i].Type = id(c.Params[i].Type)
	}
	return c
}
