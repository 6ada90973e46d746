#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# grub_entries_test.sh KEELSON.ELF: what 20_linux_keelson makes beside Debian's own 10_linux, on machines
# whose root file systems differ. grub-probe, grub-mkrelpath, /boot and /dev/disk are stand-ins, in a
# mount name space of the test's own; 10_linux, its library and grub-script-check are the real ones.
set -eu
elf=$(realpath "$1")
script=$(cd "$(dirname "$0")/.." && pwd)/grub.d/20_linux_keelson
if [ -z "${GRUB_ENTRIES_TEST_INSIDE:-}" ]; then
	GRUB_ENTRIES_TEST_INSIDE=1 exec unshare --mount -- "$0" "$elf"
fi
dir=$(mktemp -d)
trap 'cd /; umount -l "$dir"; rmdir "$dir"' EXIT
mount -t tmpfs none "$dir"
mkdir "$dir/boot" "$dir/disk" "$dir/bin" "$dir/grub.d"
mount --bind "$dir/boot" /boot
mount --bind "$dir/disk" /dev/disk 2>/dev/null || { mkdir -p /dev/disk && mount --bind "$dir/disk" /dev/disk; }
mkdir "$dir/disk/by-uuid"
cp "$elf" /boot/keelson-9.9.elf
for version in 6.1.0-1-amd64 6.12.0-2-amd64; do
	cp /bin/true "/boot/vmlinuz-$version"
	: >"/boot/initrd.img-$version"
done
cp "$script" /etc/grub.d/10_linux "$dir/grub.d"
cat >"$dir/bin/probe" <<'END'
#!/bin/sh
for argument; do
	case $argument in
	--target=fs) echo "${PROBE_FS:-ext2}" ;;
	--target=abstraction) echo "${PROBE_ABSTRACTION:-}" ;;
	--target=fs_uuid) echo 1111-2222 ;;
	--target=compatibility_hint) echo hd0,gpt2 ;;
	--target=partmap) echo gpt ;;
	--target=fs_label) echo pool ;;
	esac
