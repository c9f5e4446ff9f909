// This file tests that the tables are whole and agree with each other.

package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog/corebtf"
)

func coreTarget(t *testing.T) *Target {
	t.Helper()
	spec, err := corebtf.Load()
	if err != nil {
		t.Fatal(err)
	}
	return Linux6_18.WithBTF(spec)
}

// Every number has a prototype, and its name is the UAPI's.
func TestHelperNamesAreTheUAPIs(t *testing.T) {
	spec := coreTarget(t).BTF
	id, ok := spec.Find("bpf_func_id", btfx.KindEnum)
	if !ok {
		t.Fatal("BTF has no enum bpf_func_id")
	}
	n := 0
	for _, v := range spec.Type(id).Enums {
		name, ok := strings.CutPrefix(v.Name, "BPF_FUNC_")
		if !ok {
			continue // __BPF_FUNC_MAX_ID
		}
		n++
		if got := HelperName(int32(v.Value)); got != "bpf_"+name {
			t.Errorf("helper %d is %q, the UAPI says %q", v.Value, got, "bpf_"+name)
		}
	}
	if n != NumHelpers {
		t.Errorf("the UAPI has %d helpers, the tables %d", n, NumHelpers)
	}
}

func TestAttachTypesAreTheUAPIs(t *testing.T) {
	spec := coreTarget(t).BTF
	id, ok := spec.Find("bpf_attach_type", btfx.KindEnum)
	if !ok {
		t.Fatal("BTF has no enum bpf_attach_type")
	}
	if got := len(spec.Type(id).Enums) - 1; got != int(numAttachTypes) {
		t.Errorf("the UAPI has %d attach types, the list %d", got, numAttachTypes)
	}
}

func TestPrototypes(t *testing.T) {
	seen := map[FuncID]bool{}
	for num := int32(1); num < NumHelpers; num++ {
		for _, p := range variants[num] {
			if seen[p.ID] {
				t.Errorf("%s: twice in the tables", p.ID)
			}
			seen[p.ID] = true
			if p.Num != num || p.Since == 0 || !strings.HasPrefix(string(p.ID), p.Name) || p.Name != HelperName(num) {
				t.Errorf("%s: number %d, name %q, since %v", p.ID, p.Num, p.Name, p.Since)
			}
			checkArgs(t, p)
		}
	}
}

// checkArgs: no gaps, and memory has a size: fixed or the next argument's.
func checkArgs(t *testing.T, p *Proto) {
	for i, a := range p.Args {
		if a.Kind == ArgNone && slices.ContainsFunc(p.Args[i:], func(a Arg) bool { return a.Kind != ArgNone }) {
			t.Errorf("%s: a gap before argument %d", p.ID, i+2)
		}
		if (a.Flags&ArgFixedSize != 0) != (a.Size > 0) {
			t.Errorf("%s: argument %d has a fixed size of %d", p.ID, i+1, a.Size)
		}
		sized := i+1 < len(p.Args) && (p.Args[i+1].Kind == ArgConstSize || p.Args[i+1].Kind == ArgConstSizeOrZero)
		if a.Kind == ArgMem && a.Size == 0 && !sized {
			t.Errorf("%s: argument %d is memory without a size", p.ID, i+1)
		}
		if a.Kind == ArgBTFID && a.BTF == "" && p.Name != "bpf_kptr_xchg" {
			t.Errorf("%s: argument %d names no struct", p.ID, i+1)
		}
	}
}

// Every word of the grant tables is a helper, and every helper is granted to
// somebody.
func TestGrantsNameHelpers(t *testing.T) {
	granted := map[FuncID]bool{}
	all := []sets{lsmCgroupSets, iterSets}
	for _, s := range typeSets {
		all = append(all, s)
	}
	for _, s := range structOpsSets {
		all = append(all, s)
	}
	for _, s := range slices.Concat(all...) {
		for _, grants := range s {
			for _, g := range grants {
				granted[g.proto.ID] = true
				for _, id := range strings.Fields(g.ids) {
					if helpers[FuncID("bpf_"+id)] == nil {
						t.Errorf("grant of %q: no such helper", id)
					}
				}
			}
		}
	}
	for id := range helpers {
		if !granted[id] {
			t.Errorf("%s is granted to nobody", id)
		}
	}
}

