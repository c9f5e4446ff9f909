// This file defines which fields of kernel objects programs may write
// (btf_struct_access of each type's verifier operations).

package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// objectWrites are the fields of some structs that a program may write.
type objectWrites struct {
	structs []string // by name; the others begin with the first
	fields  []writeField
	// whole: every byte may be written, and messages are shorter.
	whole bool
}

// writeField is a field by its path from the outermost struct. A store begins
// at its first byte, or anywhere in it, and ends in it.
type writeField struct {
	path     string
	anywhere bool
}

const onlyRead = "only read is supported"

// tcpWrites: fields of the socket that congestion control steers by
// (bpf_tcp_ca_btf_struct_access, Linux 6.18).
var tcpWrites = &objectWrites{structs: []string{"tcp_sock"}, fields: []writeField{
	{path: "inet_conn.icsk_inet.sk.sk_pacing_rate"},
	{path: "inet_conn.icsk_inet.sk.sk_pacing_status"},
	{path: "inet_conn.icsk_ca_priv", anywhere: true},
	{path: "inet_conn.icsk_ack.pending"},
	{path: "snd_cwnd"}, {path: "snd_cwnd_cnt"}, {path: "snd_cwnd_stamp"}, {path: "snd_ssthresh"},
	{path: "ecn_flags"}, {path: "app_limited"},
}}

// conntrackWrites: the mark of a connection (nf_conntrack_btf_struct_access).
var conntrackWrites = &objectWrites{structs: []string{"nf_conn", "nf_conn___init"}, fields: []writeField{{path: "mark"}}}

// dummyWrites: the state that test runs of bpf_dummy_ops pass in.
var dummyWrites = &objectWrites{structs: []string{"bpf_dummy_ops_state"}, whole: true}

// structOpsWrites are the fields by the struct whose members programs
// implement.
var structOpsWrites = map[string]*objectWrites{"tcp_congestion_ops": tcpWrites, "bpf_dummy_ops": dummyWrites}

// objectWrites returns what programs in e may write: nil is nothing. known is
// false where Skep does not know.
func (t *Target) objectWrites(e Env) (rule *objectWrites, known bool) {
	switch e.Type {
	case bytecode.ProgSchedCLS, bytecode.ProgSchedACT, bytecode.ProgXDP:
		return conntrackWrites, true
	case bytecode.ProgStructOps:
		name := structOf(e.AttachTo)
		if rule = structOpsWrites[name]; rule == nil {
			return t.moduleWrites(name)
		}
		return rule, true
	}
	return nil, true
}

// ObjectWrite decides a store of size bytes at off into the struct id of t's
// BTF by a program in e. refusal is the kernel's message, "" where the store
// is allowed; known is false where Skep knows no rule.
func (t *Target) ObjectWrite(e Env, id btfx.ID, off, size int) (refusal string, known bool) {
	rule, known := t.objectWrites(e)
	if rule == nil {
		return onlyRead, known
	}
	typ := t.BTF.Type(id)
	switch {
	case typ == nil || !slices.Contains(rule.structs, typ.Name):
		if rule.whole {
			return "only access to " + rule.structs[0] + " is supported", true
		}
		return onlyRead, true
	case rule.whole && off+size > int(typ.Size):
		return fmt.Sprintf("write access at off %d with size %d", off, size), true
	case rule.whole:
		return "", true
	}
	return t.fieldWrite(rule, off, size), true
}

func (t *Target) fieldWrite(rule *objectWrites, off, size int) (refusal string) {
	name := rule.structs[0]
	id, _ := t.BTF.Find(name, btfx.KindStruct)
	for _, f := range rule.fields {
		begin, end, ok := t.fieldBounds(id, f.path)
		if !ok || off != begin && !(f.anywhere && off > begin && off < end) {
			continue
		}
		if off+size > end {
			return fmt.Sprintf("write access at off %d with size %d beyond the member of %s ended at %d", off, size, name, end)
		}
		return ""
	}
	return fmt.Sprintf("no write support to %s at off %d", name, off)
}

// fieldBounds is where a field lies in a struct, in bytes.
func (t *Target) fieldBounds(id btfx.ID, path string) (begin, end int, ok bool) {
	for name := range strings.SplitSeq(path, ".") {
		m, found := t.BTF.FindMember(id, name)
		if !found || m.BitSize != 0 {
			return 0, 0, false
		}
		begin += int(m.BitOffset / 8)
		id = m.Type
	}
	size, ok := t.BTF.SizeOf(id)
	return begin, begin + int(size), ok
}
