#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Networks: a client on one gets an address from dnsmasq and reaches the outside through nftables;
# machines' taps are in their bridge and VLAN.
. "$(dirname "$0")/lib.sh"
ports()
{
	ip -o link show master "$1" | wc -l
}

ok network create lan
holds "the bridge's address" sh -c 'ip -4 address show kbr0 | grep -q 10.77.1.1/24'
holds "address translation" sh -c 'nft list table ip keelson-kbr0 | grep -q masquerade'
await "dnsmasq" sh -c 'ss -lun | grep -q ":67 "'
holds "its unit" systemctl is-active keelson-dnsmasq@kbr0.service

# A client, in place of a guest: networkd asks for an address on the far end of a cable.
ip link add cable type veth peer name client
ip link set cable master kbr0 up
mkdir -p /run/systemd/network
printf '[Match]\nName=client\n[Network]\nDHCP=ipv4\n[DHCPv4]\nUseRoutes=no\nUseDNS=no\n' \
	>/run/systemd/network/05-client.network
networkctl reload
ip link set client up
await "an address" sh -c 'ip -4 address show client | grep -q "inet 10.77.1."'
await "a lease" grep -q '10.77.1.' /run/keelson/net/kbr0.leases
rm /run/systemd/network/05-client.network
networkctl reload

# The same cable's end in a namespace of its own: out by the host, back through its translation.
ip netns add far
ip link set client netns far
ip -n far address add 10.77.1.9/24 dev client
ip -n far link set client up
ip -n far route add default via 10.77.1.1
holds "the way out" timeout 300 ip netns exec far bash -c \
	'exec 3<>/dev/tcp/10.0.2.100/7 && echo through >&3 && read -r line <&3 && [ "$line" = through ]'
ip netns delete far

# ── machines' taps ───────────────────────────────────────────────────────────────────────────
ip link add br9 type bridge
ip link set br9 up
ok network create joined --bridge br9 --vlan 7
ok create tapped --memory 16M --network lan --network joined
[ "$(ports kbr0)" = 0 ] || fail "a tap before the start"
ok start tapped
[ "$(ports kbr0)" = 1 ] || fail "no tap on kbr0"
[ "$(ports br9)" = 1 ] || fail "no tap on br9"
holds "VLAN 7" sh -c 'bridge vlan show | grep -A1 "^keelson1" | grep -q "7 PVID"'
refused 'machine tapped runs on it' network stop lan
refused 'machine tapped has a card on it' network delete lan
refused 'overlaps that of network lan' network create third --address 10.77.1.9/24

systemctl kill -s KILL vmms
await "the daemon to come again" vmctl host
state tapped running
[ "$(ports kbr0)" = 1 ] || fail "the tap is gone after a restart"
await "dnsmasq" systemctl is-active keelson-dnsmasq@kbr0.service
ok stop tapped
await "the tap to go" sh -c '[ "$(ip -o link show master kbr0 | wc -l)" = 0 ]'
ok network stop lan
refused 'network lan is not active' start tapped
ok delete tapped
ok network delete lan
[ ! -e /sys/class/net/kbr0 ] || fail "kbr0 is still there"
nft list tables | grep -q keelson && fail "rules are left"
await "dnsmasq's end" sh -c '! systemctl is-active keelson-dnsmasq@kbr0.service'
ok network delete joined
[ -e /sys/class/net/br9 ] || fail "a bridge that is not ours was removed"
echo "$checks checks, $SECONDS s"
