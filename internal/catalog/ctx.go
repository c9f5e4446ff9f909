// This file defines contexts, the memory that R1 points to at a program's
// start, and how an access to one is looked up.

package catalog

import "github.com/skepbpf/skep/internal/bytecode"

// ValueKind is what a load from a context or socket gives.
type ValueKind uint8

// Kinds of context values.
const (
	ValueScalar ValueKind = iota
	ValuePacket
	ValuePacketMeta
	ValuePacketEnd
	ValueFlowKeys
	ValueSocket           // PTR_TO_SOCKET
	ValueSockCommon       // PTR_TO_SOCK_COMMON
	ValueSockCommonOrNull //
	ValueSocketOrNull     //
	ValueBTF              // a trusted kernel object: CtxField.BTF names the struct
	ValueBTFOrNull        //
	ValueMem              // read-only buffer
	ValueTPBuffer         // PTR_TO_TP_BUFFER
	ValueBuf              // PTR_TO_BUF: a key or value of an iterator
)

// Widths is a set of access widths: the sum of the widths in bytes.
type Widths uint8

// Sets of widths.
const (
	none    Widths = 0
	w1      Widths = 1
	w4      Widths = 4
	w8      Widths = 8
	upTo2   Widths = 1 | 2
	upTo4   Widths = 1 | 2 | 4
	anyWide Widths = 1 | 2 | 4 | 8
)

// CtxField is one accessible byte range of a context, and a way to access it.
// A range that can be accessed in two ways (a 4-byte load over a 2-byte field,
// a write with a capability) has two fields.
type CtxField struct {
	Name string // UAPI field name; lowering finds its storage by it
	Off  uint16 // bytes
	Size uint16 // bytes
	Elem uint16 // bytes of one element of an array; Size elsewhere
	Kind ValueKind
	BTF  string // ValueBTF: the struct's name

	Read, Write Widths
	// Start: only accesses at the start of an element pass; else a narrow load
	// may start anywhere inside.
	Start bool
	// Direct: the bytes are the program's own memory (cb[]): narrow accesses
	// need no conversion.
	Direct bool
	Caps   Caps       // the loader needs them
	Attach attachList // expected attach types that have the field; nil is all
	Since  Version
}

// Ctx describes a program type's context: by Fields, or as raw memory.
type Ctx struct {
	Name    string // struct name in UAPI: "__sk_buff"
	KernCtx string // struct behind it in the kernel's BTF: "sk_buff"
	Size    uint32 // bytes
	Fields  []CtxField
	// BTFArgs: the context is an array of 8-byte BTF-typed arguments (tracing,
	// LSM, struct_ops); the attach target's prototype says what they are.
	BTFArgs bool
	// Raw, when set, makes everything a scalar that is aligned to its width:
	// pt_regs, the record of a tracepoint, the arguments of raw_tp.
	Raw *RawCtx
}

// RawCtx says which offsets of a raw context can be accessed. The bounds are
// those of the kernel's check, which for some types looks at the first byte
// only.
type RawCtx struct {
	Min, Max  int  // an access starts in [Min, Max)
	EndsInMax bool // and ends there
	Write     bool
}

// CtxQuery asks for one access to a context.
type CtxQuery struct {
	Env
	Off, Size  int // bytes; a constant offset, as the verifier knows it
	Write      bool
	SignExtend bool // a sign-extending load
}

// CtxResult describes an access that is allowed.
type CtxResult struct {
	// Field is the row that allowed it; nil for raw and BTF-typed contexts.
	Field *CtxField
	Kind  ValueKind
	// BTF names the struct of ValueBTF and ValueBTFOrNull.
	BTF string
	// FieldSize is the size in bytes of the element that a narrower load reads
	// a part of; 0 when the access needs no conversion (the kernel's
	// ctx_field_size).
	FieldSize int
}

// Context returns the context of programs of type t; nil for unknown types.
func Context(t bytecode.ProgType) *Ctx {
	if p := progTypes[t]; p != nil {
		return p.Ctx
	}
	return nil
}

// CtxAccess looks an access up; false is "invalid bpf_context access off=%d
// size=%d". For BTF-typed contexts true says only that the offset and width
// name an argument: whose type it is follows from the attach target.
func (t *Target) CtxAccess(q CtxQuery) (CtxResult, bool) {
	q.Env = q.Env.fixed()
	c := Context(q.Type)
	if c == nil || q.Off < 0 || q.Size <= 0 || q.Off%q.Size != 0 {
		return CtxResult{}, false
	}
	for i := range c.Fields {
		if f := &c.Fields[i]; f.allows(t.Version, &q) {
			return f.result(&q), true
		}
	}
	if c.Raw != nil && c.Raw.allows(&q) && !c.covers(q.Off) {
		return CtxResult{}, true
	}
	return CtxResult{}, false
}

// covers reports whether a field takes the offset out of the raw part; the
// kernel looks at the first byte of the field only.
func (c *Ctx) covers(off int) bool {
	for i := range c.Fields {
		if off == int(c.Fields[i].Off) {
			return true
		}
	}
	return false
}

func (r *RawCtx) allows(q *CtxQuery) bool {
	return q.Off >= r.Min && q.Off < r.Max &&
		(!r.EndsInMax || q.Off+q.Size <= r.Max) &&
		(!q.Write || r.Write)
}

func (f *CtxField) allows(v Version, q *CtxQuery) bool {
	return q.Off >= int(f.Off) && q.Off < int(f.Off+f.Size) && f.fits(q) &&
		v >= f.Since && q.Caps.Has(f.Caps) && (f.Attach == nil || f.Attach.has(q.Attach))
}

// fits looks at the width alone: q.Off lies inside f.
func (f *CtxField) fits(q *CtxQuery) bool {
	widths := f.Read
	if q.Write {
		widths = f.Write
	}
	in := (q.Off - int(f.Off)) % int(f.Elem)
	switch {
	case q.Size > 8 || widths&Widths(q.Size) == 0:
		return false
	case f.Start && in != 0:
		return false
	case q.SignExtend && f.Kind != ValueScalar:
		return false
	}
	return q.Off+q.Size <= int(f.Off+f.Size)
}

func (f *CtxField) result(q *CtxQuery) CtxResult {
	r := CtxResult{Field: f, Kind: f.Kind, BTF: f.BTF}
	if !q.Write && !f.Direct && q.Size < int(f.Elem) {
		r.FieldSize = int(f.Elem)
	}
	return r
}
