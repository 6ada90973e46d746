#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Networks, in a network namespace of their own: bridge, rules, name server, taps.
. "$(dirname "$0")/network_space.sh"
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
start_bus
start_daemon

ok network create lan
ok --json network
grep -q '"name":"lan","mode":"nat","bridge":"kbr0","address":"10.77.1.1/24".*"active":true' "$DIR/out" ||
	fail "network list: $(cat "$DIR/out")"
"$(dirname "$0")/json_keys.py" "$(dirname "$0")/../../doc/man/vmctl.1" network < "$DIR/out" ||
	fail "the fields of network list"
ip -4 address show kbr0 | grep -q 10.77.1.1/24 || fail "the bridge has no address"
nft list table ip keelson-kbr0 | grep -q masquerade || fail "no address translation"
[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] || fail "no forwarding"
grep -q 'dhcp-range=10.77.1.128,10.77.1.254,1h' "$DIR/run/net/kbr0.conf" || fail "DHCP range"
await "dnsmasq" sh -c 'ss -lun | grep -q ":67 "'

grep -qx "host-record=$(uname -n),10.77.1.1" "$DIR/run/net/kbr0.conf" && grep -qx no-hosts "$DIR/run/net/kbr0.conf" ||
	fail "the host's name: $(cat "$DIR/run/net/kbr0.conf")"

ok network create second
ip -4 address show kbr1 | grep -q 10.77.2.1/24 || fail "the second network's address"
refused 'There is a network .lan. already' network create lan
refused 'overlaps that of network lan' network create third --address 10.77.1.9/24
refused 'is not an address' network create third --address 10.77.1.9
refused 'there is no bridge nowhere' network create third --bridge nowhere
refused 'no network .third.' network start third

# ── an interface, or a range, that is the host's own ─────────────────────────────────────────
ip link add uplink type veth peer name beyond
ip link set beyond up
ip address add 10.50.1.1/24 dev uplink
ip link set uplink up
# nat NAME BRIDGE: with address translation, on a bridge of that name, which vmctl does not offer
nat() {
	busctl call org.keelson.vmms1 /org/keelson/vmms1 org.keelson.vmms1.Manager CreateNetwork ssssu \
		"$1" nat "$2" '' 0 2>&1
}
ip route add 10.60.0.0/16 dev uplink
ip address add 10.77.3.9/24 dev uplink
nat third uplink | grep -q 'interface uplink already, which is not' || fail "NAT on the uplink"
refused "overlaps the host's (address|route) 10.50.1" network create third --address 10.50.1.7/24
refused "overlaps the host's route 10.60.0.0/16 on uplink" network create third --address 10.60.9.1/24
ip address show uplink | grep -q 10.50.1.1/24 || fail "the host's interface has lost its address"
ip -o link show uplink | grep -q 'UP' || fail "the host's interface is down"
nft list tables | grep -q uplink && fail "rules for the host's interface"
"$VMCTL" network list | grep -q third && fail "what was refused is in the list"
ok network create third
ip -4 address show kbr2 | grep -q 10.77.4.1/24 || fail "the range that the host uses was taken: $(ip -4 address show kbr2)"
ok network delete third
# a bridge that somebody else has made under a name of ours is not ours
ip link add kbrx type bridge
ip link set kbrx alias mine
nat third kbrx | grep -q 'interface kbrx already, which is not' || fail "NAT on a bridge that is not ours"
[ -e /sys/class/net/kbrx ] || fail "a bridge that is not ours was removed"

# ── a name with a dash ───────────────────────────────────────────────────────────────────────
nat dashed my-br.0
await "dnsmasq of the bridge with a dash" sh -c 'ss -lun | grep -q "%my-br.0:67 "'
nft list table ip keelson-my-br.0 | grep -q masquerade || fail "no address translation"
ok network delete dashed

