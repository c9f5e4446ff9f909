// This file defines the module: what testmod.h declares, and the kernel
// functions with their flags.

// Package testmod gives the verifier what the kernel's selftests call
// bpf_testmod: a module whose types, kernel functions, struct_ops and
// tracepoints exist for tests only. It takes a kernel's BTF and gives a
// catalog.Module over it; internal/conformance verifies programs for it that
// the running kernel, which has no such module, cannot be asked about.
package testmod

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/catalog"
)

//go:embed testmod.h
var declarations string

// Name is the module's.
const Name = "bpf_testmod"

// function is a kernel function of the module.
type function struct {
	proto string
	flags catalog.KfuncFlags
}

// Groups of program types that the module registers its functions for.
const (
	everywhere = catalog.HookCommon
	onChecks   = catalog.HookTC | catalog.HookTracing | catalog.HookSyscall | catalog.HookStructOps
)

// common are the functions that every program may call.
var common = []function{
	{"int bpf_iter_testmod_seq_new(struct bpf_iter_testmod_seq *it, s64 value, int cnt)", catalog.KfIterNew},
	{"s64 *bpf_iter_testmod_seq_next(struct bpf_iter_testmod_seq *it)", catalog.KfIterNext | catalog.KfRetNull},
	{"void bpf_iter_testmod_seq_destroy(struct bpf_iter_testmod_seq *it)", catalog.KfIterDestroy},
	{"s64 bpf_iter_testmod_seq_value(int val, struct bpf_iter_testmod_seq *it__iter)", 0},
	{"void bpf_kfunc_common_test(void)", 0},
	{"void bpf_kfunc_dynptr_test(struct bpf_dynptr *ptr, struct bpf_dynptr *ptr__nullable)", 0},
	{"struct sk_buff *bpf_kfunc_nested_acquire_nonzero_offset_test(struct sk_buff_head *ptr)", catalog.KfAcquire},
	{"struct sk_buff *bpf_kfunc_nested_acquire_zero_offset_test(struct sock_common *ptr)", catalog.KfAcquire},
	{"void bpf_kfunc_nested_release_test(struct sk_buff *ptr)", catalog.KfRelease},
	{"void bpf_kfunc_trusted_vma_test(struct vm_area_struct *ptr)", catalog.KfTrustedArgs},
	{"void bpf_kfunc_trusted_task_test(struct task_struct *ptr)", catalog.KfTrustedArgs},
	{"void bpf_kfunc_trusted_num_test(int *ptr)", catalog.KfTrustedArgs},
	{"void bpf_kfunc_rcu_task_test(struct task_struct *ptr)", catalog.KfRCU},
	{"struct bpf_testmod_ctx *bpf_testmod_ctx_create(int *err)", catalog.KfAcquire | catalog.KfRetNull},
	{"void bpf_testmod_ctx_release(struct bpf_testmod_ctx *ctx)", catalog.KfRelease},
}

