// This file defines the harness's entry: fetch, compare, report.

// Package realworld compares Skep with Linux on compiled BPF objects of
// well-known projects: those that Debian packages ship, beside programs or
// inside of them, and those that Go modules carry. It takes the committed table
// of such objects, fetches the packages, and puts every program to Skep and to
// the running kernel by way of internal/conformance; cmd/realworld prints the
// Report. What cannot be fetched is skipped, with the reason.
package realworld

import (
	"context"
	"path/filepath"

	"github.com/cilium/ebpf"

	"github.com/skepbpf/skep/internal/conformance"
	"github.com/skepbpf/skep/internal/object"
)

// Run fetches the table's objects, as far as the cache lacks them, and compares.
func Run(ctx context.Context, opts conformance.Options) (*Report, error) {
	objs, err := Objects()
	if err != nil {
		return nil, err
	}
	if opts.Cache == "" {
		if opts.Cache, err = conformance.DefaultCacheDir(); err != nil {
			return nil, err
		}
	}
	r := &Report{objects: map[*conformance.CorpusObject]*Object{}, skipped: map[*Object]error{}}
	kept := store(filepath.Join(opts.Cache, "realworld"))
	tick := opts.Progress.Start("fetch", len(Sources))
	for _, src := range Sources {
		for o, err := range kept.fill(ctx, src, objs) {
			r.skipped[o] = err
		}
		tick()
	}
	var corpus []*conformance.CorpusObject
	for _, o := range objs {
		if r.skipped[o] != nil {
			continue
		}
		c := &conformance.CorpusObject{Name: o.Name, CPU: "v3", Path: kept.path(o), Open: open, Type: o.Source.Type}
		r.objects[c] = o
		corpus = append(corpus, c)
	}
	r.Report, err = conformance.Compare(ctx, corpus, opts)
	return r, err
}

// open reads an object as libbpf does, and one that libbpf refuses (maps of the
// time before BTF) as cilium/ebpf does.
func open(path string) (*object.Object, error) {
	obj, err := object.Open(path)
	if err == nil {
		return obj, nil
	}
	spec, cerr := ebpf.LoadCollectionSpec(path)
	if cerr != nil {
		return nil, err
	}
	return object.FromCollectionSpec(spec)
}
