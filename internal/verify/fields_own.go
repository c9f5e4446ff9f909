// This file defines which objects own which: what is freed with an object must
// come to an end, soon.

package verify

import "github.com/skepbpf/skep/internal/btfx"

// maxOwnership bounds how many objects deep one may own others, itself
// included (BTF_MAX_OWNERSHIP_DEPTH).
const maxOwnership = 8

// checkOwnership refuses objects that own each other.
func (all objects) checkOwnership(spec *btfx.Spec) error {
	depths := map[btfx.ID]int{}
	for id := range all {
		if all.depth(spec, id, depths, maxOwnership) > maxOwnership {
			return errOwnership
		}
	}
	return nil
}

// depth is how many objects deep the struct id owns; more than left when it is
// deeper than that, or without end.
func (all objects) depth(spec *btfx.Spec, id btfx.ID, known map[btfx.ID]int, left int) int {
	if left == 0 {
		return maxOwnership + 1
	}
	d, ok := known[id]
	if !ok {
		for i := range all[id] {
			if f := &all[id][i]; f.kind&(fieldRoots|fieldRefs) != 0 && f.spec == spec && all[f.id] != nil {
				d = max(d, all.depth(spec, f.id, known, left-1))
			}
		}
		d++
		known[id] = d
	}
	if d > left {
		return maxOwnership + 1
	}
	return d
}
