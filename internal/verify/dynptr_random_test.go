// This file tests dynptrs by random programs: most are nearly right, and each
// must get the running kernel's verdict, for the kernel's reason.

package verify_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/verify"
)

// dynptrMove is something that a program may do. In its text FROM is where a
// dynptr lies, TO where one may be made, REG a register that may point inside
// one, LABEL a new label.
type dynptrMove struct {
	needs string // kind of the dynptr at FROM, "some" for any
	makes string // kind of the one at TO, "same" for FROM's
	ends  bool   // the one at FROM
	text  string
}

const localKind, recordKind, packetKind = "local", "record", "packet"

var dynptrMoves = []dynptrMove{
	{makes: localKind, text: `r4 = r10; r4 += TO` + localAt},
	{makes: recordKind, text: `r4 = r10; r4 += TO; r1 = map[events]; r2 = 8; r3 = 0; call ringbuf_reserve_dynptr`},
	{makes: packetKind, text: `r1 = r9; r2 = 0; r3 = r10; r3 += TO; kfunc bpf_dynptr_from_xdp`},
	{needs: "some", makes: "same", text: `r1 = r10; r1 += FROM; r2 = r10; r2 += TO; kfunc bpf_dynptr_clone`},
	{needs: recordKind, ends: true, text: `r1 = r10; r1 += FROM; r2 = 0; call ringbuf_submit_dynptr`},
	{needs: recordKind, ends: true, text: `r1 = r10; r1 += FROM; call giving`},
	{needs: "some", text: `r1 = r10; r1 += FROM; kfunc bpf_dynptr_size`},
	{needs: "some", text: `r1 = r10; r1 += FROM; r2 = REG; call looking`},
	{needs: "some", text: `r1 = 3; r2 = func visiting; r3 = r10; r3 += FROM; r4 = 0; call loop`},
	{needs: localKind, text: `r1 = r10; r1 += FROM; r1 += 8; call writing`},
	{needs: "some", text: `r1 = r10; r1 += FROM; r2 = 0; r3 = 8; call dynptr_data; REG = r0; if REG != 0 goto LABEL; REG = value[large]+0; LABEL: r0 = 0`},
	{needs: packetKind, text: `r1 = r10; r1 += FROM; r2 = 0; r3 = 0; r4 = 8; kfunc bpf_dynptr_slice; REG = r0; if REG != 0 goto LABEL; REG = value[large]+0; LABEL: r0 = 0`},
	{needs: "some", text: `*(u64 *)(r10 -48) = 0; r1 = r10; r1 += -48; r2 = 8; r3 = r10; r3 += FROM; r4 = 0; r5 = 0; call dynptr_read`},
	{needs: "some", text: `*(u64 *)(r10 -48) = 0; r3 = r10; r3 += -48; r1 = r10; r1 += FROM; r2 = 0; r4 = 8; r5 = 0; call dynptr_write`},
	{text: `r0 = *(u8 *)(REG +7)`},
	{text: `*(u8 *)(REG +0) = 1`},
	{text: `*(u64 *)(r10 -40) = REG`},
	{text: `REG = *(u64 *)(r10 -40)`},
	{text: `r1 = r9; r2 = 0; call xdp_adjust_head`},
	{makes: "none", text: `*(u64 *)(r10 TO) = 0`},
	{makes: "none", text: `r1 = r10; r1 += TO; *(u8 *)(r1 +15) = 1`},
	{makes: "none", text: `r1 = r10; r1 += TO; r2 = 0; r3 = 4; kfunc bpf_iter_num_new; r1 = r10; r1 += TO; kfunc bpf_iter_num_destroy`},
}

// dynptrFunctions are what the moves call; only those that are called may be
// in a program.
var dynptrFunctions = []string{
	`giving(long): r2 = 0; call ringbuf_submit_dynptr; r0 = 0; exit`,
	`looking(long, long): r6 = r2; kfunc bpf_dynptr_size; r0 = *(u8 *)(r6 +1); exit`,
	`visiting(long, long): r1 = r2; r2 = 0; r3 = 8; call dynptr_data; r0 = 0; exit`,
	`writing(long): *(u64 *)(r1 +0) = 0; r0 = 0; exit`,
}

// dynptrPlaces are offsets from the frame pointer, some of them too close.
var dynptrPlaces = []int{-16, -24, -32, -64}

// dynptrWriter writes a program. It guesses what lies where; on most paths the
// guess is right.
type dynptrWriter struct {
	*rand.Rand
	text   strings.Builder
	kinds  map[int]string
	labels int
}

func (w *dynptrWriter) label() string {
	w.labels++
	return fmt.Sprintf("at%d", w.labels)
}

