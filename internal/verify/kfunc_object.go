// This file defines arguments of kernel functions that are kernel objects: of
// which type, trusted how far.

package verify

import (
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

func (w *walker) checkKfuncMap(c *kfuncCall, a *kfuncArg) error {
	reg := &w.regs()[a.r]
	switch reg.Kind {
	case domain.ConstPtrToMap:
		if err := w.checkFieldMap(reg, &c.callMeta); err != nil {
			return err
		}
		c.mapCopy = *reg
		c.mapReg = &c.mapCopy
	case domain.PtrToBTFID: // which map is found when it runs
	case domain.PtrToMapValue, domain.PtrToMapKey: // which know their map, but are not trusted
		if err := w.checkTrust(c, a); err != nil {
			return err
		}
		fallthrough
	default:
		return w.fail("pointer in R%d isn't map pointer", a.r)
	}
	id, ok := c.spec.Find("bpf_map", btfx.KindStruct)
	if !ok {
		return w.unsupported("maps as arguments of kfuncs")
	}
	a.to = c.spec.Type(id)
	return w.checkKfuncObject(c, a)
}

// checkKfuncObject requires a kernel object of the parameter's type, trusted
// as far as the function's flags ask.
func (w *walker) checkKfuncObject(c *kfuncCall, a *kfuncArg) error {
	to, reg := a.to, &w.regs()[a.r]
	if to.Kind != btfx.KindStruct && to.Kind != btfx.KindUnion {
		return w.fail("kernel function %s args#%d pointer type %s %s is not supported", c.Name, a.i, kindWord(to), to.Name)
	}
	if err := w.checkTrust(c, a); err != nil {
		return err
	}
	if err := w.checkKfuncOffset(c, a); err != nil {
		return err
	}
	if reg.Kind == domain.PtrToBTFID && unsafePointer(reg) && reg.Flags&domain.MemRCU == 0 {
		return w.fail("arg#%d is %s expected %s or socket", a.i, kindName(reg), appendKind(nil, reg.Kind, reg.Flags&trustFlags))
	}
	return w.matchKfuncObject(c, a, releases(c, reg))
}

// checkTrust requires an object that is known to be valid, as far as the
// function's flags ask.
func (w *walker) checkTrust(c *kfuncCall, a *kfuncArg) error {
	reg := &w.regs()[a.r]
	switch {
	case !a.strict || trusted(reg):
		return nil
	case !c.has(catalog.KfRCU):
		return w.fail("R%d must be referenced or trusted", a.r)
	case reg.Flags&domain.MemRCU == 0:
		return w.fail("R%d must be a rcu pointer", a.r)
	}
	return nil
}

// releases reports whether the call gives up the reference that a register
// holds.
func releases(c *kfuncCall, reg *domain.Reg) bool { return c.has(catalog.KfRelease) && reg.RefID != 0 }

// checkKfuncOffset requires the start of the object where the function gives it
// up.
func (w *walker) checkKfuncOffset(c *kfuncCall, a *kfuncArg) error {
	arg := catalog.Arg{}
	if releases(c, &w.regs()[a.r]) {
		arg.Flags = catalog.ArgRelease
	}
	return w.checkArgOffset(a.r, arg)
}

func (w *walker) matchKfuncObject(c *kfuncCall, a *kfuncArg, release bool) error {
	to, reg := a.to, &w.regs()[a.r]
	spec, id := reg.BTF, reg.BTFID
	if reg.Kind != domain.PtrToBTFID {
		found, ok := c.spec.Find(objectOf[reg.Kind], btfx.KindStruct)
		if !ok {
			return w.unsupported("struct %s is not in the target", objectOf[reg.Kind])
		}
		spec, id = c.spec, found
	}
	have := spec.Strip(id)
	strict := release || noCastAlias(have.Name, to.Name)
	if projections[to.Name] == have.Name || w.structIs(spec, id, reg.Off, c.spec, to.ID, strict) {
		return nil
	}
	return w.fail("kernel function %s args#%d expected pointer to %s %s but R%d has a pointer to %s %s",
		c.Name, a.i, structWord(to), to.Name, a.r, structWord(have), have.Name)
}

func structWord(t *btfx.Type) string {
	if t.Kind == btfx.KindUnion {
		return "UNION"
	}
	return "STRUCT"
}

// projections are the types that programs see of kernel structs.
var projections = map[string]string{"__sk_buff": "sk_buff", "xdp_md": "xdp_buff"}

// noCastAlias reports whether two names differ by "___init": such types are
// equal in C and never interchangeable.
func noCastAlias(a, b string) bool {
	const init = "___init"
	return strings.TrimSuffix(a, init) == strings.TrimSuffix(b, init) && a != b
}
