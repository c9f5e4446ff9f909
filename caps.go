// This file defines capabilities of whoever loads programs.

package skep

import (
	"fmt"
	"strings"

	"github.com/skepbpf/skep/internal/catalog"
)

// Caps is a set of the capabilities that bpf(2) asks for. The zero value of an
// option of this type means all of them, as root has; CapsNone means none.
type Caps uint32

// Capabilities.
const (
	CapBPF      = Caps(catalog.CapBPF)
	CapPerfmon  = Caps(catalog.CapPerfmon)
	CapNetAdmin = Caps(catalog.CapNetAdmin)
	CapSysAdmin = Caps(catalog.CapSysAdmin)
	CapSysBoot  = Caps(catalog.CapSysBoot)

	CapsAll  = Caps(catalog.CapsAll)
	CapsNone = Caps(1 << 31) // an unprivileged user
)

var capNames = map[string]Caps{
	"all": CapsAll, "none": CapsNone, "bpf": CapBPF, "perfmon": CapPerfmon,
	"net_admin": CapNetAdmin, "sys_admin": CapSysAdmin, "sys_boot": CapSysBoot,
}

// ParseCaps reads "all", "none" or a list such as "bpf,net_admin"; a prefix
// "cap_" and capitals are welcome.
func ParseCaps(s string) (Caps, error) {
	var c Caps
	for name := range strings.SplitSeq(s, ",") {
		bit, ok := capNames[strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "cap_")]
		if !ok {
			return 0, fmt.Errorf("capability %q: unknown (want all, none, or some of bpf, perfmon, net_admin, sys_admin, sys_boot)", name)
		}
		c |= bit
	}
	return c, nil
}

// set turns the option into what the verifier takes.
func (c Caps) set() catalog.Caps {
	if c == 0 {
		return catalog.CapsAll
	}
	return catalog.Caps(c) & catalog.CapsAll
}
