// This file defines which objects may own which: what is freed with an object
// must come to an end.

package verify

// checkOwnership refuses objects that could own each other in a ring. Only what
// has a node can be owned, only what has a list or tree owns: an object with
// both must not own another with both.
func (all objects) checkOwnership() error {
	for _, r := range all {
		if !r.has(fieldNodes) {
			continue
		}
		for i := range r {
			if f := &r[i]; f.kind&fieldRoots != 0 && all[f.id].has(fieldRoots) {
				return errOwnership
			}
		}
	}
	return nil
}
