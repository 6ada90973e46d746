#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the daemon stores, the next daemon reads: hostile values, damaged rows, foreign text.
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
start_bus
start_daemon
DB=$DIR/state/vmms.db

manager() {
	CHECKS=$((CHECKS + 1))
	busctl call org.keelson.vmms1 /org/keelson/vmms1 org.keelson.vmms1.Manager "$@" \
		> "$DIR/out" 2> "$DIR/err"
}

# ── hostile values in every field, then a new daemon ─────────────────────────────────────────
make uno --disk 1M:"$DIR/uno.raw"
# domain_test.c tries all of them on every field; here a few, through the bus
for change in title=$'two\nlines' description=$'\001' cmdline=$'\033[31m' kernel=/a$'\n'b \
	cpu-quota=99999999999999999999 title=$'\302\233' initrd=$'/a\rb'; do
	manager ConfigureVM 'sa{ss}' uno 1 "${change%%=*}" "${change#*=}" && fail "accepted: $change"
	grep -q "${change%%=*}\|kernel\|command line" "$DIR/err" || fail "$(cat "$DIR/err")"
done
long=$(printf "%0.s'" {1..60000})
manager ConfigureVM 'sa{ss}' uno 4 title '<&>"' description "$long"$'\n\tend' \
	kernel /ordinary cmdline " a='b' ]]> " || fail "$(cat "$DIR/err")"
manager SetVMOptions 'sa{sv}' uno 1 Notes s $'\033[31mred' && fail "an escape sequence in the notes"
manager SetVMOptions 'sa{sv}' uno 1 Notes s $'two\nlines' || fail "$(cat "$DIR/err")"
ok xml uno
cp "$DIR/out" "$DIR/before.xml"
stop_daemon
start_daemon
[ "$(field uno Reason)" != damaged ] || fail "damaged: $(field uno Damage)"
ok xml uno
cmp -s "$DIR/out" "$DIR/before.xml" || fail "the definition is another after a restart"
ok set uno cmdline= kernel=
refused 'reads as a UUID' create 6f1c4c2e-6b0a-4bd3-9d7e-0e1c9b7f2a11
refused 'reads as a UUID' rename uno "$(field uno UUID | tr a-f A-F)"
refused 'reads as a UUID' clone uno 6F1C4C2E-6B0A-4BD3-9D7E-0E1C9B7F2A11
# of one definition each way says the same: whether it is only looked at, is new, or changes a machine
"$VMCTL" xml uno > "$DIR/uno.xml"
sed 's,<name>uno</name>,<name>6f1c4c2e-6b0a-4bd3-9d7e-0e1c9b7f2a11</name>,' "$DIR/uno.xml" > "$DIR/uuid.xml"
for verb in check define; do
	refused 'reads as a UUID' $verb "$DIR/uuid.xml"
done
sed '/<uuid>/d; /<disk/,/<.disk>/d' "$DIR/uuid.xml" > "$DIR/new.xml"
for verb in check define; do
	refused 'reads as a UUID' $verb "$DIR/new.xml"
done
ok check "$DIR/uno.xml"

# ── damaged rows: one machine runs, one is off ───────────────────────────────────────────────
make dos --disk 1M:"$DIR/dos.raw"
ok start uno
uuid=$(field uno UUID) uid=$(field uno WorkerUID) pid=$(field uno WorkerPID)
dos_uuid=$(field dos UUID) dos_uid=$(field dos WorkerUID)
kill_daemon
python3 - "$DB" "$pid" <<-PYTHON || fail "the worker's nonce can be read by everybody"
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	nonce = db.execute("SELECT nonce FROM worker").fetchone()[0].encode()
	assert len(nonce) == 32
	for name in "cmdline", "environ", "comm":
	    assert nonce not in open(f"/proc/{sys.argv[2]}/{name}", "rb").read(), name
	db.execute("UPDATE vm SET xml = replace(xml, '<vcpu', '<warp>9</warp><vcpu') WHERE name = 'uno'")
	db.execute("UPDATE vm SET xml = CAST(x'3c646f6d61696e3e1b5b33316dff' AS TEXT) WHERE name = 'dos'")
	db.execute("INSERT INTO event (time, uuid, name, kind, detail) VALUES"
	           " (1, '', '', 'old', CAST(x'63757420c3' AS TEXT))")
	db.commit()
