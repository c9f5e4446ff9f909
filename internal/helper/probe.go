// This file defines reads of memory that nothing is known of.

package helper

import (
	"bytes"

	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
)

// peek copies len(p) bytes from any address: from what the run may see, else
// from anything that is mapped in this process. Where a byte is not there it
// reports false and p is cleared. It never faults.
func peek(c *engine.Call, p []byte, addr uint64) bool {
	return len(p) == 0 || c.Probe(p, addr) || peekSelf(p, addr)
}

// peekString copies a string with its NUL, and leaves what is behind it in p
// alone. One that is longer than p is cut, and ends in a NUL all the same. n
// counts the bytes with the NUL; where the string leaves readable memory p is
// cleared and n is negative.
func peekString(c *engine.Call, p []byte, addr uint64) (n int) {
	for n < len(p) {
		var chunk [chunkSize]byte
		got := peekSome(c, chunk[:], addr+uint64(n))
		if got == 0 {
			clear(p)
			return -1
		}
		end := bytes.IndexByte(chunk[:got], 0)
		if end >= 0 {
			got = end + 1
		}
		if n += copy(p[n:], chunk[:got]); end >= 0 && p[n-1] == 0 {
			return n
		}
	}
	if n > 0 {
		p[n-1] = 0
	}
	return n
}

// chunkSize is how many bytes of a string are read at once. It divides a page,
// so an aligned chunk is all there or all not.
const chunkSize = 64

// peekSome reads up to the end of the chunk that addr is in, or less where
// only a part of that can be seen; at least a byte when there is one.
func peekSome(c *engine.Call, p []byte, addr uint64) int {
	n := int(chunkSize - addr%chunkSize)
	for n > 0 && !peek(c, p[:n], addr) {
		n /= 2
	}
	return n
}

func probeRead(c *engine.Call, dst, size, src, _, _ uint64) uint64 {
	if !peek(c, bytesAt(c, dst, size), src) {
		return result(errno.EFAULT)
	}
	return 0
}

// probeReadStr copies words as long as there is room for one, so that the rest
// of a string's last word is cleared.
func probeReadStr(c *engine.Call, dst, size, src, _, _ uint64) uint64 {
	p := bytesAt(c, dst, size)
	n := peekString(c, p, src)
	if n < 0 {
		return result(errno.EFAULT)
	}
	if end := (n + 7) &^ 7; end <= len(p) {
		clear(p[n:end])
	}
	return uint64(n)
}

// firstPage is what no kernel address is below: NULL and offsets from it are
// out of range for reads of kernel memory, whatever is there.
const firstPage = 4096

func probeReadKernel(c *engine.Call, dst, size, src, _, _ uint64) uint64 {
	if src < firstPage {
		clear(bytesAt(c, dst, size))
		return result(errno.ERANGE)
	}
	return probeRead(c, dst, size, src, 0, 0)
}

func probeReadKernelStr(c *engine.Call, dst, size, src, _, _ uint64) uint64 {
	if src < firstPage && uint32(size) != 0 {
		clear(bytesAt(c, dst, size))
		return result(errno.ERANGE)
	}
	n := peekString(c, bytesAt(c, dst, size), src)
	if n < 0 {
		return result(errno.EFAULT)
	}
	return uint64(n)
}
