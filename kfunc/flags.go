// This file defines the flags of functions.

package kfunc

import "github.com/skepbpf/skep/internal/hostfn"

// ABI is the version of the calls between generated code and this package. A
// Set of another version is refused.
const ABI = 1

// Flags are a function's flags, the kernel's KF_ flags (include/linux/btf.h).
// Most follow from types; the others are set by hand, in the directive or by
// WithFlags.
type Flags = hostfn.Flags

// Flags of functions.
const (
	FlagAcquire      = hostfn.FlagAcquire      // KF_ACQUIRE: the result is a reference
	FlagRelease      = hostfn.FlagRelease      // KF_RELEASE: one argument's reference ends
	FlagRetNull      = hostfn.FlagRetNull      // KF_RET_NULL: the result may be NULL
	FlagKptrGet      = hostfn.FlagKptrGet      // KF_KPTR_GET: until 6.3
	FlagTrustedArgs  = hostfn.FlagTrustedArgs  // KF_TRUSTED_ARGS: objects are valid; always set unless FlagRCU is
	FlagSleepable    = hostfn.FlagSleepable    // KF_SLEEPABLE: the function may block
	FlagDestructive  = hostfn.FlagDestructive  // KF_DESTRUCTIVE: needs CAP_SYS_BOOT
	FlagRCU          = hostfn.FlagRCU          // KF_RCU: objects that an RCU section protects are enough
	FlagIterNew      = hostfn.FlagIterNew      // KF_ITER_NEW
	FlagIterNext     = hostfn.FlagIterNext     // KF_ITER_NEXT
	FlagIterDestroy  = hostfn.FlagIterDestroy  // KF_ITER_DESTROY
	FlagRCUProtected = hostfn.FlagRCUProtected // KF_RCU_PROTECTED: called inside an RCU section only
	FlagFastcall     = hostfn.FlagFastcall     // KF_FASTCALL
	FlagImplicitArgs = hostfn.FlagImplicitArgs // KF_IMPLICIT_ARGS: 7.0
	FlagDeprecated   = hostfn.FlagDeprecated   // KF_DEPRECATED: see Deprecation
)

// flagNames are the names that directives use.
var flagNames = map[string]Flags{
	"KF_ACQUIRE": FlagAcquire, "KF_RELEASE": FlagRelease, "KF_RET_NULL": FlagRetNull, "KF_KPTR_GET": FlagKptrGet,
	"KF_TRUSTED_ARGS": FlagTrustedArgs, "KF_SLEEPABLE": FlagSleepable, "KF_DESTRUCTIVE": FlagDestructive, "KF_RCU": FlagRCU,
	"KF_ITER_NEW": FlagIterNew, "KF_ITER_NEXT": FlagIterNext, "KF_ITER_DESTROY": FlagIterDestroy,
	"KF_RCU_PROTECTED": FlagRCUProtected, "KF_FASTCALL": FlagFastcall, "KF_IMPLICIT_ARGS": FlagImplicitArgs, "KF_DEPRECATED": FlagDeprecated,
}

// ParseFlag gives the flag of a name such as "KF_SLEEPABLE".
func ParseFlag(name string) (Flags, bool) {
	f, ok := flagNames[name]
	return f, ok
}

// Spelling is how a set spells implicit arguments: those that the verifier
// supplies and that programs do not see.
type Spelling = hostfn.Spelling

// Spellings of implicit arguments.
const (
	// SpellMagic: programs call name without the argument, or name_impl with
	// NULL for it. The argument is called x__magic.
	SpellMagic = hostfn.SpellMagic
	// SpellProg: the argument is called x__prog; programs pass anything.
	SpellProg = hostfn.SpellProg
	// SpellLegacy: as SpellProg, for functions whose name ends in _impl.
	SpellLegacy = hostfn.SpellLegacy
	// SpellImplicit: programs call name; a call of name_impl is refused.
	SpellImplicit = hostfn.SpellImplicit
)
