#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon as a whole, through vmctl on a bus of its own: life cycles, what guests do, bad input.
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
start_bus
start_daemon

# ── three machines at once ───────────────────────────────────────────────────────────────────
for vm in one two three; do
	make $vm --disk 1M:"$DIR/$vm.raw"
done
ok start one two three
for vm in one two three; do
	state $vm running started
	[ "$(workers_of "$(field $vm UUID)" | wc -l)" = 1 ] || fail "$vm has not one worker"
done
refused 'running.*[Pp]ossible now' start one
ok pause two
state two paused requested
ok resume two
state two running resumed
ok reset one
ok reboot three
ok shutdown one
state one off guest-off
ok stop two
state two off requested
[ -z "$(workers_of "$(field two UUID)")" ] || fail "two's worker is still there"
refused 'off.*start' pause two

# ── what guests do ───────────────────────────────────────────────────────────────────────────
tell three poweroff
await "three to be off" is_state three off
state three off guest-off
ok start three
tell three crash
await "three to crash" is_state three off
state three off guest-crashed
"$VMCTL" events three | grep -q 'guest-crash.*0x1 0x2 0x3 0x4 0x5: Kernel panic' ||
	fail "the panic is not in the events"
ok start three
await "what the hypervisor has for it" sh -c '"$0" host | grep -qx "Deposit  *16 KiB"' "$VMCTL"
tell three panic
await "three to be turned off" is_state three off
state three off guest-crashed
ok start three
tell three low-disk
await "three to pause" is_state three paused
state three paused low-disk
ok resume three
kill -KILL "$(workers_of "$(field three UUID)")"
await "three to be off" is_state three off
state three off worker-died

# a guest that does not react to a shutdown
ok autostart three --stop-timeout 1
ok start three
tell three deaf
refused 'did not shutdown within 1 s.*vmctl stop' shutdown three
state three running
ok stop three

# a job in the way: refused without waiting, else waited for
ok autostart three --stop-timeout 600
ok start three
tell three deaf
ok --no-wait reboot three
job=$(awk '{ print $2 }' "$DIR/out")
refused "has to wait for job $job" --no-wait pause three
"$VMCTL" pause three > "$DIR/pause.out" 2>&1 &
pause=$!
ok jobs cancel "$job"
wait $pause || fail "pause did not wait: $(cat "$DIR/pause.out")"
state three paused requested
ok stop three

# a job that begins before an adopted worker has answered is its own, not the last daemon's
ok start three
stopped=$(workers_of "$(field three UUID)")
kill -STOP "$stopped"
kill_daemon
start_daemon
ok --no-wait pause three
kill -CONT "$stopped"
await "three to pause" is_state three paused
state three paused requested
await "the pause to end" sh -c '[ "$("$0" --json jobs)" = "[]" ]' "$VMCTL"
"$VMCTL" log three | grep -q 'pause *done' || fail "the pause: $("$VMCTL" log three)"
ok stop three

# what a guest does while there is no daemon
mkfifo "$DIR/words"
meanwhile()
{
	ok start three
	"$VMCTL" console three < "$DIR/words" > "$DIR/console" 2>&1 &
	console=$!
	exec 9> "$DIR/words"
	echo hello >&9
	await "the console" grep -q hello "$DIR/console"
	kill_daemon
	echo "$1" >&9
	await "the guest to obey" grep -q "$1" "$DIR/console"
	start_daemon
	await "three to be off" is_state three off
	state three off "$2"
	exec 9>&-
	wait $console || fail "the console: $(cat "$DIR/console")"
}
meanwhile panic guest-crashed
meanwhile poweroff guest-off

# restart after a crash, each time later
ok set three on-crash=restart
ok start three
restarted()
{
	"$VMCTL" show three > "$DIR/show" && grep -qx 'PowerState  *running' "$DIR/show" &&
		! grep -qx "WorkerPID  *$pid" "$DIR/show"
}
for crash in 1 2 3; do
	pid=$(field three WorkerPID)
	tell three crash
	await "three to restart, crash $crash" restarted
done
delays=$("$VMCTL" events three | grep -oE 'restart +in [0-9.]+ s' | grep -oE '[0-9.]+ ' | tr -d '\n')
[ "$delays" = '0.1 0.2 0.4 ' ] || fail "restarts after $delays"
ok stop three

# on_reboot destroy: a reboot is the end
ok set three on-crash=destroy on-reboot=destroy
ok start three
tell three reboot
await "three to end" is_state three off
state three off guest-off

