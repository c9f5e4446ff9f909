// This file defines what `skep run` prints at its end.

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// maxReturns bounds the histogram of a program whose return values are all
// different.
const maxReturns = 4096

// returnCounts is a histogram of return values.
type returnCounts struct {
	runs  uint64
	small [16]uint64 // of return values below 16
	large map[uint32]uint64
	other uint64 // of values beyond maxReturns different ones
}

func (c *returnCounts) add(ret uint32) {
	c.runs++
	if ret < uint32(len(c.small)) {
		c.small[ret]++
		return
	}
	if c.large == nil {
		c.large = map[uint32]uint64{}
	}
	if n, ok := c.large[ret]; ok || len(c.large) < maxReturns {
		c.large[ret] = n + 1
		return
	}
	c.other++
}

// returned is one return value.
type returned struct {
	value uint32
	count uint64
}

// list has the return values in order.
func (c *returnCounts) list() []returned {
	var out []returned
	for v, n := range c.small {
		if n > 0 {
			out = append(out, returned{uint32(v), n})
		}
	}
	for _, v := range slices.Sorted(maps.Keys(c.large)) {
		out = append(out, returned{v, c.large[v]})
	}
	return out
}

// MarshalJSON writes {"0":12,"2":3}, in order.
func (c *returnCounts) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, r := range c.list() {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `"%d":%d`, r.value, r.count)
	}
	if c.other > 0 {
		b = fmt.Appendf(b, `,"other":%d`, c.other)
	}
	return append(b, '}'), nil
}

var _ json.Marshaler = (*returnCounts)(nil)

type programJSON struct {
	Kind    string        `json:"kind"`
	Program string        `json:"program"`
	Section string        `json:"section"`
	Runs    uint64        `json:"runs"`
	Returns *returnCounts `json:"returns"`
	NS      float64       `json:"ns_per_run"`
}

// report prints the programs' returns and the maps.
func (r *runner) report() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.attached {
		if r.json {
			r.line(programJSON{"program", a.name, a.section, a.counts.runs, &a.counts, a.nsPerRun()})
			continue
		}
		fmt.Fprintf(r.out, "%s  %d packets  %s  %.0f ns a run\n", paint(r.out, text.Bold, a.name), a.counts.runs, a.returns(), a.nsPerRun())
	}
	return r.printMaps()
}

func (a *attached) nsPerRun() float64 {
	if a.timed == 0 {
		return 0
	}
	ns := float64(a.spent.Nanoseconds()) / float64(a.timed)
	v, _ := strconv.ParseFloat(strconv.FormatFloat(ns, 'f', 1, 64), 64)
	return v
}

// maxShown is how many return values a line shows.
const maxShown = 6

// returns is the histogram in words: the names of verdicts where they have any.
// Return values that are lengths are summed up as what passed.
func (a *attached) returns() string {
	var parts []string
	var rest uint64
	for _, r := range a.counts.list() {
		name := a.link.Verdict(r.value)
		switch {
		case name == "" && (a.link.Lengths() || len(parts) >= maxShown):
			rest += r.count
			continue
		case name == "":
			name = strconv.FormatUint(uint64(r.value), 10)
		}
		parts = append(parts, fmt.Sprintf("%s %d", name, r.count))
	}
	if rest += a.counts.other; rest > 0 {
		word := "others"
		if a.link.Lengths() {
			word = "pass"
		}
		parts = append(parts, fmt.Sprintf("%s %d", word, rest))
	}
	return strings.Join(parts, ", ")
}
