#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vmms as the image's packages installed it: on the system bus, under systemd, with the real
# polkit, nftables and dnsmasq. One boot for all of test/system/vmms/.
. "$(dirname "$0")/lib.sh"

guest --carry "$top/test/system/vmms" --carry "$programs/../../vmms/test/stand_in_worker" <<'EOG'
for part in life bus rights network input remote; do
	echo "$part:"
	/carry/vmms/$part.sh || status=1
done
exit ${status:-0}
EOG
cat "$out"
expect_status 0
