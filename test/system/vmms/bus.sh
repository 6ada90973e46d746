#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The life of three machines at once, through D-Bus alone: objects, properties, signals, jobs, errors.
. "$(dirname "$0")/lib.sh"
manager=(org.keelson.vmms1 /org/keelson/vmms1 org.keelson.vmms1.Manager)

# call NAME MEMBER [ARGUMENT…]: a method of the machine's object; its answer is in $answer.
declare -A object
call()
{
	checks=$((checks + 1))
	local name=$1
	shift
	answer=$(busctl call org.keelson.vmms1 "${object[$name]}" org.keelson.vmms1.VM "$@" 2>&1) ||
		fail "$name: $*: $answer"
}

# The last word of an answer, without its quotes: an object's path.
path_in()
{
	sed 's/.*"\(.*\)".*/\1/' <<<"$1"
}

property()
{
	busctl get-property org.keelson.vmms1 "${object[$1]}" org.keelson.vmms1.VM "$2"
}

has()
{
	property "$1" "$2" | grep -q -- "$3"
}

signals=$dir/signals
busctl monitor --json=short --match="type='signal',path_namespace='/org/keelson/vmms1'" \
	>"$signals" 2>"$dir/monitor" &
monitor=$!
await "the monitor" grep -q Monitoring "$dir/monitor"

# told PATTERN: a signal that matches has come, or comes.
told()
{
	checks=$((checks + 1))
	await "a signal like $1" grep -qE -- "$1" "$signals"
}

for vm in one two three; do
	disk=$dir/$vm.raw
	xml="<domain type='keelson'><name>$vm</name><memory unit='MiB'>16</memory><vcpu>1</vcpu>
		<os><type arch='x86_64'>hvm</type><boot dev='hd'/></os><devices>
		<disk type='file' device='disk'><source file='$disk'/><target dev='hda'/></disk>
		<serial type='pty'/></devices></domain>"
	busctl call "${manager[@]}" CreateVM 'sa(st)' "$xml" 1 "$disk" 1048576 >"$dir/out" 2>&1 ||
		fail "CreateVM: $(cat "$dir/out")"
	told "\"member\":\"VMNew\".*\"$vm\""
	object[$vm]=$(path_in "$(busctl call "${manager[@]}" GetVM s $vm)")
	[ -e "$disk" ] || fail "no disk of $vm"
	holds "$vm in the tree" sh -c "busctl tree --list org.keelson.vmms1 | grep -qx ${object[$vm]}"
done

busctl introspect org.keelson.vmms1 "${object[one]}" >"$dir/out" || fail "introspection"
for line in '.Start +method +- +o ' '.PowerState +property +s .* emits-change' \
	'.AvailableOperations +property +as .* emits-change' '.UUID +property +s .* const' \
	'.OpenConsole +method +u +h '; do
	grep -qE "^$line" "$dir/out" || fail "introspection has no $line: $(cat "$dir/out")"
done

# ── three at once ────────────────────────────────────────────────────────────────────────────
for vm in one two three; do
	call $vm Start
	job=$(path_in "$answer")
	[[ $job = /org/keelson/vmms1/job/_* ]] || fail "Start answers $answer"
done
for vm in one two three; do
	await "$vm to run" has $vm PowerState running
	told "\"member\":\"JobNew\".*\"$vm\",\"start\""
	told "\"member\":\"JobRemoved\".*\"$vm\",\"start\",\"done\""
	told "\"path\":\"${object[$vm]}\".*\"PropertiesChanged\".*\"PowerState\":.\"type\":\"s\",\"data\":\"running\""
	has $vm AvailableOperations '"pause"' || fail "$vm: $(property $vm AvailableOperations)"
	has $vm LibvirtState '1 1 false' || fail "$vm: $(property $vm LibvirtState)"
done
for vm in one two three; do
	call $vm Pause
done
for vm in one two three; do
	await "$vm to pause" has $vm PowerState paused
	call $vm Resume
done
for vm in one two three; do
	await "$vm to go on" has $vm PowerState running
	call $vm Reset
	call $vm GetXML
	[[ $answer = *"<name>$vm</name>"* ]] || fail "GetXML: $answer"
	call $vm GetMetrics
	[[ $answer = *WorkerCPUNSec* ]] || fail "GetMetrics: $answer"
done

# ── a job: progress, cancel ──────────────────────────────────────────────────────────────────
for vm in one two three; do
	await "$vm's reset" has $vm Job '"/"'
done
tell two deaf
call two Shutdown
job=$(path_in "$answer")
call=(org.keelson.vmms1 "$job" org.keelson.vmms1.Job)
holds "its operation" sh -c "busctl get-property ${call[*]} Operation | grep -q shutdown"
holds "its progress" sh -c "busctl get-property ${call[*]} Progress | grep -q '^d 0'"
has two Job "$job" || fail "two's job is $(property two Job), not $job"
has two PowerState stopping || fail "two is $(property two PowerState)"
holds "Cancel" busctl call "${call[@]}" Cancel
told '"member":"JobRemoved".*"two","shutdown","canceled"'
await "two to run on" has two PowerState running

# ── errors: a name, a sentence, libvirt's number ─────────────────────────────────────────────
busctl call org.keelson.vmms1 "${object[one]}" org.keelson.vmms1.VM Resume 2>"$dir/err" && fail "Resume"
grep -q 'not possible while it is running' "$dir/err" || fail "$(cat "$dir/err")"
busctl call "${manager[@]}" StartVM s nobody 2>"$dir/err" && fail "StartVM of nobody"
grep -q "no machine 'nobody'" "$dir/err" || fail "$(cat "$dir/err")"

# ── ends ─────────────────────────────────────────────────────────────────────────────────────
call one Shutdown
call two Stop
tell three crash
for vm in one two three; do
	await "$vm to be off" has $vm PowerState off
done
has one Reason guest-off || fail "one: $(property one Reason)"
has two Reason requested || fail "two: $(property two Reason)"
has three Reason guest-crashed || fail "three: $(property three Reason)"
told '"member":"Event".*"three","guest-crash","0x1 0x2 0x3 0x4 0x5: Kernel panic'
for vm in one two three; do
	await "$vm to be at rest" has $vm Job '"/"'
	call $vm Delete u 1
	told "\"member\":\"VMRemoved\".*\"$vm\""
	await "the disk to go" test ! -e "$dir/$vm.raw"
done
kill $monitor
echo "$checks checks, $SECONDS s"
