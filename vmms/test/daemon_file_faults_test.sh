#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon is killed, and finds its disk full, at every single step that it makes with files.
# Afterwards an operation has been done as a whole or not at all, nothing is left over, and it can
# be repeated.
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
start_bus
mkdir "$DIR/files"
start_faulty_daemon "$DIR"/
make vm --disk 1M:"$DIR/files/vm.raw"
head -c 900000 /dev/urandom > "$DIR/data"
dd if="$DIR/data" of="$DIR/files/vm.raw" conv=notrunc status=none
ok notes vm 'two
lines'
mkdir "$DIR/exports" "$DIR/in"
ok export vm "$DIR/in"
ok delete vm # so that the import may have its name
make vm --disk "$DIR/files/vm.raw"

no_leftovers() {
	local found
	CHECKS=$((CHECKS + 1))
	found=$(find "$DIR" -name '*.keelson-new*')
	[ -z "$found" ] || fail "$1: left over: $found"
}

no_jobs() {
	[ "$("$VMCTL" --json jobs)" = '[]' ]
}

is_there() {
	"$VMCTL" show "$1" > "$DIR/shown" 2>&1
}

# Each operation: do_X, and check_X, which succeeds if all of it is there, and fails the test if
# only a part is; undo_X makes way for the next.
do_create() { "$VMCTL" create made --memory 16M --disk 1M:"$DIR/files/made.raw" --disk 1M:"$DIR/files/made2.raw"; }
check_create() { whole made "$DIR/files/made.raw" "$DIR/files/made2.raw"; }
undo_create() { ok delete made --storage; }

do_clone() { "$VMCTL" clone vm copy; }
check_clone() {
	whole copy "$DIR/files/copy-hda.raw" || return 1
	cmp -s "$DIR/files/vm.raw" "$DIR/files/copy-hda.raw" || fail "the clone's disk differs"
}
undo_clone() { ok delete copy --storage; }

do_export() { "$VMCTL" export vm "$DIR/exports"; }
check_export() {
	[ -e "$DIR/exports/vm" ] || return 1
	[ "$(ls "$DIR/exports/vm")" = "$(printf 'hda.raw\nmachine.xml\noptions')" ] ||
		fail "half an export: $(ls "$DIR/exports/vm")"
	grep -q '^Size.hda.raw=' "$DIR/exports/vm/options" || fail "the options are cut off"
	cmp -s "$DIR/files/vm.raw" "$DIR/exports/vm/hda.raw" || fail "the exported disk differs"
}
undo_export() { rm -r "$DIR/exports/vm"; }

do_import() { "$VMCTL" import --copy --new-id --name taken "$DIR/in/vm"; }
check_import() {
	whole taken "$DIR/state/disks/taken-hda.raw" || return 1
	cmp -s "$DIR/in/vm/hda.raw" "$DIR/state/disks/taken-hda.raw" || fail "the import differs"
	"$VMCTL" show taken | grep -q two || fail "the notes are lost"
}
undo_import() { ok delete taken --storage; }

# whole MACHINE FILE…: all of it is there. Nothing of it: false. A part: the test fails.
whole() {
	local name=$1 files=0 file
	shift
	for file in "$@"; do
		[ ! -e "$file" ] || files=$((files + 1))
	done
	if is_there "$name"; then
		[ $files = $# ] || fail "$operation, step $step: $name has $files of $# disks"
		return 0
	fi
	[ $files = 0 ] || fail "$operation, step $step: $files disks without a machine"
	return 1
}

for operation in create clone export import; do
	# ── the disk is full ──
	for ((step = 1; ; step++)); do
		fault full $step
		if do_$operation > "$DIR/out.text" 2>&1; then
			mv "$DIR/fault" "$DIR/fault.over"
			check_$operation || fail "$operation said it was done at step $step: $(cat "$DIR/out.text")"
			undo_$operation
		else
			grep -qE 'no space left|No space left' "$DIR/out.text" || fail "$operation, step $step: $(cat "$DIR/out.text")"
			! check_$operation || fail "$operation failed at step $step, but is there"
			no_leftovers "$operation, full at step $step"
		fi
		[ -e "$DIR/fault.sign" ] || break
	done
	[ $step -gt 6 ] || fail "$operation has only $step steps"
	full_steps=$step

	# ── the daemon is gone ──
	for ((step = 1; ; step++)); do
		fault kill $step
		do_$operation > "$DIR/out.text" 2>&1
		[ -e "$DIR/fault.sign" ] || break
		wait "$DAEMON_PID" 2> /dev/null
		rm -f "$DIR/fault"
		start_faulty_daemon "$DIR"/
		await "no job to be left" no_jobs
		no_leftovers "$operation, killed at step $step"
		if check_$operation; then
			undo_$operation
		fi
	done
	rm -f "$DIR/fault"
	check_$operation || fail "$operation without a fault"
	undo_$operation
	[ $step -ge $full_steps ] || fail "$operation: $step and $full_steps steps"
done

# ── a delete goes on where it was ────────────────────────────────────────────────────────────
for ((step = 1; ; step++)); do
	rm -f "$DIR/fault"
	do_create > /dev/null || fail "create"
	fault kill $step
	"$VMCTL" delete made --storage > "$DIR/out.text" 2>&1
	[ -e "$DIR/fault.sign" ] || break
	wait "$DAEMON_PID" 2> /dev/null
	rm -f "$DIR/fault"
	start_faulty_daemon "$DIR"/
	await "no job to be left" no_jobs
	! is_there made || fail "delete, step $step: the machine is still there"
	[ ! -e "$DIR/files/made.raw" ] && [ ! -e "$DIR/files/made2.raw" ] ||
		fail "delete, step $step: $(ls "$DIR/files")"
done
rm -f "$DIR/fault"
stop_daemon
echo "$CHECKS checks"
