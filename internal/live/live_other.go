// This file defines the package where there is no Linux kernel to ask.

//go:build !linux

package live

import "github.com/skepbpf/skep/internal/bytecode"

// Set holds nothing on this operating system.
type Set struct{ OptionalBTF bool }

// NewSet makes an empty Set.
func NewSet() *Set { return &Set{} }

// Close does nothing.
func (s *Set) Close() {}

// Reset does nothing.
func (s *Set) Reset() error { return nil }

// Available returns ErrUnavailable.
func Available() error { return ErrUnavailable }

// Load fails with ErrUnavailable.
func (s *Set) Load(*bytecode.Program, LoadOptions) (*Result, error) { return nil, ErrUnavailable }

// Map fails with ErrUnavailable.
func (s *Set) Map(*bytecode.MapSpec) (int, error) { return -1, ErrUnavailable }

// TestRun fails with ErrUnavailable.
func TestRun(int, TestInput) (*TestOutput, error) { return nil, ErrUnavailable }

// UnprivilegedAllowed reports false.
func UnprivilegedAllowed() bool { return false }

// AllowUnprivileged fails with ErrUnavailable.
func AllowUnprivileged() (restore func() error, err error) { return nil, ErrUnavailable }

// Release returns "".
func Release() string { return "" }
