// This file defines .BTF.ext: which function, source line and CO-RE relocation belongs to an instruction.

package object

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// coreReloc asks for a fact about the target's types in an instruction.
type coreReloc struct {
	slot   int // in the function
	typeID btfx.ID
	access string // "0:1:2": indexes of members and elements
	kind   coreKind
}

const (
	extMagic     = 0xeB9F
	extHeaderLen = 24 // without the CO-RE part
)

// extTable is one of the tables of .BTF.ext: records grouped by section.
type extTable struct {
	what    string
	minSize uint32 // of a record, bytes
	read    func(o *elfObject, fn *function, slot int, rec extRecord) error
}

// extTables are in the order of the header.
var extTables = []extTable{
	{"function info", 8, (*elfObject).addFuncInfo},
	{"line info", 16, (*elfObject).addLineInfo},
	{"CO-RE relocations", 16, (*elfObject).addCoreReloc},
}

// extRecord is an encoded record. Its first word is the byte offset of an
// instruction.
type extRecord []byte

func (r extRecord) u32(i int) uint32 { return binary.LittleEndian.Uint32(r[i*4:]) }

// readExtInfo gives each function its records.
//
//	magic version flags hdr_len │ off len │ off len │ off len │ … tables
func (o *elfObject) readExtInfo() error {
	if o.btf == nil || len(o.extRaw) == 0 {
		return nil
	}
	raw := extRecord(o.extRaw)
	if len(raw) < extHeaderLen || binary.LittleEndian.Uint16(raw) != extMagic || raw[2] != 1 {
		return errors.New(".BTF.ext header: malformed")
	}
	hdr := raw.u32(1)
	for i, table := range extTables {
		if end := uint32(8 + (i+1)*8); end > hdr || end > uint32(len(raw)) {
			break // an older header, without the last tables
		}
		off, n := uint64(hdr)+uint64(raw.u32(2+i*2)), uint64(raw.u32(3+i*2))
		if off > uint64(len(raw)) || n > uint64(len(raw))-off {
			return fmt.Errorf(".BTF.ext %s: bytes %d to %d of %d", table.what, off, off+n, len(raw))
		}
		if err := o.readExtTable(table, raw[off:][:n]); err != nil {
			return fmt.Errorf(".BTF.ext %s: %w", table.what, err)
		}
	}
	return nil
}

var errTruncated = errors.New("truncated")

// readExtTable reads a table: the size of its records, then for each section
// its name, the number of records, and the records.
func (o *elfObject) readExtTable(t extTable, b extRecord) error {
	if len(b) == 0 {
		return nil
	}
	if len(b) < 4 {
		return errTruncated
	}
	size := b.u32(0)
	if size < t.minSize || size%4 != 0 {
		return fmt.Errorf("records of %d bytes, want at least %d", size, t.minSize)
	}
	for b = b[4:]; len(b) > 0; {
		if len(b) < 8 {
			return errTruncated
		}
		name, n := o.btf.String(b.u32(0)), uint64(b.u32(1))
		b = b[8:]
		if n == 0 || n > uint64(len(b))/uint64(size) {
			return errTruncated
		}
		if err := o.readExtSection(t, name, b[:n*uint64(size)], int(size)); err != nil {
			return fmt.Errorf("section %q: %w", name, err)
		}
		b = b[n*uint64(size):]
	}
	return nil
}

func (o *elfObject) readExtSection(t extTable, name string, b extRecord, size int) error {
	sec := o.file.byName[name]
	if sec == nil || o.roles[sec.index] != roleProgram {
		return nil
	}
	for ; len(b) > 0; b = b[size:] {
		if b.u32(0)%bytecode.InsnSize != 0 {
			return fmt.Errorf("offset %#x is not that of an instruction", b.u32(0))
		}
		slot := int(b.u32(0) / bytecode.InsnSize)
		fn := o.functionAt(sec.index, slot)
		if fn == nil {
			continue // of a weak function that another replaced
		}
		if err := t.read(o, fn, slot-fn.start, b); err != nil {
			return err
		}
	}
	return nil
}

func (o *elfObject) addFuncInfo(fn *function, slot int, rec extRecord) error {
	fn.funcs = append(fn.funcs, bytecode.FuncInfo{Insn: uint32(slot), TypeID: rec.u32(1)})
	return nil
}

func (o *elfObject) addLineInfo(fn *function, slot int, rec extRecord) error {
	fn.lines = append(fn.lines, newLineInfo(o.btf, uint32(slot), rec.u32(1), rec.u32(2), rec.u32(3)))
	return nil
}

// newLineInfo decodes line information: string offsets of the file and the
// line's text, and line<<10 | column.
func newLineInfo(spec *btfx.Spec, slot, fileOff, textOff, lineCol uint32) bytecode.LineInfo {
	return bytecode.LineInfo{
		Insn: slot, Line: lineCol >> 10, Column: lineCol & 0x3ff,
		FileOff: fileOff, File: spec.String(fileOff),
		TextOff: textOff, Text: strings.TrimSpace(spec.String(textOff)),
	}
}

func (o *elfObject) addCoreReloc(fn *function, slot int, rec extRecord) error {
	if o.btf.Type(rec.u32(1)) == nil {
		return fmt.Errorf("type %d: %w", rec.u32(1), btfx.ErrNotFound)
	}
	fn.cores = append(fn.cores, coreReloc{
		slot: slot, typeID: rec.u32(1), access: o.btf.String(rec.u32(2)), kind: coreKind(rec.u32(3)),
	})
	return nil
}
