// This file defines tests of function and line information, against the
// running kernel where there is one.

package verify

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// testTypes has functions main, helper (static, int), void (static, no result)
// and handler (global), and an int. main's exception callback is handler.
func testTypes(t *testing.T, tags ...string) *btfx.Spec {
	t.Helper()
	integer := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	returning := func(result btf.Type) *btf.FuncProto { return &btf.FuncProto{Return: result} }
	main := &btf.Func{Name: "main", Type: returning(integer), Linkage: btf.GlobalFunc, Tags: tags}
	b, err := btf.NewBuilder([]btf.Type{
		integer, main,
		&btf.Func{Name: "helper", Type: returning(integer), Linkage: btf.StaticFunc},
		&btf.Func{Name: "void", Type: returning((*btf.Void)(nil)), Linkage: btf.StaticFunc},
		&btf.Func{Name: "handler", Type: returning(integer), Linkage: btf.GlobalFunc},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btfx.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// funcInfo says that the named function or type starts at an instruction.
type funcInfo struct {
	insn uint32
	name string
}

var (
	twoFunctions = code(callSubprog(1), exit(), movK(0, 0), exit())
	loadInSecond = code(movX(6, 1), callSubprog(2), movK(0, 0), exit(), movX(6, 1), ldAbs(0), exit())
)

// btfTest is a program with its function and line records; line is the
// kernel's reason, "" where there is none.
type btfTest struct {
	name  string
	insns []bytecode.Insn
	tags  []string
	funcs []funcInfo
	lines []bytecode.LineInfo
	line  string
	errno int
}

var btfTests = []btfTest{
	{name: "fits", insns: twoFunctions, funcs: []funcInfo{{0, "main"}, {2, "helper"}}},
	{name: "first not at 0", insns: twoFunctions, funcs: []funcInfo{{1, "main"}, {2, "helper"}},
		line: "nonzero insn_off 1 for the first func info record", errno: errEINVAL},
	{name: "out of order", insns: twoFunctions, funcs: []funcInfo{{0, "main"}, {0, "helper"}},
		line: "same or smaller insn offset (0) than previous func info record (0)", errno: errEINVAL},
	{name: "not a function", insns: twoFunctions, funcs: []funcInfo{{0, "main"}, {2, "int"}},
		line: "invalid type id 1 in func info", errno: errEINVAL},
	{name: "one too few", insns: twoFunctions, funcs: []funcInfo{{0, "main"}},
		line: "number of funcs in func_info doesn't match number of subprogs", errno: errEINVAL},
	{name: "elsewhere", insns: twoFunctions, funcs: []funcInfo{{0, "main"}, {3, "helper"}},
		line: "func_info BTF section doesn't match subprog layout in BPF program", errno: errEINVAL},
	{name: "packet load in an int function", insns: loadInSecond, funcs: []funcInfo{{0, "main"}, {4, "helper"}}},
	{name: "packet load in a void function", insns: loadInSecond, funcs: []funcInfo{{0, "main"}, {4, "void"}},
		line: "LD_ABS is only allowed in functions that return 'int'.", errno: errEINVAL},
	{name: "tail call in a void function", insns: code(callSubprog(2), movK(0, 0), exit(), callHelper(helperTailCall), movK(0, 0), exit()),
		funcs: []funcInfo{{0, "main"}, {3, "void"}},
		line:  "tail_call is only allowed in functions that return 'int'.", errno: errEINVAL},

	{name: "exception callback", insns: code(movK(0, 0), exit(), movK(0, 0), exit()),
		tags: []string{"exception_callback:handler"}, funcs: []funcInfo{{0, "main"}, {2, "handler"}}},
	{name: "unknown exception callback", insns: twoFunctions, tags: []string{"exception_callback:nobody"},
		funcs: []funcInfo{{0, "main"}, {2, "helper"}},
		line:  "exception callback 'nobody' could not be found in BTF", errno: errENOENT},
	{name: "static exception callback", insns: twoFunctions, tags: []string{"exception_callback:helper"},
		funcs: []funcInfo{{0, "main"}, {2, "helper"}},
		line:  "exception callback 'helper' must have global linkage", errno: errEINVAL},
	{name: "exception callback that is not in the program", insns: twoFunctions, tags: []string{"exception_callback:handler"},
		funcs: []funcInfo{{0, "main"}, {2, "helper"}},
		line:  "exception callback type id not found in func_info", errno: errEINVAL},
	{name: "two exception callbacks", insns: twoFunctions, tags: []string{"exception_callback:handler", "exception_callback:main"},
		funcs: []funcInfo{{0, "main"}, {2, "helper"}},
		line:  "multiple exception callback tags for main subprog", errno: errEEXIST},

	{name: "lines", insns: twoFunctions, funcs: []funcInfo{{0, "main"}, {2, "helper"}},
		lines: []bytecode.LineInfo{{Insn: 0}, {Insn: 1}, {Insn: 2}}},
	{name: "function without a line", insns: twoFunctions, funcs: []funcInfo{{0, "main"}, {2, "helper"}},
		lines: []bytecode.LineInfo{{Insn: 0}, {Insn: 3}},
		line:  "missing bpf_line_info for func#1", errno: errEINVAL},
	{name: "last functions without a line", insns: twoFunctions, funcs: []funcInfo{{0, "main"}, {2, "helper"}},
		lines: []bytecode.LineInfo{{Insn: 0}},
		line:  "missing bpf_line_info for 1 funcs starting from func#1", errno: errEINVAL},
	{name: "lines out of order", insns: twoFunctions, funcs: []funcInfo{{0, "main"}, {2, "helper"}},
		lines: []bytecode.LineInfo{{Insn: 0}, {Insn: 2}, {Insn: 1}},
		line:  "Invalid line_info[2].insn_off:1 (prev_offset:2 prog->len:4)", errno: errEINVAL},
	{name: "line past the end", insns: twoFunctions, funcs: []funcInfo{{0, "main"}, {2, "helper"}},
		lines: []bytecode.LineInfo{{Insn: 0}, {Insn: 9}},
		line:  "Invalid line_info[1].insn_off:9 (prev_offset:0 prog->len:4)", errno: errEINVAL},
	{name: "line of half an instruction", insns: code(ldImm64(0, 0, 0, 0), exit()), funcs: []funcInfo{{0, "main"}},
		lines: []bytecode.LineInfo{{Insn: 0}, {Insn: 1}},
		line:  "Invalid insn code at line_info[1].insn_off", errno: errEINVAL},
	{name: "line with a bad string", insns: code(movK(0, 0), exit()), funcs: []funcInfo{{0, "main"}},
		lines: []bytecode.LineInfo{{Insn: 0, TextOff: 99999}},
		line:  "Invalid line_info[0].line_off or .file_name_off", errno: errEINVAL},
}

func (tt *btfTest) program(t *testing.T) *bytecode.Program {
	spec := testTypes(t, tt.tags...)
	p := &bytecode.Program{Type: bytecode.ProgSocketFilter, License: "GPL", Insns: tt.insns, BTF: spec, LineInfos: tt.lines}
	for _, f := range tt.funcs {
		ids := spec.Named(f.name)
		if len(ids) == 0 {
			t.Fatalf("no type %s", f.name)
		}
		p.FuncInfos = append(p.FuncInfos, bytecode.FuncInfo{Insn: f.insn, TypeID: ids[0]})
	}
	return p
}

func TestDebugInfo(t *testing.T) {
	for _, tt := range btfTests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, r := findShape(tt.program(t), testEnv(), testNames)
			if r == nil {
				r = new(Rejection)
			}
			if r.Line != tt.line || r.Errno != tt.errno {
				t.Errorf("got %q, errno %d; want %q, errno %d", r.Line, r.Errno, tt.line, tt.errno)
			}
		})
	}
}

