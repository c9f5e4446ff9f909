// This file defines attach types.

package catalog

import "github.com/skepbpf/skep/internal/bytecode"

// Attach types of Linux 6.18, with bpf(2)'s numbers.
const (
	AttachCgroupInetIngress bytecode.AttachType = iota
	AttachCgroupInetEgress
	AttachCgroupInetSockCreate
	AttachCgroupSockOps
	AttachSKSKBStreamParser
	AttachSKSKBStreamVerdict
	AttachCgroupDevice
	AttachSKMsgVerdict
	AttachCgroupInet4Bind
	AttachCgroupInet6Bind
	AttachCgroupInet4Connect
	AttachCgroupInet6Connect
	AttachCgroupInet4PostBind
	AttachCgroupInet6PostBind
	AttachCgroupUDP4Sendmsg
	AttachCgroupUDP6Sendmsg
	AttachLircMode2
	AttachFlowDissector
	AttachCgroupSysctl
	AttachCgroupUDP4Recvmsg
	AttachCgroupUDP6Recvmsg
	AttachCgroupGetsockopt
	AttachCgroupSetsockopt
	AttachTraceRawTP
	AttachTraceFentry
	AttachTraceFexit
	AttachModifyReturn
	AttachLSMMAC
	AttachTraceIter
	AttachCgroupInet4Getpeername
	AttachCgroupInet6Getpeername
	AttachCgroupInet4Getsockname
	AttachCgroupInet6Getsockname
	AttachXDPDevmap
	AttachCgroupInetSockRelease
	AttachXDPCPUMap
	AttachSKLookup
	AttachXDP
	AttachSKSKBVerdict
	AttachSKReuseportSelect
	AttachSKReuseportSelectOrMigrate
	AttachPerfEvent
	AttachTraceKprobeMulti
	AttachLSMCgroup
	AttachStructOps
	AttachNetfilter
	AttachTCXIngress
	AttachTCXEgress
	AttachTraceUprobeMulti
	AttachCgroupUnixConnect
	AttachCgroupUnixSendmsg
	AttachCgroupUnixRecvmsg
	AttachCgroupUnixGetpeername
	AttachCgroupUnixGetsockname
	AttachNetkitPrimary
	AttachNetkitPeer
	AttachTraceKprobeSession
	AttachTraceUprobeSession

	numAttachTypes
)

type attachList []bytecode.AttachType

var (
	sockCreateAttach  = attachList{AttachCgroupInetSockCreate, AttachCgroupInetSockRelease}
	inet4PostBind     = attachList{AttachCgroupInet4PostBind}
	inet6PostBind     = attachList{AttachCgroupInet6PostBind}
	inetBindAttach    = attachList{AttachCgroupInet4Bind, AttachCgroupInet6Bind}
	inetConnectAttach = attachList{AttachCgroupInet4Connect, AttachCgroupInet6Connect}
	recvmsgAttach     = attachList{AttachCgroupUDP4Recvmsg, AttachCgroupUDP6Recvmsg, AttachCgroupUnixRecvmsg}
	sendmsgAttach     = attachList{AttachCgroupUDP4Sendmsg, AttachCgroupUDP6Sendmsg, AttachCgroupUnixSendmsg}
	inetNameAttach    = attachList{
		AttachCgroupInet4Getpeername, AttachCgroupInet6Getpeername,
		AttachCgroupInet4Getsockname, AttachCgroupInet6Getsockname,
	}
	unixNameAttach = attachList{AttachCgroupUnixGetpeername, AttachCgroupUnixGetsockname}
	trampolines    = attachList{AttachTraceFentry, AttachTraceFexit, AttachModifyReturn}
)

func (l attachList) has(a bytecode.AttachType) bool {
	for _, x := range l {
		if x == a {
			return true
		}
	}
	return false
}

// concat joins lists into a new one.
func concat(lists ...attachList) attachList {
	var out attachList
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}
