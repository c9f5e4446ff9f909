// This file tests extensions: which functions of other programs they may
// replace, and whose rules they follow.

package verify_test

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/live"
)

// Hosts are programs with functions to replace.
const (
	plainHost = `r6 = r1; call part; r1 = 5; call number; r0 = 0; exit;
		global part(ctx): r0 = 0; exit;
		global number(long): r0 = 0; exit`
	hiddenHost  = `r1 = 5; call hidden; r0 = 0; exit; static hidden(long): r0 = 0; exit`
	pullingHost = `call part; r0 = 0; exit; global part(ctx): r2 = 0; call xdp_adjust_head; r0 = 0; exit`
)

// replacing is an extension of a function of a host.
func replacing(host, function string, params ...string) controlProgram {
	return controlProgram{typ: bytecode.ProgExt, host: host, function: function, params: params}
}

var (
	replacePart   = replacing(plainHost, "part", "ctx")
	replaceNumber = replacing(plainHost, "number", "long")
)

var extensionRows = []controlRow{
	{name: "a function of the context", as: replacePart, text: `r0 = *(u32 *)(r1 +0); r0 = 5; exit`},
	{name: "packets", as: replacePart, text: `r2 = *(u32 *)(r1 +0); r3 = *(u32 *)(r1 +4); r4 = r2; r4 += 1; if r4 > r3 goto out; r0 = *(u8 *)(r2 +0)` + done},
	{name: "past the packet", as: replacePart, text: `r2 = *(u32 *)(r1 +0); r0 = *(u8 *)(r2 +0)` + done, line: "R2 offset is outside of the packet"},
	{name: "past the context", as: replacePart, text: `r0 = *(u32 *)(r1 +64); exit`, line: "invalid bpf_context access off=64 size=4"},
	{name: "helpers of the host", as: replacePart, text: `r2 = 0; call redirect; exit`},
	{name: "helpers of other types", as: replacePart, text: `r2 = 0; r3 = 0; r4 = 0; r5 = 0; call skb_load_bytes; exit`, line: "program of this type cannot use helper bpf_skb_load_bytes#26"},
	{name: "no result", as: replacePart, text: `exit`, line: "R0 !read_ok"},
	{name: "a function of a number", as: replaceNumber, text: `r0 = r1; exit`},
	{name: "a number used as a pointer", as: replaceNumber, text: `r0 = *(u32 *)(r1 +0); exit`, line: "R1 invalid mem access 'scalar'"},
	{name: "an argument that is not there", as: replaceNumber, text: `r0 = r2; exit`, line: "R2 !read_ok"},
	{name: "the main function", as: replacing(plainHost, "main", "ctx"), text: `r0 = 5; exit`},
	{name: "another parameter", as: replacing(plainHost, "number", "ctx"), text: `r0 = 5; exit`, line: "arg0 in main() is PTR while number() has INT"},
	{name: "a parameter of another size", as: replacing(plainHost, "number", "int"), text: `r0 = 5; exit`, line: "arg0 in main() has size 4 while number() has 8"},
	{name: "a pointer to something else", as: replacing(plainHost, "part", "word"), text: `r0 = 5; exit`, line: "arg0 in main() is not a pointer to context"},
	{name: "too many parameters", as: replacing(plainHost, "number", "long", "long"), text: `r0 = 5; exit`, line: "main() has 2 args while number() has 1 args"},
	{name: "a static function", as: replacing(hiddenHost, "hidden", "long"), text: `r0 = 5; exit`, line: "hidden() is not a global function"},
	{name: "a packet moved, as the host may", as: replacing(pullingHost, "part", "ctx"), text: `r2 = 0; call xdp_adjust_head; r0 = 0; exit`},
	{name: "a packet moved, as the host does not", as: replacePart, text: `r2 = 0; call xdp_adjust_head; r0 = 0; exit`, line: "Extension program changes packet data, while original does not"},
	{name: "functions of its own", as: replacePart, text: `r1 = 5; call own; exit; static own(long): r0 = r1; exit`},
	{name: "nothing to replace", as: controlProgram{typ: bytecode.ProgExt}, text: `r0 = 0; exit`, line: "Tracing programs must provide btf_id"},
}

// takesExtensions reports whether the running kernel can be asked about
// extensions: one that is locked down takes none.
func takesExtensions(t *testing.T) bool {
	if !runningTarget() {
		return false
	}
	set := live.NewSet()
	defer set.Close()
	row := controlRow{text: `r0 = 0; exit`, as: controlProgram{typ: bytecode.ProgExt}}
	res, err := set.Load(row.program(t), live.LoadOptions{LogLevel: 1})
	return err == nil && !errors.Is(res.Errno, syscall.EPERM)
}

func TestExtensions(t *testing.T) {
	rows := slices.Clone(extensionRows)
	if !takesExtensions(t) {
		t.Log("without a kernel that takes extensions: the verdicts are Skep's alone")
		for i := range rows {
			rows[i].kernelErrs = true
		}
	}
	checkRows(t, rows)
}