// checks are the functions of the types in onChecks.
var checks = []function{
	{"void bpf_testmod_test_mod_kfunc(int i)", 0},
	{"u64 bpf_kfunc_call_test1(struct sock *sk, u32 a, u64 b, u32 c, u64 d)", 0},
	{"int bpf_kfunc_call_test2(struct sock *sk, u32 a, u32 b)", 0},
	{"struct sock *bpf_kfunc_call_test3(struct sock *sk)", 0},
	{"long bpf_kfunc_call_test4(signed char a, short b, int c, long d)", 0},
	{"void bpf_kfunc_call_test_mem_len_pass1(void *mem, int mem__sz)", 0},
	{"void bpf_kfunc_call_test_mem_len_fail1(void *mem, int len)", 0},
	{"void bpf_kfunc_call_test_mem_len_fail2(u64 *mem, int len)", 0},
	{"struct prog_test_ref_kfunc *bpf_kfunc_call_test_acquire(unsigned long *scalar_ptr)", catalog.KfAcquire | catalog.KfRetNull},
	{"struct prog_test_member *bpf_kfunc_call_memb_acquire(void)", catalog.KfAcquire | catalog.KfRetNull},
	{"void bpf_kfunc_call_memb1_release(struct prog_test_member1 *p)", catalog.KfRelease},
	{"int *bpf_kfunc_call_test_get_rdwr_mem(struct prog_test_ref_kfunc *p, const int rdwr_buf_size)", catalog.KfRetNull},
	{"int *bpf_kfunc_call_test_get_rdonly_mem(struct prog_test_ref_kfunc *p, const int rdonly_buf_size)", catalog.KfRetNull},
	{"int *bpf_kfunc_call_test_acq_rdonly_mem(struct prog_test_ref_kfunc *p, const int rdonly_buf_size)", catalog.KfAcquire | catalog.KfRetNull},
	{"void bpf_kfunc_call_int_mem_release(int *p)", catalog.KfRelease},
	{"void bpf_kfunc_call_test_pass_ctx(struct __sk_buff *skb)", 0},
	{"void bpf_kfunc_call_test_pass1(struct prog_test_pass1 *p)", 0},
	{"void bpf_kfunc_call_test_pass2(struct prog_test_pass2 *p)", 0},
	{"void bpf_kfunc_call_test_fail1(struct prog_test_fail1 *p)", 0},
	{"void bpf_kfunc_call_test_fail2(struct prog_test_fail2 *p)", 0},
	{"void bpf_kfunc_call_test_fail3(struct prog_test_fail3 *p)", 0},
	{"void bpf_kfunc_call_test_ref(struct prog_test_ref_kfunc *p)", catalog.KfTrustedArgs | catalog.KfRCU},
	{"void bpf_kfunc_call_test_destructive(void)", catalog.KfDestructive},
	{"u32 bpf_kfunc_call_test_static_unused_arg(u32 arg, u32 unused)", 0},
	{"void bpf_kfunc_call_test_offset(struct prog_test_ref_kfunc *p)", 0},
	{"void bpf_kfunc_call_test_sleepable(void)", catalog.KfSleepable},
	{"int bpf_kfunc_init_sock(struct init_sock_args *args)", catalog.KfSleepable},
	{"void bpf_kfunc_close_sock(void)", catalog.KfSleepable},
	{"int bpf_kfunc_call_kernel_connect(struct addr_args *args)", catalog.KfSleepable},
	{"int bpf_kfunc_call_kernel_bind(struct addr_args *args)", catalog.KfSleepable},
	{"int bpf_kfunc_call_kernel_listen(void)", catalog.KfSleepable},
	{"int bpf_kfunc_call_kernel_sendmsg(struct sendmsg_args *args)", catalog.KfSleepable},
	{"int bpf_kfunc_call_sock_sendmsg(struct sendmsg_args *args)", catalog.KfSleepable},
	{"int bpf_kfunc_call_kernel_getsockname(struct addr_args *args)", catalog.KfSleepable},
	{"int bpf_kfunc_call_kernel_getpeername(struct addr_args *args)", catalog.KfSleepable},
	{"int bpf_kfunc_st_ops_test_prologue(struct st_ops_args *args)", catalog.KfTrustedArgs | catalog.KfSleepable},
	{"int bpf_kfunc_st_ops_test_epilogue(struct st_ops_args *args)", catalog.KfTrustedArgs | catalog.KfSleepable},
	{"int bpf_kfunc_st_ops_test_pro_epilogue(struct st_ops_args *args)", catalog.KfTrustedArgs | catalog.KfSleepable},
	{"int bpf_kfunc_st_ops_inc10(struct st_ops_args *args)", catalog.KfTrustedArgs},
}

// Module makes the module over a kernel's BTF.
func Module(kernel *btfx.Spec) (*catalog.Module, error) {
	r := newReader(kernel)
	if err := r.read(declarations); err != nil {
		return nil, fmt.Errorf("types of %s: %w", Name, err)
	}
	m := &catalog.Module{
		Name:         Name,
		NoMember:     map[string]bool{"bpf_testmod_ops.unsupported_ops": true},
		Injectable:   map[string]bool{"bpf_testmod_test_read": true, "bpf_testmod_test_write": true},
		Destructible: map[string]bool{"bpf_testmod_ctx": true},
		Writable:     map[string]string{"bpf_testmod_st_ops": "st_ops_args"},
	}
	for _, set := range []struct {
		funcs []function
		hooks catalog.KfuncHook
	}{{common, everywhere}, {checks, onChecks}} {
		for _, f := range set.funcs {
			if err := r.read(f.proto + ";"); err != nil {
				return nil, fmt.Errorf("%s: %w", f.proto, err)
			}
			m.Kfuncs = append(m.Kfuncs, &catalog.Kfunc{Name: nameOf(f.proto), Flags: f.flags, Hooks: set.hooks})
		}
	}
	var err error
	m.BTF, err = r.b.Spec()
	return m, err
}

// nameOf is what stands before a prototype's parameters.
func nameOf(proto string) string {
	head, _, _ := strings.Cut(proto, "(")
	return head[strings.LastIndexAny(head, " *")+1:]
}
