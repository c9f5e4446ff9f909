// This file defines values as rows of a table.

package btfval

import "github.com/skepbpf/skep/internal/btfx"

// Columns names the members of a struct that is shown as a row of a table;
// nil for types that are one cell.
func (t Type) Columns() []string {
	var names []string
	for _, f := range t.columns() {
		names = append(names, f.name)
	}
	return names
}

// AppendCells appends b, a value of type t, as text: a cell for each of
// Columns, or one.
func (t Type) AppendCells(cells []string, b []byte) []string {
	columns := t.columns()
	if columns == nil {
		return append(cells, string(t.AppendText(nil, b)))
	}
	for _, f := range columns {
		cells = append(cells, string(f.append(nil, newPrinter(false), b, 0)))
	}
	return cells
}

func (t Type) columns() []field {
	if !t.Known() {
		return nil
	}
	r, ok := t.resolve()
	if !ok || r.format != nil || r.Kind != btfx.KindStruct && r.Kind != btfx.KindDatasec {
		return nil
	}
	left := budget(maxNodes)
	return t.fields(r, &left)
}

// IsNumber reports whether values of type t are one integer without a name.
func (t Type) IsNumber() bool {
	if !t.Known() {
		return true
	}
	r, ok := t.resolve()
	return ok && r.format == nil && r.Kind == btfx.KindInt
}
