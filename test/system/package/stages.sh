#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Upgrade, removal and new installation of the package, with machines; a restart of the host, after
# which this runs again; purge.
. /carry/vmms/lib.sh
installed=/carry/packages/installed.deb newer=/carry/packages/newer.deb

install_package()
{
	DEBIAN_FRONTEND=noninteractive dpkg -i "$@" >"$dir/out" 2>&1 || fail "dpkg -i: $(cat "$dir/out")"
}

purge()
{
	dpkg -P "$1" >"$dir/out" 2>&1 || fail "dpkg -P: $(cat "$dir/out")"
}

power_of_all()
{
	vmctl list | awk 'NR > 1 { printf "%s=%s ", $1, $2 }'
}

first_boot()
{
	use_stand_in
	ok network create lan
	ok create one --memory 16M --disk 1M --network lan
	ok start one

	# ── upgrade: another daemon, the same worker, the administrator's settings ───────────
	worker=$(field one WorkerPID) daemon=$(systemctl show -P MainPID vmms)
	install_package $newer
	await "the new daemon" vmctl host
	[ "$(systemctl show -P MainPID vmms)" != "$daemon" ] || fail "the daemon was not restarted"
	state one running
	[ "$(field one WorkerPID)" = "$worker" ] || fail "the worker is another one"
	holds "settings kept" grep -q stand_in_worker /etc/keelson/vmms.conf
	holds "guests' unit untouched" systemctl is-active keelson-guests.service

	echo "upgrade: $SECONDS s"

	# ── removal: the machine is shut down, what was defined stays ────────────────────────
	dpkg -r keelson >"$dir/out" 2>&1 || fail "dpkg -r: $(cat "$dir/out")"
	# Of a worker that is not the last daemon's child, init has to take note.
	await "the worker's end" test ! -e "/proc/$worker"
	[ ! -e /sys/class/net/kbr0 ] || fail "kbr0 is still there"
	pgrep -x vmms && fail "the daemon is still there"
	[ -e /var/lib/keelson/vmms.db ] && [ -e /var/lib/keelson/disks/one-hda.raw ] ||
		fail "a removal took the machines"
	systemctl list-unit-files --no-legend 'vmms*' 'keelson*' | grep -v masked >"$dir/out"
	[ ! -s "$dir/out" ] || fail "units are left: $(cat "$dir/out")"
	install_package $installed
	await "the daemon" vmctl host
	state one off host-shutdown
	ok network start lan
	echo "removal and installation: $SECONDS s"

	# ── a restart of the host with machines running ──────────────────────────────────────
	for vm in a b c; do
		ok create $vm --memory 16M --disk 1M
	done
	ok autostart a on --order 2 --delay 3
	ok autostart b on --order 1
	ok autostart c off --stop-action turn-off
	ok start a b c
	echo "$checks checks, $SECONDS s"
	touch /root/second-boot
	systemctl reboot
	exec sleep infinity
}

second_boot()
{
	await "a to start" is_state a running
	await "b to start" is_state b running
	[ "$(power_of_all)" = 'a=running b=running c=off one=off sample=off ' ] || fail "after the restart: $(power_of_all)"
	state c off host-shutdown
	# Stopped by falling, started by rising order; each end has its reason. What is started first
	# need not run first: without a delay the next start does not wait for it.
	vmctl --json events >"$dir/events"
	order()
	{
		grep -o '"name":"[abc]","kind":"state","detail":"'"$1" "$dir/events" |
			cut -d'"' -f4 | tail -n "$2" | tr -d '\n'
	}
	[ "$(order 'off host-shutdown' 3 | cut -c1)" = a ] || fail "stops: $(order 'off host-shutdown' 3)"
	[ "$(order 'starting' 2)" = ba ] || fail "starts: $(order 'starting' 2)"
	# microseconds from b's start to a's
	between=$(grep '"detail":"starting' "$dir/events" | tail -n 2 | sed 's/.*"time_us":\([0-9]*\).*/\1/' |
		paste -sd' ' | awk '{ print $2 - $1 }')
	[ "$between" -ge 2900000 ] || fail "a started $between us after b, not three seconds"
	quiet_journal
	echo "after the restart: $SECONDS s"

	# ── purge: all but disks ─────────────────────────────────────────────────────────────
	purge keelson
	grep -q 'disks of virtual machines' "$dir/out" || fail "no word of the disks: $(cat "$dir/out")"
	pgrep stand_in_worker && fail "a machine is still there"
	[ ! -e /etc/keelson ] || fail "/etc/keelson is left"
	[ ! -e /run/keelson ] || fail "/run/keelson is left"
	[ "$(ls /var/lib/keelson)" = disks ] || fail "left: $(ls /var/lib/keelson)"
	find /etc/systemd /var/lib/systemd/deb-systemd-helper* | grep -E 'vmms|keelson' >"$dir/out"
	[ ! -s "$dir/out" ] || fail "left: $(cat "$dir/out")"

	# ── the hypervisor: out of the menu, and in again; libvid's headers ──────────────────
	holds "in the menu" grep -q "keelson-.*-gnulinux" /boot/grub/grub.cfg
	purge keelson-hypervisor
	[ "$(grep -cE "/keelson-[0-9.]+elf|keelson-.*-gnulinux" /boot/grub/grub.cfg)" = 0 ] ||
		fail "the menu still has Keelson"
	[ -z "$(find /boot /etc/grub.d /etc/default/grub.d -name '*keelson*')" ] || fail "files are left"
	install_package /carry/packages/keelson-hypervisor_*.deb
	holds "in the menu again" grep -q "keelson-.*-gnulinux" /boot/grub/grub.cfg
	install_package --force-depends /carry/packages/keelson-dev_*.deb # there is no libc6-dev here
	holds "headers" test -e /usr/include/keelson/vid/partition.h
	purge keelson-dev
	[ ! -e /usr/include/keelson ] || fail "headers are left"
	echo "$checks checks, $SECONDS s"
}

if [ -e /root/second-boot ]; then
	second_boot
else
	first_boot
fi