// TestDebugInfoOracle asks the kernel about the same programs. Three of its
// lines lack their end, so that the counts follow in the same line.
func TestDebugInfoOracle(t *testing.T) {
	kernel := needKernel(t)
	for _, tt := range btfTests {
		r := kernel.load(tt.program(t), 0)
		if tt.line == "" {
			if !strings.Contains(r.Log, "R10=fp0") {
				t.Errorf("%s: the kernel says %q", tt.name, r.Line())
			}
			continue
		}
		if !strings.Contains("\n"+r.Log, "\n"+tt.line) || int(r.Errno) != tt.errno {
			t.Errorf("%s: the kernel says %q, errno %d", tt.name, r.Log, int(r.Errno))
		}
	}
}

// TestSubprogNames: functions take name and linkage from their records.
func TestSubprogNames(t *testing.T) {
	tt := btfTest{insns: code(movK(0, 0), exit(), movK(0, 0), exit()),
		tags: []string{"exception_callback:handler"}, funcs: []funcInfo{{0, "main"}, {2, "handler"}}}
	s, _, r := findShape(tt.program(t), testEnv(), testNames)
	if r != nil {
		t.Fatal(r)
	}
	if m, h := s.subs[0], s.subs[1]; m.Name != "main" || m.IsExceptionCB || h.Name != "handler" || !h.IsGlobal || !h.IsExceptionCB {
		t.Errorf("functions %+v", s.subs)
	}
}
