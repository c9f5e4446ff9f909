// This file defines in which kinds of maps a value may have which special
// fields.

package verify

import (
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

// misplaced says why a map cannot be made with these fields in its value, ""
// when it can.
func (r record) misplaced(s *bytecode.MapSpec) string {
	if len(r) > 0 && s.Flags&(bytecode.MapRdonlyProg|bytecode.MapWronlyProg) != 0 {
		return "special fields in a map that programs cannot both read and write"
	}
	for _, row := range fieldMaps {
		for i := range r {
			if r[i].kind&row.kinds != 0 && !slices.Contains(row.maps, s.Type) {
				return r[i].name + " in a map of this kind"
			}
		}
	}
	for i := range r {
		if f := &r[i]; f.kind == fieldUptr {
			if size, _ := f.spec.SizeOf(f.id); f.spec != s.BTF || size == 0 || size > maxUptr {
				return "uptr to something that is not the program's own or does not fit one page"
			}
		}
	}
	return ""
}
