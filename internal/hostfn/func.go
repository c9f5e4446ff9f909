// This file defines functions: what role each parameter has, and which
// parameters and flags that makes in C.

package hostfn

import "github.com/skepbpf/skep/internal/btfx"

// Role is what a parameter or result stands for, beyond its type.
type Role uint8

// Roles.
const (
	Plain         Role = iota
	Const              // a known constant: __k
	Acquired           // result: a reference
	AcquiredOrNil      // result: a reference or NULL
	Released           // parameter: the reference that is given up
	Nullable           // NULL is allowed
	InRCU              // a pointer that an RCU section protects is enough
	Ignored            // not checked, not used: __ign
	Bytes              // memory, and its size in the parameter that follows: __sz
	ConstLen           // as Bytes, of constant size: __szk
	OptBytes           // as Bytes, NULL allowed: __opt
	ConstStr           // a constant string: __str
	Map                // a map of the program: __map
	Dynptr             // a dynptr
	Implicit           // the verifier supplies it
	Errno              // result: an error, as 0 or a negative errno
)

// Param is one parameter of the Go function.
type Param struct {
	Name   string // in C; "arg0" where Go's name is not known
	Role   Role
	Suffix string // set by hand, in place of what the role says
	Type   *Type  // of the memory, for Bytes and its like: the element
}

// Flags are the kernel's KF_ flags, with its bits; those from bit 24 on are
// Skep's.
type Flags uint32

// Flags of functions (include/linux/btf.h).
const (
	FlagAcquire Flags = 1 << iota
	FlagRelease
	FlagRetNull
	FlagKptrGet // until 6.3
	FlagTrustedArgs
	FlagSleepable
	FlagDestructive
	FlagRCU
	FlagIterNew
	FlagIterNext
	FlagIterDestroy
	FlagRCUProtected
	FlagFastcall
	FlagArenaRet
	FlagArenaArg1
	FlagArenaArg2

	FlagDeprecated   Flags = 1 << 24
	FlagImplicitArgs Flags = 1 << 25
)

// Spelling is how implicit arguments are spelled.
type Spelling uint8

// Spellings.
const (
	SpellMagic    Spelling = iota // name and name_impl; x__magic (2025's proposal)
	SpellProg                     // x__prog: passed by programs, replaced by the verifier
	SpellLegacy                   // name_impl only, with NULL passed by programs
	SpellImplicit                 // KF_IMPLICIT_ARGS: name only, name_impl is refused (7.0)
)

// Func is a function that programs may call.
type Func struct {
	Name     string
	Doc      string // comment for the header, without slashes
	Params   []Param
	Result   Result
	Extra    Flags // set by hand
	Spelling Spelling
}

// Result is what a function returns; a nil Type is nothing.
type Result struct {
	Role Role
	Type *Type
}

// CParam is a parameter as C has it.
type CParam struct {
	Name string // with its suffix
	Type *Type  // what a Pointer points to; nil: void
	Ptr  bool
	Read bool // const
	// Of is the index of the Go parameter, Size tells its second half.
	Of   int
	Size bool
}

// suffixes are what roles append to names.
var suffixes = map[Role]string{
	Const: "__k", Nullable: "__nullable", Ignored: "__ign", OptBytes: "__opt", ConstStr: "__str", Map: "__map",
}

var (
	cByte = &Type{Kind: Int, Size: 1, Align: 1, Signed: true, Go: "char"}
	cU32  = &Type{Kind: Int, Size: 4, Align: 4, Go: "uint32"}
	// kernelDynptr and kernelAux are the target's own.
	kernelDynptr = &Type{Kind: Struct, Name: "bpf_dynptr", Kernel: true}
	kernelAux    = &Type{Kind: Struct, Name: "bpf_prog_aux", Kernel: true}
)

// CParams are the parameters in C; those that the verifier supplies are left
// out where public.
func (f *Func) CParams(public bool) []CParam {
	var out []CParam
	for i, p := range f.Params {
		if p.Role == Implicit && public {
			continue
		}
		out = append(out, f.cParam(i)...)
	}
	return out
}

func (f *Func) cParam(i int) []CParam {
	p := f.Params[i]
	c := CParam{Name: p.Name + p.Suffix, Type: p.Type, Of: i}
	if p.Suffix == "" {
		c.Name = p.Name + suffixes[p.Role]
	}
	switch p.Role {
	case Bytes, OptBytes, ConstLen:
		size := CParam{Name: p.Name + "__sz", Type: cU32, Of: i, Size: true}
		if p.Role == ConstLen {
			size.Name = p.Name + "__szk"
		}
		c.Type, c.Ptr = nil, true
		return []CParam{c, size}
	case ConstStr:
		c.Type, c.Ptr, c.Read = cByte, true, true
	case Map:
		c.Type, c.Ptr = nil, true
	case Dynptr:
		c.Type, c.Ptr, c.Read = kernelDynptr, true, true
	case Implicit:
		c.Type, c.Ptr = kernelAux, true
		if p.Suffix == "" {
			c.Name += implicitSuffix[f.Spelling]
		}
	case Ignored:
		if !p.Type.IsScalar() {
			c.Type, c.Ptr = nil, true
		}
	default:
		if p.Type.Kind == Pointer {
			c.Type, c.Ptr = p.Type.Elem, true
		}
	}
	return []CParam{c}
}

// implicitSuffix is what each spelling appends to implicit parameters.
var implicitSuffix = map[Spelling]string{SpellMagic: "__magic", SpellProg: "__prog", SpellLegacy: "__prog"}

// roleFlags are the flags that roles carry.
var roleFlags = map[Role]Flags{
	Acquired: FlagAcquire, AcquiredOrNil: FlagAcquire | FlagRetNull, Released: FlagRelease, InRCU: FlagRCU,
}

// Flags are the function's flags: what its types say, and what was set by
// hand. Objects must be trusted unless an RCU section is enough: a Go function
// may follow its pointers.
func (f *Func) Flags() Flags {
	flags := f.Extra | roleFlags[f.Result.Role]
	if f.Result.Role == Nullable {
		flags |= FlagRetNull
	}
	for _, p := range f.Params {
		flags |= roleFlags[p.Role]
		if p.Role == Implicit && f.Spelling == SpellImplicit {
			flags |= FlagImplicitArgs
		}
	}
	if flags&FlagRCU == 0 {
		flags |= FlagTrustedArgs
	}
	return flags
}

// HasImplicit reports whether the verifier supplies a parameter.
func (f *Func) HasImplicit() bool {
	for _, p := range f.Params {
		if p.Role == Implicit {
			return true
		}
	}
	return false
}

// IsObject reports a pointer to a struct that the collector looks into or that
// the target owns: a BTF pointer, never the program's memory.
func (t *Type) IsObject() bool {
	return t.Kind == Pointer && t.Elem != nil && t.Elem.Kind == Struct
}

// ID is a BTF id.
type ID = btfx.ID
