// This file defines .kconfig variables and the values that a target gives them.

package object

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
)

// kconfigVar is where and how a .kconfig variable is stored.
type kconfigVar struct {
	kind   kconfigKind
	size   uint32 // bytes
	align  uint32 // bytes
	off    uint32 // in the .kconfig map
	signed bool
}

// kconfigKind is what a variable's type can hold.
type kconfigKind uint8

const (
	kconfigInt kconfigKind = iota + 1
	kconfigChar
	kconfigBool
	kconfigTristate
	kconfigString
)

var errKconfigType = errors.New("a .kconfig variable of an unsupported type")

// newKconfigVar finds out what a variable of that type can hold.
func newKconfigVar(spec *btfx.Spec, id btfx.ID) (*kconfigVar, error) {
	t := spec.Strip(id)
	size, ok := spec.SizeOf(id)
	if !ok || size == 0 {
		return nil, errKconfigType
	}
	k := &kconfigVar{size: size, align: min(8, size)}
	switch t.Kind {
	case btfx.KindInt:
		k.kind, k.signed = intKind(t), t.IntEncoding&btfIntSigned != 0
	case btfx.KindEnum, btfx.KindEnum64:
		if t.Name == "libbpf_tristate" && (t.Size == 4 || t.Kind == btfx.KindEnum64) {
			k.kind = kconfigTristate
		}
	case btfx.KindArray:
		elem := spec.Strip(t.Type)
		if elem.Kind == btfx.KindInt && intKind(elem) == kconfigChar {
			k.kind, k.align = kconfigString, 1
		}
	}
	if k.kind == 0 || size > maxKconfig {
		return nil, errKconfigType
	}
	return k, nil
}

// Bits of Type.IntEncoding.
const (
	btfIntSigned = 1
	btfIntBool   = 4
)

func intKind(t *btfx.Type) kconfigKind {
	switch {
	case t.IntEncoding&btfIntBool != 0 && t.Size == 1:
		return kconfigBool
	case t.IntEncoding&btfIntBool != 0:
		return 0
	case t.Size == 1:
		return kconfigChar
	case t.Size == 2, t.Size == 4, t.Size == 8:
		return kconfigInt
	}
	return 0
}

// fillKconfig writes the target's values into a .kconfig map's contents. The
// result says, by extern, what has no value.
func fillKconfig(externs []*extern, env *Env, contents []byte) map[*extern]error {
	missing := map[*extern]error{}
	for _, ext := range externs {
		if ext.kconfig == nil {
			continue
		}
		err := ext.kconfig.fill(contents[ext.kconfig.off:][:ext.kconfig.size], ext.name, ext.weak, env)
		if err != nil {
			missing[ext] = fmt.Errorf("kconfig extern %q: %w", ext.name, err)
		}
	}
	return missing
}

func (k *kconfigVar) fill(dst []byte, name string, weak bool, env *Env) error {
	if !strings.HasPrefix(name, "CONFIG_") {
		v, ok := virtualKconfig(name, env)
		if !ok && !(weak && strings.HasPrefix(name, "LINUX_")) {
			return errors.New("neither CONFIG_ nor a known LINUX_ variable")
		}
		return k.setNumber(dst, v)
	}
	v, ok := env.Kconfig[name]
	switch {
	case !ok && weak:
		return nil
	case !ok:
		return ErrUnresolved
	}
	return k.set(dst, v)
}

// virtualKconfig gives the LINUX_ variables, which say what a kernel can do.
func virtualKconfig(name string, env *Env) (uint64, bool) {
	switch name {
	case "LINUX_KERNEL_VERSION":
		return uint64(env.KernelVersion), true
	case "LINUX_HAS_BPF_COOKIE":
		return uint64(boolInt(env.KernelVersion >= 5<<16|15<<8)), true
	case "LINUX_HAS_SYSCALL_WRAPPER":
		return uint64(boolInt(hasSyscallWrapper(env.BTF))), true
	}
	return 0, false
}

// hasSyscallWrapper reports whether system calls take their arguments as one
// struct pt_regs, which the names of their functions show.
func hasSyscallWrapper(spec *btfx.Spec) bool {
	if spec == nil {
		return false
	}
	for _, arch := range []string{"x64", "arm64", "s390x", "riscv"} {
		if _, ok := spec.Find("__"+arch+"_sys_bpf", btfx.KindFunc); ok {
			return true
		}
	}
	return false
}

// set stores a value as .config writes it.
func (k *kconfigVar) set(dst []byte, v string) error {
	switch {
	case v == "":
		return errors.New("empty value")
	case strings.IndexByte("ynm", v[0]) >= 0:
		return k.setTristate(dst, v[0])
	case v[0] == '"':
		return k.setString(dst, v)
	}
	n, err := parseNumber(v)
	if err != nil {
		return fmt.Errorf("value %q: not a number", v)
	}
	if k.kind != kconfigInt && k.kind != kconfigChar {
		return fmt.Errorf("value %q: wants an integer variable", v)
	}
	return k.setNumber(dst, n)
}

// parseNumber takes what C's strtoull with base 0 takes.
func parseNumber(v string) (uint64, error) {
	if neg, ok := strings.CutPrefix(v, "-"); ok {
		n, err := strconv.ParseUint(neg, 0, 64)
		return -n, err
	}
	return strconv.ParseUint(v, 0, 64)
}

func (k *kconfigVar) setTristate(dst []byte, v byte) error {
	tri := map[byte]uint64{'n': 0, 'y': 1, 'm': 2}[v]
	switch {
	case k.kind == kconfigBool && v != 'm':
		return k.setNumber(dst, tri)
	case k.kind == kconfigTristate:
		putUint(dst, tri)
		return nil
	case k.kind == kconfigChar:
		dst[0] = v
		return nil
	}
	return fmt.Errorf("value %q: does not fit the variable's type", string(v))
}

func (k *kconfigVar) setString(dst []byte, v string) error {
	if k.kind != kconfigString {
		return fmt.Errorf("value %s: wants a char array", v)
	}
	if len(v) < 2 || v[len(v)-1] != '"' {
		return fmt.Errorf("value %s: unbalanced quotes", v)
	}
	n := copy(dst[:len(dst)-1], v[1:len(v)-1])
	clear(dst[n:])
	return nil
}

func (k *kconfigVar) setNumber(dst []byte, v uint64) error {
	switch {
	case k.kind != kconfigInt && k.kind != kconfigChar && k.kind != kconfigBool:
		return fmt.Errorf("value %d: wants an integer, char or boolean variable", v)
	case k.kind == kconfigBool && v > 1, !k.inRange(v):
		return fmt.Errorf("value %d: does not fit %d bytes", v, k.size)
	}
	putUint(dst, v)
	return nil
}

func (k *kconfigVar) inRange(v uint64) bool {
	bits := k.size * 8
	switch {
	case bits == 64:
		return true
	case k.signed:
		return v+1<<(bits-1) < 1<<bits
	}
	return v>>bits == 0
}

// putUint stores the low len(dst) bytes of v.
func putUint(dst []byte, v uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	copy(dst, b[:])
}
