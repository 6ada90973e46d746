#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The inventory's disk does not answer, or is full: queries are answered, machines are turned off,
# changes wait, or are refused and have not happened; nothing is lost or reordered.
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
preload faults
hang() {
	rm -f "$FAULTS/hangs"
	touch "$FAULTS/$1"
}
hanging() {
	await "the disk to hang" test -e "$FAULTS/hangs"
}
storm() {
	"$BUILD/test/query_storm" 200 > "$DIR/storm" 2>&1 || fail "queries wait: $(cat "$DIR/storm")"
}
is_up_to_date() {
	[ "$(grep -c 'is up to date again' "$DIR/log")" -gt "$updates" ]
}
# the disk answers again, and has what was refused taken back
answer() {
	updates=$(grep -c 'is up to date again' "$DIR/log")
	rm "$FAULTS/$1"
	await "the inventory to be up to date" is_up_to_date
}
start_bus
start_preloaded --set InventoryTimeoutSec=3600
make one --disk 1M:"$DIR/one.raw"
make two --disk 1M:"$DIR/two.raw"
make three

# ── changes wait; nothing else does ──────────────────────────────────────────────────────────
for fault in hang-sync hang-write; do
	ok start one three
	hang $fault
	"$VMCTL" notes two "$fault" > "$DIR/notes.out" 2>&1 &
	notes=$!
	hanging
	"$VMCTL" start two > "$DIR/start.out" 2>&1 &
	start=$!
	storm
	ok stop one
	state one off requested
	ok pause three
	ok stop three
	state three off requested
	kill -0 $notes $start || fail "what had to wait did not: $(cat "$DIR/notes.out" "$DIR/start.out")"
	[ "$(field two Notes)" != $fault ] || fail "notes that are not on the disk are told"
	state two off
	rm "$FAULTS/$fault"
	wait $notes || fail "notes: $(cat "$DIR/notes.out")"
	wait $start || fail "start: $(cat "$DIR/start.out")"
	[ "$(field two Notes)" = $fault ] || fail "the notes are '$(field two Notes)'"
	state two running started
	ok stop two
	kill_daemon
	start_preloaded --set InventoryTimeoutSec=3600
	[ "$(field two Notes)" = $fault ] || fail "the notes were lost: '$(field two Notes)'"
	for vm in one two three; do
		state $vm off requested
	done
done

# what one client asks for is done in its order, and all of it
"$BUILD/test/call_storm" notes two 30 > "$DIR/calls" 2>&1 &
calls=$!
hang hang-sync
"$VMCTL" rename three drei > "$DIR/rename.out" 2>&1 &
rename=$!
hanging
storm
rm "$FAULTS/hang-sync"
wait $calls || fail "$(cat "$DIR/calls")"
wait $rename || fail "$(cat "$DIR/rename.out")"
[ "$(field two Notes)" = 30 ] || fail "the last notes are '$(field two Notes)'"
ok rename drei three

# ── a limit: the caller is told, nothing has happened, now or when the disk answers ──────────
stop_daemon
start_preloaded --set InventoryTimeoutSec=1
ok notes two before
ok start one
for fault in hang-sync hang-write; do
	hang $fault
	silent="inventory $DIR/state/vmms.db does not answer.*InventoryTimeoutSec"
	refused "$silent" notes two during
	hanging
	storm
	refused "$silent" rename two zwei
	refused "$silent" set two memory=32M
	refused "$silent" create new --memory 16M --disk 1M:"$DIR/new.raw"
	refused "$silent" clone two new
	refused "$silent" export two "$DIR"
	refused "$silent" delete three
	refused "$silent" delete two --storage
	refused "$silent" start two
	refused "$silent" events
	refused "no machine 'new'" show new
	[ "$(field two Notes)" = before ] || fail "the notes are '$(field two Notes)'"
	state two off
	state one running
	ok stop one
	state one off requested
	answer $fault
	[ "$(field two Notes)" = before ] || fail "the notes are '$(field two Notes)'"
	ok events one
	grep -q 'off requested' "$DIR/out" || fail "what went on meanwhile is not in the history"
	kill_daemon
	start_preloaded --set InventoryTimeoutSec=1
	[ "$(field two Notes)" = before ] || fail "a change that was refused is on the disk"
	state one off requested
	ok start one two
	ok stop two
	[ ! -e "$DIR/new.raw" ] || fail "a disk of a machine that was refused"
done

# machines that come and go, but for the disk
hang hang-sync
refused "$silent" create new --memory 16M
answer hang-sync
refused "no machine 'new'" show new
ok notes two after
hang hang-sync
refused "$silent" delete three
answer hang-sync
ok show three
make new
ok delete new
kill_daemon
start_preloaded --set InventoryTimeoutSec=1
ok show three
[ "$(field two Notes)" = after ] || fail "the notes are '$(field two Notes)'"

# ── a full disk: what was prepared is taken back ─────────────────────────────────────────────
touch "$FAULTS/full"
refused 'is full' notes two full
refused 'is full' set two memory=32M
refused 'is full' rename two zwei
refused 'is full' create new --memory 16M --disk 1M:"$DIR/new.raw"
refused 'is full' delete two --storage
refused 'is full' start two
rm "$FAULTS/full"
[ "$(field two Notes)" = after ] || fail "the notes are '$(field two Notes)'"
"$VMCTL" xml two | grep -q "<memory unit=.KiB.>16384" || fail "$("$VMCTL" xml two)"
refused "no machine 'new'" show new
[ -e "$DIR/two.raw" ] && [ ! -e "$DIR/new.raw" ] || fail "disks"
ok start two
ok stop two

# ── the daemon's end does not wait for the disk ──────────────────────────────────────────────
state one running
hang hang-sync
"$VMCTL" notes two unwritten > "$DIR/notes.out" 2>&1 &
notes=$!
hanging
stop_daemon
wait $notes && fail "notes that were not written: $(cat "$DIR/notes.out")"
rm "$FAULTS/hang-sync"
start_preloaded
await "one to be adopted" sh -c '"$0" events one | grep -q "adopted.*worker"' "$VMCTL"
state one running
ok stop one
stop_daemon
echo "$CHECKS checks"
