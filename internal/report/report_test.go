// This file defines tests of reports: whole texts for logs as Linux 6.18 prints
// them, and laws of the table.

package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify"
)

func insn(op, dst, src uint8, off int16, imm int32) bytecode.Insn {
	return bytecode.Insn{Op: op, Dst: dst, Src: src, Off: off, Imm: imm}
}

// lookup looks key 9 up in the program's map.
var lookup = []bytecode.Insn{
	insn(0x62, 10, 0, -4, 9), insn(0xbf, 2, 10, 0, 0), insn(0x07, 2, 0, 0, -4),
	insn(0x18, 1, 5, 0, 0), {}, insn(0x85, 0, 0, 0, 1),
}

func after(head []bytecode.Insn, tail ...bytecode.Insn) []bytecode.Insn {
	return append(append([]bytecode.Insn{}, head...), tail...)
}

var explainTests = []struct {
	name string
	prog bytecode.Program
	r    verify.Rejection
	want string
}{
	{
		name: "missing NULL check, through a copy, with source",
		prog: bytecode.Program{
			Insns: after(lookup, insn(0xbf, 6, 0, 0, 0), insn(0x79, 1, 6, 0, 0), insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)),
			LineInfos: []bytecode.LineInfo{
				{Insn: 0, File: "/src/count.c", Line: 30, Text: "	v = bpf_map_lookup_elem(&hits, &key);"},
				{Insn: 7, File: "/src/count.c", Line: 31, Text: "	*v += 1;"},
			},
		},
		r: verify.Rejection{
			Line: "R6 invalid mem access 'map_value_or_null'", Insn: 7, Reg: 6, Kind: "wrong",
			Log: `0: R1=ctx() R10=fp0
; v = bpf_map_lookup_elem(&hits, &key); @ count.c:30
0: (62) *(u32 *)(r10 -4) = 9          ; R10=fp0 fp-8=9????
1: (bf) r2 = r10                      ; R2=fp0 R10=fp0
2: (07) r2 += -4                      ; R2=fp-4
3: (18) r1 = 0x0                      ; R1=map_ptr(map=hits,ks=4,vs=8)
5: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=hits,ks=4,vs=8)
6: (bf) r6 = r0                       ; R0=map_value_or_null(id=1,map=hits,ks=4,vs=8) R6=map_value_or_null(id=1,map=hits,ks=4,vs=8)
; *v += 1; @ count.c:31
7: (79) r1 = *(u64 *)(r6 +0)
R6 invalid mem access 'map_value_or_null'
processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`},
		want: `missing NULL check: R6 invalid mem access 'map_value_or_null'
  the pointer may be NULL here
  at insn 7: (79) r1 = *(u64 *)(r6 +0)
     count.c:31: *v += 1;
  R6 held: a pointer to the value of map hits (8 bytes), or NULL
  since insn 5: (85) call bpf_map_lookup_elem#1
     count.c:30: v = bpf_map_lookup_elem(&hits, &key);
  since insn 6: (bf) r6 = r0
     count.c:30: v = bpf_map_lookup_elem(&hits, &key);
  fix: compare it with NULL before using it, and use it only where it is not
`,
	},
	{
		name: "index too large, through the stack",
		prog: bytecode.Program{Insns: after(lookup, insn(0x7b, 10, 0, -16, 0), insn(0x85, 0, 0, 0, 7), insn(0x57, 0, 0, 0, 15),
			insn(0x79, 1, 10, -16, 0), insn(0x0f, 1, 0, 0, 0), insn(0x79, 0, 1, 0, 0), insn(0x95, 0, 0, 0, 0))},
		r: verify.Rejection{
			Line: "R1 max value is outside of the allowed memory range", Insn: 11, Reg: -1,
			Log: `5: (85) call bpf_map_lookup_elem#1    ; R0=map_value(map=hits,ks=4,vs=8)
6: (7b) *(u64 *)(r10 -16) = r0        ; R0=map_value(map=hits,ks=4,vs=8) R10=fp0 fp-16=map_value(map=hits,ks=4,vs=8)
7: (85) call bpf_get_prandom_u32#7    ; R0=scalar()
8: (57) r0 &= 15                      ; R0=scalar(smin=smin32=0,smax=umax=smax32=umax32=15,var_off=(0x0; 0xf))
9: (79) r1 = *(u64 *)(r10 -16)        ; R1=map_value(map=hits,ks=4,vs=8) R10=fp0 fp-16=map_value(map=hits,ks=4,vs=8)
10: (0f) r1 += r0                     ; R0=scalar(smin=smin32=0,smax=umax=smax32=umax32=15,var_off=(0x0; 0xf)) R1=map_value(map=hits,ks=4,vs=8,smin=smin32=0,smax=umax=smax32=umax32=15,var_off=(0x0; 0xf))
11: (79) r0 = *(u64 *)(r1 +0)
invalid access to map value, value_size=8 off=15 size=8
R1 max value is outside of the allowed memory range
`},
		want: `out of bounds: R1 max value is outside of the allowed memory range
  8 bytes at offset 15 do not lie inside the map's value of 8 bytes
  at insn 11: (79) r0 = *(u64 *)(r1 +0)
  R1 held: a pointer to the value of map hits plus a number up to 15 (8 bytes)
  since insn 5: (85) call bpf_map_lookup_elem#1
  since insn 6: (7b) *(u64 *)(r10 -16) = r0
  since insn 9: (79) r1 = *(u64 *)(r10 -16)
  since insn 10: (0f) r1 += r0
  fix: limit the offset to the size of what it points into: if (i >= N) return, or i &= N-1
`,
	},
	{
		name: "packet, after a branch",
		prog: bytecode.Program{Insns: []bytecode.Insn{
			insn(0x61, 2, 1, 76, 0), insn(0x61, 3, 1, 80, 0), insn(0xbf, 4, 2, 0, 0), insn(0x07, 4, 0, 0, 14),
			insn(0xbd, 4, 3, 2, 0), insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0), insn(0x71, 0, 2, 14, 0), insn(0x95, 0, 0, 0, 0)}},
		r: verify.Rejection{
			Line: "R2 offset is outside of the packet", Insn: 7, Reg: 2,
			Log: `0: R1=ctx() R10=fp0
0: (61) r2 = *(u32 *)(r1 +76)         ; R1=ctx() R2=pkt(r=0)
1: (61) r3 = *(u32 *)(r1 +80)         ; R1=ctx() R3=pkt_end()
2: (bf) r4 = r2                       ; R2=pkt(r=0) R4=pkt(r=0)
3: (07) r4 += 14                      ; R4=pkt(off=14,r=0)
4: (bd) if r4 <= r3 goto pc+2 7: R1=ctx() R2=pkt(r=14) R3=pkt_end() R4=pkt(off=14,r=14) R10=fp0
7: (71) r0 = *(u8 *)(r2 +14)
invalid access to packet, off=14 size=1, R2(id=0,off=14,r=14)
R2 offset is outside of the packet
`},
		want: `out of bounds: R2 offset is outside of the packet
  1 bytes at offset 14 are read, but only 14 bytes were shown to exist by a comparison with data_end
  at insn 7: (71) r0 = *(u8 *)(r2 +14)
  R2 held: a pointer into the packet, of which 14 bytes are known to exist
  since insn 0: (61) r2 = *(u32 *)(r1 +76)
  fix: compare the end of what you read with data_end first
`,
	},
	{
		name: "leaked record",
		prog: bytecode.Program{Insns: []bytecode.Insn{
			insn(0x18, 1, 5, 0, 0), {}, insn(0xb7, 2, 0, 0, 8), insn(0xb7, 3, 0, 0, 0), insn(0x85, 0, 0, 0, 131),
			insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)}},
		r: verify.Rejection{
			Line: "BPF_EXIT instruction in main prog would lead to reference leak", Insn: 6, Reg: -1,
			Log: `4: (85) call bpf_ringbuf_reserve#131          ; R0=ringbuf_mem_or_null(id=2,ref_obj_id=2,sz=8) refs=2
5: (b7) r0 = 0                        ; R0=0 refs=2
6: (95) exit
Unreleased reference id=2 alloc_insn=4
BPF_EXIT instruction in main prog would lead to reference leak
`},
		want: `resource: BPF_EXIT instruction in main prog would lead to reference leak
  what instruction 4 acquired is not released on this path
  at insn 6: (95) exit
  since insn 4: (85) call bpf_ringbuf_reserve#131
  fix: release it on every path, errors included
`,
	},
	{
		name: "no log",
		prog: bytecode.Program{Insns: []bytecode.Insn{insn(0x85, 0, 0, 0, 7), insn(0x95, 0, 0, 0, 0)}},
		r:    verify.Rejection{Line: "At program exit the register R0 has unknown scalar value should have been in [0, 1]", Insn: 1, Reg: -1},
		want: `return value: At program exit the register R0 has unknown scalar value should have been in [0, 1]
  programs of this type must return 0 to 1, and R0 may be something else (unknown scalar value)
  at insn 1: (95) exit
  fix: return only allowed values; limit a computed one first
`,
	},
	{
		name: "unknown line",
		prog: bytecode.Program{Insns: []bytecode.Insn{insn(0x95, 0, 0, 0, 0)}},
		r:    verify.Rejection{Line: "something new", Insn: -1, Reg: -1, Kind: "call"},
		want: "call: something new\n",
	},
}

