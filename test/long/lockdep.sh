#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lockdep.sh: the driver's tests on a kernel with lock proving, which is built for it.
set -euo pipefail
exec "$(cd "$(dirname "$0")/.." && pwd)/system/lockdep.sh"
