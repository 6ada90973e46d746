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
[ "$(grep -h '^Uid' /proc/[0-9]*/status | awk '$2 >= 1900000000' | sort -u | wc -l)" = 3 ] ||
	fail "not three users"

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

# ── through the bus alone ────────────────────────────────────────────────────────────────────
manager=(org.keelson.vmms1 /org/keelson/vmms1 org.keelson.vmms1.Manager)
object=$(busctl --json=short call "${manager[@]}" GetVM s one | sed 's/.*\["\(.*\)"\].*/\1/')
vm=(org.keelson.vmms1 "$object" org.keelson.vmms1.VM)
busctl call "${vm[@]}" Start >"$dir/out" || fail "Start of $object"
await "one to run" sh -c "busctl get-property ${vm[*]} PowerState | grep -q running"
busctl call "${vm[@]}" Stop >"$dir/out" || fail "Stop of $object"
await "one to be off" sh -c "busctl get-property ${vm[*]} PowerState | grep -q off"
busctl introspect org.keelson.vmms1 "$object" >"$dir/out" || fail "introspection"
grep -q AvailableOperations "$dir/out" || fail "introspection: $(cat "$dir/out")"
busctl call "${vm[@]}" Pause 2>"$dir/err" && fail "a pause of what is off"
grep -q 'not possible while it is off' "$dir/err" || fail "$(cat "$dir/err")"

for vm in one two three; do
	ok delete $vm --storage
done
[ -z "$(ls /var/lib/keelson/disks)" ] || fail "disks are left: $(ls /var/lib/keelson/disks)"
# What was done on purpose here is told as a warning; nothing else may be.
quiet_journal "Main process exited, code=killed|Failed with result 'signal'"
echo "$checks checks, $SECONDS s"
