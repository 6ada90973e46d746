#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# While the disk under the inventory does not answer, in the middle of a start, 5,000 queries do not
# wait for it; what changes something waits its turn, and is done when the disk is there again.
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
start_bus
export HANG_SYNC=$DIR/hang
preload hang_sync
start_preloaded
make one
make two

touch "$DIR/hang"
"$VMCTL" start one > "$DIR/start.out" 2>&1 &
start=$!
await "the disk to hang" test -e "$DIR/hang.hangs"
"$VMCTL" notes two 'after that' > "$DIR/notes.out" 2>&1 &
notes=$!
for verb in list 'show one' 'xml two' jobs host network 'metrics one' 'diff one two'; do
	# shellcheck disable=SC2086
	timeout 300 "$VMCTL" $verb > "$DIR/out" 2>&1
	[ $? -le 1 ] || fail "vmctl $verb waits for the disk"
done
timeout 300 "$BUILD/test/query_storm" 5000 || fail "queries wait for the disk"
[ -e "$DIR/hang" ] && kill -0 $start $notes || fail "what had to wait did not"
state two off never-started
[ -z "$(field two Notes)" ] || fail "notes that are not on the disk yet are told"

rm "$DIR/hang"
wait $start || fail "start: $(cat "$DIR/start.out")"
wait $notes || fail "notes: $(cat "$DIR/notes.out")"
state one running started
[ "$(field two Notes)" = 'after that' ] || fail "notes"
ok stop one
stop_daemon
echo "$CHECKS checks"
