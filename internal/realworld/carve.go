// This file defines how BPF objects are found in other files: an object file is
// one, and a program made with a libbpf skeleton carries some as data.

package realworld

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
)

// piece is an object inside a file.
type piece struct{ offset, size int64 }

// elfStart are the first bytes of a 64-bit little-endian ELF file.
var elfStart = []byte("\x7fELF\x02\x01\x01")

// Where an ELF header says what the file is.
const (
	elfHeaderSize = 64
	elfTypeAt     = 16
	elfMachineAt  = 18
)

// carve lists the relocatable little-endian BPF objects in data, by offset.
func carve(data []byte) []piece {
	var out []piece
	for at := 0; ; {
		i := bytes.Index(data[at:], elfStart)
		if i < 0 {
			return out
		}
		at += i
		if n, err := objectSize(data[at:]); err == nil {
			out = append(out, piece{int64(at), n})
		}
		at += len(elfStart)
	}
}

var errNoObject = errors.New("no BPF object")

// objectSize is how far the object at the start of data reaches: to the end of
// its last section, or of the section headers.
func objectSize(data []byte) (int64, error) {
	if len(data) < elfHeaderSize ||
		elf.Type(binary.LittleEndian.Uint16(data[elfTypeAt:])) != elf.ET_REL ||
		elf.Machine(binary.LittleEndian.Uint16(data[elfMachineAt:])) != elf.EM_BPF {
		return 0, errNoObject
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	end, err := headersEnd(data)
	if err != nil {
		return 0, err
	}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOBITS {
			end = max(end, int64(s.Offset+s.FileSize))
		}
	}
	if end < 0 || end > int64(len(data)) {
		return 0, io.ErrUnexpectedEOF
	}
	return end, nil
}

// headersEnd is where the table of section headers ends.
func headersEnd(data []byte) (int64, error) {
	var h elf.Header64
	if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, &h); err != nil {
		return 0, err
	}
	return int64(h.Shoff) + int64(h.Shentsize)*int64(h.Shnum), nil
}
