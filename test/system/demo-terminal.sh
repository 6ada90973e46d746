#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ./demo without a script: a root shell on a terminal, told how to leave, and both ways of leaving.
. "$(dirname "$0")/lib.sh"

begin()
{
	: >"$out"
	coproc demo { TERM=dumb script -qefc "'$top/demo' --log '$log' $*" /dev/null 2>"$err"; }
	exec 3<&"${demo[0]}" 4>&"${demo[1]}"
	pid=$demo_PID
}

# comes TEXT: what is written ends in it some time.
comes()
{
	local seen='' c
	while IFS= read -r -d '' -N 1 -t 600 -u 3 c; do
		printf %s "$c" >>"$out"
		seen+=$c
		[[ $seen != *"$1" ]] || return 0
	done
	fail "on the terminal there never was: $1"
}

begin --cpus 1
comes 'Ctrl-A X end the machine'
comes ':~# '
echo 'echo $((6 * 7)) $(id -u)' >&4
comes "42 0"
comes ':~# '
echo 'poweroff' >&4
cat <&3 >>"$out"
status=0
wait "$pid" || status=$?
expect_status 0
expect "$log" '^keelson \| .*starting the root partition'

begin --cpus 1
comes 'Loading Keelson'
printf '\001x' >&4
cat <&3 >>"$out"
status=0
wait "$pid" || status=$?
expect_status 0
