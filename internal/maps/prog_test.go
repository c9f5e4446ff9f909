// This file tests the program side: raw addresses, per-CPU values, recipes.

package maps

import (
	"math/bits"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
	"github.com/skepbpf/skep/internal/ir"
)

// progKinds are the kinds that programs look values up in.
var progKinds = []struct {
	name string
	spec bytecode.MapSpec
}{
	{"array", arraySpec(8, 16)},
	{"percpu array", bytecode.MapSpec{Type: bytecode.MapPerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 16}},
	{"hash 4", hashSpec(4, 8, 16)},
	{"hash 8", hashSpec(8, 8, 16)},
	{"hash 16", hashSpec(16, 8, 16)},
	{"hash no prealloc", bytecode.MapSpec{Type: bytecode.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 16, Flags: bytecode.MapNoPrealloc}},
	{"percpu hash", bytecode.MapSpec{Type: bytecode.MapPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 16}},
	{"lru hash", bytecode.MapSpec{Type: bytecode.MapLRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 16}},
	{"lru percpu hash", bytecode.MapSpec{Type: bytecode.MapLRUPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 16}},
	{"lpm", bytecode.MapSpec{Type: bytecode.MapLPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 16, Flags: bytecode.MapNoPrealloc}},
}

// keyOfKind makes the i-th key.
func keyOfKind(s *bytecode.MapSpec, i uint32) []byte {
	if s.Type == bytecode.MapLPMTrie {
		return append(k4(32), byte(i), 0, 0, 0)
	}
	key := make([]byte, s.KeySize)
	copy(key, k4(i))
	return key
}

// TestProgSide writes from "programs" on two CPUs and reads on both sides.
func TestProgSide(t *testing.T) {
	for _, c := range progKinds {
		t.Run(c.name, func(t *testing.T) {
			m := open(t, &Env{CPUs: 2}, c.spec)
			key, value := keyOfKind(&c.spec, 3), k8(0x1122334455667788)
			if e := m.ProgUpdate(1, cell(key), cell(value), FlagAny); e != 0 {
				t.Fatal(e)
			}
			at := m.ProgLookup(1, cell(key))
			if at == 0 || *u64(ptr(at)) != 0x1122334455667788 {
				t.Fatalf("value at %#x", at)
			}
			if base, size, ok := m.Locate(at + 7); base != at || size != 8 || !ok {
				t.Errorf("Locate: %#x, %d, %v; want %#x", base, size, ok, at)
			}
			if start, size := m.Region(); at-start >= size {
				t.Errorf("value at %#x outside the region %#x, %#x", at, start, size)
			}
			*u64(ptr(at)) = 5 // programs write in place
			user := make([]byte, m.UserValueSize())
			if e := m.Lookup(key, user, 0); e != 0 {
				t.Fatal(e)
			}
			want := k8(5)
			if m.PerCPU() {
				want = append(k8(0), want...)
				if other := m.ProgLookupPerCPU(cell(key), 0); other == 0 || other == at {
					t.Errorf("CPU 0's value at %#x, CPU 1's at %#x", other, at)
				}
				if m.ProgLookupPerCPU(cell(key), 1) != at || m.ProgLookupPerCPU(cell(key), 2) != 0 {
					t.Error("other CPUs' values")
				}
			}
			if string(user) != string(want) {
				t.Errorf("user space reads %x, want %x", user, want)
			}
			runtime.KeepAlive(key)
			runtime.KeepAlive(value)
		})
	}
}

// TestForEach visits every element once, also while it deletes them.
func TestForEach(t *testing.T) {
	for _, c := range progKinds {
		if c.spec.Type == bytecode.MapLPMTrie {
			continue // the kernel has no for_each for it
		}
		t.Run(c.name, func(t *testing.T) {
			m := open(t, nil, c.spec)
			for i := range uint32(10) {
				key := keyOfKind(&c.spec, i)
				if e := m.Update(key, make([]byte, m.UserValueSize()), 0); e != 0 {
					t.Fatal(e)
				}
			}
			want := 10
			if c.spec.Type == bytecode.MapArray || c.spec.Type == bytecode.MapPerCPUArray {
				want = 16
			}
			seen := map[uint32]int{}
			n, e := m.ForEach(0, func(key, value uintptr) bool {
				seen[*u32(ptr(key))]++
				*u64(ptr(value)) = 1
				m.ProgDelete(0, key)
				return true
			})
			if n != want || e != 0 || len(seen) != want {
				t.Errorf("%d calls for %d keys, want %d (%v)", n, len(seen), want, e)
			}
			n, _ = m.ForEach(0, func(key, value uintptr) bool { return false })
			if left := map[bool]int{true: 1, false: 0}[want == 16]; n != left {
				t.Errorf("after deleting: %d calls, want %d", n, left)
			}
		})
	}
}

