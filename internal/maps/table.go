// This file defines the hash table that all hash kinds share, and how it is read.

package maps

import (
	"math/bits"
	"unsafe"
)

// table is a chained hash table with a fixed number of buckets in one piece of
// memory:
//
//	| head of the pool | bucket 0 | bucket 1 | … | element 0 | element 1 | …
//
// A bucket is the number of its first element plus one, 0 when it is empty.
// An element is
//
//	 0  link   hash<<32 | number of the next element plus one
//	 8  seq    even while the element is in a bucket, odd otherwise
//	12  mark   set by lookups of programs, for LRU
//	16  key    zeros behind it up to a multiple of 8 bytes
//	…   value  for kinds that keep it here
//
// There are two buckets for each entry that fits, so that a chain rarely has
// two elements: a lookup touches one line of buckets and one element.
//
// Readers take no lock. Elements are reused at once, so a reader may find
// itself in another element's life or another bucket's chain. It notices: seq
// changes when an element leaves its bucket and when it enters one, and the
// hash in the link says which bucket that is. It then takes the bucket's lock,
// which writers hold.
type table struct {
	mem     *mem
	buckets unsafe.Pointer
	elems   unsafe.Pointer
	mask    uint32 // number of buckets - 1
	stride  uintptr
	keys    keying
	pool
	stripes []stripe
}

// Offsets in an element.
const (
	elemLink   = 0
	elemSeq    = 8
	elemMark   = 12
	elemKey    = 16
	elemHeader = 16
)

// element is the address of one.
type element = unsafe.Pointer

// maxHashEntries is the most that the kernel's 32-bit sizes of buckets allow.
const maxHashEntries = 1 << 27

// layTable lays a table out: elements of stride bytes behind the buckets for n
// entries.
func layTable(n, elements, stride uint64) (buckets, elems, size uint64) {
	buckets = 2 << bits.Len64(n-1)
	elems = (poolHead + 4*buckets + 63) &^ 63
	return buckets, elems, elems + elements*stride
}

func (t *table) bucket(hash uint32) unsafe.Pointer { return at(t.buckets, 4*uintptr(hash&t.mask)) }

// elem is the element with a number, counted from 1.
func (t *table) elem(n uint32) element { return at(t.elems, uintptr(n-1)*t.stride) }

// number is elem's inverse.
func (t *table) number(e element) uint32 {
	return uint32((uintptr(e)-uintptr(t.elems))/t.stride) + 1
}

func keyOf(e element) unsafe.Pointer { return at(e, elemKey) }

func linkOf(hash, next uint32) uint64 { return uint64(hash)<<32 | uint64(next) }

const (
	// maxTries is how often a reader in user space tries without a lock.
	maxTries = 4
	// maxHops bounds a walk that strayed.
	maxHops = 1 << 10
)

// find returns a key's element and the seq that it had, nil when there is none.
// What is read of the element afterwards was the key's if seq is still the same.
func (t *table) find(key unsafe.Pointer) (e element, seq uint32) {
	if !t.keys.short {
		return t.findLong(key)
	}
	word := word(key, t.keys.size)
	hash := t.keys.hashWord(word)
	n := load32(t.bucket(hash))
	for range maxHops {
		if n == 0 {
			return nil, 0
		}
		e = t.elem(n)
		seq = load32(at(e, elemSeq))
		link := load64(e)
		found := load64(keyOf(e)) == word && uint32(link>>32) == hash
		if !t.settled(e, seq, link, hash) {
			break
		}
		if found {
			return e, seq
		}
		n = uint32(link)
	}
	return t.findLocked(key, hash)
}

// findLong is find for keys of more than 8 bytes.
func (t *table) findLong(key unsafe.Pointer) (e element, seq uint32) {
	hash := t.keys.hash(key)
	n := load32(t.bucket(hash))
	for range maxHops {
		if n == 0 {
			return nil, 0
		}
		e = t.elem(n)
		seq = load32(at(e, elemSeq))
		link := load64(e)
		found := uint32(link>>32) == hash && t.keys.equal(keyOf(e), key)
		if !t.settled(e, seq, link, hash) {
			break
		}
		if found {
			return e, seq
		}
		n = uint32(link)
	}
	return t.findLocked(key, hash)
}

