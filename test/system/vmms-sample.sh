#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the demo tells its user to try: the sample machine runs on the hypervisor, a worker of its
# own, and gives a login; it turns itself off, and reacts to its power button.
. "$(dirname "$0")/lib.sh"

guest --turns --carry "$top/test/system/vmms" <<'EOG'
#!/bin/bash
. /carry/vmms/lib.sh
# comes TEXT: the guest says so some time.
comes()
{
	local seen='' c
	while IFS= read -r -N 1 -t 300 -u 3 c; do
		seen+=$c
		[[ $seen != *"$1" ]] || return 0
	done
	vmctl events sample
	fail "the guest does not say '$1' but: $seen"
}

console()
{
	coproc console { vmctl console sample; }
	exec 3<&"${console[0]}" 4>&"${console[1]}"
}

ok start sample
console
comes 'sample login: '
echo "a login after $SECONDS s"
echo root >&4
comes '# '
echo 'echo $((6 * 7)); dmesg | grep -o "Hypervisor detected: .*"' >&4
comes $'42\r\n'
comes 'Hypervisor detected: Microsoft Hyper-V'
vmctl top 1
vmctl metrics sample
echo 'poweroff' >&4
await "the guest's end" is_state sample off
state sample off guest-off

ok start sample
console
comes 'sample login: '
ok shutdown sample
state sample off guest-off
quiet_journal
echo "$checks checks, $SECONDS s"
EOG
cat "$out"
expect_status 0
expect "$out" '^a login after'
