#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The service as it is installed, and the life of three machines at once on the system bus.
. "$(dirname "$0")/lib.sh"

# ── as the image has it ──────────────────────────────────────────────────────────────────────
systemctl is-system-running --wait >"$dir/out" || fail "the system is $(cat "$dir/out")"
systemctl status --no-pager vmms >"$dir/out" || fail "$(cat "$dir/out")"
grep -q 'Active: active (running)' "$dir/out" || fail "$(cat "$dir/out")"
quiet_journal
holds "exposure at most 3.0" systemd-analyze security --no-pager --threshold=30 vmms.service
ok host
grep -q '^Machines *1$' "$dir/out" || fail "$(cat "$dir/out")"
state sample off never-started
refused "no machine 'nothing'" start nothing
use_stand_in

# ── three machines ───────────────────────────────────────────────────────────────────────────
for vm in one two three; do
	ok create $vm --memory 16M --disk 1M
done
ok start one two three
boot_mounts=$(readlink /proc/1/ns/mnt)
for vm in one two three; do
	state $vm running started
	pid=$(field $vm WorkerPID) uuid=$(field $vm UUID)
	grep -q "keelson.slice/keelson-$uuid.scope" "/proc/$pid/cgroup" ||
		fail "worker of $vm is in $(cat "/proc/$pid/cgroup")"
	grep -qx "Uid:\(	$(field $vm WorkerUID)\)\{4\}" "/proc/$pid/status" || fail "$vm's worker has another uid"
	grep -qx 'CapEff:	0*' "/proc/$pid/status" || fail "$vm's worker has capabilities"
	grep -qx 'NoNewPrivs:	1' "/proc/$pid/status" || fail "$vm's worker may get privileges"
	for name in mnt pid net ipc uts; do
		[ "$(readlink "/proc/$pid/ns/$name")" != "$(readlink /proc/1/ns/$name)" ] ||
			fail "$vm's worker shares the namespace $name"
	done
	[ -z "$(ls "/proc/$pid/root/usr")" ] || fail "$vm's worker sees /usr"
done
[ "$(readlink /proc/1/ns/mnt)" = "$boot_mounts" ] || fail "namespaces"
[ "$(grep -hs '^Uid' /proc/[0-9]*/status | awk '$2 >= 1900000000' | sort -u | wc -l)" = 3 ] ||
	fail "not three users"

# What a worker may use: the machine's settings in its cgroup, the worker's own limits.
ok create limited --memory 16M --set cpu-shares=2048 --set cpu-quota=50000 --set io-weight=200
ok start limited
group=/sys/fs/cgroup/keelson.slice/keelson-$(field limited UUID).scope
holds "CPU weight" grep -qx 200 "$group/cpu.weight"
holds "CPU quota" grep -qx '50000 100000' "$group/cpu.max"
holds "memory and 256 MiB" grep -qx $(((16 + 256) << 20)) "$group/memory.max"
holds "tasks" grep -qx 256 "$group/pids.max"
limits=/proc/$(field limited WorkerPID)/limits
holds "no core" grep -qE '^Max core file size +0 +0 ' "$limits"
holds "open files" grep -qE '^Max open files +256 +256 ' "$limits"
holds "processes" grep -qE '^Max processes +256 +256 ' "$limits"
holds "locked memory" grep -qE "^Max locked memory +$(((16 + 64) << 20)) " "$limits"
holds "a system call filter" grep -qx 'Seccomp:	2' "/proc/$(field limited WorkerPID)/status"
await "machined's list" sh -c 'machinectl list --no-legend | grep -q "^keelson-limited *vm *keelson"'
ok stop limited
await "its end in machined's list" sh -c '! machinectl list --no-legend | grep -q keelson-limited'
ok delete limited

refused 'running.*[Pp]ossible now' start one
ok pause two
state two paused requested
ok resume two
ok reset one
ok reboot three
tell one hello
grep -q hello "$dir/console" || fail "the console does not answer: $(cat "$dir/console")"

# ── the daemon comes and goes; machines stay ─────────────────────────────────────────────────
workers=$(pgrep -d ' ' stand_in_worker)
ok pause two
systemctl restart vmms
state one running
state two paused
systemctl kill -s KILL vmms
await "the daemon to come again" vmctl host
state three running
[ "$(pgrep -d ' ' stand_in_worker)" = "$workers" ] || fail "a restart touched the workers"
holds "guests' unit untouched" systemctl is-active keelson-guests.service
ok resume two
tell two hello
grep -q hello "$dir/console" || fail "no console after adoption"

# Stopped, it is started by whoever calls; when it does not come to its turns any more, by systemd.
systemctl stop vmms
ok list
holds "started by a call" systemctl is-active vmms
mkdir -p /run/systemd/system/vmms.service.d
printf '[Service]\nWatchdogSec=3s\n' >/run/systemd/system/vmms.service.d/watchdog.conf
systemctl daemon-reload
systemctl reset-failed vmms
systemctl restart vmms
daemon=$(systemctl show -P MainPID vmms)
kill -STOP "$daemon"
await "the watchdog" sh -c 'journalctl -q -b -t systemd | grep -q "vmms.service: Watchdog timeout"'
kill -CONT "$daemon"
await "another daemon" sh -c '[ "$(systemctl show -P MainPID vmms)" -gt 1 ] && [ "$(systemctl show -P MainPID vmms)" != "$0" ]' "$daemon"
rm -r /run/systemd/system/vmms.service.d
systemctl daemon-reload
systemctl reset-failed vmms
systemctl restart vmms
[ "$(pgrep -d ' ' stand_in_worker)" = "$workers" ] || fail "the watchdog touched the workers"
state one running
state two running
state three running

# ── ends ─────────────────────────────────────────────────────────────────────────────────────
ok shutdown one
state one off guest-off
ok stop two
state two off requested
tell three crash
await "three to crash" is_state three off
state three off guest-crashed
ok start two three
kill -KILL "$(field two WorkerPID)"
await "two's end" is_state two off
state two off worker-died
tell three poweroff
await "three's end" is_state three off
state three off guest-off
await "the scopes to go" sh -c '! systemctl list-units --no-legend "keelson-*.scope" | grep -q .'

for vm in one two three; do
	ok delete $vm --storage
done
[ -z "$(ls /var/lib/keelson/disks)" ] || fail "disks are left: $(ls /var/lib/keelson/disks)"
# What was done on purpose here is told as a warning; nothing else may be.
quiet_journal "Main process exited, code=|Failed with result '(signal|watchdog|core-dump)'|Watchdog timeout"
echo "$checks checks, $SECONDS s"
