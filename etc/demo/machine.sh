# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by demo: one run of the emulated machine, on a control disk of its own. The machine has
# two serial lines (the root partition's console, the hypervisor's log) and, for a script, one
# virtio-serial port each for its standard output, its standard error and its exit status.
# At 10.0.2.100, port 7, the network has an
# echo service. Everything of a run lives in $run, which is removed at its end.

run_machine()
{
	run=$(mktemp -d "$cache/run.XXXXXX")
	trap end_machine EXIT
	trap 'say interrupted; exit 130' INT
	trap 'exit 143' TERM HUP
	choose_kernel
	make_control_disk
	describe_machine
	describe_boot
	if [ -n "$script" ]; then
		run_script
	else
		run_terminal
	fi
}

end_machine()
{
	[ -z "${qemu:-}" ] || kill "$qemu" 2>/dev/null || true
	wait
	rm -rf "$run"
}

# Which kernel, and by which menu entry: both as the image has them.
choose_kernel()
{
	local pattern
	case $root_kernel in
	bookworm) pattern='6\.1\.' ;;
	backports) pattern='6\.12\.' ;;
	esac
	kernel=$(cd "$image/boot" && ls -d vmlinuz-* | sed 's/^vmlinuz-//' | grep "^$pattern" | sort -V | tail -n 1) ||
		die 2 "the image has no kernel of $root_kernel"
	if [ -n "$with_hypervisor" ]; then
		pattern="keelson-[^']*-gnulinux-$kernel-"
		hypervisor_args="console=com2 loglevel=info panic=$([ -n "$script" ] && echo reboot || echo halt) $hypervisor_args"
	else
		pattern="gnulinux-$kernel-"
	fi
	entry=$(sed -n "s/.*\\\$menuentry_id_option '\\($pattern[^']*\\)'.*/\\1/p" "$image/boot/grub/grub.cfg" | head -n 1)
	[ -n "$entry" ] || die 2 "GRUB's menu has no entry for $kernel${with_hypervisor:+ under the hypervisor}"
	# A panic of the root ends a scripted machine at once; a terminal keeps it to be looked at.
	# In a terminal's machine the console is the user's, else nobody logs in there.
	if [ -n "$script" ]; then
		root_args="panic=-1 systemd.mask=serial-getty@ttyS0.service $root_args"
	else
		root_args="systemd.show_status=1 demo.ssh $root_args"
	fi
}

# What the machine reads about this run: an ISO image with the script, the carried files and the
# commands for GRUB.
make_control_disk()
{
	local path
	local map=(-map "$run/grub.cfg" /grub.cfg)
	cat >"$run/grub.cfg" <<-EOF
		set default="$entry"
		set timeout=0
		set demo_hypervisor_args="$hypervisor_args"
		set demo_root_args="$root_args"
		export demo_hypervisor_args demo_root_args
	EOF
	if [ -n "$script" ]; then
		install -m 755 "$script" "$run/script"
		map+=(-map "$run/script" /script)
	else
		ssh-keygen -q -t ed25519 -N '' -C demo -f "$run/key"
		map+=(-map "$run/key.pub" /key.pub)
	fi
	mkdir "$run/carry"
	map+=(-map "$run/carry" /carry)
	for path in "${carry[@]}"; do
		path=$(realpath -s "$path")
		map+=(-map "$path" "/carry/${path##*/}")
	done
	run_logged "$run/iso.log" xorriso -outdev "$run/control.iso" -volid KEELSON-CTL \
		-rockridge on -joliet off -follow param -uid 0 -gid 0 "${map[@]}" -commit
	# The BIOS shows GRUB no disk of less than a cylinder.
	truncate -s '%1M' "$run/control.iso"
}

# $machine: the emulator's options but for how to boot and where the lines lead to.
describe_machine()
{
	local first='' second='' forward=''
	if [ -z "$script" ]; then
		choose_ssh_port
		forward=",hostfwd=tcp:127.0.0.1:$ssh_port-:22"
	fi
	if [ -z "$direct" ]; then
		first=,bootindex=0
		second=,bootindex=1
	fi
	# Without "fast string operations": the emulator stores byte by byte what kernels clear and copy
	# when they see that feature, and 8 bytes at a time when they do not. A boot takes a third less.
	machine=(qemu-system-x86_64 -no-user-config -nodefaults -display none
		-machine q35 -cpu "max,svm=on,la57=off,erms=off,fsrm=off${cpu_features:+,$cpu_features}" -smp "$cpus" -m "$memory"
		-drive "if=none,id=root,file=$image/disk.raw,format=raw,snapshot=on"
		-device "virtio-blk-pci,drive=root$first"
		-drive "if=none,id=control,file=$run/control.iso,format=raw,readonly=on"
		-device "virtio-blk-pci,drive=control$second"
		-netdev "user,id=net,guestfwd=tcp:10.0.2.100:7-cmd:cat$forward" -device e1000,netdev=net
		-device virtio-rng-pci
		-serial chardev:console -serial chardev:hypervisor
	)
	if [ -n "$threads" ]; then
		machine+=(-accel tcg,thread=multi)
	else
		machine+=(-accel tcg,thread=single)
	fi
	[ -z "$icount" ] || machine+=(-icount shift=0,sleep=off -rtc clock=vm)
}

