// This file defines a reader of C declarations, which writes BTF: as much of C
// as testmod.h needs.

package testmod

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
)

// reader writes the types of declarations over a kernel's.
type reader struct {
	kernel *btfx.Spec
	b      *btfx.Builder
	own    map[string]btfx.ID // "struct x", "name" of a typedef
	toks   []string
	err    error
}

func newReader(kernel *btfx.Spec) *reader {
	return &reader{kernel: kernel, b: btfx.NewBuilder(kernel), own: map[string]btfx.ID{}}
}

var (
	comments = regexp.MustCompile(`(?s)/\*.*?\*/`)
	token    = regexp.MustCompile(`\w+|[^\s\w]`)
)

// read adds declarations, each ended by a semicolon.
func (r *reader) read(text string) error {
	r.toks = token.FindAllString(comments.ReplaceAllString(text, ""), -1)
	for len(r.toks) > 0 && r.err == nil {
		r.declaration()
	}
	return r.err
}

// peek is the next token, "" at the end.
func (r *reader) peek() string {
	if len(r.toks) == 0 {
		return ""
	}
	return r.toks[0]
}

func (r *reader) next() string {
	t := r.peek()
	if t == "" {
		r.fail("the end")
		return ""
	}
	r.toks = r.toks[1:]
	return t
}

// accept takes the next token if it is t.
func (r *reader) accept(t string) bool {
	if r.err != nil || r.peek() != t {
		return false
	}
	r.toks = r.toks[1:]
	return true
}

func (r *reader) expect(t string) {
	if !r.accept(t) {
		r.fail("no " + t)
	}
}

// fail keeps the first error. What is left is dropped, so that nothing loops.
func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("declaration in C: %s before %q", what, strings.Join(r.toks[:min(len(r.toks), 8)], " "))
	}
	r.toks = nil
}

// declaration is a struct, a typedef, a function or a variable.
func (r *reader) declaration() {
	typedef := r.accept("typedef")
	base := r.base()
	if r.accept(";") {
		return
	}
	name, typ := r.declarator(base)
	r.expect(";")
	t := r.b.Type(typ)
	switch {
	case typedef:
		r.own[name] = r.b.Add(btfx.Type{Kind: btfx.KindTypedef, Name: name, Type: typ})
	case t != nil && t.Kind == btfx.KindFuncProto:
		r.b.Add(btfx.Type{Kind: btfx.KindFunc, Name: name, Type: typ})
	default:
		r.variable(name, typ)
	}
}

// variable is a per-CPU one: programs see no others.
func (r *reader) variable(name string, typ btfx.ID) {
	size, _ := r.layout(typ)
	v := r.b.Add(btfx.Type{Kind: btfx.KindVar, Name: name, Type: typ, Linkage: 1})
	r.b.Add(btfx.Type{Kind: btfx.KindDatasec, Name: ".data..percpu", Size: size, Vars: []btfx.VarSecinfo{{Type: v, Size: size}}})
}

// words are what the names of C's own types are made of.
var words = []string{"void", "char", "short", "int", "long", "signed", "unsigned"}

// integers are those names as the kernel's BTF writes them.
var integers = map[string]string{
	"short": "short int", "long": "long int",
	"unsigned long": "long unsigned int", "unsigned short": "short unsigned int",
}

// base reads a type up to its declarator.
func (r *reader) base() btfx.ID {
	switch {
	case r.accept("const"):
		return r.b.Add(btfx.Type{Kind: btfx.KindConst, Type: r.base()})
	case r.accept("struct"):
		return r.structure()
	case !slices.Contains(words, r.peek()):
		return r.find(r.next(), btfx.KindTypedef)
	}
	var name []string
	for slices.Contains(words, r.peek()) {
		name = append(name, r.next())
	}
	c := strings.Join(name, " ")
	if c == "void" {
		return 0
	}
	if kernel, ok := integers[c]; ok {
		c = kernel
	}
	return r.find(c, btfx.KindInt)
}

// find gives a type of the module or else of the kernel.
func (r *reader) find(name string, kind btfx.Kind) btfx.ID {
	key := name
	if kind == btfx.KindStruct {
		key = "struct " + name
	}
	if id, ok := r.own[key]; ok {
		return id
	}
	id, ok := r.kernel.Find(name, kind)
	if !ok {
		r.fail("unknown type " + name)
	}
	return id
}

