// This file defines which members of the kernel's structs programs implement.

package catalog

// StructOpsMember reports whether a program may implement a member of a
// struct: "attach to unsupported member %s of struct %s" (the check_member of
// each bpf_struct_ops in 6.18).
func (t *Target) StructOpsMember(name, member string, sleepable bool) bool {
	for _, m := range t.modules {
		if m.NoMember[name+"."+member] {
			return false
		}
	}
	switch name {
	case "tcp_congestion_ops":
		return member != "get_info" && !sleepable
	case "bpf_dummy_ops":
		return !sleepable || member == "test_sleepable"
	}
	return true
}
