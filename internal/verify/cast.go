// This file defines kernel functions that only change the type of a pointer.

package verify

var castRules = unknownKfuncs("bpf_cast_to_kern_ctx", "bpf_rdonly_cast", "bpf_session_cookie", "bpf_get_kmem_cache", "bpf_arena_alloc_pages", "bpf_arena_free_pages",
	"bpf_arena_reserve_pages", "bpf_set_dentry_xattr", "bpf_remove_dentry_xattr")
