#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What exits of a child partition cost, and its start, in instructions: under Keelson, and under KVM
# with QEMU (Debian's packages) in the same root partition without the hypervisor. The guest of the
# first part measures itself (child/main.c); the second is Linux, from the worker's start to its
# first process. Then the worker's memory beside the guest's.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
results=$(mktemp -d "$top/build/bench.XXXXXX")
trap 'rm -rf "$results"' EXIT
built=$top/build/release

# with_libraries FOLDER PROGRAM FILE…: a folder to carry.
with_libraries()
{
	local folder=$results/$1 program=$2
	mkdir "$folder"
	shift
	cp "$@" "$folder"
	ldd "$program" | sed -n 's/.* => \(\/.*\) (.*/\1/p' | grep -v '/libc\.so' | xargs cp -Lt "$folder"
}

"$top/test/system/child-initramfs.sh" "$results/initrd.gz"
mkdir "$results/guest"
cp "$built/test/system/childload.bin" "$results/initrd.gz" "$results/guest"
# Multiboot is looked for where there is no kernel's header.
cp "$built/test/system/childload.bin" "$results/guest/childload.multiboot"
printf '\0\0\0\0' | dd of="$results/guest/childload.multiboot" bs=1 seek=514 conv=notrunc status=none
with_libraries worker "$built/vmwp/vmwp"
with_libraries qemu /usr/bin/qemu-system-x86_64 /usr/share/seabios/bios-256k.bin \
	/usr/share/qemu/{multiboot.bin,multiboot_dma.bin,linuxboot.bin,linuxboot_dma.bin,kvmvapic.bin}

cat >"$results/script-keelson" <<'EOS'
modprobe vid
ulimit -l unlimited
export LD_LIBRARY_PATH=/carry/worker
machine() { /carry/worker/vmwp com1=stdio memory=128 "$@" </dev/null 2>/dev/null; }
linux() { machine kernel="$(ls /boot/vmlinuz-6.1.*)" initrd=/carry/guest/initrd.gz cmdline="$*"; }
machine kernel=/carry/guest/childload.bin
EOS
cat >"$results/script-kvm" <<'EOS'
modprobe kvm_amd
export LD_LIBRARY_PATH=/carry/qemu
machine()
{
	/carry/qemu/qemu-system-x86_64 -L /carry/qemu -nodefaults -no-user-config -display none \
		-object memory-backend-memfd,id=ram,size=128M -bios bios-256k.bin -cpu host -m 128 \
		-machine pc,accel=kvm,kernel-irqchip=split,memory-backend=ram \
		-serial stdio "$@" </dev/null
}
linux()
{
	machine -kernel "$(ls /boot/vmlinuz-6.1.*)" -initrd /carry/guest/initrd.gz -append "$*"
}
machine -kernel /carry/guest/childload.multiboot | tr -d '\r' | grep -E '^[a-z-]+ [0-9]+$'
EOS
# From the start of the process to the first process's first words, on the kernel's clock; and what
# the process has of its own beside the guest's memory, which is a memfd in both worlds.
cat >"$results/script-common" <<'EOS'
begin=$(date +%s%N)
mkfifo /tmp/console
linux console=ttyS0 quiet >/tmp/console &
grep -m 1 -q 'child: kernel' /tmp/console
echo "start-to-init $(($(date +%s%N) - begin))"
worker=$(pgrep -n 'vmwp|qemu-system')
awk '/^Pss_Anon:|^Pss_File:/ { kib += $2 } END { print "private-KiB", kib }' "/proc/$worker/smaps_rollup"
kill "$worker"
wait
EOS

# measure NAME OPTION…
measure()
{
	local name=$1
	shift
	echo "measuring: $name" >&2
	cat "$results/script-$name" "$results/script-common" >"$results/script"
	"$top/demo" --script "$results/script" --icount --cpus 1 --direct --timeout 3000 \
		--carry "$results/guest" --carry "$results/worker" --carry "$results/qemu" "$@" \
		>"$results/$name"
}

measure keelson
measure kvm --without-hypervisor
printf '%-14s %14s %14s %8s\n' '' kvm+qemu keelson ratio
join --nocheck-order "$results/kvm" "$results/keelson" |
	awk '{ printf "%-14s %14d %14d %8.3f\n", $1, $2, $3, $3 / $2 }'
