// This file defines the ways of writing that decl tags ask for.

package btfval

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// tagPrefix starts every decl tag that is meant for Skep.
const tagPrefix = "skep:"

// format is one way of writing bytes that BTF alone cannot know of.
type format struct {
	print func(b []byte) (string, bool) // false: not of a size that it can write
	parse func(s string, b []byte) error
}

var formats = map[string]*format{
	"ip":     {printIP, parseIP},
	"prefix": {printPrefix, parsePrefix},
	"mac":    {printMAC, parseMAC},
}

func findFormat(tags []string) *format {
	for _, tag := range tags {
		if name, ok := strings.CutPrefix(tag, tagPrefix); ok {
			if f := formats[name]; f != nil {
				return f
			}
		}
	}
	return nil
}

// Tag returns the rest of the first decl tag that starts with skep:NAME: among
// tags: with name "event", "skep:event:syn" gives "syn".
func Tag(tags []string, name string) (string, bool) {
	for _, tag := range tags {
		if rest, ok := strings.CutPrefix(tag, tagPrefix+name+":"); ok {
			return rest, true
		}
	}
	return "", false
}

// trimKeyword turns "struct flow" into "flow".
func trimKeyword(name string) string {
	for _, k := range []string{"struct ", "union ", "enum "} {
		if rest, ok := strings.CutPrefix(name, k); ok {
			return strings.TrimSpace(rest)
		}
	}
	return name
}

func printIP(b []byte) (string, bool) {
	a, ok := netip.AddrFromSlice(b)
	return a.Unmap().String(), ok
}

func parseIP(s string, b []byte) error {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return errors.New("not an IP address")
	}
	return putAddr(a, b)
}

// putAddr writes a into 4 or 16 bytes.
func putAddr(a netip.Addr, b []byte) error {
	switch {
	case len(b) == 4 && a.Unmap().Is4():
		v := a.Unmap().As4()
		copy(b, v[:])
	case len(b) == 16:
		v := a.As16()
		copy(b, v[:])
	default:
		return fmt.Errorf("address does not fit in %d bytes", len(b))
	}
	return nil
}

func printPrefix(b []byte) (string, bool) {
	if len(b) < 4 {
		return "", false
	}
	bits := int(binary.LittleEndian.Uint32(b))
	a, ok := netip.AddrFromSlice(b[4:])
	if !ok {
		return "", false
	}
	if a.Is4In6() && bits >= 96 {
		a, bits = a.Unmap(), bits-96
	}
	return fmt.Sprintf("%s/%d", a, bits), true
}

// parsePrefix takes an address as the prefix of all its bits.
func parsePrefix(s string, b []byte) error {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, addrErr := netip.ParseAddr(s)
		if addrErr != nil {
			return errors.New("not a prefix like 192.0.2.0/24")
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if len(b) < 4 {
		return fmt.Errorf("prefix does not fit in %d bytes", len(b))
	}
	bits := p.Bits()
	if p.Addr().Is4() && len(b) == 20 {
		bits += 96
	}
	binary.LittleEndian.PutUint32(b, uint32(bits))
	return putAddr(p.Masked().Addr(), b[4:])
}

func printMAC(b []byte) (string, bool) {
	return net.HardwareAddr(b).String(), len(b) == 6
}

func parseMAC(s string, b []byte) error {
	a, err := net.ParseMAC(s)
	if err != nil || len(a) != len(b) {
		return errors.New("not an Ethernet address")
	}
	copy(b, a)
	return nil
}