# ── on a terminal: progress, a live table, the key that leaves the console ───────────────────
# on_terminal FILE VERB…: in the background, with a terminal that FILE gets everything of.
on_terminal()
{
	local file=$1
	shift
	script -qfec "'$VMCTL' $*" "$file" > /dev/null &
	HELPER_PIDS="$HELPER_PIDS $!"
	helper=$!
}
ok start three
tell three deaf
on_terminal "$DIR/progress" shutdown three
await "a progress bar" grep -qE 'three \[ {40}\] +0 %' "$DIR/progress"
ok jobs cancel "$("$VMCTL" jobs | awk '$2 == "three" { print $1 }')"
wait $helper && fail "a shutdown that was canceled succeeded"
keys() { until grep -qs "$2" "$DIR/$1"; do sleep 0.02; done && printf "$3"; }
keys console 'Ctrl-\] leaves' '\035' | on_terminal "$DIR/console" console three
await "the console's end" grep -q 'Disconnected from three' "$DIR/console"
keys top '^three ' q | on_terminal "$DIR/top" top
await "the table" grep -qE '^three +[0-9.]+ +[0-9]' "$DIR/top"
await "its end by a key" sh -c '! pgrep -f "$0 top"' "$VMCTL"
ok stop three
"$VMCTL" --json events two --follow > "$DIR/follow" &
HELPER_PIDS="$HELPER_PIDS $!"
await "past events" grep -q '"detail":"off' "$DIR/follow"
ok start two
await "the event that comes" grep -q '"name":"two","kind":"state","detail":"running started"' "$DIR/follow"
ok stop two
grep -q '"name":"three"' "$DIR/follow" && fail "events of others: $(cat "$DIR/follow")"

# ── configuration ────────────────────────────────────────────────────────────────────────────
ok xml one
cp "$DIR/out" "$DIR/one.xml"
ok diff one "$DIR/one.xml"
ok define "$DIR/one.xml"
ok xml one
cmp -s "$DIR/out" "$DIR/one.xml" || fail "the XML changed by defining it again"
ok set one memory=32M vcpus=2
"$VMCTL" diff one "$DIR/one.xml" | grep -q 'memory: 32 MiB -> 16 MiB' || fail "diff"
VISUAL='sed -i s/32768/24576/' ok edit one
"$VMCTL" diff one "$DIR/one.xml" | grep -q 'memory: 24 MiB -> 16 MiB' || fail "edit"
VISUAL=true ok edit one
grep -q 'Nothing was changed' "$DIR/out" || fail "edit: $(cat "$DIR/out")"
VISUAL=false refused 'The editor failed; nothing was changed' edit one
VISUAL='sed -i s/os/os2/' refused 'Your text is kept in /tmp/vmctl-' edit one < /dev/null
rm "$(grep -o '/tmp/vmctl-[^ ]*' "$DIR/err")"
ok set one memory=32M
refused "no setting 'colour'" set one colour=red
refused "'many'" set one vcpus=many
sed 's/<os>/<os><smbios mode="host"\/>/' "$DIR/one.xml" > "$DIR/bad.xml"
refused 'Line [0-9]+: element <smbios> is not supported in <os>' define "$DIR/bad.xml"
echo '<domain' > "$DIR/bad.xml"
refused 'not well-formed' define "$DIR/bad.xml"
refused 'No such file' define "$DIR/nothing.xml"
sed '/<uuid>/d' "$DIR/one.xml" > "$DIR/same-name.xml"
refused "is a machine 'one' already" define "$DIR/same-name.xml"
refused "is a machine 'one' already" create one
ok attach one cdrom "$DIR/bios" hdc
refused 'hdc' attach one disk "$DIR/bios" hdc
ok start one
refused 'drives cannot be added' attach one disk "$DIR/two.raw" hdb
ok detach one hdc
field one disk.hdc | grep -q empty || fail "the CD is still in"
tell one lock-drive
refused 'refuses: the drive is locked' attach one cdrom "$DIR/bios" hdc
field one disk.hdc | grep -q empty || fail "a CD is in that was refused"
refused 'running' set one memory=64M
ok rename one uno
ok notes uno 'first of all'
[ "$(field uno Notes)" = 'first of all' ] || fail "notes"
ok shutdown uno

# ── files ────────────────────────────────────────────────────────────────────────────────────
head -c 300000 /dev/urandom > "$DIR/data"
dd if="$DIR/data" of="$DIR/two.raw" conv=notrunc status=none
ok clone two four
field four UUID >> "$DIR/uuids"
cmp -s "$DIR/two.raw" "$DIR/four-hda.raw" || fail "the clone's disk differs"
[ "$(field four UUID)" != "$(field two UUID)" ] || fail "the clone has the same UUID"
refused "exists already" create five --disk 1M:"$DIR/two.raw"
refused "no machine 'five'" show five
refused "No such file" create five --disk 1M:"$DIR/nowhere/five.raw"
mkdir "$DIR/export"
ok export two "$DIR/export"
cmp -s "$DIR/two.raw" "$DIR/export/two/hda.raw" || fail "the exported disk differs"
refused "exists already" export two "$DIR/export"
ok set four title=x
refused 'four-hda.raw. is in use by machine four' create sharer --disk "$DIR/four-hda.raw"
ok start four
refused 'shut it down first|Shut it down first' clone four six
refused "'delete VM' is not possible while it is running" delete four
ok stop four
ok delete four --storage
[ ! -e "$DIR/four-hda.raw" ] || fail "the disk is still there"
ok delete two
[ -e "$DIR/two.raw" ] || fail "the disk is gone without --storage"

