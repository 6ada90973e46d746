#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No method blocks the daemon's loop: each method of each interface is called while every call that the
# daemon makes to a file system, a child or a worker is held until the daemon has answered queries, and
# none of those calls is made by the loop (loop_faults.c). A method that this test does not know fails it.
. "$(dirname "$0")/network_space.sh"
command -v busctl > /dev/null || { echo "skipped: busctl is not installed" && exit 77; }
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
mkdir "$DIR/faults" "$DIR/real"
export FAULTS=$DIR/faults LOOP_RUN=$DIR/run LOOP_PROGRAMS=$BUILD/
head -c 8 /dev/zero > "$FAULTS/answers"

# ── other programs: held until the daemon has answered ───────────────────────────────────────
for program in nft dnsmasq; do
	path=$(command -v $program)
	cp "$path" "$DIR/real/$program"
	cat > "$DIR/$program" <<-WRAPPER
	#!/bin/sh
	answers() { od -An -tu8 "$FAULTS/answers" | tr -d ' '; }
	if [ -e "$FAULTS/armed" ]; then
		echo "exec $program" >> "$FAULTS/held"
		until=\$((\$(answers) + 20))
		while [ \$(answers) -lt \$until ]; do sleep 0.01; done
	fi
	exec "$DIR/real/$program" "\$@"
	WRAPPER
	chmod +x "$DIR/$program"
	mount --bind "$DIR/$program" "$(readlink -f "$path")"
done
answers() {
	od -An -tu8 "$FAULTS/answers" | tr -d ' '
}
have_answered() {
	[ "$(answers)" -ge "$1" ]
}

start_bus
preload loop_faults
start_preloaded --set Device=/dev/no-such-device --set AnswerTimeoutSec=3600 --set InventoryTimeoutSec=3600 --set StartTimeoutSec=3600
make one --disk 1M:"$DIR/one.raw"
make two --disk 1M:"$DIR/two.raw"
printf data | dd of="$DIR/two.raw" conv=notrunc status=none
ok attach one cdrom "$DIR/bios" hdc
touch "$FAULTS/armed"
"$BUILD/test/query_storm" 1000000000 > "$DIR/storm" 2>&1 &
HELPER_PIDS="$HELPER_PIDS $!"

# ── calls ────────────────────────────────────────────────────────────────────────────────────
MANAGER=/org/keelson/vmms1
bus() {
	busctl --timeout=600 "$@"
}
covered() {
	echo "$1 $2" >> "$DIR/covered"
	CHECKS=$((CHECKS + 1))
}
# manager METHOD [SIGNATURE ARGUMENT…]
manager() {
	covered Manager "$1"
	bus call org.keelson.vmms1 $MANAGER org.keelson.vmms1.Manager "$@" > "$DIR/out" 2> "$DIR/err" ||
		fail "$*: $(cat "$DIR/err")"
}
path_of() {
	bus call org.keelson.vmms1 $MANAGER org.keelson.vmms1.Manager GetVM s "$1" | cut -d'"' -f2
}
# vm NAME METHOD [SIGNATURE ARGUMENT…]
vm() {
	local path
	path=$(path_of "$1")
	shift
	covered VM "$1"
	bus call org.keelson.vmms1 "$path" org.keelson.vmms1.VM "$@" > "$DIR/out" 2> "$DIR/err" ||
		fail "$*: $(cat "$DIR/err")"
}
no_job() {
	[ "$(bus call org.keelson.vmms1 $MANAGER org.keelson.vmms1.Manager ListJobs)" = 'a(uosssbdt) 0' ]
}
settle() {
	await "the jobs to end after $*" no_job
}
# done_by CALL…: a call, and the job that it begins; without a failure
done_by() {
	"$@"
	settle "$@"
}
# held NAME CALL…: while the machine's worker does not answer
held() {
	local worker call
	worker=$(workers_of "$(field "$1" UUID)")
	shift
	kill -STOP "$worker"
	"$@" &
	call=$!
	await "queries during $*" have_answered $(($(answers) + 100))
	kill -CONT "$worker"
	wait $call || exit 1
	settle "$@"
}
job_path() {
	bus call org.keelson.vmms1 $MANAGER org.keelson.vmms1.Manager ListJobs | grep -o '/org/keelson/vmms1/job/_[0-9]*'
}
xml=$("$VMCTL" xml two)
new_xml() {
	"$VMCTL" xml two | sed "s/<name>two/<name>$1/; /<uuid>/d; /<disk/,/<.disk>/d; /<mac /d"
}
new_disk() {
	echo "<disk type='file'><source file='$1'/><target dev='$2'/></disk>"
}
cd_in() {
	echo "<disk type='file' device='cdrom'><source file='$1'/><target dev='hdc'/></disk>"
}
truncate -s 1M "$DIR/more.raw"

for method in ListVMs ListJobs GetHost ListNetworks BackupConfiguration; do
	manager $method
