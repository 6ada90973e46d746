#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The root kernel panics: the hypervisor notes it, and lets it restart the machine.
. "$(dirname "$0")/lib.sh"

guest <<'EOF'
echo c >/proc/sysrq-trigger
sleep infinity
EOF
expect_status 125
expect "$log" '^root \| .*Kernel panic - not syncing: sysrq triggered crash'
expect "$log" '^keelson \| .*reports a crash'
expect "$log" '^keelson \| .*partition 1: .*Kernel panic'
expect "$err" 'Kernel panic'