PYTHON
start_daemon
await "uno to be adopted" sh -c '"$0" events uno | grep -q "adopted.*worker"' "$VMCTL"
state uno running
[ "$(field uno WorkerPID)" = "$pid" ] || fail "its worker was not adopted"
[ "$(field uno UUID) $(field uno WorkerUID)" = "$uuid $uid" ] || fail "uno: other UUID or user"
state dos off damaged
[ "$(field dos UUID) $(field dos WorkerUID)" = "$dos_uuid $dos_uid" ] || fail "dos: other UUID or user"
field uno Damage | grep -q 'element <warp> is not supported' || fail "uno's damage: $(field uno Damage)"
field dos Damage | grep -q 'not well-formed' || fail "dos's damage: $(field dos Damage)"
"$VMCTL" list | grep -qE '^dos +off +damaged' || fail "$("$VMCTL" list)"
"$VMCTL" xml dos > "$DIR/xml" || fail "no XML"
[ "$(cat "$DIR/xml")" = '<domain>?[31m?' ] || fail "the XML of dos: $(cat -v "$DIR/xml")"
ok events
grep -q 'old *cut ?' "$DIR/out" || fail "an event that was cut within a character is not shown"
for verb in 'start dos' 'set dos vcpus=2' 'attach dos cdrom /dev/null hdc' 'rename dos tres' \
	'clone dos tres' 'delete dos --storage'; do
	# shellcheck disable=SC2086
	refused "damaged.*vmctl define.*$dos_uuid" $verb
done
ok notes dos 'still mine'
ok autostart dos on
ok pause uno
ok resume uno
make tres # with a user of its own
ok export dos "$DIR"
grep -q "<domain>" "$DIR/dos/machine.xml" || fail "the export"
stop_daemon
start_daemon
[ "$(field dos Notes)" = 'still mine' ] || fail "the notes of a damaged machine"
state dos off damaged

# the way back: define it anew; or away with it
ok stop uno
"$VMCTL" xml uno | sed 's/<warp>9<.warp>//' > "$DIR/uno.xml"
ok define "$DIR/uno.xml"
[ -z "$(field uno Damage)" ] || fail "still damaged"
[ "$(field uno WorkerUID)" = "$uid" ] || fail "another user after the repair"
ok start uno
ok stop uno
ok delete dos
[ -e "$DIR/dos.raw" ] || fail "the disk of a machine with a damaged definition is gone"
refused "no machine 'dos'" show dos

# ── Ctrl-] leaves the console of a guest that reads nothing ──────────────────────────────────
ok start uno
stopped=$(workers_of "$(field uno UUID)")
keys() {
	until grep -qs 'Ctrl-\] leaves' "$DIR/console"; do sleep 0.02; done
	head -c 600000 /dev/zero | tr '\0' x # more than a socket and all queues take
	printf '\035'
	# script(1) drops what is left in a pipe that has been closed
	await "the end of the console" grep -q 'Disconnected from uno' "$DIR/console"
}
# the worker is held once the console is open
hold() {
	until grep -qs ready "$DIR/console"; do sleep 0.02; done
	kill -STOP "$stopped"
}
hold &
HELPER_PIDS="$HELPER_PIDS $!"
keys | timeout 300 script -qfec "'$VMCTL' console uno" "$DIR/console" > /dev/null
grep -q 'Disconnected from uno' "$DIR/console" || fail "the console: $(tail -c 300 "$DIR/console")"
kill -CONT "$stopped"
ok stop uno

# ── foreign text: a guest's, a worker's, a file's name ───────────────────────────────────────
ok start uno
tell uno foreign
await "uno to end" is_state uno off
"$VMCTL" --json events uno > "$DIR/events" || fail "the events"
python3 - "$DIR/events" <<-'PYTHON' || fail "the crash: $(tail -3 "$DIR/events")"
	import json, sys
	details = [json.loads(line)["detail"] for line in open(sys.argv[1])]
	crash = [d for d in details if "nasty" in d]
	assert crash and "\x1b" not in crash[0] and "K\u00e4se" in crash[0] and "?[31m" in crash[0], crash
PYTHON
refused 'not UTF-8' create lost --disk "$DIR/"$'\xff\xfe'.raw --memory 16M
[ -z "$(LC_ALL=C grep -P '[\x00-\x08\x0b-\x1f\x80-\xff]' "$DIR/err")" ] || fail "$(cat -v "$DIR/err")"

