// This file tests dynptrs: how they begin and end, which writes end them, and
// how long memory inside them may be used.

package verify_test

import (
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
)

// Pieces of programs. A dynptr lies at fp-16 unless a piece says otherwise.
const (
	// localAt makes one of the 64 bytes of a map value where R4 points.
	localAt = `; r1 = value[large]+0; r2 = 64; r3 = 0; call dynptr_from_mem;`
	local   = `; r4 = r10; r4 += -16` + localAt
	// record makes one of a record in a ring buffer.
	record       = `; r1 = map[events]; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call ringbuf_reserve_dynptr;`
	submitRecord = `; r1 = r10; r1 += -16; r2 = 0; call ringbuf_submit_dynptr;`
	fromXDP      = `; r2 = 0; r3 = r10; r3 += -16; kfunc bpf_dynptr_from_xdp;`
	fromSKB      = `; r2 = 0; r3 = r10; r3 += -16; kfunc bpf_dynptr_from_skb;`

	this = `; r1 = r10; r1 += -16;`
	// size needs an initialised dynptr where R1 points.
	size   = `; kfunc bpf_dynptr_size;`
	useIt  = this + size
	cloned = this + `r2 = r10; r2 += -32; kfunc bpf_dynptr_clone;`
	// data puts 8 bytes inside into R6.
	data = this + `r2 = 0; r3 = 8; call dynptr_data; if r0 == 0 goto none; r6 = r0;`
	// slice puts 8 bytes inside, or in the buffer at fp-48, into R6.
	slice = `; *(u64 *)(r10 -48) = 0` + this + `r2 = 0; r3 = r10; r3 += -48; r4 = 8; kfunc bpf_dynptr_slice; if r0 == 0 goto none; r6 = r0;`
	read  = `; r0 = *(u8 *)(r6 +0);`
	none  = `; none: r0 = 0; exit;`
	// late is the end of a program that holds a record.
	late = `; none: ` + submitRecord + `r0 = 0; exit;`

	uninitialised = "Expected an initialized dynptr as arg #0"
	overwritten   = "cannot overwrite referenced dynptr"
	unacquired    = "arg 1 is an unacquired reference"
	notDynptr     = "arg#0 expected pointer to stack or const struct bpf_dynptr"
	random        = `; call get_prandom_u32;`
)

var tcProgram = controlProgram{typ: bytecode.ProgSchedCLS}

