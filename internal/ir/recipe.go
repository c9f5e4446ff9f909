// This file defines recipes: how a map is read without a call.

package ir

// Recipe is a program for a machine of sixteen 64-bit registers that computes
// what a call of bpf_map_lookup_elem returns. A map kind supplies it and a
// compiler translates it step by step, so that no compiler knows kinds. A nil
// recipe means that there is none: call.
//
// Registers start as 0, but for RecipeKey, the key's address, and RecipeCPU,
// the index of the run's slot. Steps run in order from the first.
type Recipe []Step

// Step is one operation of a recipe. Fields that Op does not mention are zero.
type Step struct {
	Op        RecipeOp
	Dst, A, B uint8  // registers of the recipe
	Imm       uint64 // constant, offset, or for branches the index of a step
}

// Registers that have a value at the start.
const (
	RecipeKey = 0
	RecipeCPU = 1
)

// RecipeOp is what a Step does.
type RecipeOp uint8

// Operations of recipes.
const (
	RecipeConst  RecipeOp = iota // Dst = Imm
	RecipeLoad8                  // Dst = *(u8 *)(A + Imm), zero-extended like the next two
	RecipeLoad32                 // Dst = *(u32 *)(A + Imm)
	RecipeLoad64                 // Dst = *(u64 *)(A + Imm); aligned loads are atomic
	RecipeAdd                    // Dst = A + B + Imm
	RecipeXor                    // Dst = A ^ B ^ Imm
	RecipeAnd                    // Dst = A & Imm
	RecipeShr                    // Dst = A >> Imm
	RecipeMul                    // Dst = A * Imm
	RecipeFold                   // Dst = the high ^ the low 64 bits of A * B
	RecipeJump                   // go to step Imm
	RecipeIfEq                   // if A == B go to step Imm
	RecipeIfNe                   // if A != B go to step Imm
	RecipeIfGe                   // if A >= B, unsigned, go to step Imm
	RecipeReturn                 // the value is at address A; 0 is NULL
	RecipeCall                   // make the call after all
)
