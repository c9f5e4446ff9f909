// This file defines the plain form of what only Linux has, for other Unix systems.

//go:build unix && !linux

package maps

import "unsafe"

const mapNoReserve = 0

func adviseHuge(unsafe.Pointer, uintptr) {}

// reserveMirrored is not to be had: the caller falls back to memory of twice
// the size, in which a record that crosses the end simply runs on.
func reserveMirrored(head, data uintptr) (region, bool) { return region{}, false }
