// This file defines how an object is linked for its cases, and what is done to
// its maps that libbpf or the selftests' user-space part do.

package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/object"
)

// linking links an object as its programs ask for.
type linking struct {
	corpus *CorpusObject
	obj    *object.Object
	env    *object.Env
	module *object.Env // env with bpf_testmod, or nil
	names  []string
	done   map[linkKey]*object.Linked
	types  map[string]*btfx.Spec // by linkKey.btfPath
}

// linkKey is what one object may be linked differently for.
type linkKey struct {
	btfPath string // BTF that stands for the kernel's
	noBTF   bool   // nothing of the object's BTF
	module  bool   // for a kernel that has bpf_testmod
}

func newLinking(o *CorpusObject, env, module *object.Env) (*linking, error) {
	open := object.Open
	if o.Open != nil {
		open = o.Open
	}
	obj, err := open(o.Path)
	if err != nil {
		return nil, err
	}
	l := &linking{corpus: o, obj: obj, env: env, module: module, done: map[linkKey]*object.Linked{}, types: map[string]*btfx.Spec{}}
	for _, p := range obj.Programs() {
		l.names = append(l.names, p.Name)
	}
	return l, nil
}

// link links once for each key. All programs are linked, those that do not
// load by themselves too.
func (l *linking) link(k linkKey) (*object.Linked, error) {
	if r := l.done[k]; r != nil {
		return r, nil
	}
	if k.noBTF {
		r, err := l.link(linkKey{btfPath: k.btfPath, module: k.module})
		if err == nil {
			r = withoutBTF(r)
			l.done[k] = r
		}
		return r, err
	}
	env, err := l.envWith(k.btfPath)
	if err != nil {
		return nil, err
	}
	if k.module {
		env = l.module
	}
	r, err := l.obj.Link(env, &object.LinkOptions{Programs: l.names, TypeOverride: l.corpus.Type})
	if err != nil {
		return nil, err
	}
	for _, m := range r.Maps {
		prepareMap(l.corpus.Name, m)
	}
	l.done[k] = r
	return r, nil
}

// envWith takes the kernel's types from another object of the corpus.
func (l *linking) envWith(btfPath string) (*object.Env, error) {
	if btfPath == "" {
		return l.env, nil
	}
	name := strings.TrimSuffix(strings.TrimSuffix(btfPath, ".o"), ".bpf") + ".o"
	// Objects of types only are compiled once, for v3.
	obj, err := object.Open(filepath.Join(filepath.Dir(l.corpus.Path), "../v3", name))
	if err != nil {
		return nil, fmt.Errorf("types for CO-RE: %w", err)
	}
	env := *l.env
	env.BTF = obj.BTF()
	l.types[btfPath] = env.BTF
	return &env, nil
}

// prefilled are first values that a test's user-space part puts into maps
// before it runs the programs: index 28, and foo[6] at byte 28.
var prefilled = map[string]string{
	"verifier_array_access":    "map_array_ro",
	"verifier_value_ptr_arith": "map_array_48b",
}

var prefilledValue = append(append([]byte{28}, make([]byte, 27)...), 0x12, 0xef, 0xcd, 0xab)

// sizedByProgram are kinds whose size is not the object's to say.
var sizedByProgram = map[bytecode.MapType]bool{
	bytecode.MapSKStorage:           true,
	bytecode.MapTaskStorage:         true,
	bytecode.MapInodeStorage:        true,
	bytecode.MapCgroupStorage:       true,
	bytecode.MapCgrpStorage:         true,
	bytecode.MapPerCPUCgroupStorage: true,
	bytecode.MapPerfEventArray:      true,
	bytecode.MapStructOps:           true,
}

// prepareMap gives a map what its test's user-space part would: a first value,
// and a size where the object leaves it open.
func prepareMap(file string, m *bytecode.MapSpec) {
	if m.Name == prefilled[file] {
		m.Contents = prefilledValue
	}
	if m.MaxEntries == 0 && !sizedByProgram[m.Type] {
		m.MaxEntries = max(1, leastEntries[m.Type])
	}
	if m.ValueSize == 0 {
		m.ValueSize = openValueSize[m.Type]
	}
	if size, ok := ownSizes[m.Type]; ok {
		m.KeySize, m.ValueSize = size, size
	}
}

