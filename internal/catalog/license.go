// This file defines licences and the program types of the legacy packet loads.

package catalog

import "github.com/skepbpf/skep/internal/bytecode"

var gplCompatible = map[string]bool{
	"GPL": true, "GPL v2": true, "GPL and additional rights": true,
	"Dual BSD/GPL": true, "Dual MIT/GPL": true, "Dual MPL/GPL": true,
}

// GPLCompatible reports whether a licence string allows GPL-only helpers
// (license_is_gpl_compatible in include/linux/license.h).
func GPLCompatible(license string) bool { return gplCompatible[license] }

// LdAbs reports whether programs of the type may use LD_ABS and LD_IND
// (may_access_skb).
func (p *ProgType) LdAbs() bool {
	switch p.Type {
	case bytecode.ProgSocketFilter, bytecode.ProgSchedCLS, bytecode.ProgSchedACT:
		return true
	}
	return false
}
