// This file tests reading and writing values by a BTF that the test builds.

package btfval

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
)

// ids of the types that testSpec has.
type testTypes struct {
	spec                                                              *btfx.Spec
	u8, u32, u64, i32, char, boolean, name, bytes, flow, mode, signed btfx.ID
	ip4, ip, prefix, mac, bits, outer, union, double, pointer         btfx.ID
}

func (tt *testTypes) at(id btfx.ID) Type { return Type{tt.spec, id} }

func newTestTypes(t *testing.T) *testTypes {
	t.Helper()
	b := btfx.NewBuilder(nil)
	tt := &testTypes{}
	integer := func(name string, size uint32, enc uint8) btfx.ID {
		return b.Add(btfx.Type{Kind: btfx.KindInt, Name: name, Size: size, IntEncoding: enc, IntBits: uint8(size * 8)})
	}
	array := func(of btfx.ID, n uint32) btfx.ID {
		return b.Add(btfx.Type{Kind: btfx.KindArray, Type: of, Index: tt.u32, Nelems: n})
	}
	tag := func(text string, id btfx.ID, component int32) {
		b.Add(btfx.Type{Kind: btfx.KindDeclTag, Name: text, Type: id, ComponentIdx: component})
	}
	tt.u8, tt.u32, tt.u64 = integer("unsigned char", 1, 0), integer("unsigned int", 4, 0), integer("unsigned long long", 8, 0)
	tt.i32, tt.char, tt.boolean = integer("int", 4, 1), integer("char", 1, 1), integer("_Bool", 1, 4)
	tt.name, tt.bytes = array(tt.char, 8), array(tt.u8, 3)
	tt.mode = b.Add(btfx.Type{Kind: btfx.KindEnum, Name: "mode", Size: 4, Enums: []btfx.EnumValue{{Name: "OFF"}, {Name: "ON", Value: 1}}})
	tt.signed = b.Add(btfx.Type{Kind: btfx.KindEnum, KindFlag: true, Name: "s", Size: 4, Enums: []btfx.EnumValue{{Name: "NEG", Value: ^uint64(0)}}})
	addr := array(tt.u8, 16)
	tt.ip = b.Add(btfx.Type{Kind: btfx.KindStruct, Name: "address", Size: 16, Members: []btfx.Member{{Name: "b", Type: addr}}})
	tag("skep:ip", tt.ip, -1)
	tt.ip4 = b.Add(btfx.Type{Kind: btfx.KindTypedef, Name: "ip4", Type: tt.u32})
	tag("skep:ip", tt.ip4, -1)
	tt.prefix = b.Add(btfx.Type{Kind: btfx.KindStruct, Name: "prefix", Size: 20, Members: []btfx.Member{
		{Name: "len", Type: tt.u32}, {Name: "addr", Type: tt.ip, BitOffset: 32}}})
	tag("skep:prefix", tt.prefix, -1)
	tt.flow = b.Add(btfx.Type{Kind: btfx.KindStruct, Name: "flow", Size: 24, Members: []btfx.Member{
		{Name: "src", Type: tt.ip}, {Name: "port", Type: tt.u32, BitOffset: 128}, {Name: "mode", Type: tt.mode, BitOffset: 160}}})
	six := array(tt.u8, 6)
	tt.mac = b.Add(btfx.Type{Kind: btfx.KindStruct, Name: "m", Size: 6, Members: []btfx.Member{{Name: "hw", Type: six}}})
	tag("skep:mac", tt.mac, 0)
	tt.bits = b.Add(btfx.Type{Kind: btfx.KindStruct, KindFlag: true, Name: "bits", Size: 4, Members: []btfx.Member{
		{Name: "lo", Type: tt.u32, BitSize: 3}, {Name: "hi", Type: tt.i32, BitOffset: 3, BitSize: 5}}})
	anon := b.Add(btfx.Type{Kind: btfx.KindStruct, Size: 4, Members: []btfx.Member{{Name: "x", Type: tt.i32}}})
	tt.outer = b.Add(btfx.Type{Kind: btfx.KindStruct, Name: "outer", Size: 8, Members: []btfx.Member{
		{Type: anon}, {Name: "y", Type: tt.i32, BitOffset: 32}}})
	tt.union = b.Add(btfx.Type{Kind: btfx.KindUnion, Name: "u", Size: 4, Members: []btfx.Member{
		{Name: "n", Type: tt.u32}, {Name: "b", Type: tt.bytes}}})
	tt.double = b.Add(btfx.Type{Kind: btfx.KindFloat, Name: "double", Size: 8})
	tt.pointer = b.Add(btfx.Type{Kind: btfx.KindPtr, Type: tt.u8})
	var err error
	if tt.spec, err = b.Spec(); err != nil {
		t.Fatal(err)
	}
	return tt
}

