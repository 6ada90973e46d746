#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the daemon does with files: disks that two machines name, by whatever spelling; who may have
# a name, a uid and a path while a job makes them; what a delete removes.
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
start_bus
start_daemon

there() {
	CHECKS=$((CHECKS + 1))
	[ -e "$1" ] || fail "$1 is gone: $2"
}

gone() {
	CHECKS=$((CHECKS + 1))
	[ ! -e "$1" ] || fail "$1 is still there: $2"
}

# The answer of the last successful verb.
says() {
	CHECKS=$((CHECKS + 1))
	grep -qE "$1" "$DIR/out" || fail "no '$1' in: $(cat "$DIR/out")"
}

no_leftovers() {
	local found
	CHECKS=$((CHECKS + 1))
	found=$(find "$DIR" -name '*.keelson-new*')
	[ -z "$found" ] || fail "left over: $found"
}

# ── a delete removes what the daemon made, and nothing that somebody else uses ───────────────
make owner --disk 1M:"$DIR/owner.raw"
ok delete owner --storage
says 'deleted'
gone "$DIR/owner.raw" "the daemon made it"

truncate -s 1M "$DIR/foreign.raw"
make guest --disk "$DIR/foreign.raw"
ok delete guest --storage
says 'foreign.raw stays.*not made by'
there "$DIR/foreign.raw" "the daemon did not make it"
make guest --disk "$DIR/foreign.raw"
ok delete guest --storage --force
gone "$DIR/foreign.raw" "it was forced"

# ── one file, two machines: by another spelling, a link, a directory's link ──────────────────
make one --disk 1M:"$DIR/one.raw"
mkdir "$DIR/sub"
ln "$DIR/one.raw" "$DIR/hard.raw"
ln -s one.raw "$DIR/soft.raw"
ln -s . "$DIR/here"
for path in one.raw ./one.raw sub/../one.raw hard.raw soft.raw here/one.raw; do
	refused 'is in use by machine one' create two --disk "$DIR/$path"
done
refused "no machine 'two'" show two
"$VMCTL" xml one | sed 's/<name>one/<name>two/; /<uuid>/d; s,one.raw,sub/../one.raw,' > "$DIR/two.xml"
refused 'is in use by machine one' define "$DIR/two.xml"
ok create two
field two UUID >> "$DIR/uuids"
refused 'is in use by machine one' attach two disk "$DIR/hard.raw" hda
ok attach two cdrom "$DIR/bios" hdc
ok create three --cdrom "$DIR/bios" # both only read it
field three UUID >> "$DIR/uuids"
truncate -s 1M "$DIR/own.raw"
refused 'are the same file' create four --disk "$DIR/own.raw" --disk "$DIR/./own.raw"

# An inventory of before knew no such rule: what another machine names stays, also by another name.
stop_daemon
sqlite3 "$DIR/state/vmms.db" "UPDATE vm SET xml = replace(xml, '<devices>', '<devices>
<disk type=''file'' device=''disk''><driver type=''raw''/><source file=''$DIR/sub/../one.raw''/>
<target dev=''hda'' bus=''ide''/></disk>') WHERE name = 'two'"
start_daemon
ok delete one --storage
says 'one.raw stays: in use by machine two'
there "$DIR/one.raw" "another machine uses it"
ok delete two --storage --force
says 'is removed, its content stays under another name'
rm "$DIR/hard.raw" "$DIR/soft.raw" "$DIR/own.raw"

# Of a machine whose row is damaged no disks are known; what its text names stays, however it is written.
make wrecked
PLAIN=$DIR/plain.raw ODD="$DIR/a&b's.raw" BOOT=$DIR/boot.raw CUT="$DIR/cut.raw"
make maker --disk "1M:$PLAIN" --disk "1M:$ODD" --disk "1M:$BOOT"
make maker2 --disk "1M:$CUT"
stop_daemon
python3 - "$DIR" <<-'PYTHON'
	import sqlite3, sys
	d = sys.argv[1]
	text = (f"<domain><kernel>\n {d}/boot.raw</kernel><warp><source file='{d}/sub/../plain.raw'/>"
	        f"<source file='{d}/a&amp;b&#39;s.raw'/><source file=\"{d}/cut.raw")
	db = sqlite3.connect(d + "/state/vmms.db")
	db.execute("UPDATE vm SET xml = ? WHERE name = 'wrecked'", (text,))
	db.commit()
PYTHON
start_daemon
[ -n "$(field wrecked Damage)" ] || fail "a damaged row was read"
ok delete maker --storage --force
for file in "$PLAIN" "$ODD" "$BOOT"; do
	says "${file##*/} stays: in use by machine wrecked"
	there "$file" "a machine with a damaged definition uses it"
done
ok delete maker2 --storage --force
says 'cut.raw stays: in use by machine wrecked'
there "$CUT" "a machine with a damaged definition uses it"
refused 'definition in the inventory is damaged' delete wrecked --storage --force
ok delete wrecked
there "$PLAIN" "of a damaged definition no file is deleted"
rm "$PLAIN" "$ODD" "$BOOT" "$CUT"