// settled reports whether what was read of e since its seq belongs together, and
// to the bucket of hash.
func (t *table) settled(e element, seq uint32, link uint64, hash uint32) bool {
	readBarrier()
	return seq&1 == 0 && load32(at(e, elemSeq)) == seq && (uint32(link>>32)^hash)&t.mask == 0
}

// findLocked is find after a writer was in the way.
func (t *table) findLocked(key unsafe.Pointer, hash uint32) (e element, seq uint32) {
	s := t.lock(hash)
	defer s.Unlock()
	if _, e = t.search(key, hash); e != nil {
		seq = load32(at(e, elemSeq))
	}
	return e, seq
}

// search finds a key under the bucket's lock. prev is where the element's number
// stands: a bucket, or the link of the element before it.
func (t *table) search(key unsafe.Pointer, hash uint32) (prev unsafe.Pointer, e element) {
	prev = t.bucket(hash)
	for n := load32(prev); n != 0; {
		e = t.elem(n)
		link := load64(e)
		if uint32(link>>32) == hash && t.keys.equal(keyOf(e), key) {
			return prev, e
		}
		prev, n = e, uint32(link)
	}
	return prev, nil
}

// nextKey copies the key behind another one in its bucket, or else the first
// key of a later bucket; false at the end.
func (t *table) nextKey(key, to unsafe.Pointer) bool {
	b := uint32(0)
	if key != nil {
		c := t.begin(key)
		after := uint32(0)
		if c.old != nil {
			b, after = c.hash&t.mask+1, uint32(load64(c.old))
		}
		ok := t.copyKey(after, to)
		c.end()
		if ok {
			return true
		}
	}
	for ; b <= t.mask; b++ {
		if t.firstKey(b, to) {
			return true
		}
	}
	return false
}

// firstKey copies the first key of a bucket.
func (t *table) firstKey(b uint32, to unsafe.Pointer) bool {
	if load32(t.bucket(b)) == 0 {
		return false
	}
	s := t.lock(b)
	defer s.Unlock()
	return t.copyKey(load32(t.bucket(b)), to)
}

// copyKey copies the key of the element numbered n, which the caller has
// locked; false for 0, no element.
func (t *table) copyKey(n uint32, to unsafe.Pointer) bool {
	if n != 0 {
		copy(view(to, t.keys.size), view(keyOf(t.elem(n)), t.keys.size))
	}
	return n != 0
}

// listed is an element of a bucket, and the seq that says whether it still is.
type listed struct {
	e   element
	seq uint32
}

// list appends a bucket's elements, under its lock.
func (t *table) list(b uint32, to []listed) []listed {
	if load32(t.bucket(b)) == 0 {
		return to
	}
	s := t.lock(b)
	defer s.Unlock()
	return t.chain(b, to)
}

// chain is list for callers that have the lock.
func (t *table) chain(b uint32, to []listed) []listed {
	for n := load32(t.bucket(b)); n != 0; {
		e := t.elem(n)
		to = append(to, listed{e, load32(at(e, elemSeq))})
		n = uint32(load64(e))
	}
	return to
}

// each calls fn for every element until it returns false, and counts the
// calls. Elements that leave meanwhile are not called for.
func (t *table) each(fn func(element) bool) (n int) {
	var room [8]listed
	for b := range uint64(t.mask) + 1 {
		for _, l := range t.list(uint32(b), room[:0]) {
			if !t.holds(l.e, l.seq) {
				continue
			}
			n++
			if !fn(l.e) {
				return n
			}
		}
	}
	return n
}

// holds reports whether e has been in its bucket since it had that seq.
func (t *table) holds(e element, seq uint32) bool {
	readBarrier()
	return load32(at(e, elemSeq)) == seq
}
