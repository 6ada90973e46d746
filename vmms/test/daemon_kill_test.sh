#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill -9 of the daemon at random moments of every transition. Afterwards nothing is lost and
# nothing is there twice: each machine is known, runs with exactly one worker or is off with none,
# and no job is left over.
BUILD=$1
ROUNDS=${2:-100}
. "$(dirname "$0")/harness.sh"
RANDOM=${SEED:-1}
echo bios > "$DIR/bios"
start_bus
start_daemon
for vm in a b c; do
	make $vm --disk 1M:"$DIR/$vm.raw"
done

settled() {
	local vm power count
	[ "$("$VMCTL" --json jobs)" = '[]' ] || return 1
	for vm in a b c; do
		power=$(field $vm PowerState)
		count=$(workers_of "$(field $vm UUID)" | wc -l)
		case $power in
		running | paused) [ "$count" = 1 ] || return 1 ;;
		off) [ "$count" = 0 ] || return 1 ;;
		*) return 1 ;;
		esac
	done
}

something() {
	case $((RANDOM % 8)) in
	0 | 1 | 2) "$VMCTL" start "$1" ;;
	3) "$VMCTL" stop "$1" ;;
	4) "$VMCTL" shutdown "$1" ;;
	5) "$VMCTL" pause "$1" ;;
	6) "$VMCTL" resume "$1" ;;
	7) "$VMCTL" clone "$1" "copy-$RANDOM" ;;
	esac
}

for ((round = 1; round <= ROUNDS; round++)); do
	callers=
	for vm in a b c; do
		something $vm > /dev/null 2>&1 &
		callers="$callers $!"
	done
	sleep "0.0$((RANDOM % 90 + 10))" # the moment is what is random here
	kill_daemon
	# shellcheck disable=SC2086
	wait $callers 2> /dev/null
	start_daemon
	await "everything to settle in round $round" settled
	for vm in a b c; do
		[ -e "$DIR/$vm.raw" ] || fail "round $round: the disk of $vm is gone"
	done
	[ "$("$VMCTL" list | awk '$1 == "a" || $1 == "b" || $1 == "c"' | wc -l)" = 3 ] ||
		fail "round $round: a machine is lost or doubled"
	# every machine's disk is there, and there is no disk without a machine
	for copy in $("$VMCTL" list | awk '$1 ~ /^copy-/ { print $1 }'); do
		[ -e "$DIR/$copy-hda.raw" ] || fail "round $round: $copy has no disk"
	done
	for disk in "$DIR"/copy-*; do
		[ -e "$disk" ] || continue
		name=$(basename "$disk" -hda.raw)
		"$VMCTL" show "$name" > /dev/null 2>&1 || fail "round $round: $disk is left over"
		"$VMCTL" delete "$name" --storage > /dev/null || fail "round $round: delete of $name"
	done
done
"$VMCTL" stop a b c > /dev/null 2>&1
stop_daemon
echo "$ROUNDS rounds"
