// This file defines the package's purpose.

// Package engine runs lowered programs. It takes ir.Code, which only
// internal/lower makes, and the bodies of the host functions that it calls,
// and gives Programs that run on slots: a slot is a program's idea of a CPU,
// with its stack, its context memory, its place in the epochs that defer
// frees, and the roots that keep Go objects in place while a program holds
// their addresses. internal/helper writes the bodies; internal/attach and the
// root package run the Programs. It must not import internal/verify: what a
// program may do has been decided before it comes here.
//
// The interpreter runs a form of its own of ir.Code (decode.go), in a loop that
// gen writes from a table: an operation or a sequence of them is a row there.
package engine
