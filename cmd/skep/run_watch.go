// This file defines what is shown while packets pass: progress, and --watch.

package main

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"
)

// watch shows how far a run has come: a bar on a terminal, the maps every
// second with --watch.
type watch struct {
	r        *runner
	bar      *progressbar.ProgressBar // nil: none
	progress func() (read, size int64)
	last     time.Time
}

const (
	watchEvery = time.Second
	barEvery   = 100 * time.Millisecond
)

func (r *runner) newWatch(progress func() (read, size int64)) *watch {
	w := &watch{r: r, progress: progress, last: time.Now()}
	if progress == nil || r.flags.watch || !isTerminal(r.err) {
		return w
	}
	_, size := progress()
	if size == 0 {
		size = -1
	}
	w.bar = progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(r.err), progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(30),
		progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(barEvery), progressbar.OptionSetDescription("packets"))
	return w
}

// tick is called now and then, after n packets.
func (w *watch) tick(n int) {
	if w.bar != nil {
		read, _ := w.progress()
		w.bar.Describe(fmt.Sprintf("%d packets", n))
		_ = w.bar.Set64(read) // a bar that cannot be drawn is no reason to stop
	}
	if w.r.flags.watch && time.Since(w.last) >= watchEvery {
		w.last = time.Now()
		w.r.refresh()
	}
}

func (w *watch) stop() {
	if w.bar != nil {
		_ = w.bar.Finish()
	}
}

// refresh prints the maps anew, on a terminal in place.
func (r *runner) refresh() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.json && isTerminal(r.out) {
		fmt.Fprint(r.out, "\x1b[H\x1b[2J")
	}
	if err := r.printMaps(); err != nil {
		r.warn("%v", err)
	}
	if !r.json && !isTerminal(r.out) {
		fmt.Fprintln(r.out)
	}
}