var dynptrRows = []controlRow{
	{name: "local", text: local + useIt + data + read + none},
	{name: "record", text: record + data + `*(u64 *)(r6 +0) = 1` + late},
	{name: "packet", text: fromXDP + slice + read + none},
	{name: "frame", text: fromSKB + slice + read + none, as: tcProgram},
	{name: "none", text: this + size + none, line: uninitialised},
	{name: "plain bytes", text: `*(u64 *)(r10 -16) = 0; *(u64 *)(r10 -8) = 0` + useIt + none, line: uninitialised},
	{name: "second slot", text: local + `r1 = r10; r1 += -8` + size + none, line: uninitialised},
	{name: "below", text: local + `r1 = r10; r1 += -24` + size + none, line: uninitialised},
	{name: "one past", text: local + `*(u64 *)(r10 -24) = 0; r1 = r10; r1 += -24` + size + none, line: uninitialised},
	{name: "odd", text: local + `r1 = r10; r1 += -12` + size + none, line: uninitialised},
	{name: "map value", text: local + `r1 = value[large]+0` + size + none, line: notDynptr},
	{name: "number", text: local + `r1 = 0` + size + none, line: notDynptr},
	{name: "variable", text: random + `r6 = r0; r6 &= 8` + local + `r1 = r10; r1 += -16; r1 += r6` + size + none, line: uninitialised},

	{name: "of the stack", text: `*(u64 *)(r10 -24) = 0; r1 = r10; r1 += -24; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call dynptr_from_mem` + none, line: "Unsupported reg type fp for bpf_dynptr_from_mem data"},
	{name: "of a record", text: reserved(`r1 = r6; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call dynptr_from_mem` + submit), line: "Unsupported reg type ringbuf_mem for bpf_dynptr_from_mem data"},
	{name: "of more than there is", text: `r1 = value[large]+0; r2 = 65; r3 = 0; r4 = r10; r4 += -16; call dynptr_from_mem` + none, line: outsideValueR1},
	{name: "made at an odd place", text: `r4 = r10; r4 += -12` + localAt + none, line: "Dynptr has to be an uninitialized dynptr"},
	{name: "made half outside", text: `r4 = r10; r4 += -8` + localAt + none, line: "Dynptr has to be an uninitialized dynptr"},
	{name: "made too deep", text: `r4 = r10; r4 += -520` + localAt + none, line: "invalid write to stack R4 off=-520 size=8"},
	{name: "made in a map value", text: `r4 = value[large]+0` + localAt + none, line: "R4 type=map_value expected=fp, dynptr_ptr"},

	{name: "record never given back", text: record + none, line: leak},
	{name: "record given back on one path", text: record + random + `if r0 > 5 goto none` + submitRecord + none, line: leak},
	{name: "record given back twice", text: record + submitRecord + submitRecord + none, line: unacquired},
	{name: "record used after", text: record + submitRecord + useIt + none, line: uninitialised},
	{name: "local given back", text: local + submitRecord + none, line: unacquired},
	{name: "nothing given back", text: this + `r2 = 0; call ringbuf_submit_dynptr` + none, line: unacquired},
	{name: "second slot given back", text: record + `r1 = r10; r1 += -8; r2 = 0; call ringbuf_submit_dynptr` + late, line: unacquired},
	{name: "a spilled record is none", text: reserved(`*(u64 *)(r10 -16) = r6; r1 = r10; r1 += -16; r2 = 0; call ringbuf_submit_dynptr` + submit), line: uninitialised},
	{name: "records in a loop", text: `r7 = 0; next:` + record + `r7 += 1; if r7 < 4 goto next` + late, line: overwritten},
	{name: "records in a loop, given back", text: `r7 = 0; next:` + record + submitRecord + `r7 += 1; if r7 < 4 goto next` + none},
	{name: "tail call", text: `r6 = r1` + record + `r1 = r6; r2 = map[progs]; r3 = 0; call tail_call` + late, line: "tail_call would lead to reference leak"},
	{name: "memory inside submitted", text: record + data + `r1 = r6; r2 = 0; call ringbuf_submit` + late, line: "R1 type=mem expected=ringbuf_mem"},

	{name: "store over a record", text: record + `*(u64 *)(r10 -16) = 0` + late, line: overwritten},
	{name: "store over its second slot", text: record + `*(u64 *)(r10 -8) = 0` + late, line: overwritten},
	{name: "byte over a record", text: record + `*(u8 *)(r10 -1) = 0` + late, line: overwritten},
	{name: "spill over a record", text: record + `*(u64 *)(r10 -16) = r10` + late, line: overwritten},
	{name: "store at an unknown place", text: random + `r6 = r0; r6 &= 8; *(u64 *)(r10 -24) = 0` + record + `r1 = r10; r1 += -24; r1 += r6; *(u8 *)(r1 +0) = 1` + late, line: overwritten},
	{name: "store at an unknown place beside", text: random + `r6 = r0; r6 &= 7; *(u64 *)(r10 -24) = 0` + record + `r1 = r10; r1 += -24; r1 += r6; *(u8 *)(r1 +0) = 1` + late},
	{name: "atomic over a record", text: record + `r1 = 1; lock *(u64 *)(r10 -16) += r1` + late, line: "invalid read from stack off -16+0 size 8"},
	{name: "load of a record", text: record + `r1 = *(u64 *)(r10 -16)` + late, line: "invalid read from stack off -16+0 size 8"},
	{name: "helper writes over a record", text: record + `r1 = r10; r1 += -16; r2 = 8; r3 = 0; call probe_read_kernel` + late, line: "potential write to dynptr at off=-16 disallowed", as: controlProgram{typ: bytecode.ProgKprobe}},
	{name: "helper reads a dynptr", text: local + `r1 = map[small]; r2 = r10; r2 += -16; call map_lookup_elem` + none, line: "invalid read from stack R2 off -16+0 size 4"},
	{name: "record over a record", text: record + record + late, line: overwritten},
	{name: "iterator over a record", text: record + `r1 = r10; r1 += -16; r2 = 0; r3 = 4; kfunc bpf_iter_num_new` + late, line: overwritten},
	{name: "store over a local one", text: local + `*(u64 *)(r10 -16) = 0` + useIt + none, line: uninitialised},
	{name: "byte over its second slot", text: local + `*(u8 *)(r10 -1) = 0` + useIt + none, line: uninitialised},
	{name: "half is left", text: local + `*(u64 *)(r10 -16) = 0; r1 = *(u64 *)(r10 -16)` + none},
	{name: "local over local", text: local + local + useIt + none},
	{name: "overlapping", text: local + `r4 = r10; r4 += -24` + localAt + useIt + none, line: uninitialised},
	{name: "overlapping, the new one", text: local + `r4 = r10; r4 += -24` + localAt + `r1 = r10; r1 += -24` + size + none},
	{name: "overlapping the other way", text: `r4 = r10; r4 += -24` + localAt + local + `r1 = r10; r1 += -24` + size + none, line: uninitialised},
	{name: "written by the callee", text: local + `r1 = r10; r1 += -8; call over` + useIt + none + over, line: uninitialised},
	{name: "record written by the callee", text: record + `r1 = r10; r1 += -8; call over` + late + over, line: overwritten},
	{name: "given back by the callee", text: record + `r1 = r10; r1 += -16; call back` + none + back},
	{name: "given back by the callee and again", text: record + `r1 = r10; r1 += -16; call back` + late + back, line: unacquired},
	{name: "made by the callee", text: `r1 = r10; r1 += -16; call build` + useIt + none + build},
	{name: "left in the callee's frame", text: `call keep` + none + keep, line: leak},
	{name: "left by a callback", text: visit + none + `; static each(long, long):` + record + `r0 = 0; exit;`, line: leak},
	{name: "made and given back by a callback", text: visit + none + `; static each(long, long):` + record + submitRecord + `r0 = 0; exit;`},
	{name: "given back by a callback", text: record + visit + late + `; static each(long, long): r1 = r2; r2 = 0; call ringbuf_submit_dynptr; r0 = 1; exit;`, line: unacquired},
	{name: "made by a callback", text: visit + useIt + none + `; static each(long, long): r4 = r2` + localAt + `r0 = 0; exit;`, line: uninitialised},
	{name: "made again by a callback", text: local + visit + useIt + none + `; static each(long, long): r4 = r2` + localAt + `r0 = 0; exit;`},
	{name: "data kept past a callback that makes it again", text: local + data + visit + read + none + `; static each(long, long): r4 = r2` + localAt + `r0 = 0; exit;`, line: "R6 invalid mem access 'scalar'"},

	{name: "data after the dynptr was overwritten", text: local + data + `*(u64 *)(r10 -16) = 0` + read + none, line: "R6 invalid mem access 'scalar'"},
	{name: "data before its comparison with NULL", text: local + this + `r2 = 0; r3 = 8; call dynptr_data; r6 = r0; *(u64 *)(r10 -16) = 0; if r6 == 0 goto none` + read + none, line: "R6 invalid mem access 'scalar'"},
	{name: "spilled data", text: local + data + `*(u64 *)(r10 -24) = r6; *(u64 *)(r10 -16) = 0; r6 = *(u64 *)(r10 -24)` + read + none, line: "R6 invalid mem access 'scalar'"},
	{name: "data of another one", text: local + data + `r4 = r10; r4 += -32` + localAt + `*(u64 *)(r10 -32) = 0` + read + none},
	{name: "data after the record was given back", text: record + data + submitRecord + read + none + `; late:`, line: "R6 invalid mem access 'scalar'"},
	{name: "data past its end", text: local + data + `r0 = *(u8 *)(r6 +8)` + none, line: outsideR6},
	{name: "data not compared with NULL", text: local + this + `r2 = 0; r3 = 8; call dynptr_data; r0 = *(u8 *)(r0 +0)` + none, line: "R0 invalid mem access 'mem_or_null'"},
	{name: "data of unknown size", text: local + random + this + `r2 = 0; r3 = r0; call dynptr_data` + none, line: "R3 is not a known constant'"},
	{name: "slice after the dynptr was overwritten", text: fromXDP + slice + `*(u64 *)(r10 -16) = 0` + read + none},
	{name: "slice after the packet changed", text: `r7 = r1` + fromXDP + slice + `r1 = r7; r2 = 0; call xdp_adjust_head` + read + none, line: "R6 invalid mem access 'scalar'"},
	{name: "data after the packet changed", text: `r7 = r1` + local + data + `r1 = r7; r2 = 0; call xdp_adjust_head` + read + none},
	{name: "store to a slice", text: fromXDP + slice + `*(u8 *)(r6 +0) = 1` + none, line: "R6 cannot write into rdonly_mem"},
	{name: "slice without a buffer", text: fromXDP + this + `r2 = 0; r3 = 0; r4 = 8; kfunc bpf_dynptr_slice; if r0 == 0 goto none; r0 = *(u8 *)(r0 +7)` + none},
	{name: "slice larger than its buffer", text: fromXDP + `*(u64 *)(r10 -48) = 0` + this + `r2 = 0; r3 = r10; r3 += -48; r4 = 64; kfunc bpf_dynptr_slice` + none, line: "arg#2 arg#3 memory, len pair leads to invalid memory access"},
	{name: "slice of unknown size", text: `r6 = r1` + random + `r6 = r0; r6 &= 7` + local + `*(u64 *)(r10 -48) = 0` + this + `r2 = 0; r3 = r10; r3 += -48; r4 = r6; kfunc bpf_dynptr_slice` + none, line: "R4 must be a known constant"},
	{name: "writable slice", text: fromXDP + writable + `*(u8 *)(r6 +0) = 1` + none},
	{name: "writable slice where packets are read-only", text: local + writable + none, line: "the prog does not allow writes to packet data", as: controlProgram{typ: bytecode.ProgKprobe}},
	{name: "slice beyond its start to a helper", text: fromXDP + slice + `r6 += 4; r1 = map[small]; r2 = r6; call map_lookup_elem` + none, line: "R2 type=rdonly_mem expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_"},
	{name: "moved slice as memory", text: fromSKB + slice + `r6 += 4; r1 = r6; r2 = 4; r3 = 0; r4 = 0; r5 = 0; call csum_diff` + none, line: "dereference of modified rdonly_mem ptr R1 off=4 disallowed", as: tcProgram},
	{name: "slice as memory", text: fromSKB + slice + `r1 = r6; r2 = 4; r3 = 0; r4 = 0; r5 = 0; call csum_diff` + none, as: tcProgram},

	{name: "clone", text: local + cloned + `r1 = r10; r1 += -32` + size + none},
	{name: "clone of nothing", text: cloned + none, line: uninitialised},
	{name: "clone over its parent", text: local + this + `r2 = r10; r2 += -16; kfunc bpf_dynptr_clone` + useIt + none},
	{name: "clone of a record over it", text: record + this + `r2 = r10; r2 += -16; kfunc bpf_dynptr_clone` + late, line: overwritten},
	{name: "clone given back", text: record + cloned + `r1 = r10; r1 += -32; r2 = 0; call ringbuf_submit_dynptr` + none},
	{name: "clone given back too", text: record + cloned + submitRecord + `r1 = r10; r1 += -32; r2 = 0; call ringbuf_submit_dynptr` + none, line: unacquired},
	{name: "clone after its parent", text: record + cloned + submitRecord + `r1 = r10; r1 += -32` + size + none, line: uninitialised},
	{name: "parent after its clone", text: record + cloned + `r1 = r10; r1 += -32; r2 = 0; call ringbuf_submit_dynptr` + useIt + none, line: uninitialised},
	{name: "clone overwritten", text: record + cloned + `*(u64 *)(r10 -32) = 0` + late, line: overwritten},
	{name: "parent overwritten", text: local + cloned + `*(u64 *)(r10 -16) = 0; r1 = r10; r1 += -32` + size + none},
	{name: "data of a clone after its parent", text: record + cloned + `r1 = r10; r1 += -32; r2 = 0; r3 = 8; call dynptr_data; if r0 == 0 goto none; r6 = r0` + submitRecord + read + `r0 = 0; exit` + late, line: "R6 invalid mem access 'scalar'"},
	{name: "data of a clone, parent overwritten", text: local + cloned + `r1 = r10; r1 += -32; r2 = 0; r3 = 8; call dynptr_data; if r0 == 0 goto none; r6 = r0; *(u64 *)(r10 -16) = 0` + read + none},

	{name: "packet pointer after a write to the frame", text: frame + fromSKB + this + `r2 = 0; r3 = r10; r3 += -48; *(u64 *)(r10 -48) = 0; r4 = 8; r5 = 0; call dynptr_write; r0 = *(u8 *)(r7 +0)` + none, line: "R7 invalid mem access 'scalar'", as: tcProgram},
	{name: "packet pointer after a write to metadata", text: frame + `; r2 = 0; r3 = r10; r3 += -16; kfunc bpf_dynptr_from_skb_meta` + this + `r2 = 0; r3 = r10; r3 += -48; *(u64 *)(r10 -48) = 0; r4 = 8; r5 = 0; call dynptr_write; r0 = *(u8 *)(r7 +0)` + none, line: "R7 invalid mem access 'scalar'", as: tcProgram},
	{name: "slice of metadata after the packet changed", text: `; r6 = r1; r2 = 0; r3 = r10; r3 += -16; kfunc bpf_dynptr_from_skb_meta; r7 = r6` + slice + `r1 = r7; r2 = 0; call skb_pull_data` + read + none, line: "R6 invalid mem access 'scalar'", as: tcProgram},
	{name: "slice of a record after it was given back", text: record + writable + submitRecord + `*(u8 *)(r6 +0) = 1; r0 = 0; exit` + late, line: "R6 invalid mem access 'scalar'", kernelErrs: true},
	{name: "slice of a record", text: record + writable + `*(u8 *)(r6 +0) = 1` + late},
	{name: "packet pointer after a write to memory", text: frame + local + this + `r2 = 0; r3 = r10; r3 += -48; *(u64 *)(r10 -48) = 0; r4 = 8; r5 = 0; call dynptr_write; r0 = *(u8 *)(r7 +0)` + none, as: tcProgram},

	{name: "of different kinds by path", text: `r6 = r1` + frameR6 + random + `if r0 > 5 goto second` + local + `goto join; second: r1 = r6` + fromSKB + `join:` + this + `r2 = 0; r3 = r10; r3 += -48; *(u64 *)(r10 -48) = 0; r4 = 8; r5 = 0; call dynptr_write; r0 = *(u8 *)(r7 +0)` + none, line: "R7 invalid mem access 'scalar'", as: tcProgram},
	{name: "at different places by path", text: random + `if r0 > 5 goto second` + local + `goto join; second: r4 = r10; r4 += -24` + localAt + `join:` + useIt + none, line: uninitialised},
	{name: "between two", text: local + `r4 = r10; r4 += -32` + localAt + `r1 = r10; r1 += -24` + size + none, line: uninitialised},
	{name: "between two by path", text: random + `if r0 > 5 goto second; r4 = r10; r4 += -24` + localAt + `goto join; second:` + local + `r4 = r10; r4 += -32` + localAt + `join: r1 = r10; r1 += -24` + size + none, line: uninitialised},
	{name: "data in one register, of different ones by path", text: local + `r4 = r10; r4 += -32` + localAt + random + `if r0 > 5 goto second; r1 = r10; r1 += -32; r2 = 0; r3 = 8; call dynptr_data; if r0 == 0 goto none; r6 = r0; goto join; second:` + data + `join: *(u64 *)(r10 -16) = 0` + read + none, line: "R6 invalid mem access 'scalar'"},
	{name: "on one path", text: random + `if r0 > 5 goto join` + local + `join:` + useIt + none, line: uninitialised},
	{name: "data of different ones by path", text: local + `r4 = r10; r4 += -32` + localAt + random + `r7 = r10; r7 += -32; if r0 > 5 goto join; r7 = r10; r7 += -16; join: r1 = r7; r2 = 0; r3 = 8; call dynptr_data; if r0 == 0 goto none; r6 = r0; *(u64 *)(r10 -16) = 0` + read + none, line: "R6 invalid mem access 'scalar'"},
	{name: "slices of different sizes by path", text: fromXDP + random + `r6 = 4; if r0 > 5 goto join; r6 = 64; join:` + this + `r2 = 0; r3 = 0; r4 = r6; kfunc bpf_dynptr_slice; if r0 == 0 goto none; r0 = *(u8 *)(r0 +8)` + none, line: outsideR0, kernelErrs: true},

	{name: "slice, NULL or a number for a buffer by path", text: fromXDP + random + `r6 = r0; if r0 > 5 goto join; r6 = 0; join:` + this + `r2 = 0; r3 = r6; r4 = 8; kfunc bpf_dynptr_slice` + none, line: "arg#2 arg#3 memory, len pair leads to invalid memory access", kernelErrs: true},
	{name: "clone in a callee's frame", text: record + this + `call cloner` + none + cloner, line: uninitialised, kernelErrs: true},
	{name: "packet pointer after a copy", text: frame + fromSKB + `r4 = r10; r4 += -32` + localAt + this + `r2 = 0; r3 = r10; r3 += -32; r4 = 0; r5 = 8; kfunc bpf_dynptr_copy; r0 = *(u8 *)(r7 +0)` + none, line: "R7 invalid mem access 'scalar'", as: tcProgram, kernelErrs: true},
	{name: "packet pointer after a memset", text: frame + fromSKB + this + `r2 = 0; r3 = 8; r4 = 0; kfunc bpf_dynptr_memset; r0 = *(u8 *)(r7 +0)` + none, line: "R7 invalid mem access 'scalar'", as: tcProgram, kernelErrs: true},

	{name: "two records as arguments", text: reserved(`*(u64 *)(r6 +0) = 1; r1 = map[small]; r2 = r6; r3 = r6; r4 = 0; call map_update_elem` + submit), line: "more than one arg with ref_obj_id R3 2 2"},
	{name: "data of a record twice as arguments", text: record + data + `*(u64 *)(r6 +0) = 1; r1 = map[small]; r2 = r6; r3 = r6; r4 = 0; call map_update_elem` + late, line: "more than one arg with ref_obj_id R3 2 2"},
	{name: "data of a record as an argument", text: record + data + `*(u64 *)(r6 +0) = 1; r1 = map[small]; r2 = r6; r3 = r10; r3 += -24; *(u64 *)(r10 -24) = 0; r4 = 0; call map_update_elem` + late},

	{name: "user ring", text: drain(`*(u64 *)(r10 -8) = 0; r2 = 0; r3 = 1; r1 = r1; call dynptr_data`)},
	{name: "user ring, read", text: drain(`r3 = r1; r1 = r10; r1 += -8; r2 = 8; r4 = 0; r5 = 0; call dynptr_read`)},
	{name: "user ring, moved", text: drain(`r1 += 8; r2 = 0; r3 = 1; call dynptr_data`), line: "dereference of modified dynptr_ptr ptr R1 off=8 disallowed"},
	{name: "user ring, given back", text: drain(`r2 = 0; call ringbuf_submit_dynptr`), line: "cannot release unowned const bpf_dynptr"},
	{name: "user ring, overwritten", text: drain(`r4 = r1` + localAt), line: "Dynptr has to be an uninitialized dynptr"},
	{name: "user ring, stored to", text: drain(`*(u64 *)(r1 +0) = 0`), line: "R1 invalid mem access 'dynptr_ptr'"},
	{name: "user ring, loaded from", text: drain(`r0 = *(u64 *)(r1 +0)`), line: "R1 invalid mem access 'dynptr_ptr'"},
	{name: "user ring, spilled", text: drain(`*(u64 *)(r10 -8) = r1; r1 = *(u64 *)(r10 -8); r2 = 0; r3 = 1; call dynptr_data`), line: "R1 type=scalar expected=fp, dynptr_ptr"},
	{name: "user ring, cloned", text: drain(`r2 = r10; r2 += -16; kfunc bpf_dynptr_clone; r1 = r10; r1 += -16` + size)},

	{name: "global function", text: local + this + `call takes` + none + takes},
	{name: "global function, none", text: this + `call takes` + none + takes, line: badArgs},
	{name: "global function, number", text: `r1 = 0; call takes` + none + takes, line: badArgs},
	{name: "global function, second slot", text: local + `r1 = r10; r1 += -8; call takes` + none + takes, line: badArgs},
	{name: "global function keeps it", text: record + this + `call takes` + submitRecord + none + takes},
	{name: "global function gives it back", text: record + this + `call gives` + submitRecord + none + gives, line: "cannot release unowned const bpf_dynptr"},
}

