#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the hypervisor costs its root partition: the same machine bare and under it, once in real
# time and once counting instructions. Prints ratios, and the instructions of one exit.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
results=$(mktemp -d "$top/build/bench.XXXXXX")
trap 'rm -rf "$results"' EXIT

# Nanoseconds on the kernel's clock when the system was up, and of all processors' work until then:
# where instructions are the time, a wait for the host's disk counts until whatever timer is next,
# so that there only work is comparable. Then the loads, with MSRs to be seen.
cat >"$results/script" <<'EOF'
until [ "$(systemctl show -P ActiveState multi-user.target)" = active ]; do sleep 0.1; done
echo "boot $(($(systemctl show -P ActiveEnterTimestampMonotonic multi-user.target) * 1000)) 0 1"
awk -v cpus="$(nproc)" '{ printf "boot-work %.0f 0 1\n", ($1 * cpus - $2) * 1e9 }' /proc/uptime
modprobe msr
/carry/rootload
EOF

# measure NAME OPTION…
measure()
{
	local name=$1
	shift
	echo "measuring: $name" >&2
	"$top/demo" --script "$results/script" --carry "$top/build/release/test/system/rootload" \
		--timeout 1800 "$@" >"$results/$name"
}

measure time-bare --without-hypervisor
measure time-keelson
# One processor: counting makes several take turns, which takes long.
measure count-bare --icount --cpus 1 --without-hypervisor
measure count-keelson --icount --cpus 1

# Joins two runs by load: name, bare, under Keelson, ratio; column 2 is ns and 3 is ticks.
compare()
{
	printf '%-12s %14s %14s %8s\n' "$1" bare keelson ratio
	join "$results/$2-bare" "$results/$2-keelson" --nocheck-order -o "0,1.$3,2.$3" |
		awk '{ printf "%-12s %14.1f %14.1f %8.3f\n", $1, $2, $3, ($2 > 0 ? $3 / $2 : 0) }'
	echo
}

# field FILE LOAD: ticks of one operation.
field()
{
	awk -v load="$2" '$1 == load { print $3 }' "$results/$1"
}

compare 'ns, time' time 2
compare 'ns, icount' count 2 | grep -v '^boot '
awk -v cpuid="$(field count-keelson cpuid)" -v bare="$(field count-bare cpuid)" \
	-v msr="$(field count-keelson rdmsr-apic)" -v no_exit="$(field count-keelson rdmsr)" 'BEGIN {
	printf "instructions of one exit: CPUID %.0f, MSR %.0f\n", cpuid - bare, msr - no_exit
}'
