// This file defines reading ahead where the source reads whole batches.

package attach

import "sync"

// Filler reads packets a batch at a time: each is used where it was read to.
type Filler interface {
	// Fill reads at least one packet into an empty batch, and waits for no more
	// than that. What ends the source may come with packets before it.
	Fill(*Batch) error
}

// filled is a Source that a Filler may stand in for. A nil one does not.
type filled interface{ Filler() Filler }

// blocks gives the packets of batches that a goroutine fills: one is emptied
// while another is filled, and a third waits for whoever is first.
type blocks struct {
	src        Source
	full, free chan *Batch
	using      *Batch
	closing    sync.Once
	closed     chan struct{}
}

const blockBatches = 3

func readBlocks(src Source, f Filler) *blocks {
	b := &blocks{
		src: src, using: &Batch{}, closed: make(chan struct{}),
		full: make(chan *Batch, blockBatches), free: make(chan *Batch, blockBatches),
	}
	for range blockBatches - 1 {
		b.free <- &Batch{}
	}
	go b.read(f)
	return b
}

func (b *blocks) read(f Filler) {
	for {
		select {
		case batch := <-b.free:
			batch.empty()
			batch.err = f.Fill(batch)
			b.full <- batch
			if batch.err != nil {
				return
			}
		case <-b.closed:
			return
		}
	}
}

// Next implements Source.
func (b *blocks) Next(p *Packet) error {
	for !b.using.Next(p) {
		if b.using.err != nil {
			return b.using.err
		}
		b.free <- b.using
		b.using = <-b.full
	}
	return nil
}

// Close implements Source.
func (b *blocks) Close() error {
	b.closing.Do(func() { close(b.closed) })
	return b.src.Close()
}
