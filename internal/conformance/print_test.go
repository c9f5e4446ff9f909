// This file defines tests of what is printed.

package conformance

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func sampleReport() *Report {
	r := &Report{Unread: map[string]string{}}
	for _, s := range []struct {
		file    string
		kernel  *Answer
		verdict Verdict
		line    string
	}{
		{"verifier_x", accepted(), Accept, ""},
		{"verifier_x", rejected("no"), Accept, ""},
		{"y", rejected("no"), Unsupported, "kfunc calls"},
	} {
		c := &Case{Object: &CorpusObject{Name: s.file, CPU: "v3"}, Program: "p", Section: "xdp"}
		r.Outcomes = append(r.Outcomes, Judge(c, s.kernel, &SkepAnswer{Verdict: s.verdict, Line: s.line, Processed: 7}))
	}
	return r
}

func TestPrint(t *testing.T) {
	r := sampleReport()
	for _, tt := range []struct {
		name  string
		print func(*bytes.Buffer)
		want  []string
		not   string
	}{
		{"table", func(b *bytes.Buffer) { r.PrintTable(b) },
			[]string{"verifier_x", "1/2  50%", "verifier_*", "others"}, "kernel"},
		{"all differences", func(b *bytes.Buffer) { r.PrintDifferences(b, -1) },
			[]string{"verifier_x/p (xdp)\n  kernel   reject      no\n  skep     accept", "y/p (xdp)"}, "more"},
		{"document", func(b *bytes.Buffer) { r.WriteDoc(b) },
			[]string{"| `verifier_*` | 2 | 1/2  50% |", "| `all others` | 1 | 0/1   0% |", "| 1 | other kfuncs |",
				"refuses and Skep accepts: 1.", "- `verifier_x/p`: no"}, "%!"},
		{"one difference", func(b *bytes.Buffer) { r.PrintDifferences(b, 1) },
			[]string{"verifier_x/p", "… and 1 more"}, "y/p"},
		{"summary", func(b *bytes.Buffer) { r.PrintSummary(b) },
			[]string{"Skep gave no verdict: 1\n", "unsupported: kfunc calls", "FALSE ACCEPT: verifier_x/p: kernel: no", "as by the kernel: 1/1 100%"}, "not linked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			tt.print(&b)
			for _, w := range tt.want {
				if !strings.Contains(b.String(), w) {
					t.Errorf("lacks %q:\n%s", w, b.String())
				}
			}
			if strings.Contains(b.String(), tt.not) {
				t.Errorf("has %q:\n%s", tt.not, b.String())
			}
		})
	}
}

func TestFirstDifference(t *testing.T) {
	for _, tt := range []struct {
		name, is, should, line string
		differs                bool
	}{
		{"same", "a\nb\n", "a\nb\n", "", false},
		{"another line", "a\nx\n", "a\nb\n", "b", true},
		{"a line less", "a\n", "a\nb\n", "b", true},
		{"a line more", "a\nb\n\n", "a\nb\n", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if line, differs := FirstDifference(tt.is, tt.should); line != tt.line || differs != tt.differs {
				t.Errorf("got %q, %v", line, differs)
			}
		})
	}
}

func TestFeatureOf(t *testing.T) {
	for _, tt := range []struct{ name, reason, want string }{
		{"first row that matches", "kfunc bpf_iter_num_new", "open-coded iterators"},
		{"any other kfunc", "kfunc bpf_session_cookie", "other kfuncs"},
		{"unknown", "moon phases", "moon phases"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := featureOf(tt.reason); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPrintJSON(t *testing.T) {
	var b bytes.Buffer
	if err := sampleReport().PrintJSON(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], `{"v":1,`) {
		t.Fatalf("got %d lines:\n%s", len(lines), b.String())
	}
	var o jsonOutcome
	if err := json.Unmarshal([]byte(lines[1]), &o); err != nil {
		t.Fatal(err)
	}
	if !o.FalseAccept || o.Want != "reject" || o.Kernel != "no" || o.KernelWork != 7 || o.Marks["verdict"] != "differ" {
		t.Errorf("got %+v", o)
	}
}