// mapped is ::ffff:192.0.2.1.
const mapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x01"

func TestPrint(t *testing.T) {
	tt := newTestTypes(t)
	for _, row := range []struct {
		name  string
		typ   btfx.ID
		bytes string
		json  string
		text  string
	}{
		{"unsigned", tt.u32, "\xff\xff\xff\xff", "4294967295", "4294967295"},
		{"signed", tt.i32, "\xff\xff\xff\xff", "-1", "-1"},
		{"bool", tt.boolean, "\x01", "true", "true"},
		{"char array ends at NUL", tt.name, "ab\x00cdefg", `"ab"`, `"ab"`},
		{"char array without NUL", tt.name, "abcdefgh", `"abcdefgh"`, `"abcdefgh"`},
		{"char array quoted", tt.name, "a\"\n\x00xxxx", `"a\"\n"`, `"a\"\n"`},
		{"byte array", tt.bytes, "\x01\x02\x03", "[1,2,3]", "[1, 2, 3]"},
		{"enum", tt.mode, "\x01\x00\x00\x00", "1", "ON"},
		{"enum without a name", tt.mode, "\x07\x00\x00\x00", "7", "7"},
		{"signed enum", tt.signed, "\xff\xff\xff\xff", "-1", "NEG"},
		{"struct", tt.flow, mapped + "\x50\x00\x00\x00\x00\x00\x00\x00", `{"src":"192.0.2.1","port":80,"mode":0}`, "{src: 192.0.2.1, port: 80, mode: OFF}"},
		{"address in host integer", tt.ip4, "\xc0\x00\x02\x01", `"192.0.2.1"`, "192.0.2.1"},
		{"IPv4 prefix", tt.prefix, "\x78\x00\x00\x00" + mapped[:15] + "\x00", `"192.0.2.0/24"`, "192.0.2.0/24"},
		{"short IPv6 prefix", tt.prefix, "\x20\x00\x00\x00\x20\x01\x0d\xb8" + strings.Repeat("\x00", 12), `"2001:db8::/32"`, "2001:db8::/32"},
		{"member tag", tt.mac, "\x02\x00\x00\x00\x00\x01", `{"hw":"02:00:00:00:00:01"}`, "{hw: 02:00:00:00:00:01}"},
		{"bit fields", tt.bits, "\xfd\x00\x00\x00", `{"lo":5,"hi":-1}`, "{lo: 5, hi: -1}"},
		{"anonymous member", tt.outer, "\x01\x00\x00\x00\x02\x00\x00\x00", `{"x":1,"y":2}`, "{x: 1, y: 2}"},
		{"union", tt.union, "\x01\x02\x03\x00", `{"n":197121,"b":[1,2,3]}`, "{n: 197121, b: [1, 2, 3]}"},
		{"float", tt.double, "\x00\x00\x00\x00\x00\x00\xf8\x3f", "1.5", "1.5"},
		{"pointer", tt.pointer, "\x10\x00\x00\x00\x00\x00\x00\x00", "16", "0x10"},
		{"too short", tt.flow, "abc", "null", "null"},
		{"no such type", 9999, "abcd", "null", "null"},
	} {
		t.Run(row.name, func(t *testing.T) {
			typ := tt.at(row.typ)
			got := typ.AppendJSON(nil, []byte(row.bytes))
			if string(got) != row.json || !json.Valid(got) {
				t.Errorf("JSON %s, want %s", got, row.json)
			}
			if got := typ.AppendText(nil, []byte(row.bytes)); string(got) != row.text {
				t.Errorf("text %s, want %s", got, row.text)
			}
		})
	}
}

func TestPrintUntyped(t *testing.T) {
	for b, want := range map[string]string{"\x01": "1", "\x01\x01": "257", "abc": `"616263"`, "": `""`} {
		if got := string(Type{}.AppendJSON(nil, []byte(b))); got != want {
			t.Errorf("%q: %s, want %s", b, got, want)
		}
	}
}

