// This file defines a lowered program.

package ir

// Code is a lowered program. It is immutable and may run on many goroutines at
// once. The addresses of its maps are in its operations, so it lives no longer
// than they do.
type Code struct {
	Name string
	Type uint32 // program type, with bpf(2)'s numbers
	Ops  []Op
	// Slots gives the bytecode slot that each operation came from, so that
	// engines can speak of the program that people know.
	Slots []int32
	// First gives the first operation of each bytecode slot; -1 for slots
	// that have none (unreachable code, second halves of 64-bit loads).
	First []int32
	Funcs []Func // function 0 is the program
	Calls []Call // sites of CallHost operations
	// ChangesPkt: a call may move packet data, so a packet is not used in place.
	ChangesPkt bool
}

// Func is one function of a program.
type Func struct {
	Name  string
	Entry int32 // index of its first operation
	Slot  int32 // bytecode slot of its first instruction
	Stack int32 // bytes below its frame pointer that it touches, a multiple of 8
}

// Call is a place where the program calls a host function.
type Call struct {
	Name string // the helper's name, for traces
	Body int32  // number of the body in the engine's function table
	Map  int32  // index of the map that the call is about; -1 when none or not always the same
	// Callback is the function that the host function calls back; -1 when
	// none or not always the same.
	Callback int32
	// MemSize is the constant size of an allocation; 0 for other calls.
	MemSize uint32
	// Lookup stands in place of the call where the map of a look-up supplies
	// a recipe; nil is "call".
	Lookup Recipe
}

// MapRef is what lowering needs of a live map.
type MapRef struct {
	Handle uint64 // what a register holds for the map
	Value  uint64 // address of the single value of an array; 0 for other maps
	Lookup Recipe
}

// funcHandle marks the values that stand for functions of the program.
const funcHandle = 0x5ce9 << 48

// FuncHandle gives the value by which a program hands its function fn to a
// host function that calls it back.
func FuncHandle(fn int) uint64 { return funcHandle | uint64(fn) }

// FuncOf gives the function that a handle stands for.
func FuncOf(handle uint64) (fn int, ok bool) {
	return int(handle & 0xffff), handle&^0xffff == funcHandle
}

// MaxLoops is how many times one run may take the back edges that may_goto
// guards (BPF_MAX_LOOPS).
const MaxLoops = 8 << 20

// MaxTailCalls is how many tail calls one run may take (MAX_TAIL_CALL_CNT).
const MaxTailCalls = 33
