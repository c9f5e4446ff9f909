// This file defines the floor: the agreement that a change may raise but not
// lower.

package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
)

// Floor is the agreement that was reached once, by group and column, and in
// groupFigures by figure.
type Floor map[string]map[string]Count

// groupFigures is where a floor keeps Report.Figures.
const groupFigures = "figures"

// Floor returns what the report reached.
func (r *Report) Floor() Floor {
	f := Floor{}
	for g, row := range r.Totals() {
		f[g] = map[string]Count{}
		for c, n := range row.Counts {
			if n.Total+n.Missing > 0 && Column(c) != ColUnprivMessage {
				f[g][columnNames[c]] = n
			}
		}
	}
	f[groupFigures] = map[string]Count{}
	for _, n := range r.Figures() {
		f[groupFigures][n.Key] = n.Count
	}
	return f
}

// ReadFloor reads a floor file; a missing one is empty.
func ReadFloor(path string) (Floor, error) {
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return Floor{}, nil
	}
	if err != nil {
		return nil, err
	}
	f := Floor{}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("floor %s: %w", path, err)
	}
	return f, nil
}

// below reports whether the share of agreement is less than floor's. What is
// missing counts here, so that nothing rises by going missing.
func (c Count) below(floor Count) bool {
	all, floorAll := c.Total+c.Missing, floor.Total+floor.Missing
	return c.Agree*floorAll < floor.Agree*all || all == 0 && floorAll > 0
}

// Below lists where f has less agreement than floor. Shares are compared, not
// numbers, since the number of programs depends on the machine.
func (f Floor) Below(floor Floor) []string {
	var out []string
	for _, g := range slices.Sorted(maps.Keys(floor)) {
		for _, name := range slices.Sorted(maps.Keys(floor[g])) {
			if got, want := f[g][name], floor[g][name]; got.below(want) {
				out = append(out, fmt.Sprintf("%s %s: %s, the floor is %s", g, name, got, want))
			}
		}
	}
	return out
}

// Write writes a floor file.
func (f Floor) Write(path string) error {
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(data, '\n'))
}
