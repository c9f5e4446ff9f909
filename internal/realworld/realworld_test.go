// This file tests the table of objects, how objects are found inside other
// files and how they are kept.

package realworld

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/skepbpf/skep/internal/conformance"
)

func TestTable(t *testing.T) {
	objs, err := Objects()
	if err != nil {
		t.Fatal(err)
	}
	if len(objs) < 100 {
		t.Errorf("%d objects, want 100 at least", len(objs))
	}
	if string(formatTable(objs)) != objectsTable {
		t.Error("the table does not read as it is written")
	}
	names, hashes, used := map[string]bool{}, map[string]bool{}, map[*Source]bool{}
	for _, o := range objs {
		if names[o.Name] || hashes[o.SHA256] {
			t.Errorf("%s is there twice", o.Name)
		}
		if b, err := hex.DecodeString(o.SHA256); err != nil || len(b) != sha256.Size {
			t.Errorf("%s: hash %q", o.Name, o.SHA256)
		}
		names[o.Name], hashes[o.SHA256], used[o.Source] = true, true, true
	}
	for _, s := range Sources {
		if !used[s] {
			t.Errorf("%s has no objects", s)
		}
	}
}

func TestParseObjectRefuses(t *testing.T) {
	sources := map[string]*Source{"deb p 1": {}}
	for name, cells := range map[string][]string{
		"too few columns": {"n", "deb p 1", "f", "0", "1"},
		"unknown source":  {"n", "deb q 1", "f", "0", "1", "00"},
		"bad offset":      {"n", "deb p 1", "f", "x", "1", "00"},
		"bad size":        {"n", "deb p 1", "f", "0", "", "00"},
	} {
		if o, err := parseObject(cells, sources); err == nil {
			t.Errorf("%s: %+v, want an error", name, o)
		}
	}
}

// compiled is an object file of another package's tests.
func compiled(t *testing.T) []byte {
	t.Helper()
	files, err := filepath.Glob("../object/testdata/*.o")
	if err != nil || len(files) == 0 {
		t.Fatal("no object among the test data of internal/object", err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCarve(t *testing.T) {
	obj := compiled(t)
	size := int64(len(obj))
	host := slices.Clone(obj)
	host[elfMachineAt] = 62 // x86-64
	for name, c := range map[string]struct {
		data []byte
		want []piece
	}{
		"alone":        {obj, []piece{{0, size}}},
		"two in a row": {slices.Concat([]byte("data"), obj, obj, []byte("more")), []piece{{4, size}, {4 + size, size}}},
		"other kind":   {host, nil},
		"cut":          {obj[:len(obj)-1], nil},
		"header only":  {obj[:20], nil},
		"nothing":      {nil, nil},
	} {
		if got := carve(c.data); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestObjectsOfPackage(t *testing.T) {
	dir := t.TempDir()
	obj := compiled(t)
	for name, data := range map[string][]byte{"bin/tool": slices.Concat([]byte("program"), obj), "share/a.o": obj, "README": []byte("text")} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	objs, err := (&Source{Package: "p"}).objects(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(objs) != 2 || objs[0].File != "bin/tool" || objs[0].Offset != 7 || objs[1].File != "share/a.o" || objs[0].SHA256 != objs[1].SHA256 {
		t.Fatalf("%+v", objs)
	}
	s := store(t.TempDir())
	if err := s.take(objs[0], dir); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(s.path(objs[0])); err != nil || !bytes.Equal(kept, obj) {
		t.Errorf("kept %d bytes, %v; want the object", len(kept), err)
	}
	objs[1].Offset = 1
	if err := s.take(objs[1], dir); !errors.Is(err, errOther) {
		t.Errorf("object past the end of its file: %v, want %v", err, errOther)
	}
	objs[1].Size--
	if err := s.take(objs[1], dir); !errors.Is(err, errOther) {
		t.Errorf("object with another hash: %v, want %v", err, errOther)
	}
}

func TestNames(t *testing.T) {
	p, q := &Source{Package: "example.org/p"}, &Source{Package: "q"}
	objs := []*Object{{Source: p, File: "a/x.o"}, {Source: p, File: "b/x.o"}, {Source: p, File: "y"}, {Source: p, File: "y", Offset: 8}, {Source: q, File: "x.o"}}
	nameObjects(objs)
	for i, want := range []string{"p:a-x", "p:b-x", "p:y", "p:y#2", "q:x"} {
		if objs[i].Name != want {
			t.Errorf("%s of %s is named %s, want %s", objs[i].File, objs[i].Source.Package, objs[i].Name, want)
		}
	}
}

// TestRows checks how outcomes add up: an object agrees when all its programs
// that the kernel judged do.
func TestRows(t *testing.T) {
	a, b := &conformance.CorpusObject{Name: "a"}, &conformance.CorpusObject{Name: "b"}
	outcome := func(c *conformance.CorpusObject, kernel, skep conformance.Verdict) *conformance.Outcome {
		o := &conformance.Outcome{
			Case: &conformance.Case{Object: c}, Kernel: &conformance.Answer{}, Skep: &conformance.SkepAnswer{Verdict: skep}, Want: kernel,
		}
		if kernel != conformance.NoVerdict {
			o.Marks[conformance.ColVerdict] = conformance.Differ
			if kernel == skep {
				o.Marks[conformance.ColVerdict] = conformance.Agree
			}
		}
		return o
	}
	src := &Source{Project: "p"}
	r := &Report{
		objects: map[*conformance.CorpusObject]*Object{a: {Source: src}, b: {Source: src}},
		Report: &conformance.Report{
			Outcomes: []*conformance.Outcome{
				outcome(a, conformance.Accept, conformance.Accept), outcome(a, conformance.NoVerdict, conformance.Reject),
				outcome(b, conformance.Reject, conformance.Reject), outcome(b, conformance.Accept, conformance.Unsupported),
			},
			Unlinked: []*conformance.Case{{Object: b}},
		},
	}
	rows, total := r.Rows()
	want := Row{Project: "p", Objects: conformance.Count{Agree: 1, Total: 2}, Programs: 4, Unseen: 1, Unlinked: 1}
	want.Counts[conformance.ColVerdict] = conformance.Count{Agree: 2, Total: 3}
	if len(rows) != 1 || *rows[0] != want {
		t.Errorf("rows %+v, want one: %+v", rows, want)
	}
	want.Project = "total"
	if *total != want {
		t.Errorf("total %+v, want %+v", *total, want)
	}
}
