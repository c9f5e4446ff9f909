// This file defines packet sources that are network interfaces.

package attach

import "context"

// OpenInterface listens on a network interface, from the link header on, as a
// raw AF_PACKET socket does: what the interface receives and sends. VLAN tags
// that the kernel has taken off are put back. Next ends with ctx's error when
// ctx does, at most 100 ms later. It needs Linux and CAP_NET_RAW.
func OpenInterface(ctx context.Context, name string) (Source, error) { return openInterface(ctx, name) }
