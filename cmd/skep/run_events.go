// This file defines how records of ring buffers are printed.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/ringbuf"
)

// ring is a ring buffer whose records are printed.
type ring struct {
	name   string
	reader *ringbuf.Reader
	typ    skep.ValueType
	record ringbuf.Record
}

// openRings opens the object's ring buffers for --events. They are read after
// each packet, so that no record is lost for want of room.
func (r *runner) openRings(context.Context, string) error {
	if !r.flags.events {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(r.coll.Maps)) {
		shape := r.coll.MapShape(name)
		if !shape.Ring {
			continue
		}
		typ, err := r.eventType(&shape)
		if err != nil {
			return fmt.Errorf("ring buffer %s: %w", name, err)
		}
		reader, err := ringbuf.NewReader(r.coll.Maps[name])
		if err != nil {
			return err
		}
		r.rings = append(r.rings, &ring{name: name, reader: reader, typ: typ})
	}
	if len(r.rings) == 0 {
		return errors.New("--events: the object has no ring buffer")
	}
	return nil
}

// eventType is the type of a ring buffer's records: the one that --event-type
// names, else the one that the map's decl tag names.
func (r *runner) eventType(shape *skep.MapShape) (skep.ValueType, error) {
	if r.flags.eventType != "" {
		return r.coll.TypeNamed(r.flags.eventType)
	}
	if shape.EventName != "" {
		return r.coll.TypeNamed(shape.EventName)
	}
	return skep.ValueType{}, nil
}

// drain prints the records that the last packet brought.
func (r *runner) drain() error {
	for _, g := range r.rings {
		if g.reader.AvailableBytes() == 0 {
			continue
		}
		if err := r.drainRing(g); err != nil {
			return fmt.Errorf("ring buffer %s: %w", g.name, err)
		}
	}
	return nil
}

func (r *runner) drainRing(g *ring) error {
	if err := g.reader.Flush(); err != nil {
		return err
	}
	for {
		err := g.reader.ReadInto(&g.record)
		if errors.Is(err, ringbuf.ErrFlushed) {
			return nil
		}
		if err != nil {
			return err
		}
		r.printEvent(g)
	}
}

type eventJSON struct {
	Kind string          `json:"kind"`
	Map  string          `json:"map"`
	Data json.RawMessage `json:"data"`
}

// printEvent prints a record: by its type, or in hexadecimal when it has none
// or is too short for it.
func (r *runner) printEvent(g *ring) {
	r.mu.Lock()
	defer r.mu.Unlock()
	data, typ := g.record.RawSample, g.typ
	if !typ.Known() || len(data) < typ.Size() {
		typ = skep.ValueType{}
	}
	if r.json {
		r.line(eventJSON{"event", g.name, typ.JSON(data)})
		return
	}
	names, values := typ.Columns(), typ.Cells(data)
	var line strings.Builder
	for i, v := range values {
		if i < len(names) {
			line.WriteString(paint(r.out, text.Faint, names[i]+"="))
		}
		line.WriteString(v + " ")
	}
	fmt.Fprintf(r.out, "%s  %s\n", paint(r.out, text.Bold, g.name), strings.TrimSpace(line.String()))
}
