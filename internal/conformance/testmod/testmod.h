/* What the module bpf_testmod of Linux 6.12's selftests shows to programs:
 * types, functions that they attach to or call, tracepoints and variables.
 * Types that the kernel has too are only named here. Read by decl.go.
 */

/* Arguments by value and by pointer. */
struct bpf_testmod_struct_arg_1 { int a; };
struct bpf_testmod_struct_arg_2 { long a; long b; };
struct bpf_testmod_struct_arg_3 { int a; int b[]; };
struct bpf_testmod_struct_arg_4 { u64 a; int b; };
struct bpf_testmod_struct_arg_5 { char a; short b; int c; long d; };

int bpf_testmod_test_struct_arg_1(struct bpf_testmod_struct_arg_2 a, int b, int c);
int bpf_testmod_test_struct_arg_2(int a, struct bpf_testmod_struct_arg_2 b, int c);
int bpf_testmod_test_struct_arg_3(int a, int b, struct bpf_testmod_struct_arg_2 c);
int bpf_testmod_test_struct_arg_4(struct bpf_testmod_struct_arg_1 a, int b, int c, int d, struct bpf_testmod_struct_arg_2 e);
int bpf_testmod_test_struct_arg_5(void);
int bpf_testmod_test_struct_arg_6(struct bpf_testmod_struct_arg_3 *a);
int bpf_testmod_test_struct_arg_7(u64 a, void *b, short c, int d, void *e, struct bpf_testmod_struct_arg_4 f);
int bpf_testmod_test_struct_arg_8(u64 a, void *b, short c, int d, void *e, struct bpf_testmod_struct_arg_4 f, int g);
int bpf_testmod_test_struct_arg_9(u64 a, void *b, short c, int d, void *e, char f, short g, struct bpf_testmod_struct_arg_5 h, long i);
int bpf_testmod_test_arg_ptr_to_struct(struct bpf_testmod_struct_arg_1 *a);

int bpf_testmod_fentry_test1(int a);
int bpf_testmod_fentry_test2(int a, u64 b);
int bpf_testmod_fentry_test3(char a, int b, u64 c);
int bpf_testmod_fentry_test7(u64 a, void *b, short c, int d, void *e, char f, int g);
int bpf_testmod_fentry_test11(u64 a, void *b, short c, int d, void *e, char f, int g, unsigned int h, long i, __u64 j, unsigned long k);
int bpf_fentry_shadow_test(int a);
int bpf_testmod_loop_test(int n);
struct file *bpf_testmod_return_ptr(int arg);

/* Tags of pointers. */
struct bpf_testmod_btf_type_tag_1 { int a; };
struct bpf_testmod_btf_type_tag_2 { struct bpf_testmod_btf_type_tag_1 __user *p; };
struct bpf_testmod_btf_type_tag_3 { struct bpf_testmod_btf_type_tag_1 __percpu *p; };

int bpf_testmod_test_btf_type_tag_user_1(struct bpf_testmod_btf_type_tag_1 __user *arg);
int bpf_testmod_test_btf_type_tag_user_2(struct bpf_testmod_btf_type_tag_2 *arg);
int bpf_testmod_test_btf_type_tag_percpu_1(struct bpf_testmod_btf_type_tag_1 __percpu *arg);
int bpf_testmod_test_btf_type_tag_percpu_2(struct bpf_testmod_btf_type_tag_3 *arg);

typedef int (*func_proto_typedef)(long);
typedef int (*func_proto_typedef_nested1)(func_proto_typedef);
typedef int (*func_proto_typedef_nested2)(func_proto_typedef_nested1);

/* The file in sysfs and its tracepoints. */
struct bpf_testmod_test_read_ctx { char *buf; loff_t off; size_t len; };
struct bpf_testmod_test_write_ctx { char *buf; loff_t off; size_t len; };
struct bpf_testmod_test_writable_ctx { bool early_ret; int val; };

ssize_t bpf_testmod_test_read(struct file *file, struct kobject *kobj, struct bin_attribute *bin_attr, char *buf, loff_t off, size_t len);
ssize_t bpf_testmod_test_write(struct file *file, struct kobject *kobj, struct bin_attribute *bin_attr, char *buf, loff_t off, size_t len);

