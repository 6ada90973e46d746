#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Block devices that the host uses, named with their user; images of other formats, refused with the
# command that converts them; and a raw disk whose guest writes such a mark stays raw. Needs root and
# loop devices for the first part.
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
start_bus
start_daemon

# ── formats ──────────────────────────────────────────────────────────────────────────────────
# image FILE OFFSET MARK
image() {
	truncate -s 1M "$DIR/$1"
	printf '%b' "$3" | dd of="$DIR/$1" bs=1 seek="$2" conv=notrunc status=none
}

image a.qcow2 0 'QFI\0373\0\0\0\03'
image b.vmdk 0 'KDMV\01\0\0\0'
image c.vdi 64 '\0177\020\0332\0276'
image d.vhd 1048064 'conectix'
image e.vhdx 0 'vhdxfile'
image "it's.img" 512 'cxsparse'
refused "is a qcow2 image.*qemu-img convert -f qcow2 -O raw '$DIR/a.qcow2' '$DIR/a.raw'" create vm --disk "$DIR/a.qcow2"
refused "is a VMDK image.*-f vmdk -O raw" create vm --disk "$DIR/b.vmdk"
refused "is a VDI image.*-f vdi -O raw" create vm --disk "$DIR/c.vdi"
refused "is a VHD image.*-f vpc -O raw" create vm --disk "$DIR/d.vhd"
refused "is a VHDX image.*-f vhdx -O raw" create vm --disk "$DIR/e.vhdx"
refused "'$DIR/it'[\\]''s.img' '$DIR/it'[\\]''s.raw'" create vm --disk "$DIR/it's.img"
refused "is a qcow2 image" create vm --cdrom "$DIR/a.qcow2"
make vm --disk 1M:"$DIR/vm.raw"
refused "is a qcow2 image" attach vm disk "$DIR/a.qcow2" hdb
"$VMCTL" xml vm > "$DIR/vm.xml"
grep -q "<driver type='raw'/>" "$DIR/vm.xml" || fail "the definition does not record the format"

# The guest writes the mark of an image: nothing looks at it, whatever is done with the machine.
printf 'QFI\373\0\0\0\003' | dd of="$DIR/vm.raw" conv=notrunc status=none
ok start vm
ok stop vm
ok define "$DIR/vm.xml"
ok set vm title=again
ok clone vm copy
field copy UUID >> "$DIR/uuids"
ok start copy
ok stop copy
ok delete vm
refused "is a qcow2 image.*<driver type='raw'/>" create vm --disk "$DIR/vm.raw"
ok define "$DIR/vm.xml" # it says raw
stop_daemon
start_daemon
ok start vm
ok stop vm

# ── a CD for a drive that is there, whether the machine runs or not ──────────────────────────
ok attach vm cdrom "$DIR/bios" hdc
make other --disk 1M:"$DIR/other.raw"
cp "$DIR/bios" "$DIR/locked.iso"
exec 8< "$DIR/locked.iso"
for power in off running; do
	state vm $power
	refused "is a qcow2 image.*qemu-img convert" attach vm cdrom "$DIR/a.qcow2" hdc
	refused "disk hdc .*other.raw. is in use by machine other" attach vm cdrom "$DIR/other.raw" hdc
	refused "CD image .*absent.iso cannot be opened" attach vm cdrom "$DIR/absent.iso" hdc
	field vm disk.hdc | grep -q "$DIR/bios" || fail "another CD is in the drive: $(field vm disk.hdc)"
	[ $power = running ] || ok start vm
done
flock 8
refused "CD image .*locked.iso is in use by another machine or program" attach vm cdrom "$DIR/locked.iso" hdc
flock --unlock 8
ok attach vm cdrom "$DIR/locked.iso" hdc
field vm disk.hdc | grep -q "$DIR/locked.iso" || fail "the CD is not in"
ok detach vm hdc
ok attach vm cdrom "$DIR/bios" hdc
exec 8<&-
ok stop vm
ok delete other

# ── devices ──────────────────────────────────────────────────────────────────────────────────
LOOPS=
end_loops() {
	local loop
	umount "$DIR/mounted" 2> /dev/null
	for loop in $LOOPS; do
		swapoff "$loop" 2> /dev/null
		losetup -d "$loop" 2> /dev/null
	done
}
trap 'end_loops; cleanup' EXIT

attach_loop() {
	truncate -s 16M "$1"
	LOOP=$(losetup --find --show "$@" 2> /dev/null) || return 1
	LOOPS="$LOOPS $LOOP"
}

if [ "$(id -u)" != 0 ] || ! attach_loop "$DIR/disk.img"; then
	stop_daemon
	echo "no loop devices: $CHECKS checks of formats only"
	exit 0
fi
refused "disk $DIR/disk.img is in use by the host: it is attached to $LOOP" create dev --disk "$DIR/disk.img"
make dev --disk "$LOOP"
make dev2
ok start dev
# While it runs, the device is the machine's alone.
mkfs.ext4 -q -F "$LOOP" 2> /dev/null && fail "a file system was made on a running machine's disk"
ok stop dev
mkfs.ext4 -q "$LOOP"
mkdir "$DIR/mounted"
if mount "$LOOP" "$DIR/mounted" 2> /dev/null; then
	refused "disk $LOOP is in use by the host: it is mounted on $DIR/mounted" start dev
	umount "$DIR/mounted"
	ok start dev
	ok stop dev
fi
mkswap "$LOOP" > /dev/null
if swapon "$LOOP" 2> /dev/null; then
	refused "disk $LOOP is in use by the host: it is used as swap" start dev
	swapoff "$LOOP"
fi

# A device is copied into an exported folder as a file, and never removed.
head -c 100000 /dev/urandom | dd of="$LOOP" bs=1M conv=notrunc status=none
mkdir "$DIR/exports"
ok export dev "$DIR/exports"
cmp -s "$LOOP" "$DIR/exports/dev/hda.raw" || fail "the exported device differs"
[ "$(stat -c %b "$DIR/exports/dev/hda.raw")" -lt 4096 ] || fail "zeroes were written out"
grep -q "type='file'" "$DIR/exports/dev/machine.xml" || fail "a device in the exported XML"
refused 'block device .*which is not copied' clone dev dev3
ok delete dev --storage --force
grep -q 'stays: it is not a regular file' "$DIR/out" || fail "$(cat "$DIR/out")"
[ -b "$LOOP" ] || fail "the device was removed"
stop_daemon
echo "$CHECKS checks"
