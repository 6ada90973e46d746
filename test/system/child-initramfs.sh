#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# child-initramfs.sh OUT [BASE.tar]: a small initial RAM disk for child partitions: busybox and
# child/init; with the base system of the demo, the modules for synthetic devices of its kernels, too.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath -m "$1")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir "$tree/bin"
cp /bin/busybox "$tree/bin/busybox"
install -m 755 "$here/child/init" "$tree/init"
install -m 755 "$here/child/login-shell" "$tree/bin/login-shell"
if [ $# -gt 1 ]; then
	mkdir -p "$tree/lib"
	tar -tf "$2" | grep -E '/lib/modules/.*/(hv_(vmbus|utils|storvsc)|ptp|pps_core|scsi_mod|scsi_common|scsi_transport_fc|sd_mod|t10-pi|crc-t10dif|crct10dif_(common|generic)|crc64|crc64-rocksoft|crc64_rocksoft_generic|ext4|jbd2|mbcache|crc16|crc32c_generic|libcrc32c)\.ko(\.xz)?$|/lib/modules/[^/]*/modules\.(order|builtin.*)$' |
		tar -xf "$2" -C "$tree/lib" --strip-components=3 -T -
	find "$tree/lib/modules" -name '*.xz' -exec xz -d {} +
	for release in "$tree"/lib/modules/*; do
		PATH=$PATH:/usr/sbin:/sbin depmod -b "$tree" "${release##*/}"
	done
fi
(cd "$tree" && find . | LC_ALL=C sort | busybox cpio -o -H newc -R 0:0 2>/dev/null | gzip -n9) >"$out"