# ── backup while a machine runs, and the way back ────────────────────────────────────────────
restore() {
	CHECKS=$((CHECKS + 1))
	"$BUILD/vmms" --config "$DIR/none.conf" --state-dir "$DIR/state" --restore-config "$@" \
		> "$DIR/out" 2> "$DIR/err"
}
# are_backups FILE…
are_backups() {
	CHECKS=$((CHECKS + 1))
	python3 - "$@" <<-PYTHON || fail "the backups are no databases"
		import sqlite3, sys
		for path in sys.argv[1:]:
		    db = sqlite3.connect("file:" + path + "?mode=ro", uri=True)
		    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
		    assert [row[0] for row in db.execute("SELECT name FROM vm ORDER BY name")] == ["tres", "uno"]
	PYTHON
}
ok start uno
pid=$(field uno WorkerPID)
ok backup-config "$DIR/backup"
[ "$(stat -c %a "$DIR/backup")" = 600 ] || fail "the backup can be read by others"
"$VMCTL" backup-config - > "$DIR/backup2" || fail "to standard output"
refused 'File exists' backup-config "$DIR/backup"
are_backups "$DIR/backup" "$DIR/backup2"
restore "$DIR/backup" && fail "restored under a running daemon"
grep -q 'systemctl stop vmms' "$DIR/err" || fail "$(cat "$DIR/err")"
refused 'systemctl stop vmms; vmctl restore-config .*/backup; systemctl start vmms' restore-config "$DIR/backup"
refused '"name":"org.keelson.vmms1.Busy"' --json restore-config "$DIR/backup"

# ── the same from another machine: a stand-in for ssh runs this one's vmctl ──────────────────
mkdir "$DIR/bin"
cat > "$DIR/bin/ssh" <<-SH
	#!/bin/bash
	[ "\$1 \$2 \$3" = "-- admin@far vmctl" ] || exit 255
	[ ! -e $DIR/no-ssh ] || exit 255
	shift 3
	exec $DIR/bin/vmctl "\$@"
SH
# an installed vmctl: the program vmms beside it reads the settings of this test
cp "$VMCTL" "$DIR/bin/vmctl"
cat > "$DIR/bin/vmms" <<-SH
	#!/bin/bash
	exec $BUILD/vmms --config $DIR/none.conf --state-dir $DIR/state "\$@"
SH
chmod 755 "$DIR/bin/ssh" "$DIR/bin/vmms"
HERE=$PATH
PATH=$DIR/bin:$PATH
ok -H admin@far backup-config "$DIR/far"
"$VMCTL" -H admin@far backup-config - > "$DIR/far2" || fail "to standard output, by ssh"
are_backups "$DIR/far" "$DIR/far2"
[ "$(stat -c %a "$DIR/far")" = 600 ] || fail "the backup can be read by others"
refused 'systemctl stop vmms' -H admin@far restore-config "$DIR/far"
: > "$DIR/no-ssh"
refused 'admin@far by ssh has failed' -H admin@far backup-config "$DIR/none"
[ ! -e "$DIR/none" ] || fail "half a backup is left"
rm "$DIR/no-ssh"

ok delete tres
ok notes uno 'after the backup'
stop_daemon
refused 'service vmms does not run' -H admin@far backup-config "$DIR/none"
[ ! -e "$DIR/none" ] || fail "half a backup is left"
ok -H admin@far restore-config "$DIR/far"
grep -q '^2 machines' "$DIR/out" || fail "$(cat "$DIR/out")"
PATH=$HERE
for loss in 'truncate -s 0' 'truncate -s 5000' 'rm -f' true; do
	$loss "$DB"
	if [ "$loss" = 'truncate -s 0' ]; then
		"$BUILD/vmms" --config "$DIR/none.conf" --state-dir "$DIR/state" --runtime-dir "$DIR/run" \
			2> "$DIR/err" && fail "started with an emptied inventory"
		grep -q 'is empty.*--restore-config' "$DIR/err" || fail "$(cat "$DIR/err")"
	fi
	restore "$DIR/backup" || fail "after $loss: $(cat "$DIR/err")"
	grep -q '^2 machines' "$DIR/out" || fail "$(cat "$DIR/out")"
done
restore "$DIR/err" && fail "restored what is no backup"
VMCTL=$DIR/bin/vmctl
refused 'is no backup that can be used' restore-config "$DIR/bin/ssh"
refused '"message":".*is no backup that can be used' --json restore-config "$DIR/bin/ssh"
refused 'No such file' restore-config "$DIR/nothing"
ok restore-config - < "$DIR/backup"
ok --json restore-config "$DIR/backup"
grep -qF "{\"name\":\"$DIR/backup\",\"result\":\"done\"}" "$DIR/out" || fail "$(cat "$DIR/out")"
ok restore-config "$DIR/backup"
grep -q 'systemctl start vmms' "$DIR/out" || fail "$(cat "$DIR/out")"
VMCTL=$BUILD/vmctl
start_daemon
ok show tres
[ "$(field uno Notes)" = $'two' ] || fail "uno's notes: $(field uno Notes)"
await "uno to be adopted" sh -c '"$0" events uno | grep -q "adopted.*worker"' "$VMCTL"
[ "$(field uno WorkerPID)" = "$pid" ] || fail "its worker was not adopted after the restore"
ok stop uno
stop_daemon
rm "$DB"
start_daemon
"$VMCTL" events | grep -q 'inventory *there was none' || fail "no word of a new inventory"
stop_daemon
echo "$CHECKS checks"
