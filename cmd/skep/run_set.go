// This file defines what --set does to variables and maps.

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skepbpf/skep"
)

// setting is one --set: variable=value, or map[key]=value.
type setting struct {
	name   string
	key    string
	hasKey bool
	value  string
	given  bool // a value is given
}

func parseSetting(s string) (setting, error) {
	name, value, given := cutOutside(s)
	out := setting{name: name, value: value, given: given}
	if before, key, ok := strings.Cut(name, "["); ok && strings.HasSuffix(key, "]") {
		out.name, out.key, out.hasKey = before, strings.TrimSuffix(key, "]"), true
	}
	if out.name == "" || !out.hasKey && !given {
		return out, fmt.Errorf("--set %s: want variable=value, map[key]=value or map[key]", s)
	}
	return out, nil
}

// cutOutside cuts at the first '=' that is not part of a key in brackets.
func cutOutside(s string) (before, after string, found bool) {
	depth := 0
	for i, c := range s {
		switch {
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == '=' && depth == 0:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func (f *runFlags) settings() ([]setting, error) {
	var out []setting
	for _, s := range f.set {
		p, err := parseSetting(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// globals are the variables that --set gives, for loading.
func (f *runFlags) globals() (map[string]any, error) {
	settings, err := f.settings()
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, s := range settings {
		if !s.hasKey {
			out[s.name] = skep.Text(s.value)
		}
	}
	return out, nil
}

// setMaps writes the map entries that --set gives.
func (r *runner) setMaps(context.Context, string) error {
	settings, err := r.flags.settings()
	if err != nil {
		return err
	}
	for _, s := range settings {
		if !s.hasKey {
			continue
		}
		if err := r.setEntry(s); err != nil {
			return fmt.Errorf("--set %s[%s]: %w", s.name, s.key, err)
		}
	}
	return nil
}

func (r *runner) setEntry(s setting) error {
	m := r.coll.Maps[s.name]
	if m == nil {
		return unknown("map", s.name, r.coll.Maps)
	}
	shape := r.coll.MapShape(s.name)
	key, err := shape.Key.Parse(int(m.KeySize()), s.key)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	value := make([]byte, m.ValueSize())
	if s.given {
		if value, err = shape.Value.Parse(int(m.ValueSize()), s.value); err != nil {
			return fmt.Errorf("value: %w", err)
		}
	}
	return m.Put(key, value)
}

func unknown[V any](kind, name string, have map[string]V) error {
	names := slices.Sorted(maps.Keys(have))
	if len(names) == 0 {
		return fmt.Errorf("%s %q: not found (there are none)", kind, name)
	}
	return fmt.Errorf("%s %q: not found (there are: %s)", kind, name, strings.Join(names, ", "))
}
