#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nothing holds the daemon: files, workers, clients and the bus that do not answer, or say too much.
# What is measured is what goes on meanwhile: the fault is held until queries, and changes of another
# machine, have been answered.
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
preload faults
start_bus
start_preloaded
make held --disk 1M:"$DIR/held.raw"
make free --disk 1M:"$DIR/free.raw"
ok attach free cdrom "$DIR/bios" hdc
cp "$DIR/bios" "$DIR/cd"

# hold PATH: opening it does not return
hold() {
	rm -f "$FAULTS/hangs"
	echo "$1" > "$FAULTS/hang-open.new"
	mv "$FAULTS/hang-open.new" "$FAULTS/hang-open"
}

release() {
	rm "$FAULTS/hang-open"
}

# answered: queries, and what changes another machine
answered() {
	"$BUILD/test/query_storm" 200 > "$DIR/storm" 2>&1 || fail "queries wait for $1: $(cat "$DIR/storm")"
	ok notes free "while $1 hangs"
}

# ── files ────────────────────────────────────────────────────────────────────────────────────
for file in "$DIR/held.raw" "$DIR/bios"; do
	hold "$file"
	"$VMCTL" start held > "$DIR/start.out" 2>&1 &
	start=$!
	await "the file to hang" test -e "$FAULTS/hangs"
	answered "$file"
	[ "$file" = "$DIR/bios" ] || { ok start free; ok stop free; }
	state held starting
	kill -0 $start || fail "the start has ended: $(cat "$DIR/start.out")"
	release
	wait $start || fail "start: $(cat "$DIR/start.out")"
	state held running started
	ok stop held
done

# the copying of disks, and the making of one
mkdir "$DIR/export"
for verb in "clone held copy" "export held $DIR/export"; do
	hold "$DIR/held.raw"
	# shellcheck disable=SC2086
	"$VMCTL" $verb > "$DIR/verb.out" 2>&1 &
	running=$!
	await "the disk to hang" test -e "$FAULTS/hangs"
	answered "$verb"
	release
	wait $running || fail "$verb: $(cat "$DIR/verb.out")"
done
ok delete copy --storage

# a start whose file hangs can be ended, in each way
hold "$DIR/held.raw"
ok --no-wait start held
await "the file to hang" test -e "$FAULTS/hangs"
ok jobs cancel "$("$VMCTL" jobs | awk '$2 == "held" { print $1 }')"
state held off requested
ok --no-wait start held
ok stop held
state held off requested
ok --no-wait start held
kill_daemon
start_preloaded --set StartTimeoutSec=1
await "the start to be given up" is_state held off
state held off start-failed
"$VMCTL" log held | grep -q 'could not be opened within 1 s' || fail "log: $("$VMCTL" log held)"
release
# a start that nothing holds has its usual time again
stop_daemon
start_preloaded

# a CD
ok start free
hold "$DIR/cd"
"$VMCTL" attach free cdrom "$DIR/cd" hdc > "$DIR/attach.out" 2>&1 &
attach=$!
await "the CD to hang" test -e "$FAULTS/hangs"
answered "a CD"
refused 'another change of a CD' detach free hdc
release
wait $attach || fail "attach: $(cat "$DIR/attach.out")"
field free disk.hdc | grep -q "$DIR/cd" || fail "the CD is not in"

# ── workers ──────────────────────────────────────────────────────────────────────────────────
stop_daemon
start_preloaded --set AnswerTimeoutSec=1
state free running
worker=$(workers_of "$(field free UUID)")
kill -STOP "$worker"
refused "did not answer to 'pause' within 1 s.*vmctl stop free" pause free
refused "did not answer to 'reset' within 1 s" reset free
refused 'did not answer within 1 s' console free < /dev/null
refused 'did not answer within 1 s' detach free hdc
refused 'another change of a CD is under way' attach free cdrom "$DIR/bios" hdc
field free disk.hdc | grep -q "$DIR/cd" || fail "a CD that has not come out yet is out"
kill -CONT "$worker"
await "the pause, too late" is_state free paused
state free paused requested
# what the worker has done after all is recorded
cd_is_out() {
	! field free disk.hdc | grep -q "$DIR/cd"
}
await "the CD to be out, too late" cd_is_out
"$VMCTL" events free | grep -q 'detached.*hdc' || fail "the CD that came out late is not in the history"
ok attach free cdrom "$DIR/cd" hdc
ok resume free

# more resets than anybody needs to know of
mkfifo "$DIR/words"
guest_console() {
	"$VMCTL" console free < "$DIR/words" > "$DIR/console" 2>&1 &
	console=$!
	exec 9> "$DIR/words"
	echo hello >&9
	await "the console" grep -q hello "$DIR/console"
}
resets() {
	printf 'reboot-loop\n%s\n' "$1" >&9
	await "the guest to be through" grep -q "$1" "$DIR/console"
}
guest_console
resets all-told
# a slow host may have lost its connection by that already
await "a reset" "$VMCTL" reset free
recorded=$("$VMCTL" events free | grep -c guest-reset)
[ "$recorded" -ge 10 ] && [ "$recorded" -le 100 ] || fail "$recorded resets are recorded"

# a daemon that is late: the worker's socket is full, its connection lost, the guest is not
pid=$(field free WorkerPID)
reconnections() {
	"$VMCTL" events free | grep -c reconnected
}
before=$(reconnections)
reconnected() {
	[ "$(reconnections)" -gt "$before" ]
}
kill -STOP "$DAEMON_PID"
resets all-lost
kill -CONT "$DAEMON_PID"
await "the worker to be reached again" reconnected
state free running
[ "$(field free WorkerPID)" = "$pid" ] || fail "the worker is another one"
ok pause free
ok resume free
echo bye >&9
exec 9>&-
wait $console