func TestProgTypes(t *testing.T) {
	for typ := bytecode.ProgSocketFilter; typ <= bytecode.ProgNetfilter; typ++ {
		p := ProgTypeInfo(typ)
		if p == nil || p.Type != typ || p.Ctx == nil || p.Since == 0 {
			t.Errorf("%v: %+v", typ, p)
		}
	}
	if got := len(Linux5_10.ProgTypes()); got != 31 {
		t.Errorf("linux-5.10 has %d program types, want 30 and skep/memory", got)
	}
}

// Fields lie inside their context, in elements that fit.
func TestContextFields(t *testing.T) {
	for i := range progTypeTable {
		c := progTypeTable[i].Ctx
		for _, f := range c.Fields {
			if uint32(f.Off+f.Size) > c.Size || f.Elem == 0 || f.Size%f.Elem != 0 || f.Read|f.Write == 0 {
				t.Errorf("%s.%s: %+v", c.Name, f.Name, f)
			}
			if (f.Kind == ValueBTF) != (f.BTF != "") {
				t.Errorf("%s.%s: kind %d of struct %q", c.Name, f.Name, f.Kind, f.BTF)
			}
		}
	}
}

// Layouts are those of the structs in the kernel's BTF.
func TestLayoutsAgainstBTF(t *testing.T) {
	spec := coreTarget(t).BTF
	for _, tt := range []struct {
		name   string
		layout layout
	}{
		{"__sk_buff", skBuffLayout}, {"xdp_md", xdpLayout}, {"bpf_sock", sockLayout}, {"bpf_tcp_sock", tcpSockLayout},
		{"bpf_xdp_sock", xdpSockLayout}, {"bpf_sock_ops", sockOpsLayout}, {"sk_msg_md", skMsgLayout},
		{"bpf_sock_addr", sockAddrLayout}, {"bpf_cgroup_dev_ctx", cgroupDevLayout}, {"bpf_sysctl", sysctlLayout},
		{"bpf_sockopt", sockoptLayout}, {"sk_reuseport_md", skReuseportLayout}, {"bpf_sk_lookup", skLookupLayout},
		{"bpf_perf_event_data", perfEventLayout}, {"bpf_nf_ctx", nfLayout},
	} {
		id, ok := spec.Find(tt.name, btfx.KindStruct)
		if !ok {
			t.Errorf("BTF has no struct %s", tt.name)
			continue
		}
		for _, m := range tt.layout {
			if strings.HasSuffix(m.name, "32") || m.name == "padding" {
				continue // ways to access, not members
			}
			off, size, ok := findMember(spec, id, m.name)
			if !ok || off != uint32(m.off) || size != uint32(m.size) {
				t.Errorf("%s.%s: offset %d size %d, BTF %d %d (%v)", tt.name, m.name, m.off, m.size, off, size, ok)
			}
		}
	}
}

// findMember looks into anonymous members, too.
func findMember(spec *btfx.Spec, id btfx.ID, name string) (off, size uint32, ok bool) {
	for _, m := range spec.Type(id).Members {
		if m.Name == name {
			n, ok := spec.SizeOf(m.Type)
			return m.BitOffset / 8, n, ok
		}
		if inner := spec.Strip(m.Type); m.Name == "" && inner != nil {
			if off, size, ok := findMember(spec, inner.ID, name); ok {
				return off + m.BitOffset/8, size, true
			}
		}
	}
	return 0, 0, false
}

func TestMapKinds(t *testing.T) {
	for i, k := range mapKinds {
		if int(k.Type) != i || k.Name == "" {
			t.Errorf("row %d: %+v", i, k)
		}
		for _, h := range strings.Fields(k.Helpers) {
			if helpers[FuncID("bpf_"+h)] == nil {
				t.Errorf("%s: no helper %q", k.Name, h)
			}
		}
	}
	for h, kinds := range helperMaps {
		if helpers[FuncID("bpf_"+h)] == nil {
			t.Errorf("no helper %q", h)
		}
		for _, name := range strings.Fields(kinds) {
			if !slices.ContainsFunc(mapKinds[:], func(k MapKind) bool { return k.Name == name }) {
				t.Errorf("%s: no map kind %q", h, name)
			}
		}
	}
}

