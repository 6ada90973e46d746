#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon as other programs see it: errors and objects on the bus, who did it, the journal.
BUILD=$1
. "$(dirname "$0")/harness.sh"
for program in gdbus dbus-monitor; do
	command -v $program > /dev/null || { echo "no $program"; exit 77; }
done
echo bios > "$DIR/bios"
start_bus
export JOURNAL_SPY=$DIR/journal INTERRUPTS=$DIR/interrupts
preload journal_spy interrupts
JOURNAL_STREAM=1:2 start_preloaded --set StopTimeoutSec=1
dbus-monitor --address "$DBUS_SYSTEM_BUS_ADDRESS" > "$DIR/monitor" 2>&1 &
HELPER_PIDS="$HELPER_PIDS $!"
await "the monitor" grep -q NameAcquired "$DIR/monitor"
ME=$(id -un)

glib() {
	CHECKS=$((CHECKS + 1))
	gdbus call --address "$DBUS_SYSTEM_BUS_ADDRESS" --dest org.keelson.vmms1 "$@" > "$DIR/out" 2> "$DIR/err"
}

# ── errors ───────────────────────────────────────────────────────────────────────────────────
glib --object-path /org/keelson/vmms1 --method org.keelson.vmms1.Manager.GetVM nobody && fail "found nobody"
grep -q "org.keelson.vmms1.NoSuchVM: There is no machine 'nobody'" "$DIR/err" ||
	fail "GLib does not understand the error: $(cat "$DIR/err")"
refused '"libvirt":42' --json show nobody
make one
object=$(busctl call org.keelson.vmms1 /org/keelson/vmms1 org.keelson.vmms1.Manager GetVM s one |
	sed 's/.*"\(.*\)"/\1/')
for interface in org.keelson.vmms1.Manager:/org/keelson/vmms1 "org.keelson.vmms1.VM:$object"; do
	glib --object-path "${interface#*:}" --method org.freedesktop.DBus.Properties.Get \
		"${interface%:*}" Colour && fail "an unknown property: $(cat "$DIR/out")"
	grep -q UnknownProperty "$DIR/err" || fail "$(cat "$DIR/err")"
done
glib --object-path "$object" --method org.keelson.vmms1.VM.SetOptions "{'Colour': <'red'>}" &&
	fail "an unknown option"
grep -q "InvalidArgument: There is no option 'Colour'" "$DIR/err" || fail "$(cat "$DIR/err")"

# ── a signal while the bus is asked who calls: the end of a worker, or of nft ────────────────
: > "$INTERRUPTS"
ok notes one "told by root, who needs no polkit"
rm "$INTERRUPTS"

# ── objects come and go ──────────────────────────────────────────────────────────────────────
managed() {
	glib --object-path /org/keelson/vmms1 --method org.freedesktop.DBus.ObjectManager.GetManagedObjects ||
		fail "$(cat "$DIR/err")"
}
managed
grep -q "'$object': .*'org.keelson.vmms1.VM': {.*'Name': <'one'>" "$DIR/out" || fail "$(cat "$DIR/out")"
ok start one
tell one deaf
ok --no-wait reboot one
job=$(awk '{ print $2 }' "$DIR/out")
managed
grep -q "'/org/keelson/vmms1/job/_$job': .*'org.keelson.vmms1.Job': {.*'UUID': <'$(field one UUID)'>" "$DIR/out" ||
	fail "$(cat "$DIR/out")"
ok jobs cancel "$job"
ok stop one
ok delete one
# what is told of an object, in the monitor's words: SIGNAL PATH
told() {
	CHECKS=$((CHECKS + 1))
	await "$1 of $2" awk -v signal="member=$1" -v path="object path \"$2\"" '
		index($0, "member=") { now = index($0, signal) > 0 }
		now && index($0, path) { found = 1 }
		END { exit !found }' "$DIR/monitor"
}
told InterfacesAdded "$object"
told InterfacesAdded "/org/keelson/vmms1/job/_$job"
told InterfacesRemoved "/org/keelson/vmms1/job/_$job"
told InterfacesRemoved "$object"
managed
grep -q "$object" "$DIR/out" && fail "an object that is gone: $(cat "$DIR/out")"

