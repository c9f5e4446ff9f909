// This file defines how instructions are tied to source lines.

package bytecode

import (
	"sort"
	"strconv"
	"strings"
)

// LineAt returns the line record that covers the instruction: the last one at
// or before it. It is nil when there is none. Records are in the order of their
// instructions, as bpf(2) requires.
func (p *Program) LineAt(pc int) *LineInfo {
	i := sort.Search(len(p.LineInfos), func(i int) bool { return int(p.LineInfos[i].Insn) > pc })
	if i == 0 {
		return nil
	}
	return &p.LineInfos[i-1]
}

// Append appends the record as the kernel's log prints it: "text @ file:line",
// the text without leading blanks and the file without its directory.
func (l *LineInfo) Append(b []byte) []byte {
	b = append(b, strings.TrimLeft(l.Text, " \t\n\v\f\r")...)
	b = append(b, " @ "...)
	b = append(b, baseName(l.File)...)
	b = append(b, ':')
	return strconv.AppendUint(b, uint64(l.Line), 10)
}

// String is the record as the kernel's log prints it.
func (l *LineInfo) String() string { return string(l.Append(nil)) }

// baseName is the part after the last slash, on every operating system.
func baseName(file string) string {
	return file[strings.LastIndexByte(file, '/')+1:]
}
