#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A machine goes from one daemon to another by a folder, with all that belongs to it; and comes back
# beside itself. What is in the way of an import is said before anything is copied.
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
start_bus
start_daemon

says() {
	CHECKS=$((CHECKS + 1))
	grep -qE "$1" "$DIR/out" || fail "no '$1' in: $(cat "$DIR/out")"
}

same() {
	CHECKS=$((CHECKS + 1))
	[ "$(field "$1" "$2")" = "$3" ] || fail "$2 of $1 is '$(field "$1" "$2")', not '$3'"
}

# ── a machine with everything ────────────────────────────────────────────────────────────────
echo kernel > "$DIR/vmlinuz"
echo initrd > "$DIR/initrd.img"
echo disc > "$DIR/disc.iso"
head -c 700000 /dev/urandom > "$DIR/data"
make web --disk 1M:"$DIR/web.raw" --cdrom "$DIR/disc.iso" --kernel "$DIR/vmlinuz" --initrd "$DIR/initrd.img" \
	--cmdline 'console=ttyS0 quiet'
dd if="$DIR/data" of="$DIR/web.raw" conv=notrunc status=none
ok set web title='Löwe & <Bär>' description='two
lines'
printf 'first line\nsecond \\ with a backslash\nn\\n=x\n\n# no comment' > "$DIR/notes"
ok notes web "$(cat "$DIR/notes")"
ok autostart web on --order 7 --delay 3 --stop-action turn-off --stop-timeout 33
"$VMCTL" --json show web > "$DIR/before"
mkdir "$DIR/exports"
ok export web "$DIR/exports"
says 'web: exported to a folder in'
[ "$(ls "$DIR/exports/web")" = "$(printf 'hda.raw\nhdb.iso\ninitrd\nkernel\nmachine.xml\noptions')" ] ||
	fail "the folder holds $(ls "$DIR/exports/web")"
grep -q "$DIR" "$DIR/exports/web/machine.xml" && fail "the exported XML names the old paths"
refused 'exports/web exists already' export web "$DIR/exports"
refused 'No such file' export web "$DIR/nowhere"
uuid=$(field web UUID)

# ── what is in the way ───────────────────────────────────────────────────────────────────────
refused "There is a machine 'web' already.*--name NAME --new-id" import "$DIR/exports/web"
refused "machine with UUID .* already.*--new-id" import --name web2 "$DIR/exports/web"
refused 'machine.xml, which a folder of' import "$DIR/exports"
cp -r "$DIR/exports/web" "$DIR/cut"
truncate -s 1000 "$DIR/cut/hda.raw"
refused 'hda.raw has 1000 bytes, the exported.*1048576.*not copied completely' import --name web2 --new-id "$DIR/cut"
rm "$DIR/cut/hda.raw"
refused 'hda.raw of the exported machine: No such file' import --name web2 --new-id "$DIR/cut"
cp "$DIR/exports/web/hda.raw" "$DIR/cut"
sed -i 's,/keelson-export/hda.raw,/keelson-export/../web.raw,' "$DIR/cut/machine.xml"
refused 'is not the name of a file in the folder' import --name web2 --new-id "$DIR/cut"
cp "$DIR/exports/web/machine.xml" "$DIR/cut"
sed -i 's/Version=1/Version=2/' "$DIR/cut/options"
refused 'Line 2 of the exported options is not understood' import --name web2 --new-id "$DIR/cut"
sed 's,</devices>,<interface type="network"><source network="lan"/></interface></devices>,' \
	"$DIR/exports/web/machine.xml" > "$DIR/cut/machine.xml"
cp "$DIR/exports/web/options" "$DIR/cut"
refused "there is no network 'lan'" import --name web2 --new-id "$DIR/cut"
refused "no machine 'web2'" show web2
rm -r "$DIR/cut"

# ── beside itself, by a copy ─────────────────────────────────────────────────────────────────
ok import --copy --new-id --name web2 "$DIR/exports/web"
field web2 UUID >> "$DIR/uuids"
[ "$(field web2 UUID)" != "$uuid" ] || fail "the same UUID twice"
cmp -s "$DIR/web.raw" "$DIR/state/disks/web2-hda.raw" || fail "the imported disk differs"
cmp -s "$DIR/vmlinuz" "$DIR/state/disks/web2-kernel" || fail "the imported kernel differs"
same web2 AutostartOrder 7
ok start web2
ok stop web2
ok delete web2 --storage
[ ! -e "$DIR/state/disks/web2-hda.raw" ] || fail "a disk that the import made is still there"

# ── to another host, from where the folder is ────────────────────────────────────────────────
stop_daemon
mv "$DIR/state" "$DIR/other-host"
mv "$DIR/exports/web" "$DIR/moved"
rm "$DIR/web.raw" "$DIR/vmlinuz" "$DIR/initrd.img" "$DIR/disc.iso"
start_daemon
ok import "$DIR/moved"
"$VMCTL" --json show web > "$DIR/after"
python3 - "$DIR/before" "$DIR/after" "$DIR/notes" <<-'PYTHON' || fail "the machine has changed on its way"
	import json, re, sys
	def told(name):
	    fields = json.load(open(name))
	    fields = {k: v for k, v in fields.items() if "Worker" not in k and "Created" not in k}
	    return re.sub(r'/[^ "]*/(web.raw|disc.iso|vmlinuz|initrd.img|hd[ab].\w+|kernel|initrd)\b', "FILE",
	                  json.dumps(fields, sort_keys=True))
	before, after = told(sys.argv[1]), told(sys.argv[2])
	if before != after:
	    sys.exit(f"before: {before}\nafter:  {after}")
	if json.load(open(sys.argv[2]))["Notes"] != open(sys.argv[3]).read():
	    sys.exit("the notes are not those that were written")
PYTHON
ok start web
ok stop web
ok delete web --storage
says 'hda.raw stays: it was not made by vmms'
cmp -s "$DIR/data" <(head -c 700000 "$DIR/moved/hda.raw") || fail "the disk has changed"

# ── the same folder twice is one disk for two machines ───────────────────────────────────────
ok import "$DIR/moved"
refused 'hda.raw. is in use by machine web' import --new-id --name web2 "$DIR/moved"

# ── a raw disk whose guest has written the mark of an image to it goes and comes as it is ────
printf 'QFI\373\0\0\0\003' | dd of="$DIR/moved/hda.raw" conv=notrunc status=none
ok export web "$DIR/exports"
ok delete web
ok import --copy "$DIR/exports/web"
cmp -s "$DIR/moved/hda.raw" "$DIR/state/disks/web-hda.raw" || fail "the disk differs"
ok clone web web3
"$VMCTL" xml web3 > "$DIR/web3.xml"
ok define "$DIR/web3.xml"
ok start web web3
ok stop web web3
stop_daemon
echo "$CHECKS checks"
