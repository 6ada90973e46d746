#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vid-holders.sh KERNEL: holders of running partitions are killed, processors go away beneath VPs,
# and ioctls have arguments of chance. Nothing is lost, and a neighbour does not notice.
. "$(dirname "$0")/lib.sh"

guest --root-kernel "$1" --carry "$programs/vid_test" --carry "$programs/vid_hold" \
	--carry "$programs/vid_fuzz" <<'EOF'
set -e
# In KiB. A processor's own list of free pages may have grown to tens of MiB: it counts, too.
free_memory()
{
	sync # what is dirty would stay
	echo 3 >/proc/sys/vm/drop_caches
	awk '/nr_free_pages/ || /^ +count:/ { pages += $2 } END { print pages * 4 }' /proc/zoneinfo
}

# hold NAME: starts one, and waits until its VPs run. Its process is $!.
hold()
{
	/carry/vid_hold >/root/$1 &
	until grep -q running /root/$1; do sleep 0.05; done
}

kill_one()
{
	hold victim
	! rmmod vid 2>/dev/null
	kill -9 $!
	wait $! || true
}

systemctl is-system-running --wait >/root/system || true
kill_one
hold neighbour
neighbour=$!
# By the second half all that only starts the system has ended.
for round in $(seq 50); do
	kill_one && echo "killed $round"
	[ $round != 25 ] || before=$(free_memory)
done
echo "lost $((before - $(free_memory))) KiB"
deposited=$(cat /sys/module/vid/parameters/deposited)
[ -d /proc/$neighbour ]

for round in 1 2 3; do
	echo 0 >/sys/devices/system/cpu/cpu1/online
	/carry/vid_test timer_wakes interrupt_wakes
	echo 1 >/sys/devices/system/cpu/cpu1/online
	/carry/vid_test timer_wakes interrupt_wakes
done
[ -d /proc/$neighbour ]
echo "deposited for one $deposited, then $(cat /sys/module/vid/parameters/deposited)"

for seed in 1 2 3 4; do /carry/vid_fuzz $seed 20000; done
[ -d /proc/$neighbour ]
kill -9 $neighbour
wait $neighbour || true
/carry/vid_test ports
echo "deposited $(cat /sys/module/vid/parameters/deposited)"
rmmod vid
dmesg
EOF
expect_status 0
lost=$(sed -n 's/^lost \(.*\) KiB$/\1/p' "$out")
[ "${lost:-1000000}" -lt 2000 ] || fail "twenty-five killed holders cost $lost KiB"
expect "$out" '^deposited for one ([1-9][0-9]*), then \1$'
expect "$out" '^deposited 0$'
[ "$(grep -c '^fuzzed' "$out")" = 4 ] || fail "not all the fuzzers came to their end"
expect_healthy_kernel
expect_no "$log" '^keelson \| .*(panic|unexpected|unhandled|touches memory)'
