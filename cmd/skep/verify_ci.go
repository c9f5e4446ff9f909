// This file defines the formats that continuous integration systems read.

package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"github.com/skepbpf/skep"
)

// githubFormat prints workflow commands, which GitHub shows at source lines.
type githubFormat struct{ app *app }

func (g *githubFormat) result(file string, r *skep.VerifyResult) {
	if r.Verdict == skep.Accept {
		return
	}
	path, line := location(file, r)
	where := "file=" + githubProperty(path)
	if line > 0 {
		where += ",line=" + strconv.Itoa(line)
	}
	title := fmt.Sprintf("%s: %s (%s)", r.Program, r.Verdict, r.Target)
	fmt.Fprintf(g.app.out, "::%s %s,title=%s::%s\n", githubLevels[r.Verdict], where, githubProperty(title), githubData.Replace(oneLine(r)))
}

func (g *githubFormat) end() {}

var githubLevels = map[skep.Verdict]string{skep.Reject: "error", skep.Failed: "error", skep.Unsupported: "warning"}

var githubData = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")

func githubProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(githubData.Replace(s))
}

// location is where a verdict belongs: the source line, or the object.
func location(file string, r *skep.VerifyResult) (path string, line int) {
	if i := strings.LastIndexByte(r.Source, ':'); i > 0 {
		if n, err := strconv.Atoi(r.Source[i+1:]); err == nil {
			return strings.TrimPrefix(r.Source[:i], "./"), n
		}
	}
	return file, 0
}

// junitFormat prints a JUnit report: an object is a suite, a program a case.
type junitFormat struct {
	app    *app
	suites []*junitSuite
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure"`
	Error   *junitMessage `xml:"error"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (j *junitFormat) result(file string, r *skep.VerifyResult) {
	if n := len(j.suites); n == 0 || j.suites[n-1].Name != file {
		j.suites = append(j.suites, &junitSuite{Name: file})
	}
	s := j.suites[len(j.suites)-1]
	c := junitCase{Class: file, Name: r.Program + " on " + r.Target, Time: strconv.FormatFloat(r.Time.Seconds(), 'f', 6, 64)}
	msg := &junitMessage{Message: oneLine(r), Text: r.Log}
	switch r.Verdict {
	case skep.Reject:
		c.Failure = msg
		s.Failures++
	case skep.Unsupported, skep.Failed:
		c.Error = msg
		s.Errors++
	}
	s.Tests++
	s.Cases = append(s.Cases, c)
}

func (j *junitFormat) end() {
	report := struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []*junitSuite
	}{Suites: j.suites}
	b, err := xml.MarshalIndent(report, "", "  ")
	if err != nil {
		j.app.complain(fmt.Errorf("JUnit report: %w", err))
		return
	}
	fmt.Fprintf(j.app.out, "%s%s\n", xml.Header, b)
}

// sarifFormat prints a SARIF 2.1.0 log.
type sarifFormat struct {
	app     *app
	results []sarifResult
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
	Region *sarifRegion `json:"region,omitempty"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

func (s *sarifFormat) result(file string, r *skep.VerifyResult) {
	if r.Verdict == skep.Accept {
		return
	}
	path, line := location(file, r)
	var loc sarifLocation
	loc.Physical.Artifact.URI = path
	if line > 0 {
		loc.Physical.Region = &sarifRegion{line}
	}
	text := fmt.Sprintf("program %s on %s: %s", r.Program, r.Target, oneLine(r))
	s.results = append(s.results, sarifResult{string(r.Verdict), githubLevels[r.Verdict], sarifText{text}, []sarifLocation{loc}})
}

func (s *sarifFormat) end() {
	type rule struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
	}
	type driver struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Rules   []rule `json:"rules"`
	}
	type tool struct {
		Driver driver `json:"driver"`
	}
	type run struct {
		Tool    tool          `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	rules := []rule{
		{string(skep.Reject), sarifText{"The kernel's verifier would refuse the program"}},
		{string(skep.Unsupported), sarifText{"Skep does not know yet what the program needs"}},
		{string(skep.Failed), sarifText{"The program could not be linked"}},
	}
	if s.results == nil {
		s.results = []sarifResult{}
	}
	b, err := json.MarshalIndent(struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
		Runs    []run  `json:"runs"`
	}{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []run{{
		Tool: tool{driver{"skep", buildVersion().Version, rules}}, Results: s.results,
	}}}, "", "  ")
	if err != nil {
		s.app.complain(fmt.Errorf("SARIF log: %w", err))
		return
	}
	fmt.Fprintf(s.app.out, "%s\n", b)
}
