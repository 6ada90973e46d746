# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by the system tests. guest runs a script in the machine; the expect functions look at
# what came of the last one, and end the test where it is not as it should be.
set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
test_dir=${KEELSON_TEST_DIR:-$(mktemp -d)}
programs=${KEELSON_PROGRAMS:-$top/build/release/test/system}
. "$top/test/system/child/expect.sh"
rm -rf "$test_dir"
mkdir -p "$test_dir"

# guest OPTION…: runs standard input as the script of ./demo OPTION…. Leaves $status, and the files
# $out, $err and $log.
out=$test_dir/out err=$test_dir/err log=$test_dir/log
guest()
{
	cat >"$test_dir/script"
	status=0
	"$top/demo" --script "$test_dir/script" --log "$log" --timeout 900 "$@" \
		>"$out" 2>"$err" || status=$?
}

# libraries_of PROGRAM: the files that it is linked with at its start.
libraries_of()
{
	ldd "$1" | sed -n 's/.* => \(\/.*\) (.*/\1/p'
}

fail()
{
	echo "FAILED: $*"
	local file
	for file in "$out" "$err" "$log"; do
		[ ! -e "$file" ] || { echo "--- ${file##*/}, its end" && tail -n 60 "$file" | cat -v; }
	done
	exit 1
}

expect_status()
{
	[ "$status" = "$1" ] || fail "exit status is $status, not $1"
}

# expect FILE PATTERN, expect_no FILE PATTERN: whether a line of it matches.
expect()
{
	grep -qE -- "$2" "$1" || fail "nothing in '${1##*/}' matches: $2"
}

expect_no()
{
	no_line "$1" "$2" || fail "something in '${1##*/}' matches, or there is no such file: $2"
}

# What a healthy kernel's log, in $out, has nothing of.
expect_healthy_kernel()
{
	expect_no "$out" 'BUG:|WARNING:|Oops|Call Trace|soft lockup|rcu.*stall|unchecked MSR|APIC error|spurious|nobody cared|hung_task|clocksource:.*unstable'
}
