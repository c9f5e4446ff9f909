// This file defines how the running kernel is told from others.

package live

import "golang.org/x/sys/unix"

// Release identifies the running kernel's build, "" where there is none: what
// uname(2) calls release and version.
func Release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Version[:])
}
