// This file defines the typed view: the same BTF as cilium/ebpf reads it.

package btfx

import (
	"bytes"
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// Typed returns the Spec as cilium/ebpf's btf package sees it. It is made once
// and shared; callers must not change its types. Ids are the same.
func (s *Spec) Typed() (*btf.Spec, error) {
	s.typedOnce.Do(func() { s.typed, s.typedErr = s.makeTyped() })
	return s.typed, s.typedErr
}

func (s *Spec) makeTyped() (*btf.Spec, error) {
	if s.base == nil {
		spec, err := btf.LoadSpecFromReader(bytes.NewReader(s.raw))
		if err != nil {
			return nil, fmt.Errorf("typed BTF: %w", err)
		}
		return spec, nil
	}
	base, err := s.base.Typed()
	if err != nil {
		return nil, err
	}
	spec, err := btf.LoadSplitSpecFromReader(bytes.NewReader(s.raw), base)
	if err != nil {
		return nil, fmt.Errorf("typed split BTF: %w", err)
	}
	return spec, nil
}