# ── what others have removed is made again ───────────────────────────────────────────────────
nft flush ruleset
ip address flush dev kbr0
ok network start lan
nft list table ip keelson-kbr0 | grep -q masquerade || fail "the rules were not made again"
ip -4 address show kbr0 | grep -q 10.77.1.1/24 || fail "the address was not made again"
kill -KILL "$(cat "$DIR/run/net/kbr0.pid")"
await "the event" sh -c '"$0" events | grep -q "lan: dnsmasq has ended"' "$VMCTL"
await "dnsmasq again" sh -c 'ss -lun | grep -q "%kbr0:67 "'

# ── another firewall is told of, once there is one, until it lets the network through ────────
"$VMCTL" events | grep -q 'another firewall' && fail "another firewall, where there is none"
ok network show lan
grep -q 'another firewall' "$DIR/out" && fail "another firewall, where there is none"
nft 'table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }'
nft 'table inet other { chain through { type filter hook forward priority 0; policy drop; }; }'
# what the last call says of a firewall on the stream $1; the commands that it names are in $REMEDY
names_firewall() {
	CHECKS=$((CHECKS + 1))
	grep -q "another firewall of this host ($2)" "$DIR/$1" || fail "no word of $2: $(cat "$DIR/$1")"
	REMEDY=$(sed -n 's/.*lets kbr0 through: //p' "$DIR/$1")
}
ok network start lan
names_firewall err 'table ip filter, chain FORWARD'
"$VMCTL" events | grep -q 'lan: another firewall.*table ip filter, chain FORWARD.*kbr0' ||
	fail "no word of the other firewall: $("$VMCTL" events)"
ok network list
names_firewall err 'table ip filter, chain FORWARD'
ok --json network list
grep -q '"name":"lan".*"warning":"another firewall.*"name":"second".*"warning":""' "$DIR/out" || fail "$(cat "$DIR/out")"
ok --json network show lan
grep -q '^{"name":"lan".*"warning":"another firewall' "$DIR/out" || fail "$(cat "$DIR/out")"
ok network show lan
names_firewall out 'table ip filter, chain FORWARD'
sh -ec "$REMEDY" || fail "the remedy fails: $REMEDY"
ok network start lan
names_firewall err 'table inet other, chain through'
sh -ec "$REMEDY" || fail "the remedy fails: $REMEDY"
ok network start lan
[ ! -s "$DIR/err" ] || fail "a firewall that lets the network through: $(cat "$DIR/err")"
ok network show lan
grep -q 'another firewall' "$DIR/out" && fail "a firewall that lets the network through: $(cat "$DIR/out")"
refused "no network .nowhere." network show nowhere
nft delete table ip filter
nft delete table inet other

