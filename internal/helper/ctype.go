// This file defines the kernel's classes of characters: ASCII and Latin-1.

package helper

// isSpace reports blanks, tabs, ends of lines and the no-break space.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' || c == 0xa0 }

// isAlnum reports digits and letters; of Latin-1 all from 0xc0 on but × and ÷.
func isAlnum(c byte) bool {
	lower := c | 0x20
	return c >= '0' && c <= '9' || lower >= 'a' && lower <= 'z' || c >= 0xc0 && c != 0xd7 && c != 0xf7
}

// isPunct reports what is printed and is neither a blank nor alphanumeric.
func isPunct(c byte) bool {
	return (c > ' ' && c < 0x7f || c > 0xa0) && !isAlnum(c)
}

// isControl reports ASCII characters that are neither printed nor blank.
func isControl(c byte) bool { return (c < ' ' || c == 0x7f) && !isSpace(c) }
