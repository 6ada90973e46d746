#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill.sh: the daemon and its workers killed at random moments, 200 rounds, another seed each time.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
seed=${KEELSON_SEED:-$RANDOM}
echo "seed $seed (KEELSON_SEED=$seed repeats it)"
exec "$top/test/system/vmms-kill.sh" "$seed" 200
