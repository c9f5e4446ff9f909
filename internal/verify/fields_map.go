// This file defines in which kinds of maps a value may have which special
// fields.

package verify

import (
	"errors"
	"slices"

	"github.com/skepbpf/skep/internal/bytecode"
)

var (
	lockMaps = []bytecode.MapType{bytecode.MapHash, bytecode.MapArray, bytecode.MapCgroupStorage, bytecode.MapSKStorage,
		bytecode.MapInodeStorage, bytecode.MapTaskStorage, bytecode.MapCgrpStorage}
	plainMaps = []bytecode.MapType{bytecode.MapHash, bytecode.MapLRUHash, bytecode.MapArray}
	kptrMaps  = []bytecode.MapType{bytecode.MapHash, bytecode.MapPerCPUHash, bytecode.MapLRUHash, bytecode.MapLRUPerCPUHash,
		bytecode.MapArray, bytecode.MapPerCPUArray, bytecode.MapSKStorage, bytecode.MapInodeStorage, bytecode.MapTaskStorage, bytecode.MapCgrpStorage}
)

// fieldMaps are the maps that may have a field (map_check_btf).
var fieldMaps = []struct {
	kinds fieldKind
	maps  []bytecode.MapType
}{
	{fieldLocks, lockMaps},
	{fieldTimer | fieldWorkqueue | fieldTaskWork | fieldRoots, plainMaps},
	{fieldKptrs | fieldRefcount, kptrMaps},
	{fieldUptr, []bytecode.MapType{bytecode.MapTaskStorage}},
}

// maxUptr is the largest that a uptr may point to, bytes: one page is pinned.
const maxUptr = pageSize

// errMisplaced: a kernel does not make such a map with its types; loaders then
// make it without.
var errMisplaced = errors.New("special fields in a map that cannot have them")

// allowedIn reports whether a map may have these fields in its value.
func (r record) allowedIn(s *bytecode.MapSpec) bool {
	if len(r) > 0 && s.Flags&(bytecode.MapRdonlyProg|bytecode.MapWronlyProg) != 0 {
		return false
	}
	for _, row := range fieldMaps {
		if r.has(row.kinds) && !slices.Contains(row.maps, s.Type) {
			return false
		}
	}
	return !slices.ContainsFunc(r, func(f field) bool { return f.kind == fieldUptr && !f.pinnable(s) })
}

// pinnable reports whether what a uptr points to is the program's own and fits
// one page.
func (f *field) pinnable(s *bytecode.MapSpec) bool {
	size, _ := f.spec.SizeOf(f.id)
	return f.spec == s.BTF && size > 0 && size <= maxUptr
}
