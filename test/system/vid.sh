#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vid.sh KERNEL: vid.ko and libvid with guests of a dozen bytes; who may use it; what is left after.
. "$(dirname "$0")/lib.sh"

guest --root-kernel "$1" --carry "$programs/vid_test" --carry "$programs/vid_contract" <<'EOF'
set -e
echo "device $(stat -c '%a %U %G' /dev/vid)"
/carry/vid_test
/carry/vid_contract
ulimit -l unlimited
setpriv --reuid nobody --regid keelson --clear-groups /carry/vid_test ports interrupt_wakes
! setpriv --reuid nobody --regid nogroup --clear-groups /carry/vid_test ports
echo "deposited $(cat /sys/module/vid/parameters/deposited)"
rmmod vid
[ ! -e /dev/vid ]
modprobe vid
/carry/vid_test ports
dmesg
EOF
expect_status 0
expect "$out" '^device 660 root keelson$'
[ "$(grep -c '^all well$' "$out")" = 3 ] || fail "not three runs of vid_test ended well"
expect "$out" '^the driver keeps the contract$'
expect "$out" '^deposited 0$'
expect "$out" 'vid: ready for child partitions'
expect_healthy_kernel
expect_no "$log" '^keelson \| .*(panic|unexpected|unhandled|touches memory)'
