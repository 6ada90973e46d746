#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The root partition switches the machine off.
. "$(dirname "$0")/lib.sh"

guest <<'EOF'
systemctl poweroff
sleep infinity
EOF
expect_status 125
expect "$err" 'the machine stopped before the end of the script'
expect "$log" '^root \| .*reboot: Power down'
expect_no "$log" 'panic'
