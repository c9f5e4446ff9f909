// This file defines measuring the running kernel.

package main

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"

	"github.com/skepbpf/skep"
)

// benchKernel loads the object into the running kernel and measures by
// BPF_PROG_TEST_RUN. It attaches nothing.
func benchKernel(f *benchFlags, file string, obj *skep.Object, data []byte) ([]benchJSON, error) {
	spec, err := ebpf.LoadCollectionSpec(file)
	if err != nil {
		return nil, err
	}
	for name := range spec.Programs {
		if !f.wants(name) {
			delete(spec.Programs, name)
		}
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, err
	}
	defer coll.Close()
	var out []benchJSON
	for _, info := range obj.Programs() {
		p := coll.Programs[info.Name]
		if p == nil {
			continue
		}
		ret, ns, err := f.measure(func(n uint32) (uint32, time.Duration, error) {
			return testRun(p, data, n)
		})
		if err != nil {
			return nil, fmt.Errorf("program %s: %w", info.Name, err)
		}
		out = append(out, benchJSON{file, info.Name, "kernel", ret, ns})
	}
	return out, nil
}

// testRun gives the mean time of a run. What one call of the kernel's test run
// costs by itself is left out: it is the slope between n and 2n runs.
func testRun(p *ebpf.Program, data []byte, n uint32) (uint32, time.Duration, error) {
	ret, one, err := p.Benchmark(data, int(n), nil)
	if err != nil {
		return 0, 0, err
	}
	_, two, err := p.Benchmark(data, int(2*n), nil)
	if err != nil {
		return 0, 0, err
	}
	slope := 2*two - one
	if slope <= 0 {
		slope = two
	}
	return ret, slope, nil
}