# ── starts that fail leave the machine off ───────────────────────────────────────────────────
rm "$DIR/three.raw"
refused 'disk .*three.raw cannot be opened .*No such file' start three
state three off
ok create huge --memory 1T
refused '1048576 MiB of memory, [0-9]+ MiB are free' start huge
state huge off
ok delete huge
echo k > "$DIR/kernel"
make linux --kernel "$DIR/kernel" --cmdline refuse
refused 'told to refuse' start linux
state linux off start-failed
[ -z "$(workers_of "$(field linux UUID)")" ] || fail "a worker is left of the failed start"

# ── what the manual tells of the bus, and of JSON ────────────────────────────────────────────
MAN=$(dirname "$0")/../../doc/man
object=$(busctl call org.keelson.vmms1 /org/keelson/vmms1 org.keelson.vmms1.Manager GetVM s uno |
	sed 's/.*"\(.*\)"/\1/')
for interface in /org/keelson/vmms1:Manager "$object:VM"; do
	busctl introspect org.keelson.vmms1 "${interface%:*}" "org.keelson.vmms1.${interface#*:}" > "$DIR/out"
	[ "$(wc -l < "$DIR/out")" -gt 10 ] || fail "$interface: $(cat "$DIR/out")"
	for member in $(awk '$1 ~ /^\./ { print substr($1, 2) }' "$DIR/out"); do
		# a twin of the machine's own method is told there
		twin=$(sed 's/VM\(Options\|XML\|Values\|Metrics\)$/\1/; s/VM$//' <<< "$member")
		grep -qwE "$member|$twin" "$MAN/org.keelson.vmms1.5" || fail "the manual does not tell of $member"
	done
done
ok start uno
tell uno deaf
ok --no-wait reboot uno
for verb in list 'xml uno' 'diff uno linux' jobs log 'events uno' 'top 1' host; do
	# shellcheck disable=SC2086
	"$VMCTL" --json $verb > "$DIR/out" 2> "$DIR/err"
	"$(dirname "$0")/json_keys.py" "$MAN/vmctl.1" "${verb%% *}" < "$DIR/out" || fail "the fields of $verb"
done
ok stop uno

# ── JSON everywhere ──────────────────────────────────────────────────────────────────────────
for verb in list 'show uno' 'xml uno' jobs 'jobs --all' log host network 'metrics uno' \
	'diff uno uno' 'events uno' 'top 0'; do
	# shellcheck disable=SC2086
	ok --json $verb
	[ "$verb" = 'top 0' ] || python3 -c '
import json, sys
for line in open(sys.argv[1]): json.loads(line)' "$DIR/out" || fail "vmctl --json $verb is not JSON"
done
refused '"libvirt":42' --json show nobody-knows
refused '"libvirt":55' --json pause uno

# ── jobs ─────────────────────────────────────────────────────────────────────────────────────
refused 'no job 4711' jobs cancel 4711
ok --no-wait start uno
grep -q '^Job [0-9]' "$DIR/out" || fail "--no-wait does not tell the job"
await "uno to run" is_state uno running

# ── all are stopped, and a host that stays starts them again ─────────────────────────────────
make spare
ok start spare
ok stop-all
state spare off host-shutdown
state uno off host-shutdown
ok start uno spare
ok stop uno
state spare running started
ok stop spare
ok start uno

# ── without a worker program ─────────────────────────────────────────────────────────────────
ok stop uno
stop_daemon
WORKER=$DIR/no-worker
start_daemon
refused "no worker program at $DIR/no-worker" start uno
state uno off

# ── what cannot go on ────────────────────────────────────────────────────────────────────────
stop_daemon
refused 'vmms does not run' list
truncate -s 8192 "$DIR/state/vmms.db"
"$BUILD/vmms" --config "$DIR/none.conf" --state-dir "$DIR/state" --runtime-dir "$DIR/run" \
	2> "$DIR/err" && fail "the daemon started on a damaged inventory"
grep -q 'damaged.*left as it is' "$DIR/err" || fail "no word of the damage: $(cat "$DIR/err")"
echo "Sandbox=perhaps" > "$DIR/bad.conf"
"$BUILD/vmms" --config "$DIR/bad.conf" 2> "$DIR/err" && fail "started with a bad setting"
grep -q 'bad.conf, line 1: Sandbox=perhaps' "$DIR/err" || fail "$(cat "$DIR/err")"
echo "$CHECKS checks"