# ── clients ──────────────────────────────────────────────────────────────────────────────────
"$BUILD/test/deaf_client" 3000 > "$DIR/deaf" &
HELPER_PIDS="$HELPER_PIDS $!"
await "the deaf client to have asked" grep -q asked "$DIR/deaf"
answered "a client"

# XML that is larger than anybody needs, and as much that is not: others do not wait for it
{
	printf '<domain type="keelson" '
	seq -f 'a%.0f=""' 100000
	printf '/>'
} > "$DIR/wide.xml"
refused 'more than 64 attributes in one element' diff free "$DIR/wide.xml"
{
	printf '<domain type="keelson"><name>a</name><metadata><x xmlns="urn:x">'
	seq -f '<y a="" b="%.0f"/>' 4000
	printf '</x></metadata><memory>16384</memory><os><type>hvm</type></os></domain>'
} > "$DIR/large.xml"
checks=
for ((i = 0; i < 8; i++)); do
	"$VMCTL" diff free "$DIR/large.xml" > "$DIR/diff.$i" 2>&1 &
	checks="$checks $!"
done
answered "XML"
for pid in $checks; do
	wait "$pid"
	[ $? -le 1 ] || fail "diff: $(cat "$DIR"/diff.*)"
done
pid=$(field free WorkerPID)

# the check of XML, in each method that takes some
"$VMCTL" xml held | sed 's/<name>held/<name>new/; /<uuid>/d; /<disk/,/<.disk>/d; /<mac /d' > "$DIR/new.xml"
"$VMCTL" xml held > "$DIR/held.xml"
for verb in "define $DIR/new.xml" "define $DIR/held.xml" "create made --memory 16M" \
	"diff held $DIR/held.xml" \
	"attach held cdrom $DIR/bios hdd" "import $DIR/export/held --copy --new-id --name imported" "set held title=XML" "rename new newer" "clone newer newest"; do
	rm -f "$FAULTS/hangs"
	touch "$FAULTS/hang-xml"
	# shellcheck disable=SC2086
	"$VMCTL" $verb > "$DIR/verb.out" 2>&1 &
	running=$!
	PATIENCE=20 await "the XML of $verb: $(cat "$DIR/verb.out")" test -e "$FAULTS/hangs"
	"$BUILD/test/query_storm" 200 > "$DIR/storm" 2>&1 || fail "queries wait for $verb: $(cat "$DIR/storm")"
	kill -0 $running || fail "$verb did not wait for the check: $(cat "$DIR/verb.out")"
	rm "$FAULTS/hang-xml"
	wait $running || fail "$verb: $(cat "$DIR/verb.out")"
done
[ "$(field held title)" = XML ] || fail "the title is '$(field held title)'"

# what a client asks for after that waits for it, what others ask for does not
rm -f "$FAULTS/hangs"
touch "$FAULTS/hang-xml"
"$BUILD/test/call_storm" behind "$DIR/held.xml" held later > "$DIR/verb.out" 2>&1 &
running=$!
await "the XML" test -e "$FAULTS/hangs"
"$BUILD/test/query_storm" 200 > "$DIR/storm" 2>&1 || fail "queries wait: $(cat "$DIR/storm")"
[ -z "$(field held Notes)" ] || fail "a call has overtaken an earlier one of its client"
ok notes free 'at once'
rm "$FAULTS/hang-xml"
wait $running || fail "$(cat "$DIR/verb.out")"
[ "$(field held Notes)" = later ] || fail "the notes are '$(field held Notes)'"

# ── the daemon's end does not wait for files ─────────────────────────────────────────────────
for verb in "clone held unfinished" "export held $DIR/export2" "attach newer disk $DIR/held2.raw hda" \
	"import $DIR/export/held --copy --new-id --name unfinished" "start held"; do
	mkdir -p "$DIR/export2"
	truncate -s 1M "$DIR/held2.raw"
	case $verb in
	import*) hold "$DIR/export/held/machine.xml" ;;
	attach*) hold "$DIR/held2.raw" ;;
	*) hold "$DIR/held.raw" ;;
	esac
	# shellcheck disable=SC2086
	"$VMCTL" $verb > "$DIR/verb.out" 2>&1 &
	running=$!
	await "the file of $verb to hang" test -e "$FAULTS/hangs"
	stop_daemon
	wait $running && fail "$verb: $(cat "$DIR/verb.out")"
	release
	start_preloaded --set AnswerTimeoutSec=1
	refused 'no machine' show unfinished
	[ -z "$(ls "$DIR/export2")" ] || fail "the export: $(ls -R "$DIR/export2")"
	field newer disk.hda | grep -q held2 && fail "a disk that was not looked at"
done
await "free to be taken over" sh -c '"$0" events free | grep -q adopted' "$VMCTL"
await "held to run" is_state held running
ok stop held

# ── the bus ──────────────────────────────────────────────────────────────────────────────────
kill "$BUS_PID"
wait "$DAEMON_PID"
status=$?
[ $status = 1 ] || fail "without its bus the daemon ended with status $status"
kill -0 "$pid" || fail "the worker is gone with the bus"
rm -f "$DIR/bus" "$DIR/bus.address"
start_bus
start_preloaded
await "free to be taken over" sh -c '"$0" events free | grep -q adopted' "$VMCTL"
[ "$(field free WorkerPID)" = "$pid" ] || fail "the worker is another one"
ok stop free
stop_daemon
echo "$CHECKS checks"