// structure reads the name of a struct, its members, or both.
func (r *reader) structure() btfx.ID {
	name := ""
	if r.peek() != "{" {
		name = r.next()
	}
	if !r.accept("{") {
		return r.find(name, btfx.KindStruct)
	}
	var members []btfx.Member
	size, align := uint32(0), uint32(1)
	for !r.accept("}") && r.err == nil {
		field, typ := r.declarator(r.base())
		r.expect(";")
		n, a := r.layout(typ)
		at := roundUp(size, a)
		members = append(members, btfx.Member{Name: field, Type: typ, BitOffset: at * 8})
		size, align = at+n, max(align, a)
	}
	id := r.b.Add(btfx.Type{Kind: btfx.KindStruct, Name: name, Size: roundUp(size, align), Members: members})
	if name != "" {
		r.own["struct "+name] = id
	}
	return id
}

func roundUp(n, to uint32) uint32 { return (n + to - 1) / to * to }

// declarator reads what is declared: a name, "" for none, and its type.
func (r *reader) declarator(t btfx.ID) (string, btfx.ID) {
	t = r.pointers(t)
	if r.accept("(") { // a pointer to a function
		r.expect("*")
		name := r.name()
		r.expect(")")
		return name, r.b.Add(btfx.Type{Kind: btfx.KindPtr, Type: r.prototype(t)})
	}
	name := r.name()
	switch {
	case r.peek() == "(":
		t = r.prototype(t)
	case r.accept("["):
		t = r.array(t)
	}
	return name, t
}

// pointers reads stars, and the tags of what they point to.
func (r *reader) pointers(t btfx.ID) btfx.ID {
	for {
		switch {
		case r.accept("*"):
			t = r.b.Add(btfx.Type{Kind: btfx.KindPtr, Type: t})
		case r.accept("__user"):
			t = r.b.Add(btfx.Type{Kind: btfx.KindTypeTag, Name: "user", Type: t})
		case r.accept("__percpu"):
			t = r.b.Add(btfx.Type{Kind: btfx.KindTypeTag, Name: "percpu", Type: t})
		default:
			return t
		}
	}
}

var identifier = regexp.MustCompile(`^[A-Za-z_]`)

func (r *reader) name() string {
	if !identifier.MatchString(r.peek()) {
		return ""
	}
	return r.next()
}

func (r *reader) array(elem btfx.ID) btfx.ID {
	n := uint64(0)
	if r.peek() != "]" {
		var err error
		if n, err = strconv.ParseUint(r.next(), 10, 32); err != nil {
			r.fail("no length")
		}
	}
	r.expect("]")
	return r.b.Add(btfx.Type{Kind: btfx.KindArray, Type: elem, Index: r.find("int", btfx.KindInt), Nelems: uint32(n)})
}

// prototype reads parameters in parentheses.
func (r *reader) prototype(result btfx.ID) btfx.ID {
	t := btfx.Type{Kind: btfx.KindFuncProto, Type: result}
	r.expect("(")
	for !r.accept(")") && r.err == nil {
		name, typ := r.declarator(r.base())
		if typ != 0 {
			t.Params = append(t.Params, btfx.Param{Name: name, Type: typ})
		}
		r.accept(",")
	}
	return r.b.Add(t)
}

// layout is a type's size and alignment in bytes.
func (r *reader) layout(id btfx.ID) (size, align uint32) {
	t := r.b.Type(id)
	if t == nil {
		t = r.kernel.Type(id)
	}
	if id == 0 || t == nil {
		r.fail("no size")
		return 0, 1
	}
	switch t.Kind {
	case btfx.KindPtr:
		return 8, 8
	case btfx.KindArray:
		size, align = r.layout(t.Type)
		return size * t.Nelems, align
	case btfx.KindStruct, btfx.KindUnion:
		align = 1
		for _, m := range t.Members {
			_, a := r.layout(m.Type)
			align = max(align, a)
		}
		return t.Size, align
	case btfx.KindInt, btfx.KindEnum, btfx.KindEnum64:
		return t.Size, max(t.Size, 1)
	}
	return r.layout(t.Type) // typedefs and the like
}