done
END
cat >"$dir/bin/mkrelpath" <<'END'
#!/bin/sh
for path; do :; done
echo "${RELPATH:-}${path%/}"
END
chmod +x "$dir"/bin/*
export pkgdatadir=/usr/share/grub datarootdir=/usr/share TEXTDOMAIN=grub
export grub_probe=$dir/bin/probe grub_mkrelpath=$dir/bin/mkrelpath
failed=0

# entries NAME=VALUE…: what the script makes with these settings, in $dir/out; what 10_linux makes, beside it.
entries()
{
	local settings=(GRUB_DEVICE=/dev/vda2 GRUB_DEVICE_UUID=1111-2222 GRUB_DEVICE_PARTUUID=aaaa-02
		GRUB_DEVICE_BOOT=/dev/vda2 GRUB_DEVICE_BOOT_UUID=1111-2222 GRUB_FS=ext2 GRUB_DISTRIBUTOR=Debian
		GRUB_CMDLINE_LINUX_DEFAULT=quiet GRUB_CMDLINE_KEELSON=console=com2 "$@")
	env "${settings[@]}" sh "$dir/grub.d/20_linux_keelson" >"$dir/out" 2>"$dir/err" ||
		{ echo "the script failed with $*" && cat "$dir/err" && failed=1; }
	env "${settings[@]}" sh "$dir/grub.d/10_linux" >"$dir/linux" 2>/dev/null
	grub-script-check "$dir/out" || { echo "not a menu, with $*" && failed=1; }
}

# same_root: each kernel of ours has the arguments that 10_linux gives it, and Keelson's after them.
same_root()
{
	local version theirs ours
	for version in 6.1.0-1-amd64 6.12.0-2-amd64; do
		theirs=$(sed -n "s|^[[:space:]]*linux[[:space:]].*vmlinuz-$version \(root=.*\)|\1|p" "$dir/linux" | sed -n 1p)
		ours=$(sed -n "s|.*module2 --nounzip .*vmlinuz-$version \(root=.*\)|\1|p" "$dir/out")
		if [ -z "$theirs" ] || [ "${ours% }" != "${theirs% }" ]; then
			echo "$1: 10_linux has '$theirs', Keelson's entry '$ours'" && failed=1
		fi
	done
}

# has PATTERN, count N PATTERN: lines of the menu.
has()
{
	grep -qE -- "$1" "$dir/out" || { echo "$name: no line matches $1" && failed=1; }
}

count()
{
	local lines
	lines=$(grep -cE -- "$2" "$dir/out") || :
	[ "$lines" = "$1" ] || { echo "$name: $lines lines match $2, not $1" && failed=1; }
}

name='a UUID'
touch "$dir/disk/by-uuid/1111-2222"
entries
same_root "$name"
has "^menuentry 'Debian GNU/Linux, with Keelson 9.9 and Linux 6.12.0-2-amd64' .*--class keelson .*'keelson-9.9-gnulinux-6.12.0-2-amd64-1111-2222'"
has 'root=UUID=1111-2222 ro +quiet'
has 'multiboot2 /boot/keelson-9.9.elf console=com2'
has 'module2 --nounzip /boot/initrd.img-6.1.0-1-amd64$'
has "echo.*'Loading Keelson 9.9, Linux 6.1.0-1-amd64 ...'"
count 2 '^menuentry'
count 2 multiboot2
count 0 'recovery|single|load_video|submenu|[[:space:]]linux[[:space:]]'

name='arguments of the settings'
entries GRUB_CMDLINE_LINUX=quiet2 'GRUB_CMDLINE_LINUX_KEELSON=a\b "c d"' 'GRUB_CMDLINE_KEELSON=$demo_args'
has 'ro quiet2 quiet a\\b "c d"$'
has 'keelson-9.9.elf \$demo_args$'

name='no link of the UUID'
rm "$dir/disk/by-uuid/1111-2222"
entries
same_root "$name"
has 'root=/dev/vda2 ro'

name='PARTUUID'
mkdir -p "$dir/disk/by-partuuid"
touch "$dir/disk/by-partuuid/aaaa-02"
entries GRUB_DISABLE_LINUX_UUID=true GRUB_DISABLE_LINUX_PARTUUID=false
same_root "$name"
has 'root=PARTUUID=aaaa-02 ro'

name=LVM
touch "$dir/disk/by-uuid/1111-2222" "$dir/root"
entries PROBE_ABSTRACTION=lvm GRUB_DEVICE="$dir/root"
same_root "$name"
has "root=$dir/root ro"
has 'insmod lvm'

name='a subvolume of btrfs'
entries PROBE_FS=btrfs GRUB_FS=btrfs RELPATH=/@rootfs
same_root "$name"
has 'rootflags=subvol=@rootfs'
has 'multiboot2 /@rootfs/boot/keelson-9.9.elf'

name='a /boot of its own'
entries GRUB_DEVICE_BOOT=/dev/vda1
has 'search .*1111-2222'

name='the saved default'
entries GRUB_SAVEDEFAULT=true
count 2 savedefault

name='no 10_linux'
mv "$dir/grub.d/10_linux" "$dir/kept"
env GRUB_DEVICE=/dev/vda2 sh "$dir/grub.d/20_linux_keelson" >"$dir/out" 2>"$dir/err" || failed=1
grep -q 'no entries for Keelson' "$dir/err" || { echo "nothing is said without 10_linux" && failed=1; }
mv "$dir/kept" "$dir/grub.d/10_linux"

name='another file of that name'
cp /bin/true /boot/keelson-9.8.elf
entries
count 2 '^menuentry'
grep -q 'keelson-9.8.elf is not a multiboot2 image' "$dir/err" || { echo "$name: no warning" && failed=1; }

exit $failed