const (
	writable = `; *(u64 *)(r10 -48) = 0; r1 = r10; r1 += -16; r2 = 0; r3 = r10; r3 += -48; r4 = 8; kfunc bpf_dynptr_slice_rdwr; if r0 == 0 goto none; r6 = r0;`
	over     = `; static over(long): *(u64 *)(r1 +0) = 0; r0 = 0; exit;`
	back     = `; static back(long): r2 = 0; call ringbuf_submit_dynptr; r0 = 0; exit;`
	build    = `; static build(long): r4 = r1` + localAt + `r0 = 0; exit;`
	keep     = `; static keep():` + record + `r0 = 0; exit;`
	takes    = `; global takes(dynptr): r2 = 0; r3 = 8; call dynptr_data; if r0 == 0 goto no; r0 = *(u8 *)(r0 +0); no: r0 = 0; exit;`
	gives    = `; global gives(dynptr): r2 = 0; call ringbuf_submit_dynptr; r0 = 0; exit;`
	cloner   = `; static cloner(long): r6 = r1; r2 = r10; r2 += -16; kfunc bpf_dynptr_clone; r1 = r6; r2 = 0; call ringbuf_submit_dynptr` + this + `r2 = 0; r3 = 8; call dynptr_data; if r0 == 0 goto no; r0 = *(u8 *)(r0 +0); no: r0 = 0; exit;`
	visit    = `; r1 = 3; r2 = func each; r3 = r10; r3 += -16; r4 = 0; call loop;`
	badArgs  = "Caller passes invalid args into func#1 ('takes')"
	// frame has a byte of the packet in R7, R1 is the context.
	frame   = `; r6 = r1;` + frameR6 + `r1 = r6;`
	frameR6 = `; r7 = *(u32 *)(r6 +76); r2 = *(u32 *)(r6 +80); r3 = r7; r3 += 8; if r3 > r2 goto none;`

	outsideR0      = "R0 min value is outside of the allowed memory range"
	outsideR6      = "R6 min value is outside of the allowed memory range"
	outsideValueR1 = "R1 min value is outside of the allowed memory range"
)

// drain runs a callback on what user space wrote into a ring buffer. R2 points
// to 8 bytes of the caller.
func drain(callback string) string {
	return `
		*(u64 *)(r10 -8) = 0
		r1 = map[users]
		r2 = func sample
		r3 = r10
		r3 += -8
		r4 = 0
		call user_ringbuf_drain
		r0 = 0
		exit
		static sample(long, long):
	` + callback + `; r0 = 0; exit;`
}

func TestDynptrs(t *testing.T) { checkRows(t, dynptrRows) }