// The lists of trusted fields are in BTF as structs that exist for them alone.
func TestSafeFieldsAgainstBTF(t *testing.T) {
	target := coreTarget(t)
	suffixes := map[string]Trust{
		"__safe_rcu": TrustRCU, "__safe_rcu_or_null": TrustRCUOrNull,
		"__safe_trusted": TrustFull, "__safe_trusted_or_null": TrustFullOrNull,
	}
	found := 0
	for id := btfx.ID(1); id < target.BTF.NextID(); id++ {
		typ := target.BTF.Type(id)
		at := strings.Index(typ.Name, "__safe_")
		if typ.Kind != btfx.KindStruct || at < 0 {
			continue
		}
		for _, m := range typ.Members {
			found++
			if got, want := target.FieldTrust(typ.Name[:at], m.Name), suffixes[typ.Name[at:]]; got != want {
				t.Errorf("%s.%s: trust %d, want %d", typ.Name[:at], m.Name, got, want)
			}
		}
	}
	if found != len(safeFields) {
		t.Errorf("BTF lists %d fields, the table %d", found, len(safeFields))
	}
}

func TestLookup(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"", "linux-6.18"}, {"6.18", "linux-6.18"}, {"linux-5.15", "linux-5.15"}, {"6.2", "linux-6.2"},
	} {
		got, err := Lookup(tt.name)
		if err != nil || got.Name != tt.want {
			t.Errorf("Lookup(%q) = %v, %v; want %s", tt.name, got, err, tt.want)
		}
	}
	if _, err := Lookup("2.6"); err == nil || !strings.Contains(err.Error(), "linux-6.18") {
		t.Errorf("Lookup of an unknown target: %v; want the names that there are", err)
	}
	if got := Linux6_18.VersionCode(); got != 6<<16|18<<8 {
		t.Errorf("version code %#x", got)
	}
}

