#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# 200 machines: how long `vmctl list` takes, and 5,000 queries while machines start and stop.
# Usage: list_bench.sh BUILD-DIRECTORY-OF-VMMS; a build without sanitizers gives the figure.
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
start_bus
start_daemon
make first
"$VMCTL" xml first > "$DIR/first.xml"
for ((i = 1; i < 200; i++)); do
	sed "/<uuid>/d; s,<name>first,<name>vm$i," "$DIR/first.xml" | "$VMCTL" define - || fail "define $i"
done
[ "$("$VMCTL" list | wc -l)" = 201 ] || fail "not 200 machines"
echo "vmctl list, 200 machines: $("$BUILD/test/vmctl_list_bench" 100 "$VMCTL" list)"
(
	while "$VMCTL" start first && "$VMCTL" stop first; do :; done > /dev/null 2>&1
) &
HELPER_PIDS=$!
echo "a query, a machine starting and stopping: $("$BUILD/test/query_storm" 5000)"
kill $HELPER_PIDS
wait $HELPER_PIDS 2> /dev/null
"$VMCTL" stop first > /dev/null 2>&1
stop_daemon
