#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the package keelson-dkms installs is built by DKMS, for both kernels.
. "$(dirname "$0")/lib.sh"
built=0

mkdir -p "$test_dir/tree" "$test_dir/source"
dpkg-deb -x "$top"/build/demo/packages/keelson-dkms_*.deb "$test_dir/package"
cp -r "$test_dir"/package/usr/src/keelson-* "$test_dir/source"
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$test_dir"/source/keelson-*/dkms.conf)
for headers in "$top"/build/demo/headers-*/usr/src/linux-headers-*-amd64; do
	kernel=${headers##*/linux-headers-}
	PATH=$PATH:/usr/sbin dkms build -m keelson -v "$version" -k "$kernel" \
		--dkmstree "$test_dir/tree" --sourcetree "$test_dir/source" \
		--kernelsourcedir "$headers" >"$out" 2>&1 || fail "DKMS does not build for $kernel"
	find "$test_dir/tree/keelson/$version/$kernel" -name 'vid.ko*' | grep -q . ||
		fail "DKMS built no module for $kernel"
	built=$((built + 1))
done
[ "$built" = 2 ] || fail "headers of $built kernels, not of 2"
