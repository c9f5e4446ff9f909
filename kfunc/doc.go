// This file defines the package's purpose.

// Package kfunc describes Go functions that verified BPF programs call: kernel
// functions ("kfuncs") of the host program.
//
// A Go type says what the kernel says with flags and with suffixes of
// parameters' names:
//
//	func SessionGet(id uint32) kfunc.AcquiredOrNil[*Session]  // KF_ACQUIRE | KF_RET_NULL
//	func SessionPut(s kfunc.Released[*Session])               // KF_RELEASE
//	func Copy(dst []byte, kind kfunc.Const[uint32]) error     // void *dst, u32 dst__sz, u32 kind__k; 0 or -errno
//
// "skep gen kfunc" writes typed adapters, BTF and a C header for functions with
// a //skep:kfunc directive; New does the same by reflection, for functions of
// others, prototypes and tests. Either gives a Set, which a skep.Kernel
// registers. The verifier then holds programs to what the types say: references
// are released, NULL is compared with, objects are trusted.
//
// Pointers to Go structs are objects: programs read their fields, never write
// them, and pass only pointers on that the verifier knows to be valid. Other
// pointers are the program's own memory.
package kfunc
