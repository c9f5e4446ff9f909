// This file defines how a program's code, function and line information and
// log are handed to BPF_PROG_LOAD, and BPF_PROG_TEST_RUN.

package live

import (
	"fmt"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"golang.org/x/sys/unix"
)

func (a *progLoadAttr) setCode(p *bytecode.Program) {
	code := make([]byte, len(p.Insns)*bytecode.InsnSize)
	for i, in := range p.Insns {
		in.Encode(code[i*bytecode.InsnSize:])
	}
	a.insns, a.insnCnt = ptrTo(code), uint32(len(p.Insns))
}

// setInfo adds func_info (two words a record) and line_info (four).
func (a *progLoadAttr) setInfo(p *bytecode.Program, btfFD int) {
	a.btfFD = uint32(btfFD)
	if len(p.FuncInfos) > 0 {
		words := make([]uint32, 0, 2*len(p.FuncInfos))
		for _, f := range p.FuncInfos {
			words = append(words, f.Insn, f.TypeID)
		}
		a.funcInfo, a.funcInfoCnt, a.funcInfoRecSize = ptrTo(words), uint32(len(p.FuncInfos)), 8
	}
	if len(p.LineInfos) > 0 {
		words := make([]uint32, 0, 4*len(p.LineInfos))
		for _, l := range p.LineInfos {
			words = append(words, l.Insn, l.FileOff, l.TextOff, l.Line<<10|l.Column&0x3ff)
		}
		a.lineInfo, a.lineInfoCnt, a.lineInfoRec = ptrTo(words), uint32(len(p.LineInfos)), 16
	}
}

// setLog gives the call a log buffer, none at level 0.
func (a *progLoadAttr) setLog(level uint32, size int) []byte {
	a.logLevel, a.logSize, a.logBuf, a.logTrueSize = level, 0, nil, 0
	if level == 0 {
		return nil
	}
	buf := make([]byte, size)
	a.logSize, a.logBuf = uint32(size), ptrTo(buf)
	return buf
}

// loadBTF loads a BTF blob once. It gives 0 for one that is refused and that
// the set does without.
func (s *Set) loadBTF(spec *btfx.Spec) (int, error) {
	if fd, ok := s.btfs[spec]; ok {
		return fd, nil
	}
	raw := spec.Raw()
	fd, err := bpf(unix.BPF_BTF_LOAD, &btfLoadAttr{btf: ptrTo(raw), size: uint32(len(raw))})
	switch {
	case err != nil && s.OptionalBTF:
		s.btfs[spec] = 0
		return 0, nil
	case err != nil:
		return -1, &SetupError{"BTF", s.explainBTF(raw, err)}
	}
	s.btfs[spec] = s.own(fd)
	return fd, nil
}

// explainBTF adds the last line of the kernel's log to its refusal.
func (s *Set) explainBTF(raw []byte, err error) error {
	log := make([]byte, 1<<20)
	fd, err2 := bpf(unix.BPF_BTF_LOAD, &btfLoadAttr{
		btf: ptrTo(raw), size: uint32(len(raw)), logBuf: ptrTo(log), logSize: uint32(len(log)), logLevel: 1,
	})
	if err2 == nil {
		unix.Close(fd)
	}
	if line := LastLine(unix.ByteSliceToString(log)); line != "" {
		return fmt.Errorf("%w: %s", err, line)
	}
	return err
}

// TestRun runs a loaded program by BPF_PROG_TEST_RUN.
func TestRun(fd int, in TestInput) (*TestOutput, error) {
	out := make([]byte, in.OutSize)
	attr := testRunAttr{
		progFD:    uint32(fd),
		dataIn:    ptrTo(in.Data),
		sizeIn:    uint32(len(in.Data)),
		dataOut:   ptrTo(out),
		sizeOut:   uint32(len(out)),
		repeat:    in.Repeat,
		ctxIn:     ptrTo(in.Context),
		ctxSizeIn: uint32(len(in.Context)),
	}
	if _, err := bpf(unix.BPF_PROG_TEST_RUN, &attr); err != nil {
		return nil, fmt.Errorf("test run: %w", err)
	}
	return &TestOutput{Return: attr.retval, Data: out[:min(len(out), int(attr.sizeOut))], Duration: attr.duration}, nil
}
