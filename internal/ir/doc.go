// This file defines the package's purpose.

// Package ir defines lowered code: what internal/lower gives, and what the
// interpreters of internal/engine and internal/jit run. It holds types and
// tables only: operations, the layouts of Skep's own contexts, the recipes by
// which a map kind is read inline, and the run header that machine code shares
// with Go. It imports nothing of Skep's; importing internal/verify here would
// let unverified shapes of code leak past the lowering.
package ir
