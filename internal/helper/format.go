// This file defines the language of formats that printing helpers understand:
// a part of printf's, with the kernel's pointer extensions and without
// precision.

package helper

// verb is what a conversion prints.
type verb uint8

const (
	verbNone    verb = iota
	verbInt          // %d %i
	verbUint         // %u
	verbHex          // %x %X
	verbChar         // %c
	verbString       // %s %pks %pus
	verbPointer      // %p %pK: not the address itself
	verbAddress      // %px
	verbSymbol       // %ps %pS
	verbTrace        // %pB: a symbol, formatted without width
	verbIP           // %pi4 %pI4 %pi6 %pI6
)

// conversion is one conversion of a format.
type conversion struct {
	verb  verb
	wide  bool // 64 bits
	upper bool // %X; of IP addresses: with separators
	v6    bool
	kptr  bool // the letter 'p' comes first: alphanumerics that follow are not printed

	left, plus, space, zero bool
	width                   int // -1: none
}

// scan reads the conversion behind a percent sign and gives its length; 0 is
// what the kernel refuses.
func scan(s []byte) (c conversion, n int) {
	at := func(i int) byte {
		if i < len(s) {
			return s[i]
		}
		return 0
	}
	n = c.scanFlags(at)
	n = c.scanWidth(at, n)
	switch at(n) {
	case 'p':
		c.kptr = true
		return c, c.scanPointer(at, n+1)
	case 's':
		c.verb = verbString
		return c, ended(at, n+1)
	case 'c':
		c.verb = verbChar
		return c, n + 1
	}
	for range 2 {
		if at(n) == 'l' {
			c.wide = true
			n++
		}
	}
	if c.verb = intVerbs[at(n)]; c.verb == verbNone {
		return c, 0
	}
	c.upper = at(n) == 'X'
	return c, n + 1
}

var intVerbs = map[byte]verb{'d': verbInt, 'i': verbInt, 'u': verbUint, 'x': verbHex, 'X': verbHex}

func (c *conversion) scanFlags(at func(int) byte) (n int) {
	for ; ; n++ {
		switch at(n) {
		case '-':
			c.left = true
		case '+':
			c.plus = true
		case ' ':
			c.space = true
		case '0':
			c.zero = true
		default:
			return n
		}
	}
}

// maxWidth is FIELD_WIDTH_MAX, where the kernel cuts widths off.
const maxWidth = 1<<23 - 1

// scanWidth reads a number, which wraps around in 32 bits as the kernel's does.
func (c *conversion) scanWidth(at func(int) byte, n int) int {
	c.width = -1
	if at(n) < '1' || at(n) > '9' {
		return n
	}
	var width int32
	for ; at(n) >= '0' && at(n) <= '9'; n++ {
		width = width*10 + int32(at(n)-'0')
	}
	c.width = int(min(width, maxWidth))
	return n
}

// pointerVerbs are the conversions of %p by the letter that follows.
var pointerVerbs = map[byte]verb{
	'K': verbPointer, 'x': verbAddress, 's': verbSymbol, 'S': verbSymbol, 'B': verbTrace,
}

// scanPointer reads what follows %p.
func (c *conversion) scanPointer(at func(int) byte, n int) int {
	next, after := at(n), at(n+1)
	switch {
	case ended(at, n) != 0:
		c.verb, c.wide = verbPointer, true
		return n
	case (next == 'k' || next == 'u') && after == 's':
		c.verb = verbString
		return ended(at, n+2)
	case pointerVerbs[next] != verbNone:
		c.verb, c.wide = pointerVerbs[next], true
		return n + 1
	case (next == 'i' || next == 'I') && (after == '4' || after == '6'):
		c.verb, c.upper, c.v6 = verbIP, next == 'I', after == '6'
		return n + 2
	}
	return 0
}

// ended gives n where a conversion may end there: before the end of the
// format, a blank or punctuation. Otherwise it gives 0.
func ended(at func(int) byte, n int) int {
	if c := at(n); c == 0 || isSpace(c) || isPunct(c) {
		return n
	}
	return 0
}
