// This file defines the error for a name that an object does not have.

package skep

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrNotFound is wrapped by errors about names that an object or a collection
// does not have.
var ErrNotFound = errors.New("not found")

// unknownName says which names there are.
func unknownName[V any](kind, name string, have map[string]V) error {
	names := slices.Sorted(maps.Keys(have))
	if len(names) == 0 {
		return fmt.Errorf("%s %q: %w (there are none)", kind, name, ErrNotFound)
	}
	return fmt.Errorf("%s %q: %w (there are: %s)", kind, name, ErrNotFound, strings.Join(names, ", "))
}
