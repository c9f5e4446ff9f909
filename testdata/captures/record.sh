#!/bin/sh
# Records the captures of this folder again: real programs talking over a veth
# pair between two network namespaces of their own, and over a loopback device.
# Needs root, iproute2, tcpdump, curl, python3 and openssl. Nothing outside the
# two namespaces is touched. The golden counts must be made anew afterwards
# (go test ./cmd/skep -run Captures -update, in the root).
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
cleanup() {
	for ns in skep-a skep-b; do
		ip netns pids $ns 2>/dev/null | xargs -r kill 2>/dev/null || true
		ip netns del $ns 2>/dev/null || true
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
ip netns add skep-a
ip netns add skep-b
ip -n skep-a link add eth0 type veth peer name eth0 netns skep-b
n=1
for ns in skep-a skep-b; do
	ip -n $ns link set lo up
	ip -n $ns addr add 192.0.2.$n/24 dev eth0
	ip -n $ns addr add 2001:db8::$n/64 dev eth0 nodad
	ip -n $ns link set eth0 up
	n=$((n + 1))
done
sleep 2
head -c 3000 /dev/zero | tr '\0' s >"$tmp/page.html"
capture() { # namespace device file
	ip netns exec "$1" tcpdump -q -U -n -B 4096 -i "$2" -w "$3" 2>/dev/null &
	dumper=$!
	sleep 1
}
finish() {
	sleep 1
	kill -INT $dumper
	wait $dumper || true
}

# 1. Web, name look-ups, echo, over IPv4 and IPv6, whole and in fragments.
(cd "$tmp" && exec ip netns exec skep-b python3 -m http.server --bind :: 8080 >/dev/null 2>&1) &
ip netns exec skep-b python3 traffic.py serve 5300 &
sleep 1
capture skep-a eth0 mixed.pcap
ip netns exec skep-a curl -s -o /dev/null http://192.0.2.2:8080/page.html
ip netns exec skep-a curl -s -o /dev/null 'http://[2001:db8::2]:8080/page.html'
ip netns exec skep-a curl -s -o /dev/null http://192.0.2.2:81/ || true
for to in 192.0.2.2 2001:db8::2; do
	ip netns exec skep-a python3 traffic.py query $to 5300 12
	ip netns exec skep-a python3 traffic.py ping $to 4
done
ip netns exec skep-a python3 traffic.py big 192.0.2.2 5300
ip netns exec skep-a python3 traffic.py big 2001:db8::2 5300
finish

# 2. A loopback device: encrypted traffic, as pcapng.
ip netns exec skep-a openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/key" -out "$tmp/cert" -days 2 -subj /CN=localhost 2>/dev/null
(cd "$tmp" && exec ip netns exec skep-a openssl s_server -quiet -key key -cert cert -accept 4433 -WWW >/dev/null 2>&1) &
ip netns exec skep-a python3 traffic.py serve 5301 &
sleep 1
capture skep-a lo "$tmp/loopback.pcap"
for _ in 1 2 3; do
	ip netns exec skep-a curl -sk -o /dev/null https://127.0.0.1:4433/page.html
done
ip netns exec skep-a python3 traffic.py query 127.0.0.1 5301 20
ip netns exec skep-a python3 traffic.py query ::1 5301 20
ip netns exec skep-a python3 traffic.py ping 127.0.0.1 5
finish
go run ../../internal/tools/pcapgen -convert "$tmp/loopback.pcap" -o loopback.pcapng.gz

# 3. Frames with one and two VLAN tags among others.
capture skep-a eth0 vlan.pcap
ip netns exec skep-a python3 traffic.py tagged eth0 8100:100
ip netns exec skep-a python3 traffic.py tagged eth0 88a8:7 8100:8
ip netns exec skep-a python3 traffic.py query 192.0.2.2 5300 2
finish

# 4. The same kind of traffic as a cooked capture (every device at once).
capture skep-a any cooked.pcap
ip netns exec skep-a python3 traffic.py query 192.0.2.2 5300 5
ip netns exec skep-a python3 traffic.py query ::1 5301 5
ip netns exec skep-a python3 traffic.py ping 2001:db8::2 3
finish
chown "$(id -u):$(id -g)" ./*.pcap*
ls -l ./*.pcap*
