// This file defines the floor: the agreement that a change may raise but not
// lower.

package conformance

import (
	"encoding/json"
	"fmt"
	"os"
)

// Floor is the agreement that was reached once, by group and column.
type Floor map[string]map[string]Count

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
	for _, g := range []string{GroupVerifier, GroupOther} {
		for _, col := range columnNames {
			want, ok := floor[g][col]
			if got := f[g][col]; ok && got.below(want) {
				out = append(out, fmt.Sprintf("%s %s: %s, the floor is %s", g, col, got, want))
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
