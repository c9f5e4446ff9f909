"""Traffic for record.sh: a UDP responder, name queries in DNS form, echo requests, datagrams that need
fragments, frames with VLAN tags."""
import socket, struct, sys, os


def checksum(b):
    b += b"\0" * (len(b) % 2)
    s = sum(struct.unpack(f"!{len(b) // 2}H", b))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return ~s & 0xFFFF


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def serve(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", int(port)))
    while True:
        data, who = s.recvfrom(65535)
        s.sendto(data[:2] + b"\x81\x80" + data[4:512], who)


def query(host, port, count):
    s = socket.socket(family(host), socket.SOCK_DGRAM)
    s.settimeout(2)
    for i in range(int(count)):
        name = b"".join(bytes([len(p)]) + p for p in (b"host%d" % i, b"example", b"org")) + b"\0"
        s.sendto(struct.pack("!6H", i, 0x0100, 1, 0, 0, 0) + name + struct.pack("!2H", 1, 1), (host, int(port)))
        s.recvfrom(65535)


def ping(host, count):
    v6 = family(host) == socket.AF_INET6
    proto = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
    s = socket.socket(family(host), socket.SOCK_RAW, proto)
    s.settimeout(2)
    for i in range(int(count)):
        head = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, os.getpid() & 0xFFFF, i)
        body = bytes(range(56))
        if not v6:
            head = head[:2] + struct.pack("!H", checksum(head + body)) + head[4:]
        s.sendto(head + body, (host, 0))
        s.recvfrom(65535)


def big(host, port):
    s = socket.socket(family(host), socket.SOCK_DGRAM)
    s.settimeout(2)
    s.sendto(b"\0" * 4000, (host, int(port)))
    s.recvfrom(65535)


def tagged(device, *tags):
    """Sends UDP datagrams in frames with VLAN tags, given as TPID:VID."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((device, 0))
    tag = b"".join(struct.pack("!HH", int(t.split(":")[0], 16), int(t.split(":")[1])) for t in tags)
    for i in range(5):
        udp = struct.pack("!4H", 5000 + i, 5300, 8 + 20, 0) + bytes(20)
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i, 0, 64, 17, 0, bytes([198, 51, 100, 1]), bytes([198, 51, 100, 2]))
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        s.send(b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01" + tag + struct.pack("!H", 0x0800) + ip + udp)


globals()[sys.argv[1]](*sys.argv[2:])