# ── what else a delete leaves alone ──────────────────────────────────────────────────────────
make locked --disk 1M:"$DIR/locked.raw"
exec 8< "$DIR/locked.raw"
flock -x 8
ok delete locked --storage
says 'locked.raw stays: a machine or program has it locked'
there "$DIR/locked.raw" "somebody has it locked"
exec 8<&-

make swapped --disk 1M:"$DIR/swapped.raw"
mv "$DIR/swapped.raw" "$DIR/saved.raw"
truncate -s 1M "$DIR/swapped.raw"
ok delete swapped --storage
says 'swapped.raw stays: it was not made by vmms'
there "$DIR/swapped.raw" "it is another file of the same name"

make linked --disk 1M:"$DIR/linked.raw"
mv "$DIR/linked.raw" "$DIR/behind.raw"
ln -s behind.raw "$DIR/linked.raw"
ok delete linked --storage --force
says 'linked.raw stays: it is a symbolic link'
there "$DIR/behind.raw" "a link is not the file"

make lost --disk 1M:"$DIR/lost.raw"
rm "$DIR/lost.raw"
ok delete lost --storage
says 'lost.raw was not there any more'

# ── what is no disk ──────────────────────────────────────────────────────────────────────────
mkfifo "$DIR/fifo"
refused 'is neither a file nor a block device' create bad --disk "$DIR/fifo"
refused 'is neither a file nor a block device' create bad --disk "$DIR/sub"
refused 'is neither a file nor a block device' create bad --disk /dev/zero
refused 'disk .*absent.raw cannot be opened .*No such file' create bad --disk "$DIR/absent.raw"
refused 'CD image .*absent.iso cannot be opened .*No such file' create bad --cdrom "$DIR/absent.iso"
refused 'kernel .*absent cannot be opened .*No such file' create bad --kernel "$DIR/absent"
refused "there is no network 'nowhere'.*network create nowhere" create bad --network nowhere
refused "no machine 'bad'" show bad

# A machine of before may have such a disk; its clone must neither hang nor succeed.
make odd --disk 1M:"$DIR/odd.raw"
for kind in fifo zero; do
	rm -f "$DIR/odd.raw"
	[ $kind = fifo ] && mkfifo "$DIR/odd.raw"
	[ $kind = zero ] && mknod "$DIR/odd.raw" c 1 5 2> /dev/null
	[ -e "$DIR/odd.raw" ] || continue # only root makes devices
	refused 'odd.raw is neither a file nor a block device and is not copied' clone odd copy
	refused 'odd.raw is neither a file nor a block device and is not copied' export odd "$DIR/sub"
	refused "no machine 'copy'" show copy
done
no_leftovers

# ── names, uids and paths are held while a job makes them ────────────────────────────────────
# The first file of the clone waits in the middle of being made.
mkdir "$DIR/held"
make big --disk 1M:"$DIR/held/big.raw" --disk 1M:"$DIR/held/second.raw"
stop_daemon
start_faulty_daemon "$DIR/held/" --set WorkerUIDCount=6
fault hang 2
touch "$DIR/fault.hold"
"$VMCTL" clone big copy > "$DIR/clone.out" 2>&1 &
clone=$!
await "the clone to be in its middle" test -e "$DIR/fault.sign"
refused 'machine copy, which is just being cloned' create copy
refused 'machine copy, which is just being cloned' clone odd copy
refused 'copy-hda.raw. is in use by machine copy, which is just being cloned' \
	create thief --disk 1M:"$DIR/held/copy-hda.raw"
refused 'copy-hdb.raw. is in use by machine copy, which is just being cloned' \
	create thief --disk 1M:"$DIR/held/../held/copy-hdb.raw"
refused 'big.raw. is in use by machine big' create thief --disk "$DIR/held/big.raw"
refused "has to wait for job" --no-wait delete big
for verb in list 'show big' jobs; do
	# shellcheck disable=SC2086
	ok $verb # the loop does not wait for files
done
# Uids: two are free (of 6, three machines and the clone have one), and the third is refused at once.
ok create u1
ok create u2
refused 'All 6 users for workers are taken' create u3
rm "$DIR/fault.hold"
wait $clone || fail "clone: $(cat "$DIR/clone.out")"
cmp -s "$DIR/held/big.raw" "$DIR/held/copy-hda.raw" || fail "the clone differs"
cmp -s "$DIR/held/second.raw" "$DIR/held/copy-hdb.raw" || fail "the clone differs"
[ "$("$VMCTL" --json list | grep -o '"uuid"' | wc -l)" = 6 ] || fail "not 6 machines"
for vm in three odd big copy u1 u2; do
	field $vm WorkerUID
done | sort | uniq -d > "$DIR/twice"
[ ! -s "$DIR/twice" ] || fail "two machines have one uid"

# ── a clone that waits is canceled ───────────────────────────────────────────────────────────
ok delete u1 # for its uid
fault hang 2
touch "$DIR/fault.hold"
"$VMCTL" clone big other > "$DIR/clone.out" 2>&1 &
clone=$!
await "the clone to be in its middle" test -e "$DIR/fault.sign"
job=$("$VMCTL" --json jobs | grep -o '"job":[0-9]*' | cut -d: -f2)
ok jobs cancel "$job"
rm "$DIR/fault.hold"
wait $clone && fail "a canceled clone succeeded"
refused "no machine 'other'" show other
no_leftovers
stop_daemon
echo "$CHECKS checks"
