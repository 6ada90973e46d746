#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# child-disk.sh BASE.tar OUT: the disk of a Debian 12 with GRUB for a child partition, from the base
# system of the demo: the kernel 6.1 with the drivers of an old PC alone, an initial RAM disk that
# initramfs-tools makes for it, and a login on the first serial line, which GRUB speaks to as well.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
base=$(realpath "$1") out=$(realpath -m "$2")
gap_sectors=2048
size_mib=384

truncate -s 0 "$out"
truncate -s "${size_mib}M" "$out"
chmod a+rw "$out" # mmdebstrap may work under another user id, reaching it as fd 7
boot=$(mktemp -d)
trap 'rm -rf "$boot"' EXIT
# Only root can make device nodes; the system does without those of the base.
filter=cat
[ "$(id -u)" = 0 ] || filter='mmtarfilter "--path-exclude=/dev/*"'
mmdebstrap --variant=custom --format=null --skip=setup,update,cleanup \
	--setup-hook="$filter"' <&6 | tar -C "$1" -x && mkdir -p "$1/dev"' \
	--customize-hook="$(<"$here/child/configure")" \
	--customize-hook="$(<"$here/child/mkfs")" \
	--customize-hook="sync-out /boot/grub '$boot'" \
	bookworm /dev/null 6<"$base" 7<>"$out"
dd if="$boot/i386-pc/boot.img" of="$out" bs=440 count=1 conv=notrunc status=none
dd if="$boot/i386-pc/core.img" of="$out" bs=512 seek=1 conv=notrunc status=none
sfdisk --quiet --no-reread --no-tell-kernel "$out" <<<"$gap_sectors,,L,*"
