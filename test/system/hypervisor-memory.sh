#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The hypervisor's memory from the root partition: not offered as RAM, reads as ones, keeps nothing
# that is written, and the hypervisor says once that somebody tried.
. "$(dirname "$0")/lib.sh"

guest --carry "$programs/physmem" <<'EOF'
set -e
grep -E 'System RAM|Reserved' /proc/iomem
# All that is reserved between 1 MiB and the end of RAM below 3 GiB; the firmware's tables in it
# are not ones, and are told apart by that.
awk -F'[- :]+' '/^[0-9a-f]+-[0-9a-f]+ : Reserved/ { print $1, $2 }' /proc/iomem |
while read -r first last; do
	if [ $((0x$first)) -ge $((0x100000)) ] && [ $((0x$last)) -lt $((0xb0000000)) ]; then
		/carry/physmem "$first" "$last"
	fi
done
/carry/physmem fee00000 fee00fff # the local APICs
sync
dmesg
EOF
expect_status 0
expect_healthy_kernel
ranges=$(sed -n 's/^keelson | .*hypervisor memory \([0-9a-f]*\)-\([0-9a-f]*\).*/\1 \2/p' "$log")
[ -n "$ranges" ] || fail "the hypervisor's log does not say where it is"
# Ranges side by side are one in the root's eyes.
expect_ones()
{
	expect "$out" "^$1-$2: all ones, before and after writes\$"
}
start='' end=''
while read -r first last; do
	if [ -n "$end" ] && [ $((0x$first)) = $((0x$end + 1)) ]; then
		end=$last
		continue
	fi
	[ -z "$start" ] || expect_ones "$start" "$end"
	start=$first end=$last
done <<<"$ranges"
expect_ones "$start" "$end"
[ "$(grep -c '^keelson | .*the root touches memory of the hypervisor' "$log")" = 1 ] ||
	fail "the hypervisor did not log it once"
