// This file defines how machine code looks into the hash table.

package maps

import "github.com/skepbpf/skep/internal/ir"

// Registers of the recipe, beyond ir.RecipeKey.
const (
	regZero = iota + 2
	regHash
	regWord // the key's 8 bytes
	regNext // number of an element
	regElem
	regSeq
	regLink
	regTmp
	regHops
	regBound
)

// recipe is find for keys of 4 and 8 bytes, nil for others. Where find would
// take the lock, machine code gives up and calls.
func (t *table) recipe(valueOff uintptr) ir.Recipe {
	load := ir.RecipeLoad64
	switch t.keys.size {
	case 4:
		load = ir.RecipeLoad32
	case 8:
	default:
		return nil
	}
	const loop, skip, miss, call = 11, 27, 37, 38
	return ir.Recipe{
		// hash = fold(key ^ a, b)
		{Op: load, Dst: regWord, A: ir.RecipeKey},
		{Op: ir.RecipeXor, Dst: regHash, A: regWord, B: regZero, Imm: t.keys.a},
		{Op: ir.RecipeConst, Dst: regTmp, Imm: t.keys.b},
		{Op: ir.RecipeFold, Dst: regHash, A: regHash, B: regTmp},
		{Op: ir.RecipeAnd, Dst: regHash, A: regHash, Imm: 1<<32 - 1},
		// next = bucket[hash & mask]
		{Op: ir.RecipeAnd, Dst: regTmp, A: regHash, Imm: uint64(t.mask)},
		{Op: ir.RecipeMul, Dst: regTmp, A: regTmp, Imm: 4},
		{Op: ir.RecipeConst, Dst: regNext, Imm: uint64(addr(t.buckets))},
		{Op: ir.RecipeAdd, Dst: regNext, A: regNext, B: regTmp},
		{Op: ir.RecipeLoad32, Dst: regNext, A: regNext},
		{Op: ir.RecipeConst, Dst: regBound, Imm: maxHops},
		// loop:
		{Op: ir.RecipeIfEq, A: regNext, B: regZero, Imm: miss},
		{Op: ir.RecipeMul, Dst: regElem, A: regNext, Imm: uint64(t.stride)},
		{Op: ir.RecipeConst, Dst: regTmp, Imm: uint64(addr(t.elems) - t.stride)},
		{Op: ir.RecipeAdd, Dst: regElem, A: regElem, B: regTmp},
		{Op: ir.RecipeLoad32, Dst: regSeq, A: regElem, Imm: elemSeq},
		{Op: ir.RecipeLoad64, Dst: regLink, A: regElem},
		{Op: ir.RecipeAnd, Dst: regTmp, A: regSeq, Imm: 1},
		{Op: ir.RecipeIfNe, A: regTmp, B: regZero, Imm: call},
		{Op: ir.RecipeShr, Dst: regTmp, A: regLink, Imm: 32},
		{Op: ir.RecipeIfNe, A: regTmp, B: regHash, Imm: skip},
		{Op: load, Dst: regTmp, A: regElem, Imm: elemKey},
		{Op: ir.RecipeIfNe, A: regTmp, B: regWord, Imm: skip},
		{Op: ir.RecipeLoad32, Dst: regTmp, A: regElem, Imm: elemSeq},
		{Op: ir.RecipeIfNe, A: regTmp, B: regSeq, Imm: call},
		{Op: ir.RecipeAdd, Dst: regElem, A: regElem, B: regZero, Imm: uint64(valueOff)},
		{Op: ir.RecipeReturn, A: regElem},
		// skip: the element is another key's; is it of this bucket?
		{Op: ir.RecipeLoad32, Dst: regTmp, A: regElem, Imm: elemSeq},
		{Op: ir.RecipeIfNe, A: regTmp, B: regSeq, Imm: call},
		{Op: ir.RecipeShr, Dst: regTmp, A: regLink, Imm: 32},
		{Op: ir.RecipeXor, Dst: regTmp, A: regTmp, B: regHash},
		{Op: ir.RecipeAnd, Dst: regTmp, A: regTmp, Imm: uint64(t.mask)},
		{Op: ir.RecipeIfNe, A: regTmp, B: regZero, Imm: call},
		{Op: ir.RecipeAnd, Dst: regNext, A: regLink, Imm: 1<<32 - 1},
		{Op: ir.RecipeAdd, Dst: regHops, A: regHops, B: regZero, Imm: 1},
		{Op: ir.RecipeIfGe, A: regHops, B: regBound, Imm: call},
		{Op: ir.RecipeJump, Imm: loop},
		// miss:
		{Op: ir.RecipeReturn, A: regZero},
		// call:
		{Op: ir.RecipeCall},
	}
}