// runRecipe is a recipe's meaning, for comparison with ProgLookup. called is
// true when the recipe gives up.
func runRecipe(r ir.Recipe, cpu int, key uintptr) (value uintptr, called bool) {
	var reg [16]uint64
	reg[ir.RecipeKey], reg[ir.RecipeCPU] = uint64(key), uint64(cpu)
	for pc := uint64(0); ; pc++ {
		s := r[pc]
		a, b := reg[s.A], reg[s.B]
		switch s.Op {
		case ir.RecipeConst:
			reg[s.Dst] = s.Imm
		case ir.RecipeLoad8:
			reg[s.Dst] = uint64(*(*byte)(ptr(uintptr(a + s.Imm))))
		case ir.RecipeLoad32:
			reg[s.Dst] = uint64(load32(ptr(uintptr(a + s.Imm))))
		case ir.RecipeLoad64:
			reg[s.Dst] = load64(ptr(uintptr(a + s.Imm)))
		case ir.RecipeAdd:
			reg[s.Dst] = a + b + s.Imm
		case ir.RecipeXor:
			reg[s.Dst] = a ^ b ^ s.Imm
		case ir.RecipeAnd:
			reg[s.Dst] = a & s.Imm
		case ir.RecipeShr:
			reg[s.Dst] = a >> s.Imm
		case ir.RecipeMul:
			reg[s.Dst] = a * s.Imm
		case ir.RecipeFold:
			hi, lo := bits.Mul64(a, b)
			reg[s.Dst] = hi ^ lo
		case ir.RecipeJump:
			pc = s.Imm - 1
		case ir.RecipeIfEq, ir.RecipeIfNe, ir.RecipeIfGe:
			if s.Op == ir.RecipeIfEq && a == b || s.Op == ir.RecipeIfNe && a != b || s.Op == ir.RecipeIfGe && a >= b {
				pc = s.Imm - 1
			}
		case ir.RecipeReturn:
			return uintptr(a), false
		case ir.RecipeCall:
			return 0, true
		}
	}
}

// TestRecipes: a recipe gives what ProgLookup gives, for keys that are there
// and keys that are not.
func TestRecipes(t *testing.T) {
	tried := 0
	for _, c := range progKinds {
		s := c.spec
		if s.Type == bytecode.MapHash {
			s.MaxEntries, s.Name = 200, "h" // long chains
		}
		m := open(t, &Env{CPUs: 2}, s)
		recipe := m.Recipe()
		if recipe == nil {
			continue
		}
		tried++
		r := rand.New(rand.NewPCG(1, 2))
		for range 2000 {
			key := keyOfKind(&s, r.Uint32N(s.MaxEntries*2))
			switch r.IntN(3) {
			case 0:
				m.Update(key, make([]byte, m.UserValueSize()), 0)
			case 1:
				m.Delete(key)
			}
			cpu := r.IntN(2)
			got, called := runRecipe(recipe, cpu, cell(key))
			if want := m.ProgLookup(cpu, cell(key)); got != want || called {
				t.Fatalf("%s: key %x on CPU %d: recipe gives %#x (gave up: %v), lookup %#x", c.name, key, cpu, got, called, want)
			}
			runtime.KeepAlive(key)
		}
	}
	if tried < 4 {
		t.Errorf("only %d kinds have a recipe", tried)
	}
}

// TestProgErrors: what the verifier keeps programs from doing still gets an
// error number.
func TestProgErrors(t *testing.T) {
	m := open(t, nil, hashSpec(4, 4, 4))
	key := k4(1)
	for _, c := range []struct {
		name string
		got  errno.Errno
		want errno.Errno
	}{
		{"push", m.ProgPush(cell(key), 0), errno.EOPNOTSUPP},
		{"pop", m.ProgPop(cell(key)), errno.EOPNOTSUPP},
		{"peek", m.ProgPeek(cell(key)), errno.EOPNOTSUPP},
		{"delete", m.ProgDelete(0, cell(key)), errno.ENOENT},
		{"update of what is not there", m.ProgUpdate(0, cell(key), cell(key), FlagExist), errno.ENOENT},
		{"unknown flag", m.ProgUpdate(0, cell(key), cell(key), 8), errno.EINVAL},
		{"lock without one", m.ProgUpdate(0, cell(key), cell(key), FlagLock), errno.EINVAL},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	runtime.KeepAlive(key)
}