# Adds to $machine what boots it without GRUB.
describe_boot()
{
	[ -n "$direct" ] || return 0
	local arguments="root=UUID=6b656c73-6f6e-4465-b069-616e526f6f74 ro console=ttyS0 $root_args quiet fsck.mode=skip"
	local vmlinuz=$image/boot/vmlinuz-$kernel initrd=$image/boot/initrd.img-$kernel
	if [ -n "$with_hypervisor" ]; then
		machine+=(-kernel "$build_dir/hypervisor/keelson.elf" -append "$hypervisor_args"
			-initrd "$vmlinuz ${arguments//,/,,},$initrd")
	else
		machine+=(-kernel "$vmlinuz" -append "$arguments" -initrd "$initrd")
	fi
}

# collect LABEL: lines from standard input into the log, labelled.
collect()
{
	sed -u "s/\r*\$//; s/^/$1 | /" >>"${log:-$run/log}"
}

run_script()
{
	local status='' line streams=(stdout stderr status console hypervisor)
	local name fd=20
	[ -n "$allow_reboot" ] || machine+=(-no-reboot)
	machine+=(-device virtio-serial-pci)
	for name in "${streams[@]}"; do
		mkfifo "$run/$name"
		machine+=(-chardev "file,id=$name,path=/dev/fd/$fd,append=on")
		case $name in stdout | stderr | status)
			machine+=(-device "virtserialport,chardev=$name,name=keelson.$name") ;;
		esac
		fd=$((fd + 1))
	done
	cat <"$run/stdout" &
	cat <"$run/stderr" >&2 &
	collect root <"$run/console" &
	collect keelson <"$run/hypervisor" &
	# The emulator holds the writing ends from before it starts until it is gone, so that each
	# reader sees an end, even if it does not start at all.
	(
		exec 20>"$run/stdout" 21>"$run/stderr" 22>"$run/status" 23>"$run/console" 24>"$run/hypervisor"
		TMPDIR=$run exec "${machine[@]}" </dev/null >"$run/qemu.log" 2>&1
	) &
	qemu=$!
	exec 8<"$run/status"
	read -r ${limit:+-t "$limit"} -u 8 status || line=$?
	kill "$qemu" 2>/dev/null || true
	wait
	qemu=''
	if [ -n "$status" ]; then
		exit "$status"
	elif [ "${line:-0}" -gt 128 ]; then
		report "the script did not end within $limit seconds"
		exit 124
	fi
	report "the machine stopped before the end of the script"
	exit 125
}

# The end of the log, and what the emulator has to say, for a run that went wrong.
report()
{
	say "$1"
	tail -n 60 "${log:-$run/log}" >&2
	cat "$run/qemu.log" >&2
}

# $ssh_port: one of this host that nobody listens at. Only this host reaches it.
choose_ssh_port()
{
	for ((ssh_port = 22022; ssh_port < 22122; ssh_port++)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$ssh_port") 2>/dev/null || break
	done
}

# run_ssh [COMMAND…]: a shell, or a command, in the machine that was started last and still runs.
run_ssh()
{
	local folder
	for folder in $(ls -td "$cache"/run.*/ 2>/dev/null); do
		[ -e "$folder/ssh-port" ] && (exec 3<>"/dev/tcp/127.0.0.1/$(<"$folder/ssh-port")") 2>/dev/null || continue
		exec ssh -i "$folder/key" -p "$(<"$folder/ssh-port")" -o LogLevel=ERROR \
			-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes \
			root@127.0.0.1 "$@"
	done
	die 2 "no machine of the demo runs; start one by ./demo in another terminal"
}

# announce TEXT: says it at the first line of standard input, and passes that on.
announce()
{
	local line
	IFS= read -r line || return 0
	say "$1"
	printf '%s\n' "$line"
	cat
}

run_terminal()
{
	say "starting GRUB, the hypervisor and Debian in an emulated machine: about half a minute on an" \
		"idle host, some minutes on a busy one"
	say "the keys Ctrl-A X end the machine; ./demo ssh opens another terminal in it"
	echo "$ssh_port" >"$run/ssh-port"
	mkfifo "$run/console"
	collect root <"$run/console" &
	TMPDIR=$run "${machine[@]}" \
		-chardev stdio,id=console,mux=on,signal=off,logfile=/dev/fd/20,logappend=on \
		-mon chardev=console \
		-chardev "file,id=hypervisor,path=/dev/fd/21,append=on" \
		20>"$run/console" \
		21> >(announce "the hypervisor has started${with_hypervisor:+ and starts Debian}" | collect keelson)
	exit
}
