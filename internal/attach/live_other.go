// This file defines live capture where there is none.

//go:build !linux

package attach

import (
	"context"
	"errors"
	"fmt"
)

func openInterface(_ context.Context, name string) (Source, error) {
	return nil, fmt.Errorf("interface %s: packets of an interface: %w (Linux only)", name, errors.ErrUnsupported)
}