done
for method in GetVM GetVMXML GetVMValues GetVMMetrics; do
	manager $method s one
done
for method in GetXML GetValues GetMetrics; do
	vm one $method
done
manager ListHistory su one 10
manager ListEvents stu '' 0 10
manager ValidateXML s "$xml"
manager DiffVM ss one "$xml"
vm one Diff s "$xml"
busctl introspect org.keelson.vmms1 "$(path_of one)" > "$DIR/out" || fail "introspection"

# definitions
manager DefineVM su "$(new_xml new)" 1
manager DefineVM su "$xml" 2
done_by manager CreateVM 'sa(st)' "$(new_xml made | sed "s|<devices>|<devices>$(new_disk "$DIR/made.raw" hda)|")" \
	1 "$DIR/made.raw" 1048576
manager RenameVM ss new newer
vm newer Rename s newest
manager ConfigureVM 'sa{ss}' two 1 title a
vm two Configure 'a{ss}' 1 title b
manager SetVMOptions 'sa{sv}' two 1 Notes s a
vm two SetOptions 'a{sv}' 1 Notes s b
manager AttachDevice ss two "$(new_disk "$DIR/more.raw" hdd)"
manager DetachDevice ss two hdd
vm two AttachDevice s "$(new_disk "$DIR/more.raw" hdd)"
vm two DetachDevice s hdd

# files
mkdir "$DIR/export" "$DIR/export2"
done_by manager CloneVM ss two copy
done_by vm two Clone s copy2
done_by manager ExportVM ss two "$DIR/export"
done_by vm two Export s "$DIR/export2"
done_by manager ImportVM ssu "$DIR/export/two" imported 3
done_by manager DeleteVM su copy 1
done_by vm copy2 Delete u 1
for vm in imported copy made copy2; do
	[ $vm = imported ] || [ $vm = made ] || refused 'no machine' show $vm
done
ok show imported
ok show made

# power
done_by manager StartVM s one
done_by vm two Start
state one running
state two running
held one manager PauseVM s one
held one manager ResumeVM s one
held two vm two Pause
held two vm two Resume
held one manager ResetVM s one
held two vm two Reset
held one manager RebootVM s one
held two vm two Reboot
held one manager OpenConsole su one 0
held two vm two OpenConsole u 0
held one manager AttachDevice ss one "$(cd_in "$DIR/more.raw")"
held one vm one DetachDevice s hdc
held two vm two Shutdown
state two off
held one manager ShutdownVM s one
state one off
done_by manager StartVM s one
held one manager StopVM s one
done_by manager StartVM s one
held one vm one Stop
state one off

# jobs, for which the guest is in no hurry
for way in manager job; do
	done_by manager StartVM s one
	tell one deaf
	manager ShutdownVM s one
	path=$(job_path)
	if [ $way = manager ]; then
		manager CancelJob u "${path##*_}"
	else
		covered Job Cancel
		bus call org.keelson.vmms1 "$path" org.keelson.vmms1.Job Cancel || fail "Cancel"
	fi
	settle Cancel
	done_by manager StopVM s one
done

# networks
manager CreateNetwork ssssu lan nat '' '' 0
manager StopNetwork s lan
manager StartNetwork s lan
manager StopNetwork s lan
manager DeleteNetwork s lan

done_by manager StartVM s one
manager StopAll
await "the machines to be off" is_state one off
settle StopAll

# ── what came of it ──────────────────────────────────────────────────────────────────────────
for call in open stat fstat lstat fsync fdatasync pwrite64 ftruncate copy_file_range renameat2 unlink flock sendmsg \
	xmlRelaxNGValidateDoc 'exec nft' 'exec dnsmasq'; do
	grep -qE "^$call" "$FAULTS/held" || fail "no '$call' was held: $(cut -d' ' -f1 "$FAULTS/held" | sort | uniq -c)"
done
[ ! -s "$FAULTS/loop" ] || fail "the loop made calls that can be held: $(sort "$FAULTS/loop" | uniq -c)"
for interface in Manager VM Job; do
	case $interface in
	Manager) path=$MANAGER ;;
	VM) path=$(path_of one) ;;
	Job)
		done_by manager StartVM s one
		tell one deaf
		manager ShutdownVM s one
		path=$(job_path)
		;;
	esac
	methods=$(busctl introspect org.keelson.vmms1 "$path" org.keelson.vmms1.$interface |
		awk '$2 == "method" { print substr($1, 2) }')
	[ -n "$methods" ] || fail "no methods of $interface at $path"
	for method in $methods; do
		grep -qx "$interface $method" "$DIR/covered" || fail "$interface.$method is not tried here"
	done
done
ok stop one
rm "$FAULTS/armed"
held=$(wc -l < "$FAULTS/held")
stop_daemon
echo "$CHECKS checks, $held calls held, $(sort -u "$DIR/covered" | wc -l) methods, none by the loop"
