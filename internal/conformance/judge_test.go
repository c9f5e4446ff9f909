// This file defines tests of how answers are compared and counted.

package conformance

import (
	"strings"
	"syscall"
	"testing"

	"github.com/skepbpf/skep"
)

func rejected(line string) *Answer {
	return &Answer{Asked: true, Errno: syscall.EACCES, Log: "0: (95) exit\n" + line + "\nprocessed 7 insns (limit 1000000)\n"}
}

func accepted() *Answer { return &Answer{Asked: true, Log: "processed 7 insns (limit 1000000)\n"} }

func annotated(failure bool) *Case {
	return &Case{Object: &CorpusObject{Name: "f", CPU: "v3"}, Annotated: true, Expect: ModeExpectation{Failure: failure}}
}

func TestJudge(t *testing.T) {
	plain := &Case{Object: &CorpusObject{Name: "f", CPU: "v3"}}
	overtaken := annotated(true)
	overtaken.Object, overtaken.Program = &CorpusObject{Name: "verifier_map_ptr", CPU: "v4"}, "read_non_existent_field_rejected"
	unpriv := &Case{Object: &CorpusObject{Name: "f", CPU: "v3"}, Unpriv: true}
	for _, tt := range []struct {
		name        string
		c           *Case
		kernel      *Answer
		skep        *SkepAnswer
		want        Verdict
		from        string
		marks       string // one character a column: + agree, - differ, . not compared
		falseAccept bool
	}{
		{"both accept", plain, accepted(), &SkepAnswer{Verdict: Accept, Processed: 7}, Accept, "kernel", "+....+..", false},
		{"accepted after more work", plain, accepted(), &SkepAnswer{Verdict: Accept, Processed: 8}, Accept, "kernel", "+....-..", false},
		{"both reject alike", plain, rejected("no"), &SkepAnswer{Verdict: Reject, Line: "no", Processed: 7}, Reject, "kernel", "++...+..", false},
		{"both reject otherwise", plain, rejected("no"), &SkepAnswer{Verdict: Reject, Line: "never", Processed: 7}, Reject, "kernel", "+-...+..", false},
		{"false accept", plain, rejected("no"), &SkepAnswer{Verdict: Accept}, Reject, "kernel", "--......", true},
		{"false reject", plain, accepted(), &SkepAnswer{Verdict: Reject, Line: "no"}, Accept, "kernel", "-.......", false},
		{"unsupported counts as a difference", plain, accepted(), &SkepAnswer{Verdict: Unsupported}, Accept, "kernel", "-.......", false},
		{"unprivileged has its own column", unpriv, accepted(), &SkepAnswer{Verdict: Accept}, Accept, "kernel", "......+.", false},
		{"unprivileged messages too", unpriv, rejected("no"), &SkepAnswer{Verdict: Reject, Line: "never"}, Reject, "kernel", "......+-", false},
		{"refused before the verifier", plain, &Answer{Asked: true, Errno: syscall.EPERM}, &SkepAnswer{Verdict: Accept}, NoVerdict, "", "........", false},
		{"a map that cannot be made", plain, &Answer{Asked: true, Setup: "map m"}, &SkepAnswer{Verdict: Accept}, NoVerdict, "", "........", false},
		{"annotation instead of the kernel", annotated(true), &Answer{}, &SkepAnswer{Verdict: Reject, Line: "x"}, Reject, "annotation", "+.......", false},
		{"accepted against the annotation is only lenient", annotated(true), &Answer{}, &SkepAnswer{Verdict: Accept}, Reject, "annotation", "-.......", false},
		{"the kernel overrules the annotation", annotated(true), accepted(), &SkepAnswer{Verdict: Accept, Processed: 7}, Accept, "kernel", "+....+..", false},
		{"annotation that 6.18 has overtaken", overtaken, &Answer{}, &SkepAnswer{Verdict: Accept}, Accept, "annotation", "+.......", false},
		{"lockdown is no rule", annotated(false), rejected("program of this type cannot use helper bpf_probe_write_user#36"), &SkepAnswer{Verdict: Accept}, Accept, "annotation", "+.......", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := Judge(tt.c, tt.kernel, tt.skep)
			var marks strings.Builder
			for _, m := range o.Marks {
				marks.WriteByte(".+-"[m])
			}
			if o.Want != tt.want || o.From != tt.from || marks.String() != tt.marks || o.FalseAccept() != tt.falseAccept {
				t.Errorf("want %s from %q, marks %s, false accept %v", o.Want, o.From, marks.String(), o.FalseAccept())
			}
			if lenient := strings.HasPrefix(tt.name, "accepted against the annotation"); o.Lenient() != lenient {
				t.Errorf("lenient %v", o.Lenient())
			}
		})
	}
}

// Texts that the running kernel's log lacks itself are not asked of Skep.
func TestJudgeLog(t *testing.T) {
	for _, tt := range []struct {
		name   string
		kernel string
		skep   string
		want   Mark
	}{
		{"both have it", "R0 bad\n", "R0 bad\n", Agree},
		{"Skep lacks it", "R0 bad\n", "R0 poor\n", Differ},
		{"reworded since", "R0 awful\n", "R0 awful\n", NotCompared},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := annotated(true)
			c.Expect.Messages = []Pattern{{Text: "R0 bad"}}
			o := Judge(c, rejected(tt.kernel), &SkepAnswer{Verdict: Reject, Log: tt.skep})
			if o.Marks[ColLog] != tt.want {
				t.Errorf("mark %d, want %d", o.Marks[ColLog], tt.want)
			}
		})
	}
}

