# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by tests that start the hypervisor with a debugger on it. debugged runs gdb with the
# Python program on standard input; its start() brings up the emulator, held before its first
# instruction. $dir then has out and log, the lines of the root and of the hypervisor, and gdb's
# own; failed says what went wrong.
set -u
elf=$1 guest=$2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# debugged CPUS
debugged()
{
	rm -f "$dir/out" "$dir/log"
	{
		cat <<-END
		import gdb, re

		def start():
		    gdb.execute("target remote | exec timeout 100 qemu-system-x86_64 -machine q35 -cpu max,+svm -smp $1 "
		                "-m 512 -display none -no-reboot -nodefaults -kernel '$elf' "
		                "-append console=com2 -initrd '$guest' -serial 'file:$dir/out' "
		                "-serial 'file:$dir/log' -device isa-debug-exit,iobase=0xf4 -gdb stdio -S")

		END
		cat
	} >"$dir/program.py"
	timeout -s KILL 100 gdb -nx -batch -x "$dir/program.py" "$elf" >"$dir/gdb" 2>&1
}

failed()
{
	echo "FAILED: $*"
	tail -n 40 "$dir"/{gdb,out,log}
	exit 1
}