// TestParse checks that what was parsed prints as it should, or that the error
// says why not.
func TestParse(t *testing.T) {
	tt := newTestTypes(t)
	for _, row := range []struct {
		name string
		typ  btfx.ID
		text string
		want string // as text
		err  string
	}{
		{"decimal", tt.u32, "10", "10", ""},
		{"hexadecimal", tt.u64, "0xffffffffffffffff", "18446744073709551615", ""},
		{"negative", tt.i32, "-5", "-5", ""},
		{"negative unsigned", tt.u32, "-5", "", "not an unsigned number"},
		{"too large", tt.u8, "256", "", "does not fit in 8 bits"},
		{"no number", tt.u32, "ten", "", `"ten" is not an unsigned number`},
		{"bool", tt.boolean, "true", "true", ""},
		{"no bool", tt.boolean, "2", "", "neither true nor false"},
		{"text", tt.name, "abc", `"abc"`, ""},
		{"text in quotes", tt.name, `"a\tb"`, `"a\tb"`, ""},
		{"text too long", tt.name, "abcdefghi", "", "text of 9 bytes for a char array of 8"},
		{"array", tt.bytes, "[1,2]", "[1, 2, 0]", ""},
		{"array too long", tt.bytes, "[1,2,3,4]", "", "4 elements for an array of 3"},
		{"array element", tt.bytes, "[1,999]", "", "[1]: 999 does not fit"},
		{"enum by name", tt.mode, "ON", "ON", ""},
		{"enum by number", tt.mode, "1", "ON", ""},
		{"struct", tt.flow, `{"src":"192.0.2.1","port":80,"mode":"ON"}`, "{src: 192.0.2.1, port: 80, mode: ON}", ""},
		{"struct, no such member", tt.flow, `{"dport":80}`, "", `no member "dport"`},
		{"struct, not JSON", tt.flow, `80`, "", "is not"},
		{"address", tt.ip, "2001:db8::1", "2001:db8::1", ""},
		{"IPv4 address in 16 bytes", tt.ip, "192.0.2.1", "192.0.2.1", ""},
		{"address in 4 bytes", tt.ip4, "192.0.2.1", "192.0.2.1", ""},
		{"IPv6 address in 4 bytes", tt.ip4, "2001:db8::1", "", "does not fit in 4 bytes"},
		{"no address", tt.ip, "host", "", "not an IP address"},
		{"prefix", tt.prefix, "192.0.2.7/24", "192.0.2.0/24", ""},
		{"prefix of one address", tt.prefix, "2001:db8::1", "2001:db8::1/128", ""},
		{"everything", tt.prefix, "::/0", "::/0", ""},
		{"no prefix", tt.prefix, "192.0.2.0/33", "", "not a prefix"},
		{"mac", tt.mac, `{"hw":"02:00:00:00:00:01"}`, "{hw: 02:00:00:00:00:01}", ""},
		{"bit field", tt.bits, `{"lo":1}`, "", "bit fields cannot be set"},
		{"float", tt.double, "1.5", "1.5", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			typ := tt.at(row.typ)
			b, err := typ.Parse(typ.Size(), row.text)
			if row.err != "" {
				if err == nil || !strings.Contains(err.Error(), row.err) {
					t.Fatalf("error %v, want %q", err, row.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := string(typ.AppendText(nil, b)); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

func TestFindAndTag(t *testing.T) {
	tt := newTestTypes(t)
	if typ, ok := Find(tt.spec, "struct flow"); !ok || typ.ID != tt.flow {
		t.Errorf("struct flow: %v %v", typ.ID, ok)
	}
	if _, ok := Find(tt.spec, "nothing"); ok {
		t.Error("found nothing")
	}
	if name, ok := Tag([]string{"other", "skep:event:syn"}, "event"); !ok || name != "syn" {
		t.Errorf("tag %q %v", name, ok)
	}
}

// TestHostile: overlapping parts within parts end, and soon.
func TestHostile(t *testing.T) {
	for _, name := range []string{"", "m"} { // anonymous members are flattened
		b := btfx.NewBuilder(nil)
		id := b.Add(btfx.Type{Kind: btfx.KindInt, Name: "unsigned char", Size: 1, IntBits: 8})
		for range 30 {
			var members []btfx.Member
			for range 100 {
				members = append(members, btfx.Member{Name: name, Type: id})
			}
			id = b.Add(btfx.Type{Kind: btfx.KindStruct, Name: "", Size: 1, Members: members})
		}
		spec, err := b.Spec()
		if err != nil {
			t.Fatal(err)
		}
		if got := (Type{spec, id}).AppendJSON(nil, []byte{1}); !json.Valid(got) {
			t.Errorf("%d bytes of JSON that is none", len(got))
		}
	}
}
