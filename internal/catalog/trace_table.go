// This file defines what is known of the arguments of tracepoints and
// iterators beyond their types.

package catalog

// argNull says what an argument may be besides a valid pointer.
type argNull uint8

const (
	mayBeNull  argNull = 1 << iota
	mayBeError         // an errno as a pointer: the value is a scalar to programs
)

// tracepointArgs lists the tracepoints with arguments that may be NULL or an
// error, by number from 0 (raw_tp_null_args; found by reading their call
// sites). Arguments that are absent are never NULL.
var tracepointArgs = map[string]map[int]argNull{
	"bpf_testmod_test_read": {}, // of a module, and listed all the same

	"sched_pi_setprio":     {1: mayBeNull},
	"sched_stick_numa":     {2: mayBeNull},
	"sched_swap_numa":      {2: mayBeNull},
	"afs_make_fs_call":     {1: mayBeNull},
	"afs_make_fs_calli":    {1: mayBeNull},
	"afs_make_fs_call1":    {1: mayBeNull},
	"afs_make_fs_call2":    {1: mayBeNull},
	"afs_protocol_error":   {0: mayBeNull},
	"afs_flock_ev":         {1: mayBeNull},
	"cachefiles_lookup":    {0: mayBeNull, 2: mayBeError},
	"cachefiles_unlink":    {0: mayBeNull},
	"cachefiles_rename":    {0: mayBeNull},
	"cachefiles_prep_read": {0: mayBeNull},

	"cachefiles_mark_active":         {0: mayBeNull},
	"cachefiles_mark_failed":         {0: mayBeNull},
	"cachefiles_mark_inactive":       {0: mayBeNull},
	"cachefiles_vfs_error":           {0: mayBeNull},
	"cachefiles_io_error":            {0: mayBeNull},
	"cachefiles_ondemand_open":       {0: mayBeNull},
	"cachefiles_ondemand_copen":      {0: mayBeNull},
	"cachefiles_ondemand_close":      {0: mayBeNull},
	"cachefiles_ondemand_read":       {0: mayBeNull},
	"cachefiles_ondemand_cread":      {0: mayBeNull},
	"cachefiles_ondemand_fd_write":   {0: mayBeNull},
	"cachefiles_ondemand_fd_release": {0: mayBeNull},

	"ext4_mballoc_discard":          {1: mayBeNull},
	"ext4_mballoc_free":             {1: mayBeNull},
	"fib_table_lookup":              {2: mayBeNull},
	"posix_lock_inode":              {1: mayBeNull},
	"fcntl_setlk":                   {1: mayBeNull},
	"locks_remove_posix":            {1: mayBeNull},
	"flock_lock_inode":              {1: mayBeNull},
	"break_lease_noblock":           {1: mayBeNull},
	"break_lease_block":             {1: mayBeNull},
	"break_lease_unblock":           {1: mayBeNull},
	"generic_delete_lease":          {1: mayBeNull},
	"time_out_leases":               {1: mayBeNull},
	"host1x_cdma_push_gather":       {4: mayBeNull},
	"mm_khugepaged_scan_pmd":        {1: mayBeNull},
	"mm_collapse_huge_page_isolate": {0: mayBeNull},
	"mm_khugepaged_scan_file":       {1: mayBeNull},
	"mm_khugepaged_collapse_file":   {1: mayBeNull},
	"mm_page_alloc":                 {0: mayBeNull},
	"mm_page_pcpu_drain":            {0: mayBeNull},
	"mm_page_alloc_zone_locked":     {0: mayBeNull},
	"netfs_failure":                 {1: mayBeNull},
	"device_pm_callback_start":      {1: mayBeNull},
	"qdisc_dequeue":                 {3: mayBeNull},
	"rxrpc_recvdata":                {0: mayBeNull},
	"rxrpc_resend":                  {1: mayBeNull},
	"rxrpc_tq":                      {1: mayBeNull},
	"rxrpc_client":                  {0: mayBeNull},
	"kfree_skb":                     {3: mayBeNull},
	"xs_stream_read_data":           {0: mayBeNull},
	"xprt_reserve_cong":             {1: mayBeNull},
	"xprt_release_cong":             {1: mayBeNull},
	"xprt_get_cong":                 {1: mayBeNull},
	"xprt_put_cong":                 {1: mayBeNull},
	"tcp_send_reset":                {0: mayBeNull, 1: mayBeNull},
	"tegra_dma_tx_status":           {2: mayBeNull},
	"tmigr_update_events":           {0: mayBeNull},
	"writeback_dirty_folio":         {1: mayBeNull},
	"folio_wait_writeback":          {1: mayBeNull},
	"mr_integ_alloc":                {3: mayBeError},

	"hugetlbfs_alloc_inode":            {1: mayBeNull},
	"tcp_sendmsg_locked":               {2: mayBeNull},
	"xfs_inodegc_flush":                {0: mayBeNull},
	"xfs_inodegc_push":                 {0: mayBeNull},
	"xfs_inodegc_start":                {0: mayBeNull},
	"xfs_inodegc_stop":                 {0: mayBeNull},
	"xfs_inodegc_queue":                {0: mayBeNull},
	"xfs_inodegc_throttle":             {0: mayBeNull},
	"xfs_fs_sync_fs":                   {0: mayBeNull},
	"xfs_blockgc_start":                {0: mayBeNull},
	"xfs_blockgc_stop":                 {0: mayBeNull},
	"xfs_blockgc_worker":               {0: mayBeNull},
	"xfs_blockgc_flush_all":            {0: mayBeNull},
	"xfs_defer_create_intent":          {0: mayBeNull},
	"xfs_defer_cancel_list":            {0: mayBeNull},
	"xfs_defer_pending_finish":         {0: mayBeNull},
	"xfs_defer_pending_abort":          {0: mayBeNull},
	"xfs_defer_relog_intent":           {0: mayBeNull},
	"xfs_defer_isolate_paused":         {0: mayBeNull},
	"xfs_defer_item_pause":             {0: mayBeNull},
	"xfs_defer_item_unpause":           {0: mayBeNull},
	"xfs_defer_add_item":               {0: mayBeNull},
	"xfs_defer_cancel_item":            {0: mayBeNull},
	"xfs_defer_finish_item":            {0: mayBeNull},
	"xfs_map_blocks_found":             {4: mayBeNull},
	"xfs_map_blocks_alloc":             {4: mayBeNull},
	"xfs_btree_updkeys":                {2: mayBeNull},
	"xfs_btree_overlapped_query_range": {2: mayBeNull},
	"xfs_ioc_free_eofblocks":           {1: mayBeNull},
	"xfs_blockgc_free_space":           {1: mayBeNull},
}

