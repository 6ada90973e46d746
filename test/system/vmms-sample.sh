#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the demo tells its user to try: the sample machine runs on the hypervisor, a worker of its
# own, and gives a login. What a guest does to itself – reset, shutdown, crash, power-off – is told
# apart, and the worker has no rights.
. "$(dirname "$0")/lib.sh"

guest --carry "$top/test/system/vmms" <<'EOG'
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
	coproc console { vmctl console "${1:-sample}"; }
	exec 3<&"${console[0]}" 4>&"${console[1]}"
}

log_in()
{
	comes 'sample login: '
	echo root >&4
	comes '# '
}

# happened KIND PATTERN: an event of the machine.
happened()
{
	checks=$((checks + 1))
	await "the event $1" sh -c "vmctl events sample | grep -qE '$1 +.*$2'"
}

ok start sample
console
log_in
echo "a login after $SECONDS s"
echo 'echo $((6 * 7)); dmesg | grep -o "Hypervisor detected: .*"' >&4
comes $'42\r\n'
comes 'Hypervisor detected: Microsoft Hyper-V'
comes '# '
vmctl top 1
vmctl metrics sample
vmctl host
deposit() { vmctl host | grep -qE '^Deposit +[0-9.]+ [KM]iB' && vmctl metrics sample | grep -qE '^DepositFree +[0-9.]+ [KM]iB'; }
await "the hypervisor's balance" deposit

# ── the worker: nobody, nowhere, with nothing ────────────────────────────────────────────────
worker=$(field sample WorkerPID)
status=/proc/$worker/status
holds "a user of its own" grep -qE "^Uid:	$(field sample WorkerUID)	" "$status"
holds "no capabilities" grep -qx 'CapEff:	0*' "$status"
holds "no capabilities to be had" grep -qx 'CapBnd:	0*' "$status"
holds "no new privileges" grep -qx 'NoNewPrivs:	1' "$status"
holds "an empty root" sh -c "! ls /proc/$worker/root/usr/* /proc/$worker/root/etc"
filters() { awk '$1 == "Seccomp_filters:" { print $2 }' "/proc/$1/status"; }
[ "$(filters "$worker")" -gt "$(filters "$(systemctl show -P MainPID vmms)")" ] ||
	fail "the worker has no filter of its own: $(cat "$status")"

# ── the guest resets itself: the same worker goes on ─────────────────────────────────────────
echo 'reboot -f' >&4
log_in
happened guest-reset ''
[ "$(field sample WorkerPID)" = "$worker" ] || fail "a reset made another worker"
state sample running

# ── it is asked to shut down ─────────────────────────────────────────────────────────────────
ok shutdown sample
state sample off guest-off

# ── it crashes, and is started again ─────────────────────────────────────────────────────────
ok set sample on-crash=restart
ok start sample
console
log_in
worker=$(field sample WorkerPID)
echo 'echo c >/proc/sysrq-trigger' >&4
happened guest-crash '(0x[0-9a-f]+|0) (0x[0-9a-f]+|0) (0x[0-9a-f]+|0) 0x[0-9a-f]+ 0x[0-9a-f]+: .*Kernel panic - not syncing: sysrq'
happened state 'off guest-crashed'
happened restart 'in 1.0 s: on_crash is restart'
again()
{
	vmctl show sample >"$dir/show" && grep -qx 'PowerState  *running' "$dir/show" &&
		! grep -qx "WorkerPID  *$worker" "$dir/show"
}
await "the restart" again

# ── it turns itself off ──────────────────────────────────────────────────────────────────────
console
log_in
echo poweroff >&4
await "the guest's end" is_state sample off
state sample off guest-off
# ── a SCSI disk, by Hyper-V's driver ─────────────────────────────────────────────────────────
# The sample's initial RAM disk, and the drivers behind it, loaded in order.
kernel=$(vmctl xml sample | sed -n 's:.*<kernel>\(.*\)</kernel>.*:\1:p')
initrd=$(vmctl xml sample | sed -n 's:.*<initrd>\(.*\)</initrd>.*:\1:p')
mkdir -p "$dir/more/bin"
modprobe --set-version "${kernel#/boot/vmlinuz-}" --show-depends --all hv_storvsc sd_mod |
	awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$dir/modules"
xargs cp -t "$dir/more" <"$dir/modules"
{
	echo '#!/bin/sh'
	sed 's:.*/:insmod /:' "$dir/modules"
	echo 'until [ -b /dev/sda ]; do sleep 0.1; done'
} >"$dir/more/bin/scsi"
chmod 755 "$dir/more/bin/scsi"
{ cat "$initrd" && (cd "$dir/more" && find . | busybox cpio -o -H newc); } >"$dir/initrd"
ok create disks --memory 96M --kernel "$kernel" --initrd "$dir/initrd" --bus scsi --disk 8M:"$dir/scsi.raw" \
	--cmdline 'console=ttyS0 quiet pci=noearly cryptomgr.notests'
vmctl xml disks | grep -q "<target dev='sda' bus='scsi'/>" || fail "$(vmctl xml disks)"
ok start disks
console disks
log_in
echo 'scsi && cat /sys/block/sda/size && echo written >/dev/sda && sync && echo on the disk' >&4
comes $'16384\r\n'
comes $'on the disk\r\n'
holds "what the guest wrote is in the file" grep -q written "$dir/scsi.raw"
ok stop disks
ok delete disks --storage
[ ! -e "$dir/scsi.raw" ] || fail "the SCSI disk is still there"
quiet_journal 'the guest crashed: 0x'
echo "$checks checks, $SECONDS s"
EOG
cat "$out"
expect_status 0
expect "$out" '^a login after'
