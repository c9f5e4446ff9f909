// This file defines what makes a function one that programs can call.

package hostfn

import (
	"fmt"
	"regexp"
)

// maxArgs is how many registers hold arguments.
const maxArgs = 5

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ParamError is a rule that a parameter or the result of a function breaks.
type ParamError struct {
	Func  string
	Param string // "result" for what it returns, "" for the function itself
	Rule  string
}

func (e *ParamError) Error() string {
	if e.Param == "" {
		return fmt.Sprintf("kfunc %s: %s", e.Func, e.Rule)
	}
	return fmt.Sprintf("kfunc %s: %s: %s", e.Func, e.Param, e.Rule)
}

// Check reports the first rule that the function breaks, as a *ParamError.
func (f *Func) Check() error {
	fault := func(param, format string, args ...any) error {
		return &ParamError{Func: f.Name, Param: param, Rule: fmt.Sprintf(format, args...)}
	}
	if !identifier.MatchString(f.Name) {
		return fault("", "the name is not a C identifier")
	}
	names := map[string]bool{}
	for _, p := range f.Params {
		if !identifier.MatchString(p.Name) {
			return fault("parameter "+p.Name, "the name is not a C identifier")
		}
		if names[p.Name] {
			return fault("parameter "+p.Name, "the name is used twice")
		}
		names[p.Name] = true
		if rule := f.paramFault(p); rule != "" {
			return fault("parameter "+p.Name, "%s", rule)
		}
	}
	if rule := f.resultFault(); rule != "" {
		return fault("result", "%s", rule)
	}
	if rule := f.flagFault(); rule != "" {
		return fault("", "%s", rule)
	}
	if n := len(f.CParams(f.Spelling != SpellProg && f.Spelling != SpellLegacy)); n > maxArgs {
		return fault("", "%d arguments in C, programs pass at most %d", n, maxArgs)
	}
	return nil
}

// paramFault says what is wrong with a parameter, "" when nothing is.
func (f *Func) paramFault(p Param) string {
	switch p.Role {
	case Acquired, AcquiredOrNil, Errno:
		return "only results are acquired"
	case Map, Dynptr, Implicit, ConstStr:
		return ""
	case Const:
		if !p.Type.IsScalar() {
			return "a constant must be an integer or bool, not " + p.Type.Go
		}
	case Bytes, ConstLen, OptBytes:
		if p.Type.hasPointers() {
			return "a program would write elements that hold Go pointers: " + p.Type.Go
		}
	case Released, InRCU:
		if !p.Type.IsObject() {
			return "a reference must be a pointer to a struct, not " + p.Type.Go
		}
	case Nullable:
		if p.Type.Kind != Pointer {
			return "only a pointer can be NULL, not " + p.Type.Go
		}
		return pointerFault(p.Type)
	case Ignored:
		if !p.Type.IsScalar() && p.Type.Kind != Pointer {
			return "BTF cannot express " + p.Type.Go
		}
	default:
		return plainFault(p.Type)
	}
	return ""
}

// plainFault judges a parameter or result without a role.
func plainFault(t *Type) string {
	switch t.Kind {
	case Bool, Int:
		return ""
	case Pointer:
		return pointerFault(t)
	}
	return "BTF cannot express an argument of type " + t.Go + "; pass a pointer to it"
}

func pointerFault(t *Type) string {
	switch e := t.Elem; {
	case e == nil:
		return "a bare pointer to void needs a size: use []byte"
	case e.Kind == Struct:
		return ""
	case e.Kind == Opaque || e.Kind == Pointer || e.Kind == String || e.Kind == Slice:
		return "BTF cannot express what " + t.Go + " points to"
	case e.hasPointers():
		return "a program would write Go pointers through " + t.Go
	}
	return ""
}

// resultFault says what is wrong with the result, "" when nothing is.
func (f *Func) resultFault() string {
	r := f.Result
	switch {
	case r.Type == nil && r.Role == Plain, r.Role == Errno:
		return ""
	case r.Role == Acquired || r.Role == AcquiredOrNil:
		if r.Type == nil || !r.Type.IsObject() {
			return "an acquired reference must be a pointer to a struct"
		}
		return ""
	case r.Role == Nullable:
		if !r.Type.IsObject() {
			return "only a pointer to a struct may be NULL, not " + r.Type.Go
		}
		return ""
	case r.Role != Plain:
		return "this wrapper is for parameters"
	case r.Type.Kind == Pointer && !r.Type.IsObject():
		return "a pointer must be one to a struct, not " + r.Type.Go
	}
	return plainFault(r.Type)
}

// flagRules are combinations of flags that make no sense.
var flagRules = []struct {
	bad  func(f *Func, flags Flags) bool
	rule string
}{
	{func(f *Func, x Flags) bool { return x&FlagRelease != 0 && f.count(Released) != 1 }, "KF_RELEASE needs exactly one referenced argument (kfunc.Released)"},
	{func(f *Func, x Flags) bool {
		return x&FlagAcquire != 0 && (f.Result.Type == nil || !f.Result.Type.IsObject())
	}, "KF_ACQUIRE needs a result that is a pointer to a struct"},
	{func(f *Func, x Flags) bool {
		return x&FlagRetNull != 0 && (f.Result.Type == nil || f.Result.Type.Kind != Pointer)
	}, "KF_RET_NULL needs a result that is a pointer"},
	{func(f *Func, x Flags) bool { return x&FlagAcquire != 0 && x&FlagRelease != 0 }, "KF_ACQUIRE and KF_RELEASE together"},
	{func(f *Func, x Flags) bool { return x&FlagSleepable != 0 && x&FlagRCUProtected != 0 }, "KF_SLEEPABLE and KF_RCU_PROTECTED together"},
	{func(f *Func, x Flags) bool { return f.count(Implicit) > 1 }, "more than one implicit argument"},
	{func(f *Func, x Flags) bool {
		return f.count(Implicit) == 1 && f.Spelling != SpellProg && f.Params[len(f.Params)-1].Role != Implicit
	}, "an implicit argument must be the last"},
}

func (f *Func) flagFault() string {
	flags := f.Flags()
	for _, r := range flagRules {
		if r.bad(f, flags) {
			return r.rule
		}
	}
	return ""
}

func (f *Func) count(r Role) int {
	n := 0
	for _, p := range f.Params {
		if p.Role == r {
			n++
		}
	}
	return n
}
