// This file defines live capture by AF_PACKET sockets.

package attach

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxFrame    = 1 << 16
	vlanLen     = 4
	vlanOff     = 12 // a tag stands behind the two addresses
	pollTimeout = 100 * time.Millisecond
)

// live is a raw packet socket. The buffer leaves room in front of the frame
// for a VLAN tag that the kernel has taken off.
type live struct {
	ctx    context.Context
	fd     int
	buf    []byte
	oob    []byte
	framer *Framer
	// loopback: the device shows each packet twice.
	loopback bool
}

func openInterface(ctx context.Context, name string) (Source, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", name, err)
	}
	link, err := linkTypeOf(name)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", name, err)
	}
	framer, err := NewFramer(link)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", name, err)
	}
	fd, err := openPacketSocket(ifi.Index)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", name, err)
	}
	return &live{
		ctx: ctx, fd: fd, framer: framer, buf: make([]byte, vlanLen+maxFrame), oob: make([]byte, 128),
		loopback: ifi.Flags&net.FlagLoopback != 0,
	}, nil
}

// linkTypeOf asks for an interface's ARPHRD_ type.
func linkTypeOf(name string) (LinkType, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	var req struct {
		name   [unix.IFNAMSIZ]byte
		family uint16
		_      [22]byte
	}
	copy(req.name[:unix.IFNAMSIZ-1], name)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCGIFHWADDR, uintptr(unsafe.Pointer(&req))); errno != 0 {
		return 0, fmt.Errorf("hardware type: %w", errno)
	}
	switch req.family {
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		return LinkEthernet, nil
	case unix.ARPHRD_NONE, unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6, unix.ARPHRD_SIT, unix.ARPHRD_IPGRE, unix.ARPHRD_PPP:
		return LinkRaw, nil
	}
	return 0, fmt.Errorf("hardware type %d carries no Ethernet frames", req.family)
}

func openPacketSocket(ifindex int) (int, error) {
	proto := htons(unix.ETH_P_ALL)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EPERM) {
		return -1, fmt.Errorf("packet socket: %w (needs CAP_NET_RAW)", err)
	}
	if err != nil {
		return -1, fmt.Errorf("packet socket: %w", err)
	}
	timeout := unix.NsecToTimeval(pollTimeout.Nanoseconds())
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: ifindex}),
	)
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("packet socket: %w", err)
	}
	return fd, nil
}

// Next implements Source.
func (l *live) Next(p *Packet) error {
	for {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		n, oobn, _, from, err := unix.Recvmsg(l.fd, l.buf[vlanLen:], l.oob, unix.MSG_TRUNC)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("receive packet: %w", err)
		}
		if l.loopback && isOutgoing(from) {
			continue // comes again as incoming
		}
		p.Data, p.Length, p.Time = l.buf[vlanLen:][:min(n, maxFrame)], n, time.Now()
		l.control(p, l.oob[:oobn])
		l.framer.Frame(p)
		return nil
	}
}

func isOutgoing(from unix.Sockaddr) bool {
	ll, ok := from.(*unix.SockaddrLinklayer)
	return ok && ll.Pkttype == unix.PACKET_OUTGOING
}

// control takes the time and the VLAN tag from ancillary data.
func (l *live) control(p *Packet, oob []byte) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return // the packet itself is whole
	}
	for _, m := range msgs {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16:
			p.Time = time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		case m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA && len(m.Data) >= 20:
			l.retag(p, m.Data)
		}
	}
}

// retag puts a VLAN tag back. struct tpacket_auxdata: status at 0, tag control
// information at 16, tag protocol at 18.
func (l *live) retag(p *Packet, aux []byte) {
	const vlanValid, tpidValid = 1 << 4, 1 << 6
	status := binary.NativeEndian.Uint32(aux)
	if status&vlanValid == 0 || len(p.Data) < vlanOff {
		return
	}
	tpid := uint16(unix.ETH_P_8021Q)
	if status&tpidValid != 0 {
		tpid = binary.NativeEndian.Uint16(aux[18:])
	}
	frame := l.buf[:vlanLen+len(p.Data)]
	copy(frame, frame[vlanLen:][:vlanOff])
	binary.BigEndian.PutUint16(frame[vlanOff:], tpid)
	binary.BigEndian.PutUint16(frame[vlanOff+2:], binary.NativeEndian.Uint16(aux[16:]))
	p.Data, p.Length = frame, p.Length+vlanLen
}

// Close implements Source.
func (l *live) Close() error { return unix.Close(l.fd) }

func htons(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}
