#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vmms-kill.sh SEED ROUNDS: the service is killed in each of its transitions, at random moments, and
# systemd starts it again; the workers are real ones, on the hypervisor.
. "$(dirname "$0")/lib.sh"
seed=$1 rounds=$2

guest --direct --carry "$top/test/system/vmms" --carry "$programs/vmms_storm" <<EOG
#!/bin/bash
. /carry/vmms/lib.sh
mkdir -p /run/systemd/system/vmms.service.d
printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=1ms\n' \
	>/run/systemd/system/vmms.service.d/often.conf
systemctl daemon-reload
for vm in a b c; do
	ok create \$vm --memory 16M --disk 4M
done
/carry/vmms_storm $seed $rounds || fail "see above"

echo "\$SECONDS s"
EOG
cat "$out"
expect_status 0
expect "$out" "^$rounds rounds;"