typedef void (*btf_trace_bpf_testmod_test_read)(void *, struct task_struct *, struct bpf_testmod_test_read_ctx *);
void __bpf_trace_bpf_testmod_test_read(void *__data, struct task_struct *task, struct bpf_testmod_test_read_ctx *ctx);
typedef void (*btf_trace_bpf_testmod_test_write_bare)(void *, struct task_struct *, struct bpf_testmod_test_write_ctx *);
void __bpf_trace_bpf_testmod_test_write_bare(void *__data, struct task_struct *task, struct bpf_testmod_test_write_ctx *ctx);
typedef void (*btf_trace_bpf_testmod_test_nullable_bare)(void *, struct bpf_testmod_test_read_ctx *);
void __bpf_trace_bpf_testmod_test_nullable_bare(void *__data, struct bpf_testmod_test_read_ctx *ctx__nullable);
typedef void (*btf_trace_bpf_testmod_test_raw_tp_null)(void *, struct sk_buff *);
void __bpf_trace_bpf_testmod_test_raw_tp_null(void *__data, struct sk_buff *skb);
typedef void (*btf_trace_bpf_testmod_test_writable_bare)(void *, struct bpf_testmod_test_writable_ctx *);
void __bpf_trace_bpf_testmod_test_writable_bare(void *__data, struct bpf_testmod_test_writable_ctx *ctx);

int bpf_testmod_ksym_percpu;

/* Structures that programs implement. */
struct bpf_testmod_ops {
	int (*test_1)(void);
	void (*test_2)(int a, int b);
	int (*test_maybe_null)(int dummy, struct task_struct *task);
	int (*unsupported_ops)(void);
	char onebyte;
	struct { int a; int b; } unsupported;
	int data;
	int (*tramp_1)(int value); int (*tramp_2)(int value); int (*tramp_3)(int value); int (*tramp_4)(int value);
	int (*tramp_5)(int value); int (*tramp_6)(int value); int (*tramp_7)(int value); int (*tramp_8)(int value);
	int (*tramp_9)(int value); int (*tramp_10)(int value); int (*tramp_11)(int value); int (*tramp_12)(int value);
	int (*tramp_13)(int value); int (*tramp_14)(int value); int (*tramp_15)(int value); int (*tramp_16)(int value);
	int (*tramp_17)(int value); int (*tramp_18)(int value); int (*tramp_19)(int value); int (*tramp_20)(int value);
	int (*tramp_21)(int value); int (*tramp_22)(int value); int (*tramp_23)(int value); int (*tramp_24)(int value);
	int (*tramp_25)(int value); int (*tramp_26)(int value); int (*tramp_27)(int value); int (*tramp_28)(int value);
	int (*tramp_29)(int value); int (*tramp_30)(int value); int (*tramp_31)(int value); int (*tramp_32)(int value);
	int (*tramp_33)(int value); int (*tramp_34)(int value); int (*tramp_35)(int value); int (*tramp_36)(int value);
	int (*tramp_37)(int value); int (*tramp_38)(int value); int (*tramp_39)(int value); int (*tramp_40)(int value);
};
struct bpf_testmod_ops2 { int (*test_1)(void); };
struct st_ops_args { u64 a; };
struct bpf_testmod_st_ops {
	int (*test_prologue)(struct st_ops_args *args);
	int (*test_epilogue)(struct st_ops_args *args);
	int (*test_pro_epilogue)(struct st_ops_args *args);
	struct module *owner;
};

/* What the kernel makes of such a structure: its map's value. */
struct bpf_struct_ops_bpf_testmod_ops { struct bpf_struct_ops_common_value common; struct bpf_testmod_ops data; };
struct bpf_struct_ops_bpf_testmod_ops2 { struct bpf_struct_ops_common_value common; struct bpf_testmod_ops2 data; };
struct bpf_struct_ops_bpf_testmod_st_ops { struct bpf_struct_ops_common_value common; struct bpf_testmod_st_ops data; };

/* A stub's parameters may be called otherwise: this one may be NULL. */
int bpf_testmod_ops__test_maybe_null(int dummy, struct task_struct *task__nullable);

/* Arguments of kernel functions. */
struct prog_test_pass1 { int x0; struct { int x1; struct { int x2; struct { int x3; }; }; }; };
struct prog_test_pass2 { int len; short arr1[4]; struct { char arr2[4]; unsigned long arr3[8]; } x; };
struct prog_test_fail1 { void *p; int x; };
struct prog_test_fail2 { int x8; struct prog_test_pass1 x; };
struct prog_test_fail3 { int len; char arr1[2]; char arr2[]; };
struct init_sock_args { int af; int type; };
struct addr_args { char addr[128]; int addrlen; };
struct sendmsg_args { struct addr_args addr; char msg[10]; int msglen; };
struct bpf_testmod_ctx { struct callback_head rcu; refcount_t usage; };
struct bpf_iter_testmod_seq { s64 value; int cnt; };
