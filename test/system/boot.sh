#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# boot.sh CPUS MEMORY grub|direct KERNEL: the root partition comes up whole on that machine.
. "$(dirname "$0")/lib.sh"
cpus=$1 memory=$2 loader=$3 kernel=$4
options=(--cpus "$cpus" --memory "$memory" --root-kernel "$kernel")
[ "$loader" = grub ] || options+=(--direct)

guest "${options[@]}" <<'EOF'
echo "kernel $(uname -r)"
echo "processors $(nproc)"
echo "memory $(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo)"
echo "state $(systemctl is-system-running --wait)"
systemctl --failed --no-legend
# Each processor's timer ticks: a short sleep on it ends.
for cpu in $(seq 0 $(($(nproc) - 1))); do
	taskset -c "$cpu" sleep 0.1 && echo "slept on $cpu"
done
echo "arguments $(cat /proc/cmdline)"
echo "suspend $(cat /sys/power/mem_sleep), $(cat /sys/power/disk)"
dmesg
EOF
expect_status 0
case $kernel in
bookworm) expect "$out" '^kernel 6\.1\.' ;;
backports) expect "$out" '^kernel 6\.12\.' ;;
esac
expect "$out" "^processors $cpus\$"
expect "$out" "^slept on $((cpus - 1))\$"
expect "$out" '^state running$'
expect "$out" 'Hypervisor detected: Microsoft Hyper-V'
expect "$out" 'x2apic: enabled by BIOS'
expect_healthy_kernel
expect "$out" '^arguments (BOOT_IMAGE=[^ ]* )?root='
# What the hypervisor would not survive is not on offer.
[ "$loader" = direct ] || expect "$out" '^suspend \[s2idle\].*, \[disabled\]$'
expect "$log" "^keelson \\| .* $cpus processor"
# The hypervisor keeps less than 32 MiB for itself; Linux its image, and a 32nd for its tables.
found=$(sed -n 's/^memory //p' "$out")
[ "$found" -gt $((memory - memory / 32 - 96)) ] && [ "$found" -lt "$memory" ] ||
	fail "the root partition has $found MiB of $memory"
