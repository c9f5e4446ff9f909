// This file defines where fetched objects are kept: by their hash, in a cache
// outside the tree.

package realworld

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// store is a folder of objects.
type store string

// path is where an object is kept.
func (s store) path(o *Object) string {
	return filepath.Join(string(s), o.SHA256[:16], lastElements(o.File, 1)+".o")
}

func (s store) has(o *Object) bool {
	_, err := os.Stat(s.path(o))
	return err == nil
}

// fill fetches what of a source's objects is missing. What cannot be had is
// told by object.
func (s store) fill(ctx context.Context, src *Source, objs []*Object) map[*Object]error {
	failed := map[*Object]error{}
	var missing []*Object
	for _, o := range objs {
		if o.Source == src && !s.has(o) {
			missing = append(missing, o)
		}
	}
	if len(missing) == 0 {
		return failed
	}
	err := src.withPackage(ctx, func(dir string) error {
		for _, o := range missing {
			if err := s.take(o, dir); err != nil {
				failed[o] = err
			}
		}
		return nil
	})
	if err != nil {
		for _, o := range missing {
			failed[o] = err
		}
	}
	return failed
}

var errOther = errors.New("another file than the table's")

// take copies an object from its package's files.
func (s store) take(o *Object, dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(o.File)))
	if err != nil {
		return err
	}
	if o.Offset < 0 || o.Size < 0 || o.Size > int64(len(data)) || o.Offset > int64(len(data))-o.Size {
		return fmt.Errorf("%s: %w", o.File, errOther)
	}
	data = data[o.Offset : o.Offset+o.Size]
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != o.SHA256 {
		return fmt.Errorf("%s: %w", o.File, errOther)
	}
	path := s.path(o)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
