// SPDX-License-Identifier: Apache-2.0
// Records what libbpf asks of bpf(2) when it loads an object, without loading
// its programs. Prints for each program its attributes, instructions, function
// and line records, and for each map its attributes. See Makefile.
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

enum { MAX_FD = 1024, NAME = BPF_OBJ_NAME_LEN };

static char map_names[MAX_FD][NAME]; // by file descriptor
static struct bpf_object *loading;

static void print_map(const union bpf_attr *a)
{
	printf("map %.*s type %u key %u value %u entries %u flags %u extra %llu types %u %u\n", NAME, a->map_name,
	       a->map_type, a->key_size, a->value_size, a->max_entries, a->map_flags,
	       (unsigned long long)a->map_extra, a->btf_key_type_id, a->btf_value_type_id);
}

static void print_insn(const struct bpf_insn *in)
{
	int is_map = in->code == (BPF_LD | BPF_DW | BPF_IMM) && in->imm > 0 && in->imm < MAX_FD &&
		     (in->src_reg == BPF_PSEUDO_MAP_FD || in->src_reg == BPF_PSEUDO_MAP_VALUE);

	printf("\t%02x %x %x %d %d", in->code, in->dst_reg, in->src_reg, in->off, is_map ? 0 : in->imm);
	if (is_map)
		printf(" %.*s", NAME, map_names[in->imm]);
	printf("\n");
}

static void print_records(const char *what, unsigned long data, unsigned count, unsigned size, int words)
{
	for (unsigned i = 0; i < count; i++) {
		const unsigned *rec = (void *)(data + (unsigned long)i * size);

		printf("\t%s", what);
		for (int w = 0; w < words; w++)
			printf(" %u", rec[w]);
		printf("\n");
	}
}

static int print_program(const union bpf_attr *a)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, loading) {
		if (bpf_program__insns(p) != (void *)(unsigned long)a->insns)
			continue;
		printf("program %s type %u attach %u flags %u\n", bpf_program__name(p), a->prog_type,
		       a->expected_attach_type, a->prog_flags);
		for (unsigned i = 0; i < a->insn_cnt; i++)
			print_insn(bpf_program__insns(p) + i);
		print_records("func", a->func_info, a->func_info_cnt, a->func_info_rec_size, 2);
		print_records("line", a->line_info, a->line_info_cnt, a->line_info_rec_size, 4);
		return 1;
	}
	return 0; // a probe for a feature
}

long __real_syscall(long nr, ...);

long __wrap_syscall(long nr, ...)
{
	va_list args;
	long a, b, c, d, e, f, ret;

	va_start(args, nr);
	a = va_arg(args, long), b = va_arg(args, long), c = va_arg(args, long);
	d = va_arg(args, long), e = va_arg(args, long), f = va_arg(args, long);
	va_end(args);
	if (loading && nr == SYS_bpf && a == BPF_PROG_LOAD && print_program((void *)b))
		return dup(0);
	if (loading && nr == SYS_bpf && (a == BPF_OBJ_PIN || a == BPF_MAP_UPDATE_ELEM))
		return 0;
	ret = __real_syscall(nr, a, b, c, d, e, f);
	if (!loading || ret < 0 || ret >= MAX_FD)
		return ret;
	if (nr == SYS_bpf && a == BPF_MAP_CREATE) {
		const union bpf_attr *attr = (void *)b;

		memcpy(map_names[ret], attr->map_name, NAME);
		if (attr->map_name[0] && strncmp(attr->map_name, "libbpf_", 7))
			print_map(attr);
	}
	if (nr == SYS_dup3)
		memcpy(map_names[ret], map_names[a], NAME);
	return ret;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct bpf_program *p;

	if (argc == 3)
		opts.btf_custom_path = argv[2];
	printf("object %s\n", strrchr(argv[1], '/') ? strrchr(argv[1], '/') + 1 : argv[1]);
	loading = bpf_object__open_file(argv[1], &opts);
	if (!loading)
		return 1;
	bpf_object__for_each_program(p, loading)
		bpf_program__set_autoload(p, bpf_program__type(p) != BPF_PROG_TYPE_UNSPEC);
	return bpf_object__load(loading) ? 1 : 0;
}