// ownSizes are the kinds that say themselves how large keys and values are:
// bpf2go's users name types there nevertheless, which cilium/ebpf drops.
var ownSizes = map[bytecode.MapType]uint32{
	bytecode.MapPerfEventArray: 4,
	bytecode.MapRingbuf:        0,
	bytecode.MapUserRingbuf:    0,
}

// leastEntries are the kinds whose size is in bytes, and the least of them: a
// page.
var leastEntries = map[bytecode.MapType]uint32{
	bytecode.MapRingbuf:     uint32(os.Getpagesize()),
	bytecode.MapUserRingbuf: uint32(os.Getpagesize()),
}

// openValueSize is what loaders set where objects leave it open: stack traces
// of sysctl kernel.perf_event_max_stack's default depth.
var openValueSize = map[bytecode.MapType]uint32{bytecode.MapStackTrace: 127 * 8}

// unprivilegedMaps are the kinds that callers without capabilities may create
// (kernel/bpf/syscall.c, map_create).
var unprivilegedMaps = map[bytecode.MapType]bool{
	bytecode.MapArray:               true,
	bytecode.MapPerCPUArray:         true,
	bytecode.MapProgArray:           true,
	bytecode.MapPerfEventArray:      true,
	bytecode.MapCgroupArray:         true,
	bytecode.MapArrayOfMaps:         true,
	bytecode.MapHash:                true,
	bytecode.MapPerCPUHash:          true,
	bytecode.MapHashOfMaps:          true,
	bytecode.MapRingbuf:             true,
	bytecode.MapUserRingbuf:         true,
	bytecode.MapCgroupStorage:       true,
	bytecode.MapPerCPUCgroupStorage: true,
}

// needsCapsForMaps names a map of p that cannot be created without
// capabilities; the test loader then leaves the map out and the program's
// instructions mean nothing.
func needsCapsForMaps(p *bytecode.Program) error {
	for _, m := range p.Maps {
		if !unprivilegedMaps[m.Type] || m.Flags&bytecode.MapZeroSeed != 0 {
			return fmt.Errorf("map %s cannot be created without capabilities", m.Name)
		}
	}
	return nil
}

// withoutBTF copies what was linked as an unprivileged libbpf sends it: loading
// BTF needs CAP_BPF, so programs and maps go without.
func withoutBTF(l *object.Linked) *object.Linked {
	c := *l
	maps := map[*bytecode.MapSpec]*bytecode.MapSpec{}
	c.Maps = stripMaps(l.Maps, maps)
	c.Programs = make([]*bytecode.Program, len(l.Programs))
	for i, p := range l.Programs {
		q := *p
		q.BTF, q.FuncInfos, q.LineInfos = nil, nil, nil
		q.Maps = stripMaps(p.Maps, maps)
		c.Programs[i] = &q
	}
	return &c
}

func stripMaps(in []*bytecode.MapSpec, done map[*bytecode.MapSpec]*bytecode.MapSpec) []*bytecode.MapSpec {
	out := make([]*bytecode.MapSpec, len(in))
	for i, m := range in {
		out[i] = stripMap(m, done)
	}
	return out
}

func stripMap(m *bytecode.MapSpec, done map[*bytecode.MapSpec]*bytecode.MapSpec) *bytecode.MapSpec {
	if m == nil {
		return nil
	}
	if c := done[m]; c != nil {
		return c
	}
	c := *m
	done[m] = &c
	c.BTF, c.KeyTypeID, c.ValueTypeID = nil, 0, 0
	c.Inner = stripMap(m.Inner, done)
	c.Slots = append([]bytecode.MapSlot(nil), m.Slots...)
	for i := range c.Slots {
		c.Slots[i].Map = stripMap(c.Slots[i].Map, done)
	}
	return &c
}
