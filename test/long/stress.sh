#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# stress.sh: the root partition under load for half an hour, with both kernels.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
"$top/test/system/stress.sh" 4 900 --timeout 7200
"$top/test/system/stress.sh" 2 900 --timeout 7200 --root-kernel backports
