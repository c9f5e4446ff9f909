package object

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

type dumped struct {
	path  string
	maps  map[string]string
	btf   map[string]bool
	progs map[string][]string
	res   map[string]string
	warn  map[string]string
}

func readDump(t *testing.T) []*dumped {
	f, err := os.Open("/tmp/lbo/out.txt")
	if err != nil {
		t.Skip(err)
	}
	var out []*dumped
	var d *dumped
	prog := ""
	lastRes := ""
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		l := s.Text()
		k, rest, _ := strings.Cut(l, " ")
		switch k {
		case "OBJ":
			d = &dumped{path: rest, maps: map[string]string{}, btf: map[string]bool{}, progs: map[string][]string{}, res: map[string]string{}, warn: map[string]string{}}
			out = append(out, d)
		case "MAP":
			n, _, _ := strings.Cut(rest, " ")
			d.maps[n] = rest
		case "BTF":
			d.btf[rest] = true
		case "PROG":
			prog, rest, _ = strings.Cut(rest, " ")
			d.progs[prog] = []string{rest}
		case "I", "F", "L":
			d.progs[prog] = append(d.progs[prog], strings.TrimSpace(l))
		case "RES":
			lastRes, rest, _ = strings.Cut(rest, " ")
			d.res[lastRes] = rest
		case "W":
			d.warn[lastRes] = rest
		}
	}
	return out
}

func trunc(s string) string { return s[:min(15, len(s))] }

func ours(p *bytecode.Program) []string {
	out := []string{fmt.Sprintf("%d %d %d %d %d", p.Type, p.ExpectedAttach, p.Flags, p.AttachBTFID, len(p.Insns))}
	for _, in := range p.Insns {
		m := ""
		if in.IsLdImm64() && in.Src == 5 {
			m, in.Src = trunc(p.Maps[in.Imm].Name), 1
			in.Imm = 0
		} else if in.IsLdImm64() && in.Src == 6 {
			m, in.Src = trunc(p.Maps[in.Imm].Name), 2
			in.Imm = 0
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("I %02x%x%x %d %d %s", in.Op, in.Dst, in.Src, in.Off, in.Imm, m)))
	}
	for _, f := range p.FuncInfos {
		out = append(out, fmt.Sprintf("F %d %d", f.Insn, f.TypeID))
	}
	for _, l := range p.LineInfos {
		out = append(out, fmt.Sprintf("L %d %d %d %d", l.Insn, l.FileOff, l.TextOff, l.Line<<10|l.Column))
	}
	return out
}

func TestOracle(t *testing.T) {
	raw, _ := os.ReadFile("/sys/kernel/btf/vmlinux")
	spec, err := btfx.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := os.Open("/proc/kallsyms")
	ks, err := ReadKallsyms(f)
	if err != nil {
		t.Fatal(err)
	}
	kc := map[string]string{}
	if b, err := os.ReadFile("/tmp/lbo/config"); err == nil {
		for _, l := range strings.Split(string(b), "\n") {
			if k, v, ok := strings.Cut(l, "="); ok {
				kc[k] = v
			}
		}
	}
	env := &Env{BTF: spec, Syms: ks.Lookup, Kconfig: kc, KernelVersion: kver()}
	stat := map[string]int{}
	show := map[string]int{}
	note := func(kind, f string, a ...any) {
		stat[kind]++
		if show[kind]++; show[kind] <= 80 {
			t.Logf(kind+": "+f, a...)
		}
	}
	for _, d := range readDump(t) {
		base := d.path[strings.LastIndex(d.path, "/")+1:]
		o, err := Open(d.path)
		if err != nil {
			if len(d.progs) > 0 {
				note("OPEN", "%s %v", base, err)
			} else {
				note("both-open-fail", "%s %v", base, err)
			}
			continue
		}
		var names []string
		auto := map[string]bool{}
		for _, p := range o.Programs() {
			names = append(names, p.Name)
			auto[p.Name] = p.Autoload
		}
		l, err := o.Link(env, &LinkOptions{Programs: names})
		if err != nil {
			t.Fatal(err)
		}
		if b := o.BTF(); b != nil {
			h := fnv.New64a()
			h.Write(b.Raw())
			if len(d.progs) > 0 && !d.btf[fmt.Sprintf("%d %016x", len(b.Raw()), h.Sum64())] {
				note("BTF", "%s len %d, have %v", base, len(b.Raw()), d.btf)
			} else if len(d.progs) > 0 {
				stat["btf-equal"]++
			}
		}
		for _, m := range l.Maps {
			w := d.maps[trunc(m.Name)]
			if w == "" {
				continue
			}
			k, v := m.KeyTypeID, m.ValueTypeID
			f := strings.Fields(w)
			if f[7] == "0" && f[8] == "0" && m.BTF != nil || m.Type == bytecode.MapStructOps {
				k, v = 0, 0
				f[7], f[8] = "0", "0"
			}
			me := m.MaxEntries
			if m.Type == bytecode.MapPerfEventArray && me == 0 {
				f[4] = "0"
			}
			got := fmt.Sprintf("%s %d %d %d %d %d %d %d %d", trunc(m.Name), m.Type, m.KeySize, m.ValueSize, me, m.Flags, m.Extra, k, v)
			if want := strings.Join(f[:9], " "); got != want {
				note("MAP", "%s\n  got %s\n want %s", base, got, want)
			} else {
				stat["map-equal"]++
			}
		}
		mine := map[string]bool{}
		for _, p := range l.Programs {
			mine[p.Name] = true
			w := d.progs[p.Name]
			if w == nil {
				note("ONLY-OURS", "%s %s (%s) %s / %s", base, p.Name, p.Section, d.warn[p.Name], d.warn["*"])
				continue
			}
			g := ours(p)
			if len(g) != len(w) {
				note("DIFF", "%s %s: %d lines, want %d: %s | %s", base, p.Name, len(g), len(w), g[0], w[0])
				continue
			}
			bad := false
			for i := range g {
				if g[i] != w[i] {
					bad = true
					note("DIFF", "%s %s line %d: got %q want %q", base, p.Name, i, g[i], w[i])
					break
				}
			}
			if !bad {
				stat["equal"]++
			}
		}
		for n := range d.progs {
			if !mine[n] {
				note("ONLY-LIBBPF", "%s %s: %v", base, n, l.Errors[n])
			}
		}
		for n, err := range l.Errors {
			if d.progs[n] == nil {
				s := err.Error()
				s = s[strings.Index(s, ": ")+2:]
				stat["both-fail"]++
				if os.Getenv("V") != "" {
					t.Logf("both fail: %s %s: %s", base, n, s)
				}
			}
		}
	}
	var ks2 []string
	for k := range stat {
		ks2 = append(ks2, k)
	}
	sort.Strings(ks2)
	for _, k := range ks2 {
		t.Log(k, stat[k])
	}
}

func kver() uint32 {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	var a, c, e uint32
	fmt.Sscanf(string(b), "%d.%d.%d", &a, &c, &e)
	return a<<16 | c<<8 | min(e, 255)
}
