#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lockdep.sh: vid.ko under a kernel that proves its locking, which no kernel of Debian's does: one is
# built from linux-source-6.1, for a quarter of an hour, and kept in build/lockdep. By hand only;
# needs the packages linux-source-6.1, bc, bison, flex and libelf-dev, and a run of ./demo --prepare.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
work=$top/build/lockdep
source=$work/linux-source-6.1
release=$top/build/release
serial=$test_dir/serial

configure()
{
	make -C "$source" tinyconfig &&
		(cd "$source" && scripts/kconfig/merge_config.sh -m .config "$here/lockdep/config") &&
		make -C "$source" olddefconfig
}

build_kernel()
{
	mkdir -p "$work"
	[ -d "$source" ] || tar -C "$work" -xf /usr/src/linux-source-6.1.tar.xz || return 1
	[ -e "$source/.config" ] || configure || return 1
	make -C "$source" -j"$(nproc)" bzImage modules_prepare &&
		cp "$source/vmlinux.symvers" "$source/Module.symvers"
}

build_module()
{
	mkdir "$test_dir/module" "$test_dir/module/abi"
	cp -r "$top"/kmod/{*.[ch],Kbuild,Makefile,uapi} "$test_dir/module"
	cp -r "$top"/hypervisor/abi/* "$test_dir/module/abi"
	make -C "$test_dir/module" KERNEL_HEADERS="$source"
}

# The tests' programs with what they are linked with; a child's kernel and initial RAM disk.
fill()
{
	local tree=$1
	mkdir -p "$tree"/{bin,lib,lib64}
	cp /bin/busybox "$programs"/vid_{test,fuzz} "$release/vmwp/vmwp" "$tree/bin" &&
		libraries_of "$release/vmwp/vmwp" | xargs cp -Lt "$tree/lib" &&
		cp -L /lib64/ld-linux-x86-64.so.2 "$tree/lib64" &&
		cp "$test_dir/module/vid.ko" "$here/lockdep/init" "$tree" &&
		cp "$top"/build/demo/image-*/boot/vmlinuz-6.1.* "$tree/vmlinuz" &&
		sed -n 's/^void test_\([a-z0-9_]*\)(.*/\1/p' "$here/prog/vid_test.h" |
		grep -v memory_is_large >"$tree/tests" &&
		"$here/child-initramfs.sh" "$tree/child.gz"
}

build_kernel >"$test_dir/kernel.log" 2>&1 || fail "the kernel is not built, see kernel.log"
build_module >"$test_dir/module.log" 2>&1 || fail "vid.ko is not built, see module.log"
fill "$test_dir/tree" || fail "the initial RAM disk cannot be made"
(cd "$test_dir/tree" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$test_dir/initrd.gz"
timeout 1200 qemu-system-x86_64 -no-user-config -nodefaults -display none -no-reboot \
	-machine q35 -cpu max,svm=on,la57=off -accel tcg,thread=single -smp 2 -m 2048 \
	-kernel "$release/hypervisor/keelson.elf" -append 'console=com2 panic=reboot' \
	-initrd "$source/arch/x86/boot/bzImage console=ttyS0 panic=-1,$test_dir/initrd.gz" \
	-serial "file:$serial" -serial "file:$log"
cp "$serial" "$out"
expect "$out" '^all over'
expect "$out" 'debug_locks: *1'
expect_no "$out" 'FAILED'
expect_healthy_kernel
expect_no "$out" 'possible (recursive|circular|irq)|inconsistent lock|suspicious RCU|sleeping function'
