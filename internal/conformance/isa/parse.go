// This file defines the format of a vector: sections that begin with "-- name".

package isa

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
)

// section is a part of a file.
type section struct {
	name string
	body []string // lines without comments and surrounding blanks, none empty
}

// readers has, for each section, what it says of a vector. A nil reader skips
// the section.
var readers = map[string]func(v *Vector, body []string) error{
	"asm":    (*Vector).readAsm,
	"raw":    (*Vector).readRaw,
	"mem":    (*Vector).readMem,
	"result": (*Vector).readResult,
	"error":  (*Vector).readError,
	"c":      nil, // the source that asm was compiled from
	// A hint for runtimes that load a register's number at run time.
	"no register offset": nil,
}

// Parse reads one file, whose role is Runs. What is wrong with it is in the vector's Err.
func Parse(name, text string) Vector {
	v := Vector{Name: name, Role: Runs, Negative: strings.HasPrefix(name, "negative/")}
	if err := v.read(sections(text)); err != nil {
		v.Insns, v.Err = nil, fmt.Errorf("%s: %w", name, err)
	}
	return v
}

func (v *Vector) read(all []section) error {
	for _, s := range all {
		read, known := readers[s.name]
		switch {
		case !known:
			return fmt.Errorf("unknown section %q", s.name)
		case read == nil:
			continue
		}
		if err := read(v, s.body); err != nil {
			return fmt.Errorf("section %s: %w", s.name, err)
		}
	}
	switch {
	case len(v.Insns) == 0:
		return errors.New("no instructions")
	case !v.HasResult && !v.HasError:
		return errors.New("neither a result nor an error")
	}
	return nil
}

// sections cuts the text at its "-- " lines; what comes before the first is
// the file's head.
func sections(text string) []section {
	var all []section
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "-- "); ok {
			all = append(all, section{name: name})
		} else if line != "" && len(all) > 0 {
			last := &all[len(all)-1]
			last.body = append(last.body, line)
		}
	}
	return all
}

func (v *Vector) readAsm(body []string) error {
	insns, err := Assemble(body)
	if err != nil {
		return err
	}
	return v.program(insns)
}

// readRaw reads instructions as hex bytes, of which eight make a slot, or as
// words "0x…" of one slot each.
func (v *Vector) readRaw(body []string) error {
	var code []byte
	for _, line := range body {
		if !strings.HasPrefix(line, "0x") {
			b, err := hexBytes(line)
			if err != nil {
				return err
			}
			code = append(code, b...)
			continue
		}
		word, err := strconv.ParseUint(line, 0, 64)
		if err != nil {
			return err
		}
		code = binary.LittleEndian.AppendUint64(code, word)
	}
	if len(code)%bytecode.InsnSize != 0 {
		return fmt.Errorf("%d bytes are no whole number of instructions", len(code))
	}
	var insns []bytecode.Insn
	for ; len(code) > 0; code = code[bytecode.InsnSize:] {
		insns = append(insns, bytecode.DecodeInsn(code))
	}
	return v.program(insns)
}

// program sets the program. A file that has it as text and as bytes must have
// one program.
func (v *Vector) program(insns []bytecode.Insn) error {
	if v.Insns != nil && !slices.Equal(v.Insns, insns) {
		return errors.New("differs from the other section's program")
	}
	v.Insns = insns
	return nil
}

func (v *Vector) readMem(body []string) (err error) {
	v.Memory, err = hexBytes(strings.Join(body, " "))
	return err
}

func (v *Vector) readResult(body []string) (err error) {
	v.HasResult = true
	v.Result, err = strconv.ParseUint(strings.Join(body, ""), 0, 64)
	return err
}

func (v *Vector) readError(body []string) error {
	v.HasError, v.Error = true, strings.Join(body, " ")
	return nil
}

// hexBytes reads pairs of digits with blanks between them.
func hexBytes(text string) ([]byte, error) {
	return hex.DecodeString(strings.Join(strings.Fields(text), ""))
}
