// This file defines how long work shows that it goes on.

package conformance

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress tells people about stages: a bar on a terminal, a line every tenth
// of the way elsewhere. The zero value is silent.
type Progress struct{ w io.Writer }

// NewProgress writes to w; nil is silent.
func NewProgress(w io.Writer) *Progress { return &Progress{w} }

// Start begins a stage of total steps and returns what to call after each
// step, from any goroutine.
func (p *Progress) Start(what string, total int) (tick func()) {
	switch {
	case p == nil || p.w == nil || total == 0:
		return func() {}
	case isTerminal(p.w):
		bar := progressbar.NewOptions(total,
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish())
		return func() { _ = bar.Add(1) }
	}
	return p.lines(what, total)
}

func (p *Progress) lines(what string, total int) func() {
	var mu sync.Mutex
	done, tenth := 0, 0
	return func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		if t := done * 10 / total; t > tenth {
			tenth = t
			fmt.Fprintf(p.w, "%s: %d of %d\n", what, done, total)
		}
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