func TestJudgeReturn(t *testing.T) {
	seven := uint32(7)
	for _, tt := range []struct {
		name    string
		expect  ModeExpectation
		kernel  Answer
		verdict Verdict
		run     EngineRun
		want    Mark
		odd     bool
	}{
		{"same", ModeExpectation{Return: &seven}, Answer{Ran: true, Return: 7}, Accept, EngineRun{Return: 7}, Agree, false},
		{"another", ModeExpectation{Return: &seven}, Answer{Ran: true, Return: 7}, Accept, EngineRun{Return: 8}, Differ, false},
		{"against the annotation", ModeExpectation{Return: &seven}, Answer{Ran: true, Return: 8}, Accept, EngineRun{Return: 8}, Agree, true},
		{"fault", ModeExpectation{Return: &seven}, Answer{Ran: true, Return: 7}, Accept, EngineRun{Return: 7, Err: "fault"}, Differ, false},
		{"helper without a body", ModeExpectation{Return: &seven}, Answer{Ran: true, Return: 7}, Accept, EngineRun{Err: "f", Missing: true}, Missing, false},
		{"not verified yet", ModeExpectation{Return: &seven}, Answer{Ran: true, Return: 7}, Unsupported, EngineRun{Err: "not accepted"}, Missing, false},
		{"rejected by Skep", ModeExpectation{Return: &seven}, Answer{Ran: true, Return: 7}, Reject, EngineRun{Err: "not accepted"}, Differ, false},
		{"not run by the kernel", ModeExpectation{Return: &seven}, Answer{}, Accept, EngineRun{}, NotCompared, false},
		{"never the same twice", ModeExpectation{AnyReturn: true}, Answer{Ran: true}, Accept, EngineRun{}, NotCompared, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := annotated(false)
			c.Expect = tt.expect
			tt.kernel.Asked, tt.run.Engine = true, skep.EngineInterp
			o := Judge(c, &tt.kernel, &SkepAnswer{Verdict: tt.verdict, Runs: []*EngineRun{&tt.run}})
			if got := o.Marks[ColInterp]; got != tt.want || o.SurprisingReturn != tt.odd {
				t.Errorf("mark %d, want %d; against the annotation %v", got, tt.want, o.SurprisingReturn)
			}
			if o.Marks[ColChecked] != NotCompared {
				t.Error("an engine that did not run is compared")
			}
		})
	}
}

func TestFloor(t *testing.T) {
	floor := Floor{GroupVerifier: {"verdict": {Agree: 50, Total: 100}}}
	for _, tt := range []struct {
		name  string
		got   Count
		below bool
	}{
		{"same", Count{50, 100, 0}, false},
		{"same share of fewer", Count{25, 50, 0}, false},
		{"more", Count{51, 100, 0}, false},
		{"less", Count{49, 100, 0}, true},
		{"a smaller share of more", Count{51, 110, 0}, true},
		{"gone missing", Count{49, 49, 51}, true},
		{"nothing compared", Count{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := Floor{GroupVerifier: {"verdict": tt.got}}
			if below := f.Below(floor); (len(below) > 0) != tt.below {
				t.Errorf("below: %q", below)
			}
		})
	}
}

func TestFloorFile(t *testing.T) {
	path := t.TempDir() + "/floor.json"
	if f, err := ReadFloor(path); err != nil || len(f) != 0 {
		t.Fatalf("missing file: %v, %v", f, err)
	}
	r := &Report{Outcomes: []*Outcome{Judge(annotated(true), rejected("no"), &SkepAnswer{Verdict: Reject, Line: "no"})}}
	if err := r.Floor().Write(path); err != nil {
		t.Fatal(err)
	}
	f, err := ReadFloor(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := f[GroupOther]["message"]; got != (Count{1, 1, 0}) {
		t.Errorf("message %+v after reading back", got)
	}
}

func TestFilter(t *testing.T) {
	for _, tt := range []struct {
		name, filter  string
		file, program string
		want          bool
	}{
		{"everything", "", "a", "b", true},
		{"file", "verifier_and", "verifier_and", "x", true},
		{"another file", "verifier_and", "verifier_or", "x", false},
		{"program", "/^x$", "any", "x", true},
		{"another program", "/^x$", "any", "xx", false},
		{"both", "and/x", "verifier_and", "x", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := ParseFilter(tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.file.MatchString(tt.file) && f.program.MatchString(tt.program); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
	if _, err := ParseFilter("("); err == nil {
		t.Error("no error for a bad expression")
	}
}

func TestReasons(t *testing.T) {
	r := &Report{}
	for _, s := range []SkepAnswer{{Verdict: Unsupported, Line: "dynptr"}, {Verdict: Accept}, {Verdict: Unsupported, Line: "dynptr"}, {Verdict: Failed, Line: "timeout"}} {
		r.Outcomes = append(r.Outcomes, Judge(annotated(false), accepted(), &s))
	}
	got := r.Reasons()
	want := []Reason{{"unsupported: dynptr", 2}, {"error: timeout", 1}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}
}
