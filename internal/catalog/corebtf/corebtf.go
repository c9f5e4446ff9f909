// This file defines the trimmed BTF of the default target.

// Package corebtf embeds those types of Linux 6.18 that programs commonly
// refer to: kfuncs, tracepoints, iterators, LSM hooks, struct_ops, and the
// structs that they lead to. It gives a *btfx.Spec for catalog.Target.WithBTF.
// A function to trace, or a struct far from all these, is only in the whole
// BTF (internal/catalog/vmlinux), which this package must not import.
package corebtf

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"sync"

	"github.com/skepbpf/skep/internal/btfx"
)

//go:generate go run ../gen -trim -out linux-6.18.core.btf.gz

//go:embed linux-6.18.core.btf.gz
var packed []byte

// Load returns the BTF; the first call unpacks it.
var Load = sync.OnceValues(func() (*btfx.Spec, error) { return Unpack(packed) })

// Unpack reads gzip-compressed BTF.
func Unpack(packed []byte) (*btfx.Spec, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("embedded BTF: %w", err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("embedded BTF: %w", err)
	}
	return btfx.Parse(raw, nil)
}
