#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The host's orderly stop, with everything in its way: guests that are shutting down already, jobs that
# are canceled, a full disk, a daemon that is killed.
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
preload faults
start_bus
start_preloaded

job_of() {
	"$VMCTL" jobs | awk -v vm="$1" '$2 == vm { print $1 }'
}

# stopping: stop-all in the background
stopping() {
	"$VMCTL" stop-all > "$DIR/stop.out" 2>&1 &
	stopping=$!
	await "the host's stop to begin" test -e "$DIR/run/stopping"
}

stopped() {
	wait $stopping || fail "stop-all: $(cat "$DIR/stop.out")"
	[ ! -e "$DIR/run/stopping" ] || fail "the stop goes on"
}

for vm in one two; do
	make $vm
	ok autostart $vm --stop-timeout 600
done

# ── a guest that is shutting down already has its time ───────────────────────────────────────
ok start one
tell one deaf
ok --no-wait shutdown one
job=$(job_of one)
stopping
ok list
[ "$(job_of one)" = "$job" ] || fail "the shutdown under way was ended: $("$VMCTL" log one)"
is_state one stopping || fail "one is $(field one PowerState)"
tell one poweroff
stopped
state one off host-shutdown
"$VMCTL" log one | grep -q 'turn-off' && fail "the guest was turned off: $("$VMCTL" log one)"

# ── a canceled job is no end: the guest is asked again ───────────────────────────────────────
ok start one
tell one deaf
stopping
await "one to be asked" is_state one stopping
first=$(job_of one)
ok jobs cancel "$first"
asked_again() {
	local job
	job=$(job_of one)
	[ -n "$job" ] && [ "$job" != "$first" ]
}
await "one to be asked again" asked_again
tell one poweroff
stopped
state one off host-shutdown

# ── one that was paused is woken and shuts down; one that crashed, or is not up yet, is turned off ──
ok start one two
ok pause one
tell two low-disk
await "two to pause" is_state two paused
ok stop-all
state one off host-shutdown
state two off host-shutdown
"$VMCTL" log one | grep -q 'shutdown *done' || fail "one was not asked: $("$VMCTL" log one)"
"$VMCTL" log two | grep -q 'turn-off *done' || fail "two was not turned off: $("$VMCTL" log two)"

# ── a restart of the daemon in the middle: the next one goes on, and vmctl waits for it ──────
ok autostart two --order 1
ok start one two
tell two deaf
stopping
await "two to be asked" is_state two stopping
state one running
kill_daemon
start_preloaded
await "two to be asked again" is_state two stopping
state one running
tell two poweroff
stopped
state one off host-shutdown
state two off host-shutdown

# ── with a full disk: asked by default, and turned off where that is wanted ──────────────────
ok autostart two --stop-action turn-off
ok start one two
touch "$FAULTS/full"
refused 'is full' notes one 'this needs the disk'
ok stop-all
is_state one off || fail "one is $(field one PowerState)"
is_state two off || fail "two is $(field two PowerState)"
[ -z "$(workers_of "$(field one UUID)")$(workers_of "$(field two UUID)")" ] || fail "workers are left"
rm "$FAULTS/full"
kill_daemon
start_preloaded
for vm in one two; do
	await "$vm to settle" is_state $vm off
	ok start $vm
done
touch "$FAULTS/full"
ok stop one
rm "$FAULTS/full"
ok stop two
stop_daemon
echo "$CHECKS checks"
