#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The hypervisor panics (it is given no root kernel): what it prints, and that the machine resets
# or halts as the command line says.
. "$(dirname "$0")/lib.sh"

# panics MODE: leaves QEMU's exit status in $status, the console in $log.
panics()
{
	status=0
	timeout "$2" qemu-system-x86_64 -no-user-config -nodefaults -display none -no-reboot \
		-machine q35 -cpu max,+svm,la57=off -m 256 -kernel "$top/build/release/hypervisor/keelson.elf" \
		-append "console=com1 panic=$1" -serial "file:$log" 2>"$err" || status=$?
	expect "$log" 'panic on processor 0: the boot menu entry names no root kernel'
	expect "$log" 'stack trace:'
	expect "$log" 'x86_main\+0x'
}

panics reboot 300
expect_status 0 # the reset ended QEMU
expect "$log" 'panic: resetting the machine'

panics halt 20
expect_status 124 # halted, until the time is over
expect "$log" 'panic: halted'
