// This file defines what the running kernel answers to a case, and the cache
// of its answers.

package conformance

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/verify"
)

// Answer is what the running kernel says about a case.
type Answer struct {
	Asked     bool   // false: there is no kernel to ask, or it may not be
	NotAsked  string // why
	Setup     string // what could not be made, so that the program was not seen
	Errno     syscall.Errno
	Log       string
	Truncated bool
	NoBTF     bool // the kernel refused the object's BTF; as libbpf, without it
	Ran       bool
	Return    uint32
	RunError  string
}

// Verdict is the kernel's verifier's, or NoVerdict when it never looked.
func (a *Answer) Verdict() Verdict {
	switch {
	case !a.Asked || a.Setup != "":
		return NoVerdict
	case a.Errno == 0:
		return Accept
	case a.Log != "":
		return Reject
	}
	return NoVerdict
}

// Line is the kernel's reason, or why there is none.
func (a *Answer) Line() string {
	switch {
	case !a.Asked:
		return a.NotAsked
	case a.Setup != "":
		return a.Setup
	case a.Errno != 0 && a.Log == "":
		return "refused before the verifier: " + a.Errno.Error()
	case a.Errno == 0:
		return ""
	}
	return live.LastLine(a.Log)
}

// Processed is how many instructions the kernel walked through; not ok where
// its log does not say.
func (a *Answer) Processed() (n int, ok bool) { return processed(a.Log) }

// Oracle asks the running kernel, or remembers what it said.
type Oracle struct {
	dir         string // of the cache
	unavailable string // why the kernel cannot be asked, "" when it can
	unprivOK    bool
}

// answerVersion is part of every key: raise it when the way of asking changes.
const answerVersion = 3

// NewOracle finds out whether there is a kernel to ask. Answers are kept under
// cache by the kernel's build.
func NewOracle(cache string) *Oracle {
	o := &Oracle{unprivOK: live.UnprivilegedAllowed()}
	if err := live.Available(); err != nil {
		o.unavailable = err.Error()
	}
	o.dir = filepath.Join(cache, "live", hashOf(live.Release(), fmt.Sprint(answerVersion)))
	return o
}

// testData is what the selftests' runner gives a program to run over.
var testData = live.TestInput{Data: make([]byte, 64), OutSize: 256}

// Ask returns the kernel's answer to a case, from the cache where it is there.
func (o *Oracle) Ask(c *Case) (*Answer, error) {
	path := filepath.Join(o.dir, c.key()+".json.gz")
	if a, err := readAnswer(path); err == nil {
		return a, nil
	}
	if why := o.cannot(c); why != "" {
		return &Answer{NotAsked: why}, nil
	}
	a, err := ask(c)
	if err != nil {
		return nil, err
	}
	return a, saveAnswer(path, a)
}

func (o *Oracle) cannot(c *Case) string {
	if c.Module {
		return noModule
	}
	if o.unavailable != "" {
		return o.unavailable
	}
	if c.Drop&live.CapBPF != 0 && !o.unprivOK {
		return "the kernel takes no unprivileged programs (kernel.unprivileged_bpf_disabled)"
	}
	return ""
}

// ask loads and, where the case wants it, runs.
func ask(c *Case) (*Answer, error) {
	set := live.NewSet()
	defer set.Close()
	set.OptionalBTF = true
	opts := live.LoadOptions{LogLevel: c.LogLevel, Flags: c.Flags, Drop: c.Drop}
	run := c.Expect.Runs() && c.noRun == ""
	if run {
		opts.Program = c.program
	}
	r, err := c.load(set, opts)
	var setup *live.SetupError
	if errors.As(err, &setup) {
		return &Answer{Asked: true, Setup: err.Error()}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("live kernel: %w", err)
	}
	a := &Answer{Asked: true, Errno: r.Errno, Log: r.Log, Truncated: r.Truncated, NoBTF: r.NoBTF}
	if run && r.Accepted() {
		a.run(c, r.FD)
	}
	return a, nil
}

// load asks first without the way that the verifier went, where nobody expects
// texts of it or the program should be refused: what the kernel writes about
// long programs takes it much longer than to verify them. It is asked for where
// a refusal has more to say than its reason.
func (c *Case) load(set *live.Set, opts live.LoadOptions) (*live.Result, error) {
	if len(c.Expect.Messages) == 0 || c.Expect.Failure {
		quiet := opts
		quiet.LogLevel = uint32(verify.LogStats)
		r, err := set.Load(c.prog, quiet)
		if err != nil || r.Accepted() || c.saysAll(r) {
			return r, err
		}
	}
	return set.Load(c.prog, opts)
}

// saysAll reports whether a refusal for complexity has the texts that are
// expected of it.
func (c *Case) saysAll(r *live.Result) bool {
	_, ok := FirstMissing(r.Log, c.Expect.Messages)
	return ok && complexity.MatchString(r.Line())
}

func (a *Answer) run(c *Case, fd int) {
	in := testData
	if c.prog.Type == bytecode.ProgSyscall {
		in = live.TestInput{}
	}
	out, err := live.TestRun(fd, in)
	if err != nil {
		a.RunError = err.Error()
		return
	}
	a.Ran, a.Return = true, out.Return
}

// key names everything that the answer depends on.
func (c *Case) key() string {
	h := sha256.New()
	fmt.Fprintln(h, c.Flags, c.LogLevel, c.Drop, c.Unpriv, c.Expect.Runs() && c.noRun == "")
	hashProgram(h, c.prog)
	if c.Expect.Runs() {
		for _, m := range c.prog.Maps {
			for _, s := range m.Slots {
				if p := c.program(s.Program); p != nil {
					hashProgram(h, p)
				}
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

func hashProgram(w io.Writer, p *bytecode.Program) {
	fmt.Fprintln(w, p.Name, p.Type, p.ExpectedAttach, p.Flags, p.License, p.AttachBTFID, len(p.Insns), p.FuncInfos)
	code := make([]byte, bytecode.InsnSize)
	for _, in := range p.Insns {
		in.Encode(code)
		w.Write(code)
	}
	for _, l := range p.LineInfos {
		fmt.Fprint(w, l.Insn, l.FileOff, l.TextOff, l.Line, l.Column, ";")
	}
	if p.BTF != nil {
		w.Write(p.BTF.Raw())
	}
	for _, m := range p.Maps {
		hashMap(w, m)
	}
	if p.AttachProg != nil {
		hashProgram(w, p.AttachProg)
	}
}

func hashMap(w io.Writer, m *bytecode.MapSpec) {
	if m == nil {
		fmt.Fprintln(w, "none")
		return
	}
	fmt.Fprintln(w, m.Name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, m.Extra,
		m.NumaNode, m.IfIndex, m.KeyTypeID, m.ValueTypeID, m.Frozen, m.BTF != nil)
	w.Write(m.Contents)
	hashMap(w, m.Inner)
	for _, s := range m.Slots {
		fmt.Fprintln(w, s.Key, s.Program, s.Offset, s.Map != nil)
	}
}

func readAnswer(path string) (*Answer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	a := &Answer{}
	return a, json.NewDecoder(z).Decode(a)
}

func saveAnswer(path string, a *Answer) error {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if err := json.NewEncoder(z).Encode(a); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return writeFile(path, buf.Bytes())
}
