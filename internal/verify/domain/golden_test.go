// This file defines the test against recorded results of Linux 6.18, for
// machines whose kernel cannot be asked.

package domain_test

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/verify/domain"
)

// goldenFile has a line for each step: what was done ("add 64", "jgt 32",
// "sext 64 16", "swap 32"), its operands and its outcome, tabs between, each
// scalar as the log prints it. TestKernel -record writes it.
const goldenFile = "testdata/linux-6.18.tsv"

func TestGolden(t *testing.T) {
	f, err := os.Open(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for in := bufio.NewScanner(f); in.Scan(); n++ {
		field := strings.Split(in.Text(), "\t")
		if len(field) != 4 {
			t.Fatalf("line %d: %d fields", n+1, len(field))
		}
		a, b := parseScalar(t, field[1]), parseScalar(t, field[2])
		if got := evaluate(field[0], a, b); got != field[3] {
			t.Errorf("%s of %s and %s:\nours   %s\nkernel %s", field[0], field[1], field[2], got, field[3])
		}
	}
	if n < 500 {
		t.Errorf("only %d recorded steps", n)
	}
}

// evaluate does what a recorded step did.
func evaluate(step string, a, b domain.Scalar) string {
	word := strings.Fields(step)
	width, _ := strconv.Atoi(word[1])
	switch word[0] {
	case "sext":
		bits, _ := strconv.Atoi(word[2])
		return b.SignExtend(bits/8, width).String()
	case "swap", "order":
		return a.ByteOrder(width/8, word[0] == "swap").String()
	}
	for c, name := range cmpNames {
		if name == word[0] {
			return outcome(a, b, c, width == 32)
		}
	}
	for code, name := range opNames {
		if name == word[0] {
			return domain.ALU(ops[code], width, a, b).String()
		}
	}
	return "unknown step"
}

// outcome is the answer to a comparison, or both ways on.
func outcome(a, b domain.Scalar, c domain.Cmp, is32 bool) string {
	switch domain.BranchTaken(a, b, c, is32) {
	case domain.Always:
		return "always"
	case domain.Never:
		return "never"
	}
	ta, tb := domain.Refine(a, b, c, is32)
	fa, fb := domain.Refine(a, b, c.Negate(), is32)
	return fmt.Sprintf("%v %v else %v %v", ta, tb, fa, fb)
}

// parseScalar reads what Scalar.String writes.
func parseScalar(t *testing.T, text string) domain.Scalar {
	t.Helper()
	inner, isRange := strings.CutPrefix(text, "scalar(")
	if !isRange {
		return domain.Const(parseNumber(t, text))
	}
	s := domain.Unknown()
	inner, tnum, hasTnum := strings.Cut(strings.TrimSuffix(inner, ")"), "var_off=")
	if hasTnum {
		if _, err := fmt.Sscanf(tnum, "(0x%x; 0x%x)", &s.Var.Value, &s.Var.Mask); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	for item := range strings.SplitSeq(strings.Trim(inner, ","), ",") {
		names := strings.Split(item, "=")
		for _, name := range names[:len(names)-1] {
			setBound(&s, name, parseNumber(t, names[len(names)-1]))
		}
	}
	return s
}

func parseNumber(t *testing.T, text string) uint64 {
	t.Helper()
	if v, err := strconv.ParseUint(text, 0, 64); err == nil {
		return v
	}
	v, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(v)
}

func setBound(s *domain.Scalar, name string, v uint64) {
	switch name {
	case "smin":
		s.SMin = int64(v)
	case "smax":
		s.SMax = int64(v)
	case "umin":
		s.UMin = v
	case "umax":
		s.UMax = v
	case "smin32":
		s.S32Min = int32(v)
	case "smax32":
		s.S32Max = int32(v)
	case "umin32":
		s.U32Min = uint32(v)
	case "umax32":
		s.U32Max = uint32(v)
	}
}

var ops = map[uint8]domain.Op{
	0x00: domain.Add, 0x10: domain.Sub, 0x20: domain.Mul, 0x30: domain.Div, 0x40: domain.Or,
	0x50: domain.And, 0x60: domain.Lsh, 0x70: domain.Rsh, 0x80: domain.Neg, 0x90: domain.Mod,
	0xa0: domain.Xor, 0xb0: domain.Mov, 0xc0: domain.Arsh,
}

var opNames = map[uint8]string{
	0x00: "add", 0x10: "sub", 0x20: "mul", 0x30: "div", 0x40: "or", 0x50: "and", 0x60: "lsh", 0x70: "rsh",
	0x80: "neg", 0x90: "mod", 0xa0: "xor", 0xb0: "mov", 0xc0: "arsh",
}

var cmpNames = map[domain.Cmp]string{
	domain.Eq: "jeq", domain.Gt: "jgt", domain.Ge: "jge", domain.Set: "jset", domain.Ne: "jne", domain.SGt: "jsgt",
	domain.SGe: "jsge", domain.Lt: "jlt", domain.Le: "jle", domain.SLt: "jslt", domain.SLe: "jsle",
}