# ── who did it ───────────────────────────────────────────────────────────────────────────────
make two
uuid=$(field two UUID)
ok start two
ok pause two
ok resume two
tell two poweroff
await "two to be off" is_state two off
"$VMCTL" --json events two > "$DIR/events" || fail "the events"
"$VMCTL" --json log two > "$DIR/history" || fail "the history"
python3 - "$DIR/events" "$DIR/history" "$ME" "$(id -u)" <<-'PYTHON' || fail "who did it: $(cat "$DIR/events" "$DIR/history")"
	import json, sys
	events = [json.loads(line) for line in open(sys.argv[1])]
	user, uid = sys.argv[3], int(sys.argv[4])
	by = {(e["kind"], e["detail"]): (e["user"], e["uid"]) for e in events}
	for done in (("state", "starting none"), ("state", "running started"), ("job", "start done"),
	             ("state", "paused requested"), ("job", "resume done")):
	    assert by[done] == (user, uid), (done, by[done])
	assert all((e["user"], e["uid"]) == (user, uid) for e in events if e["kind"] == "defined")
	assert by["state", "off guest-off"] == ("", 4294967295), by["state", "off guest-off"]
	assert all((j["user"], j["uid"]) == (user, uid) for j in json.load(open(sys.argv[2])))
PYTHON
"$VMCTL" log two | grep -q "pause *done *$ME" || fail "$("$VMCTL" log two)"
"$VMCTL" events two | grep -q "running started (by $ME)" || fail "$("$VMCTL" events two)"

# ── the journal ──────────────────────────────────────────────────────────────────────────────
has() {
	CHECKS=$((CHECKS + 1))
	awk -F '\t' -v wanted="$(printf '%s\n' "$@")" '
		BEGIN { count = split(wanted, fields, "\n") }
		{
			found = 0
			for (i = 1; i <= NF; i++)
				for (j = 1; j <= count; j++)
					found += $i == fields[j]
			if (found == count)
				exit seen = 1
		}
		END { exit !seen }' "$DIR/journal" || fail "no entry with $*: $(cat "$DIR/journal")"
}
start=$("$VMCTL" --json log two | python3 -c '
import json, sys
print([j["job"] for j in json.load(sys.stdin) if j["operation"] == "start"][0])')
has "KEELSON_VM=$uuid" KEELSON_VM_NAME=two KEELSON_EVENT=state "KEELSON_JOB=$start" "KEELSON_USER=$ME" \
	"KEELSON_UID=$(id -u)" PRIORITY=6 "MESSAGE=two: state: running started (by $ME)"
has "KEELSON_VM=$uuid" "KEELSON_JOB=$start" KEELSON_EVENT=job "MESSAGE=two: job: start done (by $ME)"
has "KEELSON_VM=$uuid" KEELSON_EVENT=state 'MESSAGE=two: state: off guest-off'
grep 'off guest-off' "$DIR/journal" | grep -q KEELSON_USER && fail "a guest's doing is told as a user's"

# warnings about machines and jobs, too: of a job that fails, of a worker that has to be killed
echo kernel > "$DIR/kernel"
make linux --kernel "$DIR/kernel" --cmdline refuse
uuid=$(field linux UUID)
refused 'cannot build it' start linux
start=$("$VMCTL" --json log linux | sed 's/.*"job":\([0-9]*\),.*"operation":"start".*/\1/')
has "KEELSON_VM=$uuid" KEELSON_VM_NAME=linux "KEELSON_JOB=$start" "KEELSON_USER=$ME" PRIORITY=4 \
	"MESSAGE=linux: job $start (start) failed: $(sed 's/^vmctl: //' "$DIR/err")"
ok start two
uuid=$(field two UUID)
worker=$(field two WorkerPID)
kill -STOP "$worker"
ok stop two
stop=$("$VMCTL" --json log two | python3 -c '
import json, sys
print([j["job"] for j in json.load(sys.stdin) if j["operation"] == "turn-off"][0])')
has "KEELSON_VM=$uuid" KEELSON_VM_NAME=two "KEELSON_JOB=$stop" PRIORITY=4 \
	"MESSAGE=two: worker $worker does not end by itself and is killed"
stop_daemon
echo "$CHECKS checks"