// place is one of the places that suit; now and then any.
func (w *dynptrWriter) place(suits func(kind string) bool) (at int, ok bool) {
	var fit []int
	for _, at := range dynptrPlaces {
		if suits(w.kinds[at]) || w.IntN(24) == 0 {
			fit = append(fit, at)
		}
	}
	if len(fit) == 0 {
		return 0, false
	}
	return fit[w.IntN(len(fit))], true
}

func (w *dynptrWriter) move(m dynptrMove) {
	from, to, ok := 0, 0, true
	if m.needs != "" {
		from, ok = w.place(func(k string) bool { return k == m.needs || m.needs == "some" && k != "" })
	}
	if m.makes != "" && ok {
		to, ok = w.place(func(k string) bool { return k != recordKind })
	}
	if !ok {
		return
	}
	w.text.WriteString(strings.NewReplacer("FROM", fmt.Sprint(from), "TO", fmt.Sprint(to),
		"REG", fmt.Sprint("r", 6+w.IntN(2)), "LABEL", w.label()).Replace(m.text) + "\n")
	w.guess(m, from, to)
}

func (w *dynptrWriter) guess(m dynptrMove, from, to int) {
	kind := map[string]string{"same": w.kinds[from], "none": ""}
	if m.ends {
		delete(w.kinds, from)
	}
	if m.makes == "" {
		return
	}
	for _, at := range dynptrPlaces {
		if at > to-16 && at < to+16 {
			delete(w.kinds, at)
		}
	}
	w.kinds[to] = m.makes
	if k, ok := kind[m.makes]; ok {
		w.kinds[to] = k
	}
}

// moves writes several, some in a branch or in a loop.
func (w *dynptrWriter) moves(n, depth int) {
	for range n {
		label := w.label()
		switch k := w.IntN(12); {
		case k == 0 && depth > 0:
			fmt.Fprintf(&w.text, "call get_prandom_u32; if r0 > %d goto %s\n", w.IntN(9), label)
			w.moves(1+w.IntN(3), depth-1)
			fmt.Fprintf(&w.text, "%s: r0 = 0\n", label)
		case k == 1 && depth > 0:
			fmt.Fprintf(&w.text, "r8 = 0; %s: r8 += 1\n", label)
			w.moves(1+w.IntN(3), 0)
			fmt.Fprintf(&w.text, "if r8 < 3 goto %s\n", label)
		default:
			w.move(dynptrMoves[w.IntN(len(dynptrMoves))])
		}
	}
}

func randomDynptrs(seed uint64) string {
	w := dynptrWriter{Rand: rand.New(rand.NewPCG(seed, 0)), kinds: map[int]string{}}
	w.text.WriteString("r9 = r1; r6 = value[large]+0; r7 = r6; *(u64 *)(r10 -40) = r6\n")
	w.moves(3+w.IntN(10), 2)
	for _, at := range dynptrPlaces {
		if w.kinds[at] == recordKind {
			fmt.Fprintf(&w.text, "r1 = r10; r1 += %d; r2 = 0; call ringbuf_submit_dynptr\n", at)
		}
	}
	w.text.WriteString("r0 = 0; exit\n")
	for _, f := range dynptrFunctions {
		if name, _, _ := strings.Cut(f, "("); strings.Contains(w.text.String(), name) {
			w.text.WriteString("static " + f + "\n")
		}
	}
	return w.text.String()
}

func TestRandomDynptrs(t *testing.T) {
	if !runningTarget() {
		t.Skip("needs a live 6.18 kernel")
	}
	spec, err := kernelTypes()
	if err != nil {
		t.Fatal(err)
	}
	opt := &verify.Options{Target: catalog.Linux6_18.WithBTF(spec), Caps: catalog.CapsAll}
	verdicts := map[bool]int{}
	for seed := range uint64(400) {
		row := controlRow{text: randomDynptrs(seed)}
		row.as.flags = uint32(seed%2) * bytecode.FlagTestStateFreq
		p := row.program(t)
		want := kernelReason(t, p)
		verdicts[want == ""]++
		got := ""
		if _, err := verify.Program(t.Context(), p, opt); err != nil {
			got = err.Error()
		}
		if got != want && !(strings.HasPrefix(got, "infinite loop") && strings.HasPrefix(want, "infinite loop")) {
			t.Errorf("seed %d: Skep's reason %q, the kernel's %q\n%s", seed, got, want, row.text)
		}
	}
	if verdicts[true] < 50 || verdicts[false] < 50 {
		t.Errorf("accepted %d, rejected %d: too few to mean much", verdicts[true], verdicts[false])
	}
}

// kernelReason is why the running kernel refuses a program, "" if it does not.
func kernelReason(t *testing.T, p *bytecode.Program) string {
	t.Helper()
	set := live.NewSet()
	defer set.Close()
	res, err := set.Load(p, live.LoadOptions{LogLevel: uint32(verify.LogBranch)})
	if err != nil {
		t.Fatalf("asking the kernel: %v", err)
	}
	if res.Accepted() {
		return ""
	}
	return res.Line()
}
