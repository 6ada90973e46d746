#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# child.sh 'SCRIPT [WORD…]' [OPTION…]: runs child/SCRIPT in the root partition.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
script=$1
shift
# The worker as it was built, with the libraries that it is linked with.
worker=$test_dir/worker
mkdir -p "$worker"
cp "$top/build/release/vmwp/vmwp" /usr/share/seabios/bios.bin "$worker"
libraries_of "$worker/vmwp" | grep -v '/libc\.so' |
	xargs cp -Lt "$worker" || fail "the worker's libraries cannot be copied"
mkdir -p "$test_dir/small"
cp "$programs"/small_*.bin "$test_dir/small" || fail "the small kernels are not there"
carry=(--carry "$here/child" --carry "$worker" --carry "$programs/childload.bin")
carry+=(--carry "$test_dir/small")
prepare()
{
	"$top/demo" --prepare 2>"$err" || fail "the demo cannot be prepared"
}
base=()
[[ $script != vmbus* && $script != storvsc* ]] || { prepare && base=("$top"/build/demo/base-*.tar); }
"$here/child-initramfs.sh" "$test_dir/initrd.gz" "${base[@]}" ||
	fail "the initial RAM disk cannot be made"
carry+=(--carry "$test_dir/initrd.gz")
if [[ $script == bios* || $script == storvsc* ]]; then
	prepare
	"$here/child-disk.sh" "$top"/build/demo/base-*.tar "$test_dir/child-disk.raw" \
		>"$test_dir/disk.log" 2>&1 || fail "the child's disk cannot be made, see disk.log"
	carry+=(--carry "$test_dir/child-disk.raw")
fi
if [ "$script" = memtest ]; then
	mkdir -p "$test_dir/memtest"
	cp /boot/memtest86+*.bin "$test_dir/memtest" || fail "the package memtest86+ is not there"
	carry+=(--carry "$test_dir/memtest")
fi
guest --direct --timeout 1100 "${carry[@]}" "$@" <<<"exec /carry/child/$script"
rm -f "$test_dir/child-disk.raw"
[ "$status" = 0 ] || { cat "$out" && fail "exit status is $status, not 0"; }
expect "$out" '^done$'
expect_no "$log" 'panic'
