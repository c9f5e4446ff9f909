// This file defines the parameters of global functions: what a parameter's
// type and tags let a caller pass and the function rely on.

package verify

import (
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// globalArg is what one parameter of a global function takes.
type globalArg struct {
	kind  domain.RegKind // ScalarValue, PtrToCtx, PtrToMem, PtrToBTFID, PtrToArena, ConstPtrToDynptr
	flags domain.TypeFlags
	size  uint32  // PtrToMem: bytes
	id    btfx.ID // PtrToBTFID: the struct, in the target's BTF
}

func (a *globalArg) mayBeNull() bool { return a.flags&domain.MaybeNull != 0 }

// argTags are the tags "arg:…" of one parameter.
type argTags uint8

// Tags of parameters.
const (
	tagCtx argTags = 1 << iota
	tagNonnull
	tagTrusted
	tagNullable
	tagArena
	tagUntrusted
)

var argTagNames = map[string]argTags{
	"ctx": tagCtx, "nonnull": tagNonnull, "trusted": tagTrusted, "nullable": tagNullable, "arena": tagArena, "untrusted": tagUntrusted,
}

// globalParam is a parameter being read.
type globalParam struct {
	i    int
	sub  int
	tags argTags
	ptr  *btfx.Type // the pointer
	to   *btfx.Type // what it points to, without typedefs and qualifiers
}

// globalParamKinds are the kinds of pointer parameters, in the order in which
// they are told apart.
var globalParamKinds = []struct {
	is   func(*walker, *globalParam) bool
	read func(*walker, *globalParam) (globalArg, error)
}{
	{isContextParam, (*walker).contextParam},
	{isDynptrParam, (*walker).dynptrParam},
	{byTag(tagTrusted), (*walker).trustedParam},
	{byTag(tagUntrusted), (*walker).untrustedParam},
	{byTag(tagArena), (*walker).arenaParam},
	{func(*walker, *globalParam) bool { return true }, (*walker).memoryParam},
}

func byTag(t argTags) func(*walker, *globalParam) bool {
	return func(_ *walker, p *globalParam) bool { return p.tags&t != 0 }
}

func isContextParam(w *walker, p *globalParam) bool {
	return p.tags&tagCtx != 0 || w.isContext(w.prog.BTF, p.ptr.Type)
}

func isDynptrParam(_ *walker, p *globalParam) bool {
	return p.to != nil && p.to.Kind == btfx.KindStruct && (p.to.Name == "bpf_dynptr" || p.to.Name == "bpf_dynptr_kern")
}

// globalArgs reads a global function's prototype.
func (w *walker) globalArgs(sub int) ([]globalArg, error) {
	s := &w.shape.subs[sub]
	spec := w.prog.BTF
	fn := spec.Type(s.BTFFunc)
	if fn == nil || fn.Kind != btfx.KindFunc {
		return nil, w.fail("Global function %s() has no BTF", s.Name)
	}
	proto := spec.Type(fn.Type)
	if len(proto.Params) > 5 {
		return nil, w.fail("Global function %s() with %d > 5 args. Buggy compiler.", s.Name, len(proto.Params))
	}
	if !returnsScalar(spec, proto.Type) {
		return nil, w.fail("Global function %s() doesn't return scalar. Only those are supported.", s.Name)
	}
	args := make([]globalArg, len(proto.Params))
	for i, p := range proto.Params {
		a, err := w.globalArg(sub, i, p.Type, spec.DeclTags(s.BTFFunc, int32(i)))
		if err != nil {
			return nil, err
		}
		args[i] = a
	}
	return args, nil
}

func returnsScalar(spec *btfx.Spec, id btfx.ID) bool {
	t := spec.Strip(id)
	return t != nil && (t.Kind == btfx.KindInt || t.Kind == btfx.KindEnum || t.Kind == btfx.KindEnum64)
}

// globalArg decides what one parameter takes.
func (w *walker) globalArg(sub, i int, id btfx.ID, names []string) (globalArg, error) {
	spec := w.prog.BTF
	p := globalParam{i: i, sub: sub}
	for _, name := range names {
		name, ok := strings.CutPrefix(name, "arg:")
		tag := argTagNames[name]
		if ok && tag == 0 {
			return globalArg{}, w.failErrno(errEOPNOTSUPP, "arg#%d has unsupported set of tags", i)
		}
		p.tags |= tag
	}
	t := spec.Strip(id)
	if t != nil && t.Kind == btfx.KindPtr {
		p.ptr, p.to = t, spec.Strip(t.Type)
		for _, k := range globalParamKinds {
			if k.is(w, &p) {
				return k.read(w, &p)
			}
		}
	}
	switch {
	case p.tags != 0:
		return globalArg{}, w.fail("arg#%d has pointer tag, but is not a pointer type", i)
	case t != nil && (t.Kind == btfx.KindInt || t.Kind == btfx.KindEnum || t.Kind == btfx.KindEnum64):
		return globalArg{kind: domain.ScalarValue}, nil
	}
	return globalArg{}, w.fail("Arg#%d type %s in %s() is not supported yet.", i, kindWord(t), w.shape.subs[sub].Name)
}

// badTags refuses tags that do not go together.
func (w *walker) badTags(p *globalParam) (globalArg, error) {
	return globalArg{}, w.fail("arg#%d has invalid combination of tags", p.i)
}

func (w *walker) contextParam(p *globalParam) (globalArg, error) {
	if p.tags&^tagCtx != 0 {
		return w.badTags(p)
	}
	if p.tags&tagCtx != 0 {
		if err := w.checkTaggedContext(p); err != nil {
			return globalArg{}, err
		}
	}
	return globalArg{kind: domain.PtrToCtx}, nil
}

func (w *walker) dynptrParam(p *globalParam) (globalArg, error) {
	if p.tags != 0 {
		return w.badTags(p)
	}
	return globalArg{kind: domain.ConstPtrToDynptr}, nil
}

// trustedParam is a kernel object that the caller vouches for.
func (w *walker) trustedParam(p *globalParam) (globalArg, error) {
	if p.tags&tagNonnull != 0 {
		return w.badTags(p)
	}
	a := globalArg{kind: domain.PtrToBTFID, flags: domain.PtrTrusted}
	if p.tags&tagNullable != 0 {
		a.flags |= domain.MaybeNull
	}
	var err error
	a.id, err = w.kernelType(p)
	return a, err
}

// untrustedParam is any value: it is only read, and a read that faults gives 0.
func (w *walker) untrustedParam(p *globalParam) (globalArg, error) {
	if p.tags&^tagUntrusted != 0 {
		return globalArg{}, w.fail("arg#%d untrusted cannot be combined with any other tags", p.i)
	}
	if p.to == nil || p.to.Kind == btfx.KindVoid || p.to.Kind == btfx.KindInt || p.to.Kind == btfx.KindEnum || p.to.Kind == btfx.KindEnum64 {
		return globalArg{kind: domain.PtrToMem, flags: domain.MemRdonly | domain.PtrUntrusted}, nil
	}
	id, err := w.kernelType(p)
	if err != nil {
		return globalArg{}, err
	}
	if k := w.target.BTF.Type(id); k.Kind != btfx.KindStruct && k.Kind != btfx.KindUnion {
		return globalArg{}, w.fail("arg#%d has type %s '%s', but only struct or primitive types are allowed", p.i, kindWord(k), "")
	}
	return globalArg{kind: domain.PtrToBTFID, flags: domain.PtrUntrusted, id: id}, nil
}

func (w *walker) arenaParam(p *globalParam) (globalArg, error) {
	if p.tags&^tagArena != 0 {
		return globalArg{}, w.fail("arg#%d arena cannot be combined with any other tags", p.i)
	}
	return globalArg{kind: domain.PtrToArena}, nil
}

// memoryParam is memory of the pointee's size, readable and writable.
func (w *walker) memoryParam(p *globalParam) (globalArg, error) {
	if p.tags&tagNullable != 0 {
		return w.badTags(p)
	}
	size, ok := w.prog.BTF.SizeOf(p.ptr.Type)
	if !ok {
		return globalArg{}, w.fail("arg#%d reference type('%s %s') size cannot be determined: -22", p.i, kindWord(p.to), nameOf(p.to))
	}
	a := globalArg{kind: domain.PtrToMem, size: size, flags: domain.MaybeNull}
	if p.tags&tagNonnull != 0 {
		a.flags = 0
	}
	return a, nil
}

// kernelType finds the kernel's type of the name that a pointee has, "flavor"
// suffixes apart.
func (w *walker) kernelType(p *globalParam) (btfx.ID, error) {
	if w.target.BTF == nil {
		return 0, w.unsupported("kernel objects: the target has no BTF")
	}
	var found []btfx.ID
	if p.to != nil {
		for _, id := range w.target.BTF.Flavors(p.to.Name) {
			if w.target.BTF.Type(id).Kind == p.to.Kind {
				found = append(found, id)
			}
		}
	}
	const ref = "arg#%d reference type('%s %s') "
	switch {
	case p.to == nil || p.to.Name == "":
		return 0, w.fail(ref+"candidate matching error: -22", p.i, kindWord(p.to), nameOf(p.to))
	case len(found) == 0:
		return 0, w.failErrno(errENOENT, ref+"has no matches", p.i, kindWord(p.to), p.to.Name)
	case len(found) > 1:
		return 0, w.failErrno(errESRCH, ref+"is ambiguous", p.i, kindWord(p.to), p.to.Name)
	}
	return found[0], nil
}

func nameOf(t *btfx.Type) string {
	if t == nil {
		return ""
	}
	return t.Name
}

// givenArg is what the function may rely on of an argument.
func (w *walker) givenArg(a *globalArg) domain.Reg {
	switch a.kind {
	case domain.ScalarValue, domain.PtrToArena: // any number may be an arena's address
		return w.unknownValue()
	case domain.PtrToCtx:
		return domain.Pointer(domain.PtrToCtx, 0)
	case domain.ConstPtrToDynptr:
		return w.givenDynptr()
	case domain.PtrToMem:
		r := domain.Pointer(domain.PtrToMem, a.flags)
		r.MemSize, r.ID = a.size, w.newID()
		return r
	}
	r := w.objectPointer(w.target.BTF, a.id, a.flags&^domain.MaybeNull)
	r.Flags, r.ID = a.flags, w.newID()
	return r
}

// checkGlobalArg compares one argument of a call with the parameter.
func (w *walker) checkGlobalArg(r uint8, i int, a *globalArg) error {
	reg := &w.regs()[r]
	switch {
	case a.flags&domain.PtrUntrusted != 0:
		return nil
	case a.kind == domain.ScalarValue:
		if reg.Kind != domain.ScalarValue {
			return w.fail("R%d is not a scalar", r)
		}
		return nil
	case a.kind == domain.PtrToCtx:
		if err := w.checkArgOffset(r, catalog.Arg{}); err != nil {
			return err
		}
		if reg.Kind != domain.PtrToCtx {
			return w.fail("arg#%d expects pointer to ctx", i)
		}
		return nil
	case a.kind == domain.PtrToArena:
		if reg.Kind != domain.PtrToArena && reg.Kind != domain.ScalarValue {
			return w.fail("R%d is not a pointer to arena or scalar.", r)
		}
		return nil
	case a.kind == domain.PtrToBTFID:
		return w.checkObjectParam(r, a)
	case a.kind == domain.ConstPtrToDynptr:
		if err := w.checkArgOffset(r, catalog.Arg{Kind: catalog.ArgDynptr}); err != nil {
			return err
		}
		return w.checkDynptr(r, dynptrUse{arg: i})
	}
	if err := w.checkArgOffset(r, catalog.Arg{}); err != nil {
		return err
	}
	return w.checkMemReg(r, i, *a)
}

// checkObjectParam requires a kernel object of the parameter's type.
func (w *walker) checkObjectParam(r uint8, a *globalArg) error {
	arg := catalog.Arg{Kind: catalog.ArgBTFID, BTF: w.target.BTF.Type(a.id).Name}
	if a.mayBeNull() {
		if w.regs()[r].IsNull() {
			return w.markPrecise(r) // only NULL is allowed, not any number
		}
		arg.Flags = catalog.ArgMaybeNull
	}
	m := callMeta{proto: new(catalog.Proto)}
	if err := w.checkArgType(r, arg, &m); err != nil {
		return err
	}
	return w.checkArgOffset(r, arg)
}

var btfKindNames = map[btfx.Kind]string{
	btfx.KindInt: "INT", btfx.KindPtr: "PTR", btfx.KindArray: "ARRAY", btfx.KindStruct: "STRUCT", btfx.KindUnion: "UNION",
	btfx.KindEnum: "ENUM", btfx.KindFwd: "FWD", btfx.KindFunc: "FUNC", btfx.KindFuncProto: "FUNC_PROTO", btfx.KindVar: "VAR",
	btfx.KindDatasec: "DATASEC", btfx.KindFloat: "FLOAT", btfx.KindEnum64: "ENUM64",
}

// kindWord is what messages call a type's kind.
func kindWord(t *btfx.Type) string {
	if t != nil && btfKindNames[t.Kind] != "" {
		return btfKindNames[t.Kind]
	}
	return "UNKNOWN"
}
