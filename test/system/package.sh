#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The packages: what keelson-dev gives a program on this machine; upgrade, removal, purge and a
# restart of the host inside the emulated one. package-dkms.sh has those of vid.ko.
. "$(dirname "$0")/lib.sh"
shopt -s nullglob
built=$top/build/demo/packages

"$top/demo" --prepare || fail "no packages"

# ── keelson-dev: a program builds with nothing but the package ───────────────────────────────
dpkg-deb -x "$built"/keelson-dev_*.deb "$test_dir/dev" || fail "keelson-dev"
cat >"$test_dir/program.c" <<'EOC'
#include <vid/partition.h>
#include <vid/vp.h>
int main(void) { return 0; }
EOC
library=$test_dir/dev/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
flags=$(PKG_CONFIG_SYSROOT_DIR=$test_dir/dev PKG_CONFIG_LIBDIR=$library/pkgconfig \
	pkg-config --cflags --libs keelson-vid) || fail "pkg-config"
# shellcheck disable=SC2086
gcc -Wall -Werror -o "$test_dir/program" "$test_dir/program.c" -Wl,--whole-archive \
	${flags%%-lpthread*} -Wl,--no-whole-archive -lpthread || fail "no program can be built"

# ── keelson: the one that is installed, and one with a higher version ────────────────────────
mkdir "$test_dir/packages"
cp "$built"/keelson_*.deb "$test_dir/packages/installed.deb"
cp "$built"/keelson-{hypervisor,dev}_*.deb "$test_dir/packages"
dpkg-deb -R "$test_dir/packages/installed.deb" "$test_dir/newer" || fail "unpacking"
sed -i 's/^Version: .*/&.1/' "$test_dir/newer/DEBIAN/control"
dpkg-deb -Zgzip --root-owner-group -b "$test_dir/newer" "$test_dir/packages/newer.deb" >"$test_dir/build" ||
	fail "packing"

guest --allow-reboot --carry "$test_dir/packages" --carry "$top/test/system/vmms" \
	--carry "$top/test/system/package" --carry "$programs/../../vmms/test/stand_in_worker" \
	<<<'exec /carry/package/stages.sh'
cat "$out"
expect_status 0
[ "$(grep -c 'checks, ' "$out")" = 2 ] || fail "not two boots"