// iterArg is how a program gets an argument of an iterator.
type iterArg struct {
	kind  ValueKind
	flags PtrFlags
}

var (
	iterPtr     = iterArg{ValueBTF, PtrMaybeNull}
	iterTrusted = iterArg{ValueBTF, PtrMaybeNull | PtrTrusted}
	iterKey     = iterArg{ValueBuf, PtrMaybeNull | PtrRdonly}
	iterValue   = iterArg{ValueBuf, PtrMaybeNull}
)

// iterArgs lists the iterators and their arguments after the first, which is
// struct bpf_iter_meta (bpf_iter_reg.ctx_arg_info). Arguments that are absent
// are as their type says.
var iterArgs = map[string]map[int]iterArg{
	"task":               {1: iterTrusted},
	"task_file":          {1: iterPtr, 3: iterPtr},
	"task_vma":           {1: iterPtr, 2: iterPtr},
	"bpf_map":            {1: iterTrusted},
	"bpf_map_elem":       {2: iterKey, 3: iterValue},
	"bpf_prog":           {1: iterPtr},
	"bpf_link":           {1: iterPtr},
	"bpf_sk_storage_map": {2: iterPtr, 3: iterValue},
	"sockmap":            {2: iterKey, 3: iterPtr},
	"cgroup":             {1: iterTrusted},
	"tcp":                {1: iterTrusted},
	"udp":                {1: iterTrusted},
	"unix":               {1: iterPtr},
	"netlink":            {1: iterPtr},
	"ipv6_route":         {1: iterPtr},
	"ksym":               {1: iterPtr},
	"kmem_cache":         {1: iterTrusted},
	"dmabuf":             {1: iterPtr},
}
