#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vid-bare.sh KERNEL: without the hypervisor, vid.ko says why it does not load.
. "$(dirname "$0")/lib.sh"

guest --root-kernel "$1" --without-hypervisor --carry "$programs/vid_test" <<'EOF'
modprobe vid && exit 1
[ ! -e /dev/vid ] || exit 1
/carry/vid_test ports && exit 1
dmesg
exit 0
EOF
expect_status 0
expect "$out" 'vid: this kernel does not run under the Keelson hypervisor'
expect_healthy_kernel
