// This file tests the example.

package main

func Example() {
	count("../protocols/protocols.o")
	// Output: protocol 17: 3 packets
}
