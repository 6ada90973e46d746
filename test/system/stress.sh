#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# stress.sh CPUS SECONDS OPTION…: all processors busy with timers, inter-processor interrupts, disk
# and network, while two clocks of the machine are compared.
. "$(dirname "$0")/lib.sh"
cpus=$1 seconds=$2
shift 2

guest --cpus "$cpus" --carry "$programs/stress" "$@" <<EOF
set -e
# The network comes up by itself, in its time.
until ip route | grep -q default; do sleep 0.2; done
cat /proc/interrupts >/root/before
/carry/stress $seconds /root/stress.data 10.0.2.100 7
cat /proc/interrupts
dmesg
EOF
expect_status 0
expect "$out" '^clock: drift .* ppm'
expect_healthy_kernel
expect_no "$log" '^keelson \| .*(panic|unexpected|unhandled)'
cat "$out" | grep -E '^(timers|ipis|disk|network|clock):'
