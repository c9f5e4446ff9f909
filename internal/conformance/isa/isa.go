// This file defines a test vector and where the vectors are.

// Package isa reads the public instruction-set vectors (bpf_conformance): each
// file is a program, the memory it runs on and the value that it returns. It
// gives them as bytecode; tests of the interpreters and the verifier are the
// next to use them. It must not import them: a vector knows nothing of who
// runs it.
package isa

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
)

// Vector is one file.
type Vector struct {
	Name     string // path below the folder, without ".data"; slashes on every OS
	Negative bool   // below "negative"
	Role     Role
	Reason   string // of every role but Runs

	Insns  []bytecode.Insn
	Memory []byte // R1 points to it, R2 is its length; nil when there is none

	HasResult bool
	Result    uint64 // R0 at the end
	// HasError: the file asks for an error; Error is a part of the upstream
	// runner's text, which no verifier is held to.
	HasError bool
	Error    string

	// Err says why the file gives no program: negative vectors try assemblers
	// too. Insns is nil then.
	Err error
}

// EnvDir names the folder of the vectors; without it they are looked for in
// shared/conformance/bpf_conformance beside the module.
const EnvDir = "SKEP_ISA_VECTORS"

// ErrNoVectors is returned by Dir when there is no folder.
var ErrNoVectors = errors.New("no bpf_conformance vectors: set " + EnvDir)

// Dir finds the folder of the vectors.
func Dir() (string, error) {
	if dir := os.Getenv(EnvDir); dir != "" {
		return dir, nil
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "..", "shared", "conformance", "bpf_conformance")
	if _, err := os.Stat(dir); err != nil {
		return "", ErrNoVectors
	}
	return dir, nil
}

// moduleRoot is the closest folder upwards that has a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", ErrNoVectors
		}
		dir = up
	}
}

// Load reads every .data file below dir, in the order of their names. A file
// that does not hold a program is a Vector with Err; the error is for a folder
// that cannot be read.
func Load(dir string) ([]Vector, error) {
	special, err := exceptions(exceptionsText)
	if err != nil {
		return nil, err
	}
	var all []Vector
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".data" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.ToSlash(rel), ".data")
		v := Parse(name, string(text))
		if e, ok := special[name]; ok {
			v.Role, v.Reason = e.role, e.reason
		}
		all = append(all, v)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("vectors: %w", err)
	}
	return all, nil
}