# ── what machines advertise by IPv6 does not reach the host, nor each other ──────────────────
advertise() {
	python3 - "$1" <<-'PYTHON'
	import socket, struct, sys
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	s.bind((sys.argv[1], 0))
	source = socket.inet_pton(socket.AF_INET6, 'fe80::1')
	to = socket.inet_pton(socket.AF_INET6, 'ff02::1')
	prefix = struct.pack('!BBBBIII', 3, 4, 64, 0xc0, 3600, 3600, 0) + socket.inet_pton(socket.AF_INET6, '2001:db8::')
	ra = struct.pack('!BBHBBHII', 134, 0, 0, 64, 0, 1800, 0, 0) + prefix
	words = source + to + struct.pack('!II', len(ra), 58) + ra
	total = sum(struct.unpack('!%dH' % (len(words) // 2), words))
	while total >> 16: total = (total & 0xffff) + (total >> 16)
	ra = ra[:2] + struct.pack('!H', ~total & 0xffff) + ra[4:]
	frame = bytes.fromhex('333300000001' '525400000001' '86dd') + struct.pack('!IHBB', 6 << 28, len(ra), 58, 255) + source + to + ra
	s.send(frame)
	PYTHON
}
ip link add guest0 type veth peer name port0
ip link add guest1 type veth peer name port1
for port in 0 1; do
	ip link set port$port master kbr0 group 27493 up
	ip link set guest$port up
done
GUARD=no # not every kernel's bridge can
nft 'table bridge guard { chain f { type filter hook forward priority 0; }; }' 2> /dev/null &&
	nft delete table bridge guard && GUARD=yes
[ -e /proc/sys/net/ipv6 ] && {
	[ "$(cat /proc/sys/net/ipv6/conf/kbr0/disable_ipv6)" = 1 ] || fail "IPv6 is on on the bridge"
	# as where the service may not change that: the rules alone
	echo 0 > /proc/sys/net/ipv6/conf/kbr0/disable_ipv6
	echo 2 > /proc/sys/net/ipv6/conf/kbr0/accept_ra
	await "the ports" sh -c 'bridge link show dev port1 | grep -q "state forwarding"'
	nft 'table ip6 probe { chain input { type filter hook input priority -10; iifname "kbr0" icmpv6 type nd-router-advert counter; }; }'
	[ $GUARD = no ] || nft 'table bridge probe { chain forward { type filter hook forward priority 10; oifname "port1" icmpv6 type nd-router-advert counter; }; }'
	advertise guest0
	await "the advertisement" sh -c 'nft list table ip6 probe | grep -q "packets [1-9]"'
	ip -6 address show kbr0 | grep -q 2001:db8 && fail "the host took a machine's address range"
	ip -6 route show | grep -q fe80::1 && fail "the host took a machine for its router"
	[ $GUARD = no ] || nft list table bridge probe | grep -q 'packets 0 ' || fail "the other machine got it: $(nft list table bridge probe)"
	nft delete table ip6 keelson-kbr0
	[ $GUARD = no ] || nft delete table bridge keelson-kbr0
	advertise guest0
	await "the same without the rules" sh -c 'ip -6 address show kbr0 | grep -q 2001:db8'
	[ $GUARD = no ] || nft list table bridge probe | grep -q 'packets [1-9]' || fail "the test of the guard tests nothing"
	nft delete table ip6 probe
	[ $GUARD = no ] || nft delete table bridge probe
	ok network start lan
}
ip link delete port0
ip link delete port1

# a machine's tap is on the bridge, and in the VLAN
ip link add br9 type bridge
ip link set br9 up
VLAN=no # not every kernel's bridge can
ip link set br9 type bridge vlan_filtering 1 2> /dev/null && VLAN=yes
if [ $VLAN = yes ]; then
	ok network create joined --bridge br9 --vlan 7
else
	ok network create joined --bridge br9
fi
make vm --network lan --network joined
taps() { ip -o link show master "$1" | wc -l; }
[ "$(taps kbr0)" = 0 ] || fail "a tap before the start"
ok start vm
[ "$(taps kbr0)" = 1 ] || fail "no tap on kbr0"
[ "$(ip -o link show master kbr0 group 27493 | wc -l)" = 1 ] || fail "the tap on kbr0 has no group"
[ "$(taps br9)" = 1 ] || fail "no tap on br9"
[ $VLAN = no ] || bridge vlan show | grep -q 'keelson1.*7 PVID' || fail "not in VLAN 7: $(bridge vlan show)"
refused 'machine vm runs on it' network stop lan
refused 'machine vm has a card on it' network delete lan

# a restart of the daemon leaves the machine its taps, and finds its networks
kill_daemon
start_daemon
state vm running
[ "$(taps kbr0)" = 1 ] || fail "the tap is gone after a restart"
await "dnsmasq" sh -c 'ss -lun | grep -q ":67 "'
ok stop vm
await "the tap to go" sh -c '[ "$(ip -o link show master kbr0 | wc -l)" = 0 ]'
ok network stop lan
refused 'network lan is not active' start vm
state vm off
ok network start lan
ok start vm
ok stop vm
ok delete vm
ok network delete lan
[ ! -e /sys/class/net/kbr0 ] || fail "kbr0 is still there"
nft list tables | grep -q keelson-kbr0 && fail "the rules are still there"
ok network delete joined

# ── programs that are missing are told of at the start ───────────────────────────────────────
for program in nft dnsmasq; do
	path=$(command -v $program)
	mount --bind /dev/null "$path"
	refused "program $program is not installed.*package" network create fourth
	umount "$path"
done
[ ! -e /sys/class/net/kbr2 ] || fail "what could not be started has left a bridge"
[ -e /sys/class/net/br9 ] || fail "a bridge that is not ours was removed"
stop_daemon
echo "$CHECKS checks"