// What a version does not have yet.
func TestVersions(t *testing.T) {
	xdp := Env{Type: bytecode.ProgXDP, Caps: CapsAll}
	sockopt := Env{Type: bytecode.ProgSocketFilter, Caps: CapsAll}
	for _, tt := range []struct {
		name   string
		target *Target
		env    Env
		num    int32
		want   Grant
	}{
		{"bpf_loop before 5.17", Linux5_15, xdp, 181, NoSuchHelper},
		{"bpf_loop", Linux6_1, xdp, 181, Granted},
		{"bpf_get_current_comm in any program before 6.16", Linux6_12, sockopt, 16, NotGranted},
		{"bpf_get_current_comm in any program", Linux6_18, sockopt, 16, Granted},
		{"number 0", Linux6_18, xdp, 0, NotGranted},
		{"a number too high", Linux6_18, xdp, 212, NoSuchHelper},
		{"a negative number", Linux6_18, xdp, -1, NoSuchHelper},
	} {
		if _, got := tt.target.Helper(tt.env, tt.num); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// Unprivileged programs, which the kernels of CI do not load.
func TestUnprivileged(t *testing.T) {
	e := Env{Type: bytecode.ProgCgroupSKB}
	for _, tt := range []struct {
		name string
		num  int32
		want Grant
	}{
		{"map_lookup_elem", 1, Granted},
		{"skb_load_bytes", 26, Granted},
		{"spin_lock", 93, NotGranted},
		{"trace_printk", 6, NotGranted},
	} {
		if _, got := Linux6_18.Helper(e, tt.num); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	data := CtxQuery{Env: e, Off: 76, Size: 4}
	if _, ok := Linux6_18.CtxAccess(data); ok {
		t.Error("data of an unprivileged cgroup_skb program is readable")
	}
	data.Caps = CapBPF
	if r, ok := Linux6_18.CtxAccess(data); !ok || r.Kind != ValuePacket {
		t.Errorf("data with CAP_BPF: %+v, %v", r, ok)
	}
}

// What the live kernel of CI cannot show: hooks of Linux security modules.
func TestLSM(t *testing.T) {
	target := coreTarget(t)
	lsm := func(attach bytecode.AttachType, hook string) Env {
		return Env{Type: bytecode.ProgLSM, Attach: attach, AttachTo: hook, Caps: CapsAll}
	}
	for _, tt := range []struct {
		name string
		env  Env
		want ReturnRule
	}{
		{"errno hook", lsm(AttachLSMMAC, "file_open"), ReturnRule{Check: true, Range: Range{-4095, 0}, Bits32: true}},
		{"by its BTF name", lsm(AttachLSMMAC, "bpf_lsm_file_open"), ReturnRule{Check: true, Range: Range{-4095, 0}, Bits32: true}},
		{"truth value", lsm(AttachLSMMAC, "inode_xattr_skipcap"), ReturnRule{Check: true, Range: Range{0, 1}, Bits32: true}},
		{"void hook", lsm(AttachLSMMAC, "task_free"), ReturnRule{NoRet: true}},
		{"cgroup", lsm(AttachLSMCgroup, "socket_bind"), between(0, 1)},
		{"cgroup, void hook", lsm(AttachLSMCgroup, "sk_free_security"), ReturnRule{Check: true, Range: Range{1, 1}, VoidHook: true}},
	} {
		if got := target.ReturnRange(tt.env); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if _, g := target.Helper(lsm(AttachLSMMAC, "task_free"), 193); g != NotInProbe {
		t.Errorf("ima_file_hash in a hook that cannot sleep: %d, want %d", g, NotInProbe)
	}
	if _, g := target.Helper(lsm(AttachLSMMAC, "file_open"), 193); g != Granted {
		t.Errorf("ima_file_hash in a hook that may sleep: %d, want %d", g, Granted)
	}
}

func TestMapRefusals(t *testing.T) {
	for _, tt := range []struct {
		name   string
		env    Env
		kind   bytecode.MapType
		fields ValueFields
		want   string
	}{
		{"lock in a socket filter", Env{Type: bytecode.ProgSocketFilter}, bytecode.MapArray, FieldSpinLock, "socket filter progs cannot use bpf_spin_lock yet"},
		{"lock in a kprobe", Env{Type: bytecode.ProgKprobe}, bytecode.MapArray, FieldSpinLock, "tracing progs cannot use bpf_spin_lock yet"},
		{"timer in a kprobe", Env{Type: bytecode.ProgKprobe}, bytecode.MapArray, FieldTimer, "tracing progs cannot use bpf_timer yet"},
		{"timer in XDP", Env{Type: bytecode.ProgXDP}, bytecode.MapArray, FieldTimer, ""},
		{"struct_ops map", Env{Type: bytecode.ProgXDP}, bytecode.MapStructOps, 0, "bpf_struct_ops map cannot be used in prog"},
		{"LPM trie while sleepable", Env{Type: bytecode.ProgSyscall, Flags: bytecode.FlagSleepable}, bytecode.MapLPMTrie, 0,
			"Sleepable programs can only use array, hash, ringbuf and local storage maps"},
		{"hash while sleepable", Env{Type: bytecode.ProgSyscall, Flags: bytecode.FlagSleepable}, bytecode.MapHash, 0, ""},
	} {
		if got := Linux6_18.MapRefusal(tt.env, tt.kind, tt.fields); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func BenchmarkHelper(b *testing.B) {
	e := Env{Type: bytecode.ProgXDP, Caps: CapsAll}
	for b.Loop() {
		Linux6_18.Helper(e, 1)
	}
}

func BenchmarkCtxAccess(b *testing.B) {
	q := CtxQuery{Env: Env{Type: bytecode.ProgSchedCLS, Caps: CapsAll}, Off: 160, Size: 4}
	for b.Loop() {
		Linux6_18.CtxAccess(q)
	}
}
