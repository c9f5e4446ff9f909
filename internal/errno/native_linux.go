// This file defines the translation to the operating system's numbers where
// they are the same.

package errno

import "syscall"

func (e Errno) native() syscall.Errno { return syscall.Errno(e) }
