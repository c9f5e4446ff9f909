// This file defines the generator's command.

// Gen makes a target's BTF of a running kernel's: the whole of it, compressed,
// and a trimmed one for the library. It is run by go generate (see
// internal/catalog/vmlinux and internal/catalog/corebtf) on a machine that runs
// the target's kernel; what it writes is committed.
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"

	"github.com/skepbpf/skep/internal/btfx"
)

func main() {
	in := flag.String("in", "/sys/kernel/btf/vmlinux", "BTF `file` to take")
	out := flag.String("out", "", "compressed `file` to write")
	core := flag.Bool("trim", false, "keep only what programs commonly refer to")
	flag.Parse()
	if err := run(*in, *out, *core); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(in, out string, core bool) error {
	raw, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	if core {
		spec, err := btfx.Parse(raw, nil)
		if err != nil {
			return fmt.Errorf("parse %s: %w", in, err)
		}
		if raw, err = trim(spec); err != nil {
			return fmt.Errorf("trim %s: %w", in, err)
		}
	}
	packed, err := pack(raw)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes of BTF, %d compressed\n", out, len(raw), len(packed))
	return os.WriteFile(out, packed, 0o644)
}

// pack compresses without a name or time, so that the same BTF gives the same
// file.
func pack(raw []byte) ([]byte, error) {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
