// This file defines the table of host functions.

package engine

import "sync"

// Funcs numbers the bodies of helpers and kfuncs of one Kernel. Lowering asks
// it for numbers, programs are bound to the bodies. It is safe for concurrent
// use; numbers never change, bodies are never replaced.
type Funcs struct {
	mu      sync.RWMutex
	numbers map[string]int32
	bodies  []Func
}

// Add gives name a body. A name that has one already keeps it, and ok is false.
func (f *Funcs) Add(name string, body Func) (number int32, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n, taken := f.numbers[name]; taken {
		return n, false
	}
	if f.numbers == nil {
		f.numbers = make(map[string]int32)
	}
	n := int32(len(f.bodies))
	f.numbers[name] = n
	f.bodies = append(f.bodies, body)
	return n, true
}

// Number gives the number of a name; ok is false when it has no body.
func (f *Funcs) Number(name string) (number int32, ok bool) {
	if f == nil {
		return 0, false
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	number, ok = f.numbers[name]
	return number, ok
}

// body gives the body of a number, nil when there is none.
func (f *Funcs) body(number int32) Func {
	if f == nil {
		return nil
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if number < 0 || int(number) >= len(f.bodies) {
		return nil
	}
	return f.bodies[number]
}
