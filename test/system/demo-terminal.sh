#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ./demo without a script: a root shell on a terminal, told how to leave, and both ways of leaving.
. "$(dirname "$0")/lib.sh"

trap 'kill "${pid:-}" 2>/dev/null || :' EXIT

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

# A second terminal; and what a user looks for in the machine is there.
attempt=0
until "$top/demo" ssh 'echo $SSH_CONNECTION' 2>>"$err" | grep -q '^10\.0\.2\.2 '; do
	attempt=$((attempt + 1))
	[ $attempt -lt 100 ] || fail "no second terminal"
done
"$top/demo" ssh 'for page in keelson vmctl vmms vmms.conf; do man -w $page || exit; done
	type jq less nano tmux && . /etc/bash_completion && _completion_loader vmctl; complete -p vmctl &&
	awk "length > 80 { exit 1 }" /etc/motd' >"$test_dir/second" 2>&1 || fail "$(cat "$test_dir/second")"
[ "$("$top/demo" ssh 'exit 7'; echo $?)" = 7 ] || fail "the exit status of a command does not come back"
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
