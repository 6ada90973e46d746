#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What vmctl says: of what was typed, in words for people, and as JSON where that is asked for.
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"

# says VERB… : PATTERN…: fails, and standard error has one line that matches each.
says() {
	local words=() pattern
	while [ "$1" != : ]; do
		words+=("$1")
		shift
	done
	shift
	refused "$1" "${words[@]}"
	for pattern; do
		grep -qE -- "$pattern" "$DIR/err" || fail "vmctl ${words[*]}: no '$pattern' in: $(cat "$DIR/err")"
	done
	grep -qE 'line [0-9]|schema|<[a-z]+>' "$DIR/err" && fail "vmctl ${words[*]}: speaks of an XML: $(cat "$DIR/err")"
	return 0
}

# ── slips, told before any daemon is asked ───────────────────────────────────────────────────
says crate web : "no verb 'crate'" "Did you mean 'create'"
says help strat : "Did you mean 'start'"
says delete web --storge : "Did you mean '--storage'"
says import web --copi : "Did you mean '--copy'"
says start web --now : "start has no option '--now'"
says list --jsno : "list has no option '--jsno'"
says create web --memroy 1G : "create has no option '--memroy'" "Did you mean '--memory'" 'vmctl help create'
says create web --memory : '--memory needs a value'
says create web -x : "no option '-x'"
says create web --bus nvme : "'nvme' is no bus for disks; there are ide and scsi"
says create web --bus scsi --disk /a : 'firmware cannot start from SCSI disks .sda.'
says create web --disk /a --disk /b --disk /c --disk /d --disk /e : 'at most 4 IDE drives.*--bus scsi'
says create web --vcpus 0 : '0 processors are outside 1 to 64'
says create 'my web' : "name 'my web' is not valid"
says create web --memory 1M : '16 MiB|1 MiB'
says network create lan --vlan many : "--vlan takes a number from 1 to 4094, not 'many'"
says autostart web --ordre 1 : "Did you mean '--order'"
says --json crate : '"name":"org.keelson.vmms1.InvalidArgument"' '"libvirt":8'
says --json rename web : '"message":"Usage: vmctl rename VM NAME"'
says --json create web --vcpus 0 : '"error":'

# ── with a daemon ────────────────────────────────────────────────────────────────────────────
start_bus
start_daemon
make web --disk 1M:"$DIR/web.raw"

# line PATTERN VERB…: one line, that matches.
line() {
	local pattern=$1
	shift
	ok "$@"
	[ "$(wc -l < "$DIR/out")" = 1 ] && grep -qxE "$pattern" "$DIR/out" ||
		fail "vmctl $*: not one line '$pattern': $(cat "$DIR/out")"
}
line 'web: set' set web vcpus=2
line 'web: notes set' notes web 'a -word'
line 'web: autostart on' autostart web on --order 3
line 'web: attached' attach web cdrom "$DIR/bios" hdc
line 'web: hdc detached' detach web hdc
line 'web: renamed to www' rename web www
ok xml www
cp "$DIR/out" "$DIR/www.xml"
line '.*/www.xml: defined' define "$DIR/www.xml"
line '\{"name":"www","result":"done"\}' --json notes www ''
ok rename www web

says autostart web --order soon : "--order takes a whole number, not 'soon'"
for verb in events log top show; do
	says $verb nobody : "no machine 'nobody'"
done

# Units for people, numbers for programs.
ok set web cpu-period=100000 cpu-quota=50000 memory=1G
ok show web
for row in 'Memory  *1 GiB' 'cpu-period  *100 ms' 'cpu-quota  *50 ms' 'StopTimeout  *120 s'; do
	grep -qxE "$row" "$DIR/out" || fail "show has no row '$row': $(cat "$DIR/out")"
done
grep -qE '[0-9](KiB|ns)' "$DIR/out" && fail "raw units: $(cat "$DIR/out")"
grep -qxE 'Possible now  *start, .*delete.*' "$DIR/out" || fail "what is possible now: $(cat "$DIR/out")"
for verb in $(sed -n 's/^Possible now  *//p' "$DIR/out" | tr -d ,); do
	ok help "$verb"
done
ok --json show web
grep -q '"MemoryKiB":1048576.*"cpu-quota":"50000"' "$DIR/out" || fail "JSON has other numbers: $(cat "$DIR/out")"
ok host
grep -qE '^Keelson  *[0-9]' "$DIR/out" || fail "host does not say what it is: $(cat "$DIR/out")"
says pause web : 'Possible now: start'
for verb in $(sed 's/.*Possible now: //' "$DIR/err" | tr -d ,); do
	ok help "$verb"
done

# Ctrl-C while a job is waited for: it goes on, and that is said.
ok start web
tell web deaf
perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$VMCTL" shutdown web > "$DIR/out" 2> "$DIR/err" &
waiting=$!
await "the shutdown" sh -c '"$0" jobs | grep -q shutdown' "$VMCTL"
kill -INT $waiting
wait $waiting
[ $? = 130 ] || fail "Ctrl-C: status $?"
grep -qE "Job [0-9]+ goes on. 'vmctl jobs' shows it" "$DIR/err" || fail "Ctrl-C says: $(cat "$DIR/err")"
ok stop web
stop_daemon
echo "$CHECKS checks"
