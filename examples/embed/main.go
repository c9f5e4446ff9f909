// This file defines an example: a Go program that embeds a BPF program.
package main

import (
	"fmt"

	"github.com/skepbpf/skep"
)

func main() { count("examples/protocols/protocols.o") }

// count runs the program on three packets and prints what its map holds then.
func count(object string) {
	obj := must(skep.OpenObject(object))
	kernel := must(skep.NewKernel(nil))
	defer kernel.Close()
	coll := must(kernel.Load(obj, nil)) // the verifier says no, or it is safe
	packet := make([]byte, 60)
	packet[12], packet[13], packet[23] = 0x08, 0x00, 17 // Ethernet, IPv4, UDP
	for range 3 {
		must(coll.Programs["protocols"].Run(packet))
	}
	packets := must(skep.MapOf[uint32, uint64](coll.Maps["packets"]))
	for protocol, n := range packets.All() {
		if n > 0 {
			fmt.Printf("protocol %d: %d packets\n", protocol, n)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
