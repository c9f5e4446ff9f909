// This file says that there is no kernel to compare with.

//go:build !linux

package helper_test

import "testing"

func (s *sample) runKernel(*testing.T) (outcome, bool) { return outcome{}, false }
