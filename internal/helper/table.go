// This file defines the table of bodies.

package helper

import (
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/engine"
)

// bodies has every body of this package.
var bodies = map[catalog.FuncID]engine.Func{}

// Lookup gives the body of a helper. ok is false when it has none in user
// space; Reason then says why.
func Lookup(id catalog.FuncID) (body engine.Func, ok bool) {
	body, ok = bodies[id]
	return body, ok
}

// Bodies gives a new table of all bodies, to which the caller may add.
func Bodies() *engine.Funcs {
	f := &engine.Funcs{}
	for id, body := range bodies {
		f.Add(string(id), body)
	}
	return f
}
