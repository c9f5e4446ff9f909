// This file defines what is known of LSM hooks and of functions that tracing
// programs attach to.

package catalog

import "strings"

// nameSet makes a set of the words of s.
func nameSet(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// SleepableLSMHook reports whether programs on a hook ("file_open") may sleep
// (sleepable_lsm_hooks, Linux 6.18).
func SleepableLSMHook(hook string) bool { return sleepableHooks[hook] }

// UntrustedLSMHook reports whether the pointers that the hook is given are
// untrusted, since the objects are being made or freed.
func UntrustedLSMHook(hook string) bool { return untrustedHooks[hook] }

// DisabledLSMHook reports whether no program may attach to the hook:
// "attach_btf_id %u points to disabled hook".
func DisabledLSMHook(hook string) bool { return disabledHooks[hook] }

// BoolLSMHook reports whether the hook returns 0 or 1 instead of an errno.
func BoolLSMHook(hook string) bool { return boolHooks[hook] }

func lockedSockoptHook(e Env) bool   { return lockedSockoptHooks[e.hook()] }
func unlockedSockoptHook(e Env) bool { return unlockedSockoptHooks[e.hook()] }

var (
	lockedSockoptHooks   = nameSet(`sock_graft inet_csk_clone inet_conn_established`)
	unlockedSockoptHooks = nameSet(`socket_post_create socket_socketpair`)

	sleepableHooks = nameSet(`
		bpf bpf_map bpf_map_create bpf_map_free bpf_prog bpf_prog_load
		bpf_token_create bpf_token_free bpf_token_cmd bpf_token_capable
		bprm_check_security bprm_committed_creds bprm_committing_creds bprm_creds_for_exec bprm_creds_from_file
		capget capset cred_prepare
		file_ioctl file_lock file_open file_post_open file_receive
		inode_create inode_free_security inode_getattr inode_getxattr inode_mknod inode_need_killpriv
		inode_post_setxattr inode_post_removexattr inode_readlink inode_removexattr inode_rename inode_rmdir
		inode_setattr inode_setxattr inode_symlink inode_unlink
		kernel_module_request kernel_read_file kernfs_init_security
		path_unlink path_mkdir path_rmdir path_truncate path_symlink path_link path_rename path_chmod path_chown
		mmap_file netlink_send path_notify release_secctx
		sb_alloc_security sb_eat_lsm_opts sb_kern_mount sb_mount sb_remount sb_set_mnt_opts
		sb_show_options sb_statfs sb_umount settime
		socket_accept socket_bind socket_connect socket_create socket_getpeername socket_getpeersec_dgram
		socket_getsockname socket_getsockopt socket_listen socket_post_create socket_recvmsg socket_sendmsg
		socket_shutdown socket_socketpair
		syslog task_alloc current_getsecid_subj task_getsecid_obj task_prctl task_setscheduler userns_create`)

	untrustedHooks = nameSet(`
		bpf_map_free bpf_prog_free file_alloc_security file_free_security
		sk_alloc_security sk_free_security task_free`)

	disabledHooks = nameSet(`
		vm_enough_memory inode_need_killpriv inode_getsecurity inode_listsecurity inode_copy_up_xattr
		getselfattr getprocattr setprocattr key_getsecurity audit_rule_match xfrm_decode_session ismaclabel`)

	boolHooks = nameSet(`xfrm_state_pol_flow_match audit_rule_known inode_xattr_skipcap`)

	// dPathFuncs are the functions where a path can be spelled out safely.
	dPathFuncs = nameSet(`
		security_file_permission security_inode_getattr security_file_open security_path_truncate
		vfs_truncate vfs_fallocate dentry_open vfs_getattr filp_close`)
)
