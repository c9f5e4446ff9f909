// This file defines the whole BTF of the default target.

// Package vmlinux embeds the whole BTF of Linux 6.18, compressed, so that
// programs that attach to any kernel function verify on any machine. It gives
// a *btfx.Spec for catalog.Target.WithBTF. Only the command imports it: 1.7 MB
// are too much for a library (see internal/catalog/corebtf).
package vmlinux

import (
	_ "embed"
	"sync"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/catalog/corebtf"
)

//go:generate go run ../gen -out linux-6.18.btf.gz

//go:embed linux-6.18.btf.gz
var packed []byte

// Load returns the BTF; the first call unpacks it, which takes some 30 ms.
var Load = sync.OnceValues(func() (*btfx.Spec, error) { return corebtf.Unpack(packed) })
