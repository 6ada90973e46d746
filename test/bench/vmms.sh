#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon with 200 machines, on this machine: `vmctl list`, and queries while machines start.
top=$(cd "$(dirname "$0")/../.." && pwd)
exec "$top/vmms/test/list_bench.sh" "$top/build/release/vmms"
