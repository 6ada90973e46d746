#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Networks, in a network namespace of their own: bridge, rules, name server, taps.
if [ -z "${IN_NAMESPACE:-}" ]; then
	for program in ip nft dnsmasq; do
		command -v $program > /dev/null || { echo "skipped: $program is not installed" && exit 77; }
	done
	unshare --net --mount true 2> /dev/null || { echo "skipped: no name spaces to be had" && exit 77; }
	# /sys shows the network namespace that it was mounted in
	IN_NAMESPACE=1 exec unshare --net --mount sh -c 'mount -t sysfs none /sys && exec "$0" "$@"' "$0" "$@"
fi
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

ok network create second
ip -4 address show kbr1 | grep -q 10.77.2.1/24 || fail "the second network's address"
refused 'There is a network .lan. already' network create lan
refused 'overlaps that of network lan' network create third --address 10.77.1.9/24
refused 'is not an address' network create third --address 10.77.1.9
refused 'there is no bridge nowhere' network create third --bridge nowhere
refused 'no network .third.' network start third

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
[ -e /sys/class/net/br9 ] || fail "a bridge that is not ours was removed"
stop_daemon
echo "$CHECKS checks"
