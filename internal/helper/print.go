// This file defines the printing helpers.

package helper

import (
	"bytes"

	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
)

// maxTrace is MAX_BPRINTF_BUF: the size of what is printed at once, NUL included.
const maxTrace = 1024

// snprintf returns the length that the text has or would have with its NUL.
// The format is a constant of the program, which the verifier has read.
func snprintf(c *engine.Call, str, size, format, data, dataSize uint64) uint64 {
	var memory [maxValues]uint64
	values, err := valuesAt(c, data, dataSize, &memory)
	if err != 0 {
		return result(err)
	}
	n, err := printTo(c, bytesAt(c, str, size), cstring(c, format), values)
	if err != 0 {
		return result(err)
	}
	return uint64(n + 1)
}

// tracePrintk returns the length of the text.
func tracePrintk(c *engine.Call, format, size, v1, v2, v3 uint64) uint64 {
	return trace(c, bytesAt(c, format, size), []uint64{v1, v2, v3})
}

func traceVprintk(c *engine.Call, format, size, data, dataSize, _ uint64) uint64 {
	var memory [maxValues]uint64
	values, err := valuesAt(c, data, dataSize, &memory)
	if err != 0 {
		return result(err)
	}
	return trace(c, bytesAt(c, format, size), values)
}

// trace prints to the kernel's log.
func trace(c *engine.Call, format []byte, values []uint64) uint64 {
	end := bytes.IndexByte(format, 0)
	if end < 0 {
		return result(errno.EINVAL)
	}
	var text [maxTrace]byte
	n, err := printTo(c, text[:], format[:end], values)
	if err != 0 {
		return result(err)
	}
	c.Trace(string(text[:min(n, maxTrace-1)]))
	return uint64(n)
}

// printTo writes a text and its NUL to p, as far as they fit, and gives the
// length that the text has or would have.
func printTo(c *engine.Call, p, format []byte, values []uint64) (n int, err errno.Errno) {
	var args arguments
	if err := args.gather(c, format, values); err != 0 {
		return 0, err
	}
	o := output{p: p}
	o.render(format, &args)
	o.finish()
	return o.n, 0
}
