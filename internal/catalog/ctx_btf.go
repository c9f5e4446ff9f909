// This file defines BTF-typed contexts: the arguments of a traced function,
// tracepoint, iterator, LSM hook or struct_ops member.

package catalog

import (
	"fmt"
	"iter"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// PtrFlags qualify the pointer that a BTF-typed argument is.
type PtrFlags uint32

// Flags of pointers.
const (
	PtrTrusted PtrFlags = 1 << iota
	PtrMaybeNull
	PtrRdonly
	PtrUser   // tagged "user": reads go through user memory
	PtrPercpu // tagged "percpu"
	PtrRef    // the argument is a reference that the program must release ("__ref")
)

// AttachTarget is what a program with a BTF-typed context attaches to.
type AttachTarget struct {
	Name string     // as messages print it
	Spec *btfx.Spec // where Proto lives
	// Proto is the function's prototype; nil where there is none, then every
	// argument is a scalar.
	Proto *btfx.Type
	// Hidden is how many first parameters programs do not see (tracepoints
	// have one).
	Hidden int
	// Module: it is not the kernel's own.
	Module bool
	// Stub is the prototype that a struct_ops member's suffixes stand in.
	Stub *btfx.Type
}

// ArgType is what a load of an argument gives.
type ArgType struct {
	Kind  ValueKind // ValueScalar, ValueBTF or ValueBuf
	Flags PtrFlags
	Spec  *btfx.Spec // ValueBTF
	ID    btfx.ID    // ValueBTF: the struct's id
	// Retval: the value is what the traced function returned (LSM hooks).
	Retval bool
	// Lines are what the kernel logs on the way, also where it accepts.
	Lines []string
}

// AttachTarget finds what id, in t's BTF, is to a program in e. It decides only
// whether the type fits, not whether the function may be traced.
func (t *Target) AttachTarget(e Env, id btfx.ID) (*AttachTarget, error) {
	if t.BTF == nil {
		return nil, fmt.Errorf("attach target %q: the target has no BTF", e.AttachTo)
	}
	typ := t.BTF.Type(id)
	if typ == nil || id == 0 {
		return nil, fmt.Errorf("attach_btf_id %d is invalid", id)
	}
	switch {
	case e.Type == bytecode.ProgStructOps:
		return t.memberTarget(typ, e.Attach)
	case e.Type == bytecode.ProgTracing && e.Attach == AttachTraceRawTP:
		return t.tracepointTarget(typ)
	}
	if typ.Kind != btfx.KindFunc {
		return nil, fmt.Errorf("attach_btf_id %d is not a function", id)
	}
	return &AttachTarget{Name: typ.Name, Spec: t.BTF, Proto: t.BTF.Type(typ.Type)}, nil
}

// tracepointTarget takes the typedef of a tracepoint's probe. The function
// __bpf_trace_NAME has the same parameters, with their names.
func (t *Target) tracepointTarget(typ *btfx.Type) (*AttachTarget, error) {
	name, ok := strings.CutPrefix(typ.Name, "btf_trace_")
	if typ.Kind != btfx.KindTypedef || !ok {
		return nil, fmt.Errorf("attach_btf_id %d is not a typedef of a tracepoint", typ.ID)
	}
	target := &AttachTarget{Name: name, Spec: t.BTF, Hidden: 1, Module: t.ModuleOf(typ.ID) != nil}
	if id, ok := t.BTF.Find("__bpf_trace_"+name, btfx.KindFunc); ok {
		target.Proto = t.BTF.Type(t.BTF.Type(id).Type)
		return target, nil
	}
	if target.Proto = t.pointedProto(typ.Type); target.Proto == nil {
		return nil, fmt.Errorf("attach_btf_id %d is not a tracepoint", typ.ID)
	}
	return target, nil
}

func (t *Target) memberTarget(typ *btfx.Type, member bytecode.AttachType) (*AttachTarget, error) {
	_, registered := t.BTF.Find("bpf_struct_ops_"+typ.Name, btfx.KindStruct)
	if typ.Kind != btfx.KindStruct || !registered {
		return nil, fmt.Errorf("attach_btf_id %d is not a supported struct", typ.ID)
	}
	if int(member) >= len(typ.Members) {
		return nil, fmt.Errorf("attach to invalid member idx %d of struct %s", member, typ.Name)
	}
	m := typ.Members[member]
	proto := t.pointedProto(m.Type)
	if proto == nil {
		return nil, fmt.Errorf("attach to invalid member %s(@idx %d) of struct %s", m.Name, member, typ.Name)
	}
	target := &AttachTarget{Name: m.Name, Spec: t.BTF, Proto: proto}
	if id, ok := t.BTF.Find(typ.Name+"__"+m.Name, btfx.KindFunc); ok {
		target.Stub = t.BTF.Type(t.BTF.Type(id).Type)
	}
	return target, nil
}

// pointedProto returns the prototype that a function pointer leads to, or nil.
func (t *Target) pointedProto(id btfx.ID) *btfx.Type {
	ptr := t.BTF.Strip(id)
	if ptr == nil || ptr.Kind != btfx.KindPtr {
		return nil
	}
	if proto := t.BTF.Strip(ptr.Type); proto != nil && proto.Kind == btfx.KindFuncProto {
		return proto
	}
	return nil
}

// index returns which parameter lies at a context offset: structs passed by
// value take several slots. One past the last is the return value.
func (a *AttachTarget) index(off int) int {
	if a.Proto == nil {
		return off / 8
	}
	end := 0
	for i, p := range a.Proto.Params {
		if end += a.slot(p.Type); off < end {
			return i
		}
	}
	if end += a.slot(a.Proto.Type); off < end {
		return len(a.Proto.Params)
	}
	return len(a.Proto.Params) + 1
}

// Slots yields the context offsets of the arguments, in bytes.
func (a *AttachTarget) Slots() iter.Seq[int] {
	return func(yield func(int) bool) {
		if a.Proto == nil {
			return
		}
		off := 0
		for _, p := range a.Proto.Params[min(a.Hidden, len(a.Proto.Params)):] {
			if !yield(off) {
				return
			}
			off += a.slot(p.Type)
		}
	}
}

// slot is the size of a value of the type in a context, in bytes.
func (a *AttachTarget) slot(id btfx.ID) int {
	n, _ := a.Spec.SizeOf(id)
	return (int(n) + 7) &^ 7
}

// ArgAccess says what a load of size bytes at off gives to a program in e that
// attaches to a. Where the access is not allowed, the lines of the result come
// before "invalid bpf_context access off=%d size=%d" (btf_ctx_access).
func (t *Target) ArgAccess(e Env, a *AttachTarget, off, size int) (ArgType, bool) {
	if off < 0 || off >= 8*maxArgs || size <= 0 || off%size != 0 {
		return ArgType{}, false
	}
	r := argReader{e: e, a: a, size: size}
	ok := r.read(off)
	return r.ArgType, ok
}

// argReader is one look at an argument.
type argReader struct {
	ArgType
	e    Env
	a    *AttachTarget
	size int
}

func (r *argReader) say(format string, args ...any) {
	r.Lines = append(r.Lines, fmt.Sprintf(format, args...))
}

func (r *argReader) read(off int) bool {
	if off%8 != 0 {
		r.say("func '%s' offset %d is not multiple of 8", r.a.Name, off)
		return false
	}
	if r.a.Proto == nil {
		return true
	}
	// The kernel's index does not know of hidden parameters, whose slots come
	// first: it skips them by counting from the next.
	arg, params := r.a.index(off), r.a.Proto.Params[min(r.a.Hidden, len(r.a.Proto.Params)):]
	switch {
	case arg > len(params), arg == len(params) && !r.hasReturn():
		r.say("func '%s' doesn't have %d-th argument", r.a.Name, arg+1)
		return false
	case arg == len(params) && r.e.Attach == AttachModifyReturn:
		return r.modifiedReturn()
	case arg == len(params):
		return r.value(arg, r.a.Proto.Type, "")
	}
	return r.value(arg, params[arg].Type, r.paramName(arg))
}

// hasReturn reports whether programs see the return value past the arguments.
func (r *argReader) hasReturn() bool {
	switch r.e.Attach {
	case AttachLSMMAC:
		r.Retval = true
		return true
	case AttachLSMCgroup, AttachTraceFexit, AttachModifyReturn:
		return true
	}
	return false
}

// modifiedReturn: fmod_ret is for functions that return an integer.
func (r *argReader) modifiedReturn() bool {
	typ := r.a.Spec.Strip(r.a.Proto.Type)
	if typ != nil && typ.Kind == btfx.KindInt && typ.Size <= 8 {
		return true
	}
	r.say("ret type %s not allowed for fmod_ret", kindName(typ))
	return false
}

func (r *argReader) paramName(arg int) string {
	proto := r.a.Proto
	if r.a.Stub != nil {
		proto = r.a.Stub
	}
	if i := arg + r.a.Hidden; i < len(proto.Params) {
		return proto.Params[i].Name
	}
	return ""
}

func (r *argReader) value(arg int, id btfx.ID, name string) bool {
	spec := r.a.Spec
	typ := spec.Strip(id)
	switch {
	case typ == nil:
		return false
	case isScalarArg(typ):
		return true
	case typ.Kind != btfx.KindPtr:
		r.say("func '%s' arg%d '%s' has type %s. Only pointer access is allowed", r.a.Name, arg, typeName(typ), kindName(typ))
		return false
	case r.size != 8:
		r.say("func '%s' size %d must be 8", r.a.Name, r.size)
		return false
	}
	known, listed := r.listed(arg, name)
	if listed && known.kind == ValueBuf {
		r.Kind, r.Flags = ValueBuf, known.flags
		return true
	}
	if to := spec.Strip(typ.Type); typ.Type == 0 || to != nil && (to.Kind == btfx.KindVoid || to.Kind == btfx.KindInt) {
		return true // to void or an integer: a scalar to programs
	}
	return r.pointer(arg, typ.Type, name, known, listed)
}

func isScalarArg(typ *btfx.Type) bool {
	switch typ.Kind {
	case btfx.KindInt:
		return typ.Size <= 8
	case btfx.KindEnum, btfx.KindEnum64, btfx.KindStruct, btfx.KindUnion:
		return true
	}
	return false
}

// listed finds what an iterator or the stub of a struct_ops member says of an
// argument (ctx_arg_info).
func (r *argReader) listed(arg int, name string) (iterArg, bool) {
	switch {
	case r.e.Type == bytecode.ProgTracing && r.e.Attach == AttachTraceIter:
		known, ok := iterArgs[strings.TrimPrefix(r.a.Name, "bpf_iter_")][arg]
		return known, ok
	case r.a.Stub != nil && strings.HasSuffix(name, "__nullable"):
		return iterTrusted, true
	case r.a.Stub != nil && strings.HasSuffix(name, "__ref"):
		return iterArg{ValueBTF, PtrTrusted | PtrRef}, true
	}
	return iterArg{}, false
}

func (r *argReader) pointer(arg int, to btfx.ID, name string, known iterArg, listed bool) bool {
	r.Kind, r.Spec = ValueBTF, r.a.Spec
	if listed {
		r.Flags, r.ID = known.flags, r.strip(to)
		return true
	}
	if r.trusted() {
		r.Flags |= PtrTrusted
	}
	null := r.tracepointArg(arg)
	if null&mayBeNull != 0 || strings.HasSuffix(name, "__nullable") {
		r.Flags |= PtrMaybeNull
	}
	if !r.structType(arg, to) {
		return false
	}
	if null&mayBeError != 0 {
		r.say("marking pointer arg%d as scalar as it may encode error", arg)
		r.Kind, r.Flags = ValueScalar, 0
	}
	r.promote()
	return true
}

// promote: congestion control is always about TCP sockets.
func (r *argReader) promote() {
	if r.e.Type != bytecode.ProgStructOps || structOf(r.e.AttachTo) != "tcp_congestion_ops" || r.Kind != ValueBTF {
		return
	}
	if id, ok := r.Spec.Find("tcp_sock", btfx.KindStruct); ok && r.Spec.Type(r.ID).Name == "sock" {
		r.ID = id
	}
}

func (r *argReader) tracepointArg(arg int) argNull {
	if r.e.Attach != AttachTraceRawTP || r.e.Type != bytecode.ProgTracing {
		return 0
	}
	if args, known := tracepointArgs[r.a.Name]; known || !r.a.Module {
		return args[arg]
	}
	return mayBeNull // nobody listed what a module's tracepoints pass
}

// trusted is prog_args_trusted.
func (r *argReader) trusted() bool {
	switch r.e.Type {
	case bytecode.ProgTracing:
		return r.e.Attach == AttachTraceRawTP || r.e.Attach == AttachTraceIter
	case bytecode.ProgLSM:
		return !UntrustedLSMHook(r.e.hook())
	}
	return r.e.Type == bytecode.ProgStructOps
}

// structType fills in the struct that a pointer leads to, and what tags say of
// the pointer.
func (r *argReader) structType(arg int, to btfx.ID) bool {
	spec := r.a.Spec
	if tag := spec.Type(to); tag != nil && tag.Kind == btfx.KindTypeTag && !tag.KindFlag {
		r.Flags |= map[string]PtrFlags{"user": PtrUser, "percpu": PtrPercpu}[tag.Name]
	}
	r.ID = r.strip(to)
	typ := spec.Type(r.ID)
	if typ == nil || typ.Kind != btfx.KindStruct && typ.Kind != btfx.KindUnion {
		r.say("func '%s' arg%d type %s is not a struct", r.a.Name, arg, kindName(typ))
		return false
	}
	r.say("func '%s' arg%d has btf_id %d type %s '%s'", r.a.Name, arg, r.ID, kindName(typ), typeName(typ))
	return true
}

func typeName(t *btfx.Type) string {
	if t.Name == "" {
		return "(anon)"
	}
	return t.Name
}

// strip is Spec.Strip with the id kept.
func (r *argReader) strip(id btfx.ID) btfx.ID {
	if t := r.a.Spec.Strip(id); t != nil {
		return t.ID
	}
	return 0
}

// kindNames are how the kernel's messages call BTF kinds.
var kindNames = [...]string{
	btfx.KindVoid: "UNKNOWN", btfx.KindInt: "INT", btfx.KindPtr: "PTR", btfx.KindArray: "ARRAY",
	btfx.KindStruct: "STRUCT", btfx.KindUnion: "UNION", btfx.KindEnum: "ENUM", btfx.KindFwd: "FWD",
	btfx.KindTypedef: "TYPEDEF", btfx.KindVolatile: "VOLATILE", btfx.KindConst: "CONST",
	btfx.KindRestrict: "RESTRICT", btfx.KindFunc: "FUNC", btfx.KindFuncProto: "FUNC_PROTO",
	btfx.KindVar: "VAR", btfx.KindDatasec: "DATASEC", btfx.KindFloat: "FLOAT",
	btfx.KindDeclTag: "DECL_TAG", btfx.KindTypeTag: "TYPE_TAG", btfx.KindEnum64: "ENUM64",
}

func kindName(t *btfx.Type) string {
	if t == nil || int(t.Kind) >= len(kindNames) {
		return "UNKNOWN"
	}
	return kindNames[t.Kind]
}
