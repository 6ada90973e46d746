#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What exits of a child partition cost, and its start, in instructions: under Keelson, and under KVM
# with QEMU (Debian's packages) in the same root partition without the hypervisor. The guest of the
# first part measures itself (child/main.c); the second is Linux, from the worker's start to its
# first process, and on the bare machine from the kernel's first instruction. Then the worker's
# memory beside the guest's.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
results=$(mktemp -d "$top/build/bench.XXXXXX")
trap 'rm -rf "$results"' EXIT
built=$top/build/release
linux=(console=ttyS0 quiet)

# with_libraries FOLDER PROGRAM FILE…: a folder to carry.
with_libraries()
{
	local folder=$results/$1 program=$2
	mkdir "$folder"
	shift
	cp "$@" "$folder"
	ldd "$program" | sed -n 's/.* => \(\/.*\) (.*/\1/p' | grep -v '/libc\.so' | xargs cp -Lt "$folder"
}

mkdir "$results/guest" "$results/tree"
cp "$built/test/system/childinit" "$results/tree/init"
(cd "$results/tree" && echo init | busybox cpio -o -H newc -R 0:0 2>/dev/null) >"$results/guest/initrd"
cp "$built/test/system/childload.bin" "$built/test/system/vid_bench" "$results/guest"
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
machine() { /carry/worker/vmwp com1=stdio memory=128 "$@" </dev/null; }
linux() { machine kernel="$(ls /boot/vmlinuz-6.1.*)" initrd=/carry/guest/initrd cmdline="$*"; }
machine kernel=/carry/guest/childload.bin
# Of the worker's devices none has a doorbell.
/carry/guest/vid_bench | sed -n 's/^port-doorbell /doorbell /p'
EOS
cat >"$results/script-kvm" <<'EOS'
modprobe kvm_amd
export LD_LIBRARY_PATH=/carry/qemu
machine()
{
	/carry/qemu/qemu-system-x86_64 -L /carry/qemu -nodefaults -no-user-config -display none \
		-object memory-backend-memfd,id=ram,size=128M -bios bios-256k.bin -cpu host -m 128 \
		-machine pc,accel=kvm,memory-backend=ram -serial stdio "$@" </dev/null
}
linux()
{
	machine -kernel "$(ls /boot/vmlinuz-6.1.*)" -initrd /carry/guest/initrd -append "$*"
}
machine -kernel /carry/guest/childload.multiboot -device pci-testdev
EOS
# From the start of the process to the first process's first words, on the kernel's clock; and what
# the process has of its own beside the guest's memory, which is a memfd in both worlds.
cat >"$results/script-common" <<EOS
mkfifo /tmp/console
begin=\$(date +%s%N)
linux ${linux[*]} >/tmp/console &
grep -m 1 '^init ' </tmp/console >/dev/null
echo "start-to-init \$((\$(date +%s%N) - begin))"
worker=\$(pgrep -n 'vmwp|qemu-system')
awk '/^Pss_Anon:|^Pss_File:/ { kib += \$2 } END { print "private-KiB", kib }' "/proc/\$worker/smaps_rollup"
kill "\$worker"
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
		--carry "$results/guest" --carry "$results/worker" --carry "$results/qemu" "$@" |
		tr -d '\r' | sed -n 's/^\(.*[^a-zA-Z-]\)\?\([a-z][a-zA-Z-]* [0-9]*\)$/\2/p' >"$results/$name"
}

# bare FILE WORD OPTION…: the number behind WORD that the guest FILE of the emulated machine says.
bare()
{
	local file=$1 word=$2
	shift 2
	mkfifo "$results/console"
	timeout 600 qemu-system-x86_64 -nodefaults -no-user-config -display none -machine pc -m 128 \
		-cpu max,svm=on,la57=off -accel tcg,thread=single -icount shift=0,sleep=off \
		-rtc clock=vm -serial stdio -kernel "$file" "$@" </dev/null 2>"$results/bare.log" >"$results/console" &
	sed -n "s/^.*\\b$word \\([0-9]*\\)\\r*\$/\\1/p; T; q" "$results/console"
	kill %% 2>/dev/null || true
	wait
	rm "$results/console"
}

echo 'measuring: bare' >&2
entry=$(bare "$results/guest/childload.multiboot" entry)
init=$(bare "$(echo "$top"/build/demo/image-*/boot/vmlinuz-6.1.*)" init \
	-initrd "$results/guest/initrd" -append "${linux[*]}")
echo "start-to-init $((init - entry))" >"$results/bare"
measure keelson
measure kvm --without-hypervisor

field() { awk -v name="$2" '$1 == name { print $2 }' "$results/$1"; }

# row NAME MOST [bare]: how much is wanted; or how many times the bare machine's.
row()
{
	awk -v name="$1" -v most="$2" -v of="${3:-}" -v bare="$(field bare "$1")" \
		-v kvm="$(field kvm "$1")" -v ours="$(field keelson "$1")" 'BEGIN {
		printf "%-14s %12s %12s %12s %8.3f %12s  %s\n", name, bare, kvm, ours, ours / kvm,
			of ? most " x bare" : most, ours <= most * (of ? bare : 1) ? "yes" : "no"
	}'
}

printf '%-14s %12s %12s %12s %8s %12s  %s\n' '' bare kvm+qemu keelson ratio wanted reached
row cpuid 300
row self-ipi 1500
row port-read 4000
row mmio-read 5000
row doorbell 500
row start-to-init 1.3 bare
row private-KiB 8192
