#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the documentation tells to type works: keelson(7)'s first example, and the installed examples of
# XML. Files in /srv are in the test's folder. Usage: examples_test.sh BUILD-DIRECTORY-OF-VMMS TOP
BUILD=$1 TOP=$2
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
truncate -s 1M "$DIR/debian.iso" "$DIR/initrd.gz" "$DIR/web.raw" "$DIR/vmlinuz"
start_bus
start_daemon

lines=0
while read -ra words; do
	lines=$((lines + 1))
	if [ "${words[1]}" = console ]; then
		tell "${words[2]}" hello || fail "${words[*]}"
	else
		ok "${words[@]:1}"
	fi
	[ "${words[1]}" != create ] || field "${words[2]}" UUID >> "$DIR/uuids"
done < <(sed -n 's/^    \(vmctl .*\)/\1/p' "$TOP/doc/man/keelson.7" | sed "s|\\\\-|-|g; s|/srv|$DIR|g; s|--disk 20G|&:$DIR/new.raw|")
[ $lines -ge 4 ] || fail "$lines lines of an example in keelson(7)"
state web running
ok stop web

for example in "$TOP"/etc/examples/*.xml; do
	sed "s|/srv|$DIR|; s|/vmlinuz|$DIR/vmlinuz|" "$example" > "$DIR/example.xml"
	ok check "$DIR/example.xml"
	name=$(sed -n 's/.*<name>\(.*\)<.*/\1/p' "$example")
	[ "$name" != web ] || ok delete web
	ok define "$DIR/example.xml"
	field "$name" UUID >> "$DIR/uuids"
	ok start "$name"
	ok stop "$name"
done
stop_daemon
echo "$CHECKS checks"
