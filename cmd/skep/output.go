// This file defines how results are written: JSON lines, tables, colours.

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// line prints v, a struct, as one line of JSON that starts with the format's
// version.
func (a *app) line(v any) { jsonLine(a.out, v) }

func jsonLine(w io.Writer, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b, _ = json.Marshal(map[string]string{"kind": "error", "error": err.Error()})
	}
	fmt.Fprintf(w, "{\"v\":1,%s\n", b[1:])
}

// isTerminal reports whether somebody reads w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colours says whether w may be coloured: a terminal, and NO_COLOR unset
// (no-color.org).
func colours(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// paint colours s where w may be coloured.
func paint(w io.Writer, c text.Color, s string) string {
	if !colours(w) {
		return s
	}
	return c.EscapeSeq() + s + text.Reset.EscapeSeq()
}

// newTable is a table with aligned columns and no lines. right lists the
// columns (from 1) that hold numbers.
func newTable(w io.Writer, right ...int) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	var columns []table.ColumnConfig
	for _, n := range right {
		columns = append(columns, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	t.SuppressTrailingSpaces()
	return t
}

// row is a line of a table.
func row(cells ...any) table.Row { return cells }
