#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vmms as the image's packages installed it: on the system bus, under systemd, with the real
# polkit, nftables and dnsmasq. One boot for all of test/system/vmms/.
#
# KEELSON_CASE: only this part.
. "$(dirname "$0")/lib.sh"
case=${KEELSON_CASE:-}

guest --carry "$top/test/system/vmms" --carry "$programs/../../vmms/test/stand_in_worker" <<EOG
for part in ${case:-life bus rights network input remote}; do
	echo "\$part:"
	# life.sh sets the machine up for the others.
	[ \$part = life ] || [ -e /usr/local/libexec/keelson/stand_in_worker ] ||
		(. /carry/vmms/lib.sh && use_stand_in)
	/carry/vmms/\$part.sh || status=1
done
exit \${status:-0}
EOG
cat "$out"
expect_status 0
