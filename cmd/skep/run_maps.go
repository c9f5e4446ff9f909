// This file defines how maps are printed.

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/skepbpf/skep"
)

// mapsToShow are the maps that --map names, or all that hold data: not
// constants, ring buffers and arrays of programs.
func (r *runner) mapsToShow() ([]string, error) {
	if len(r.flags.maps) > 0 {
		for _, name := range r.flags.maps {
			if r.coll.Maps[name] == nil {
				return nil, unknown("map", name, r.coll.Maps)
			}
		}
		return r.flags.maps, nil
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(r.coll.Maps)) {
		info, err := r.coll.Maps[name].Info()
		if err != nil {
			return nil, err
		}
		if !info.Frozen && r.coll.MapShape(name).Data {
			names = append(names, name)
		}
	}
	return names, nil
}

// printMaps prints the maps' entries.
func (r *runner) printMaps() error {
	for _, name := range r.shown {
		entries, err := r.entries(name)
		if err != nil {
			return err
		}
		if r.json {
			r.printEntries(name, entries)
			continue
		}
		r.printTable(name, entries)
	}
	return nil
}

// entry is a map's entry: one value, or one a CPU.
type entry struct {
	key    []byte
	values [][]byte
}

// entries reads a map.
func (r *runner) entries(name string) ([]entry, error) {
	m := r.coll.Maps[name]
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	var out []entry
	var key, value []byte
	it := m.Iterate()
	for it.Next(&key, &value) {
		out = append(out, entry{bytes.Clone(key), splitCPUs(value, int(info.ValueSize))})
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("map %s: %w", name, err)
	}
	return out, nil
}

// splitCPUs cuts a per-CPU value, each padded to 8 bytes, into its parts.
func splitCPUs(value []byte, size int) [][]byte {
	stride := (size + 7) &^ 7
	if len(value) == size || stride == 0 {
		return [][]byte{bytes.Clone(value)}
	}
	var out [][]byte
	for i := 0; i+size <= len(value); i += stride {
		out = append(out, bytes.Clone(value[i:i+size]))
	}
	return out
}

type entryJSON struct {
	Kind  string          `json:"kind"`
	Map   string          `json:"map"`
	Key   json.RawMessage `json:"key"`
	Value json.RawMessage `json:"value"`
}

// printEntries prints one JSON object an entry; per-CPU values are arrays.
func (r *runner) printEntries(name string, entries []entry) {
	shape := r.coll.MapShape(name)
	for _, e := range entries {
		value := shape.Value.JSON(e.values[0])
		if shape.PerCPU {
			parts := make([]string, len(e.values))
			for i, v := range e.values {
				parts[i] = string(shape.Value.JSON(v))
			}
			value = []byte("[" + strings.Join(parts, ",") + "]")
		}
		r.line(entryJSON{"map", name, shape.Key.JSON(e.key), value})
	}
}

// printTable prints a map for people. Zero entries of arrays are left out;
// entries of other maps come with the largest numbers first.
func (r *runner) printTable(name string, entries []entry) {
	m, shape := r.coll.Maps[name], r.coll.MapShape(name)
	fmt.Fprintln(r.out)
	if shape.Variables {
		r.printVariables(name, shape.Value, entries)
		return
	}
	total := len(entries)
	if shape.Array {
		entries = slices.DeleteFunc(entries, entry.isZero)
	}
	head := fmt.Sprintf("%d of %d entries", len(entries), m.MaxEntries())
	if shape.Array && len(entries) < total {
		head = fmt.Sprintf("%d entries, %d more are 0", len(entries), total-len(entries))
	}
	fmt.Fprintf(r.out, "%s  %s\n", paint(r.out, text.Bold, name), paint(r.out, text.Faint, head))
	if len(entries) == 0 {
		return
	}
	rows := make([][]string, len(entries))
	for i, e := range entries {
		rows[i] = append(shape.Key.Cells(e.key), valueCells(shape.Value, e.values)...)
	}
	keys := columnNames(shape.Key, "key")
	if !shape.Array {
		sortRows(rows, len(keys))
	}
	tab := newTable(r.out, numberColumns(rows)...)
	tab.AppendHeader(cells(append(keys, columnNames(shape.Value, "value")...)))
	for _, row := range rows {
		tab.AppendRow(cells(row))
	}
	tab.Render()
}

func (e entry) isZero() bool {
	return !slices.ContainsFunc(e.values, func(v []byte) bool { return len(bytes.Trim(v, "\x00")) > 0 })
}

// valueCells shows the values of several CPUs side by side in each cell.
func valueCells(t skep.ValueType, values [][]byte) []string {
	out := t.Cells(values[0])
	for _, v := range values[1:] {
		for i, c := range t.Cells(v) {
			out[i] += " " + c
		}
	}
	return out
}

func columnNames(t skep.ValueType, one string) []string {
	if names := t.Columns(); names != nil {
		return names
	}
	return []string{one}
}

// numberColumns finds the columns, from 1, that hold only numbers.
func numberColumns(rows [][]string) []int {
	var out []int
	for c := range rows[0] {
		if !slices.ContainsFunc(rows, func(r []string) bool { return !isNumber(r[c]) }) {
			out = append(out, c+1)
		}
	}
	return out
}

func isNumber(s string) bool {
	for f := range strings.FieldsSeq(s) {
		if _, err := strconv.ParseFloat(f, 64); err != nil {
			return false
		}
	}
	return s != ""
}

// sortRows puts the largest first value first, then goes by the cells.
func sortRows(rows [][]string, value int) {
	number := func(r []string) float64 {
		first, _, _ := strings.Cut(r[value], " ")
		n, _ := strconv.ParseFloat(first, 64)
		return n
	}
	slices.SortStableFunc(rows, func(a, b []string) int {
		return cmp.Or(-cmp.Compare(number(a), number(b)), slices.Compare(a, b))
	})
}

func cells(s []string) table.Row {
	out := make(table.Row, len(s))
	for i, c := range s {
		out[i] = c
	}
	return out
}

// printVariables prints a data section's variables.
func (r *runner) printVariables(name string, t skep.ValueType, entries []entry) {
	fmt.Fprintln(r.out, paint(r.out, text.Bold, name))
	tab := newTable(r.out)
	for _, e := range entries {
		values := t.Cells(e.values[0])
		for i, name := range columnNames(t, name) {
			tab.AppendRow(row(name, values[i]))
		}
	}
	tab.Render()
}
