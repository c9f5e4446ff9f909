// This file defines fuzzing of hostile objects.

package object

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzRead reads and links anything. It must end, with or without an error.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.o")
	if err != nil || len(files) == 0 {
		f.Fatal("no objects in testdata", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	spec, _ := smallKernel(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, env := range []*Env{nil, {BTF: spec}} {
			l := linkAll(t, o, env)
			if n := len(l.Programs) + len(l.Errors); n > len(o.Programs()) {
				t.Errorf("%d programs and errors of %d", n, len(o.Programs()))
			}
		}
	})
}
