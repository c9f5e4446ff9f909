// This file defines measuring the running kernel where it has no BPF.

//go:build !linux

package main

import (
	"errors"

	"github.com/skepbpf/skep"
)

func benchKernel(*benchFlags, string, *skep.Object, []byte) ([]benchJSON, error) {
	return nil, errors.ErrUnsupported
}
