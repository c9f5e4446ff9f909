// This file defines the package's purpose.

// Package hostfn describes Go functions that programs may call, as C and BTF
// see them. It takes a Func, which the public package kfunc makes by reflection
// and internal/gen from source, checks it (Check), and gives its parameters as
// C has them (Func.Params), the flags that its types carry (Func.Flags), BTF
// (Build) and C declarations (Header). It knows neither reflect nor go/types,
// so that both ways in give the same functions; it runs nothing.
package hostfn
