#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# child-initramfs.sh OUT: a small initial RAM disk for child partitions: busybox and child/init.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath -m "$1")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir "$tree/bin"
cp /bin/busybox "$tree/bin/busybox"
install -m 755 "$here/child/init" "$tree/init"
install -m 755 "$here/child/login-shell" "$tree/bin/login-shell"
(cd "$tree" && find . | LC_ALL=C sort | busybox cpio -o -H newc -R 0:0 2>/dev/null | gzip -n9) >"$out"
