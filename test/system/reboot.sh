#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The root partition restarts the machine, which comes up again under the hypervisor. Once by the
# kernel's usual way, once by force.
. "$(dirname "$0")/lib.sh"

guest --allow-reboot <<'EOF'
boot=$(($(cat /root/boots 2>/dev/null || echo 0) + 1))
echo $boot >/root/boots
sync
echo "boot $boot"
dmesg | grep -o 'Hypervisor detected: Microsoft Hyper-V'
case $boot in
1) systemctl reboot ;;
2) echo b >/proc/sysrq-trigger ;;
3) exit 0 ;;
esac
sleep infinity
EOF
expect_status 0
for boot in 1 2 3; do
	echo "boot $boot"
	echo 'Hypervisor detected: Microsoft Hyper-V'
done | cmp - "$out" || fail "not three boots under the hypervisor"
[ "$(grep -c '^keelson | .*started by GRUB' "$log")" = 3 ] || fail "the hypervisor started not three times"
expect_no "$log" 'panic'
