#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ./demo refuses what it cannot do with exit status 2, one line that says why, and no machine.
. "$(dirname "$0")/lib.sh"
refused=0

# refuses PATTERN OPTION…
refuses()
{
	local pattern=$1
	shift
	status=0
	"$top/demo" "$@" </dev/null >"$out" 2>"$err" || status=$?
	expect_status 2
	expect "$err" "$pattern"
	[ "$(wc -l <"$err")" = 1 ] || fail "more than one line about: $*"
	[ ! -s "$out" ] || fail "standard output about: $*"
	refused=$((refused + 1))
}

touch "$test_dir/script"
script=(--script "$test_dir/script")
refuses "unknown option '--frobnicate'" --frobnicate
refuses '--script needs a value' --script
refuses "cannot read script '/nonexistent'" --script /nonexistent
refuses "cannot read script '/'" --script /
refuses "cannot read script ''" --script ''
refuses "nothing to carry at '/nonexistent'" "${script[@]}" --carry /nonexistent
refuses "two things to carry are called 'tmp'" "${script[@]}" --carry /tmp --carry /var/tmp
refuses '--icount counts on processors that take turns' "${script[@]}" --icount --threads
refuses '--cpus takes a number from 1 to' "${script[@]}" --cpus 0
refuses '--cpus takes a number from 1 to' "${script[@]}" --cpus two
refuses '--memory takes a number from 256 to' "${script[@]}" --memory 100
refuses '--timeout takes a number from 1 to' "${script[@]}" --timeout 0
refuses '--root-kernel is bookworm or backports' "${script[@]}" --root-kernel sid
refuses 'command line arguments cannot hold' "${script[@]}" --root-args '$x'
refuses '--cpu-features takes a list' "${script[@]}" --cpu-features svm
refuses "cannot write '/nonexistent/log'" "${script[@]}" --log /nonexistent/log
refuses 'go with --script only' --timeout 5
refuses 'no terminal' --cpus 1
refuses 'no machine of the demo runs' ssh
echo "$refused refusals"

# An end by time has a status of its own.
guest --without-hypervisor --timeout 3 <<<'sleep 1000'
expect_status 124
expect "$err" 'did not end within 3 seconds'