func TestExplain(t *testing.T) {
	for _, tt := range explainTests {
		t.Run(tt.name, func(t *testing.T) {
			got := Explain(&tt.prog, &tt.r).String()
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("report (-want +got):\n%s", d)
			}
		})
	}
}

// TestRowsReachable: every row is found by its own pattern, so that no row
// hides a later one.
func TestRowsReachable(t *testing.T) {
	for i := range rows {
		line := rows[i].pattern
		for strings.Contains(line, "{") {
			before, rest, _ := strings.Cut(line, "{")
			_, after, _ := strings.Cut(rest, "}")
			line = before + "1" + after
		}
		if got, _ := lookUp(line); got != &rows[i] {
			t.Errorf("%q finds row %q", line, got.pattern)
		}
	}
}

// TestRowsFilled: texts quote only parts that their pattern has.
func TestRowsFilled(t *testing.T) {
	for _, r := range rows {
		if r.kind == "" || r.problem == "" || r.advice == "" {
			t.Errorf("%q: incomplete", r.pattern)
		}
		for _, text := range []string{r.problem, r.advice} {
			for _, part := range strings.Split(text, "{")[1:] {
				name, _, ok := strings.Cut(part, "}")
				if ok && !strings.ContainsAny(name, " \t") && name != "" && !strings.Contains(r.pattern, "{"+name+"}") {
					t.Errorf("%q: {%s} is not in the pattern", r.pattern, name)
				}
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, line string
		want          map[string]string
	}{
		{"R{reg} !read_ok", "R3 !read_ok", map[string]string{"reg": "3"}},
		{"R{reg} !read_ok", "R3 read_ok", nil},
		{"unknown opcode {op}", "unknown opcode ff", map[string]string{"op": "ff"}},
		{"off={off} size={size}", "off=-8 size=4 more", map[string]string{"off": "-8", "size": "4"}},
		{"misaligned {what}access", "misaligned access off 1", map[string]string{"what": ""}},
		{"div by zero", "div by", nil},
	} {
		vars, ok := match(tt.pattern, tt.line)
		if ok != (tt.want != nil) || ok && !cmp.Equal(vars, tt.want) {
			t.Errorf("match(%q, %q) = %v, %v", tt.pattern, tt.line, vars, ok)
		}
	}
}

func TestInWords(t *testing.T) {
	for _, tt := range []struct{ state, want string }{
		{"", ""},
		{"ctx()", "the context"},
		{"ctx(off=8)", "the context plus 8"},
		{"scalar()", "any number"},
		{"scalar(smin=smin32=0,smax=umax=smax32=umax32=15,var_off=(0x0;", "a number of at most 15"},
		{"Pscalar(umin=1,umax=5)", "a number from 1 to 5"},
		{"scalar(smin=-5,smax=5)", "a number from -5 to 5"},
		{"scalar(umin=3)", "a number of at least 3, without a limit above"},
		{"P-4", "the number -4"},
		{"0xff", "the number 0xff"},
		{"fp-8", "a pointer to the stack, at fp-8"},
		{"fp0", "the frame pointer"},
		{"pkt(off=14,r=0)", "a pointer into the packet plus 14, of which 0 bytes are known to exist"},
		{"map_ptr(map=hits,ks=4,vs=8)", "a map hits, not its value"},
		{"ringbuf_mem_or_null(id=2,ref_obj_id=2,sz=8)", "a record of a ring buffer (8 bytes), or NULL"},
		{"trusted_ptr_task_struct()", "a pointer to struct task_struct"},
		{"sock_or_null(id=1)", "a socket, or NULL"},
		{"arena()", "arena"},
	} {
		if got := inWords(tt.state); got != tt.want {
			t.Errorf("inWords(%q) = %q, want %q", tt.state, got, tt.want)
		}
	}
}

// TestOriginAcrossCalls: a value that a function was passed comes from its
// caller; what a callee did on the way is not looked at.
func TestOriginAcrossCalls(t *testing.T) {
	insns := []bytecode.Insn{
		insn(0xb7, 1, 0, 0, 5), // 0: r1 = 5
		insn(0x85, 0, 1, 0, 2), // 1: call 4
		insn(0xbf, 7, 0, 0, 0), // 2: r7 = r0
		insn(0x95, 0, 0, 0, 0), // 3
		insn(0xbf, 6, 1, 0, 0), // 4: r6 = r1
		insn(0xbf, 0, 6, 0, 0), // 5: r0 = r6
		insn(0x95, 0, 0, 0, 0), // 6
	}
	for _, tt := range []struct {
		name string
		path []int
		reg  int
		want []int
	}{
		{"argument", []int{0, 1, 4}, 6, []int{0, 4}},
		{"result", []int{0, 1, 4, 5, 6, 2}, 7, []int{1, 2}},
		{"unwritten", []int{0, 1, 4, 5, 6, 2}, 8, nil},
	} {
		if got := origin(insns, tt.path, tt.reg); !cmp.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
