// This file defines the kernel's symbol table, for untyped ksyms.

package object

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Kallsyms are addresses by symbol name.
type Kallsyms struct {
	addr map[string]uint64
	twin map[string]bool // names with more than one address
}

// ReadKallsyms reads /proc/kallsyms: lines of address, type, name, module.
// Static variables that a compiler renamed ("x.llvm.123") get their own name.
func ReadKallsyms(r io.Reader) (*Kallsyms, error) {
	k := &Kallsyms{addr: map[string]uint64{}, twin: map[string]bool{}}
	scan := bufio.NewScanner(r)
	for scan.Scan() {
		f := strings.Fields(scan.Text())
		if len(f) < 3 {
			return nil, fmt.Errorf("symbol table: line %q", scan.Text())
		}
		addr, err := strconv.ParseUint(f[0], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("symbol table: line %q", scan.Text())
		}
		name := f[2]
		if f[1] == "d" {
			name, _, _ = strings.Cut(name, ".llvm.")
		}
		if before, ok := k.addr[name]; ok && before != addr {
			k.twin[name] = true
		}
		k.addr[name] = addr
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("symbol table: %w", err)
	}
	return k, nil
}

// Lookup returns the address of a symbol. It fits Env.Syms. A name with
// several addresses is an error, one that is missing ErrUnresolved.
func (k *Kallsyms) Lookup(name string) (uint64, error) {
	addr, ok := k.addr[name]
	switch {
	case !ok:
		return 0, ErrUnresolved
	case k.twin[name]:
		return 0, fmt.Errorf("symbol %q has several addresses", name)
	}
	return addr, nil
}
