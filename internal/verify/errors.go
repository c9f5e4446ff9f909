// This file defines how the walk refuses a program.

package verify

import (
	"fmt"
)

// Classes of mistakes that the walk finds.
const (
	KindUninit       Kind = "uninitialised value"
	KindBounds       Kind = "out of bounds"
	KindNull         Kind = "missing NULL check"
	KindLeak         Kind = "pointer leak"
	KindPointer      Kind = "pointer arithmetic"
	KindAccess       Kind = "forbidden access"
	KindCall         Kind = "call"
	KindReturn       Kind = "return value"
	KindInfiniteLoop Kind = "endless loop"
	KindComplexity   Kind = "too complex"
	KindReference    Kind = "reference"
	KindAlignment    Kind = "alignment"
	KindInsn         Kind = "instruction"
)

// fail refuses with EINVAL, the commonest error.
func (w *walker) fail(format string, args ...any) error {
	return w.refuse(KindInsn, errEINVAL, -1, format, args...)
}

// failErrno refuses with another error.
func (w *walker) failErrno(errno int, format string, args ...any) error {
	return w.refuse(KindInsn, errno, -1, format, args...)
}

// deny refuses with EACCES, which most checks of memory and pointers give; reg
// is the register to blame, -1 for none.
func (w *walker) deny(kind Kind, reg int, format string, args ...any) error {
	return w.refuse(kind, errEACCES, reg, format, args...)
}

// refuse writes the message and makes the rejection.
func (w *walker) refuse(kind Kind, errno, reg int, format string, args ...any) error {
	w.note(format, args...)
	r := w.rejection(kind, errno, format, args...)
	r.(*Rejection).Reg = reg
	return r
}

// note writes a line of a message that has several.
func (w *walker) note(format string, args ...any) {
	if w.log.level != 0 {
		w.log.printf(format+"\n", args...)
	}
}

// rejection makes a rejection whose message was written already.
func (w *walker) rejection(kind Kind, errno int, format string, args ...any) error {
	return &Rejection{Line: fmt.Sprintf(format, args...), Insn: w.pc, Kind: kind, Errno: errno, Reg: -1}
}

// unsupported says what Skep does not know yet.
func (w *walker) unsupported(format string, args ...any) error {
	return &Unsupported{What: fmt.Sprintf(format, args...), Insn: w.pc}
}
