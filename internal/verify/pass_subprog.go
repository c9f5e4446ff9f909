// This file defines the pass that cuts a program into its functions.

package verify

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// subprog is one function of the program: slots [Start, End).
type subprog struct {
	Start, End int
	Name       string // "" without function information
	BTFFunc    btfx.ID
	IsGlobal   bool // global linkage: verified on its own unless it is the first
	// IsExceptionCB marks the function that the main one's decl tag
	// "exception_callback:NAME" names.
	IsExceptionCB bool
	HasTailCall   bool
	HasLdAbs      bool
	// ChangesPkt and MightSleep sum up the function and all that it calls.
	ChangesPkt, MightSleep, MightThrow bool
}

// subprogs are a program's functions in the order of their first instruction.
type subprogs []subprog

// containing returns the index of the function that the instruction is in.
func (s subprogs) containing(pc int) int {
	return sort.Search(len(s), func(i int) bool { return s[i].Start > pc }) - 1
}

// at returns the index of the function that starts at pc, -1 when none does.
func (s subprogs) at(pc int) int {
	i := s.containing(pc)
	if i < 0 || s[i].Start != pc {
		return -1
	}
	return i
}

// appendLog appends the lines that the log shows at level 2 ("func#0 @0").
func (s subprogs) appendLog(b []byte) []byte {
	for i := range s {
		b = append(b, "func#"...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, " @"...)
		b = strconv.AppendInt(b, int64(s[i].Start), 10)
		b = append(b, '\n')
	}
	return b
}

// calleeOf returns where a subprogram call or a load of a function's address
// leads.
func calleeOf(in bytecode.Insn, pc int) int { return pc + 1 + int(in.Imm) }

// findSubprogs finds the functions by what refers to them. It does not look
// inside them: checkSubprogs does. Kernel functions are resolved in the same
// sweep, so that the first mistake in program order is the one reported.
func findSubprogs(p *bytecode.Program, env *passEnv) (subprogs, *Rejection) {
	starts := []int{0}
	for pc, in := range p.Insns {
		local := in.IsFuncRef() || in.IsSubprogCall()
		if !local && !in.IsKfuncCall() {
			continue
		}
		if !env.Privileged {
			return nil, refuse(KindPrivilege, errEPERM, pc,
				"loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN")
		}
		var r *Rejection
		switch {
		case local:
			starts, r = addStart(starts, calleeOf(in, pc), p, env, pc)
		case env.AddKfunc != nil:
			r = env.AddKfunc(pc)
		}
		if r != nil {
			return nil, r
		}
	}
	callback, r := exceptionCallback(p)
	if r == nil && callback != 0 {
		starts, r = addStart(starts, callback, p, env, -1)
	}
	if r != nil {
		return nil, r
	}
	return makeSubprogs(starts, callback, len(p.Insns)), nil
}

// addStart adds a function's first instruction to the sorted starts.
func addStart(starts []int, start int, p *bytecode.Program, env *passEnv, pc int) ([]int, *Rejection) {
	if start < 0 || start >= len(p.Insns) {
		return nil, refuse(KindStructure, errEINVAL, pc, "call to invalid destination")
	}
	i, found := slices.BinarySearch(starts, start)
	if found {
		return starts, nil
	}
	if len(starts) >= env.Limits.Subprogs {
		return nil, refuse(KindLimit, errE2BIG, pc, "too many subprograms")
	}
	return slices.Insert(starts, i, start), nil
}

func makeSubprogs(starts []int, exceptionCB, end int) subprogs {
	s := make(subprogs, len(starts))
	for i, start := range starts {
		s[i].Start, s[i].End = start, end
		s[i].IsExceptionCB = exceptionCB != 0 && start == exceptionCB
		if i > 0 {
			s[i-1].End = start
		}
	}
	return s
}

// exceptionTag is the decl tag by which the main function names its exception
// callback.
const exceptionTag = "exception_callback:"

// exceptionCallback returns the first instruction of the exception callback, 0
// when the main function names none.
func exceptionCallback(p *bytecode.Program) (int, *Rejection) {
	if p.BTF == nil || len(p.FuncInfos) == 0 {
		return 0, nil
	}
	var names []string
	for _, tag := range p.BTF.DeclTags(p.FuncInfos[0].TypeID, -1) {
		if name, ok := strings.CutPrefix(tag, exceptionTag); ok {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return 0, nil
	case 1:
		return exceptionCallbackStart(p, names[0])
	}
	return 0, refuse(KindStructure, errEEXIST, -1, "multiple exception callback tags for main subprog")
}

func exceptionCallbackStart(p *bytecode.Program, name string) (int, *Rejection) {
	id, ok := p.BTF.Find(name, btfx.KindFunc)
	if !ok {
		return 0, refuse(KindStructure, errENOENT, -1, "exception callback '%s' could not be found in BTF", name)
	}
	if p.BTF.Type(id).Linkage != btfLinkageGlobal {
		return 0, refuse(KindStructure, errEINVAL, -1, "exception callback '%s' must have global linkage", name)
	}
	start, found := 0, false
	for _, info := range p.FuncInfos {
		if info.TypeID == id {
			start, found = int(info.Insn), true
			if start == 0 {
				return 0, refuse(KindStructure, errEINVAL, -1, "invalid exception callback insn_off in func_info: 0")
			}
		}
	}
	if !found {
		return 0, refuse(KindStructure, errEINVAL, -1, "exception callback type id not found in func_info")
	}
	return start, nil
}

// btfLinkageGlobal is BTF_FUNC_GLOBAL.
const btfLinkageGlobal = 1

// checkSubprogs checks that jumps stay inside their function and that control
// cannot run over a function's end; it notes tail calls and packet loads of
// each.
func checkSubprogs(p *bytecode.Program, subs subprogs) *Rejection {
	for i := range subs {
		s := &subs[i]
		for pc := s.Start; pc < s.End; pc++ {
			in := p.Insns[pc]
			s.HasTailCall = s.HasTailCall || in.IsHelperCall() && in.Imm == helperTailCall
			s.HasLdAbs = s.HasLdAbs || isLdAbs(in)
			if !in.Jumps() {
				continue
			}
			if to := in.JumpTarget(pc); to < s.Start || to >= s.End {
				return refuse(KindStructure, errEINVAL, pc, "jump out of range from insn %d to %d", pc, to)
			}
		}
		if last := p.Insns[s.End-1]; !endsSubprog(last) {
			return refuse(KindStructure, errEINVAL, s.End-1, "last insn is not an exit or jmp")
		}
	}
	return nil
}

// endsSubprog reports whether a function may end with the instruction. Only
// the exact opcodes count.
func endsSubprog(in bytecode.Insn) bool {
	switch in.Op {
	case bytecode.ClassJMP | bytecode.JmpExit,
		bytecode.ClassJMP | bytecode.JmpA,
		bytecode.ClassJMP32 | bytecode.JmpA:
		return true
	}
	return false
}

// isLdAbs reports the packet loads that the classic language had.
func isLdAbs(in bytecode.Insn) bool {
	return in.Class() == bytecode.ClassLD && (in.Mode() == bytecode.ModeABS || in.Mode() == bytecode.ModeIND)
}
