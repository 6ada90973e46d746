#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A user without rights is refused each verb that changes something, and may look at everything.
BUILD=$1
[ "$(id -u)" = 0 ] || { echo "skipped: only root can become a user who is refused" && exit 77; }
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
start_bus
start_daemon
make vm --disk 1M:"$DIR/vm.raw"
"$VMCTL" xml vm > "$DIR/vm.xml"
chmod 644 "$DIR/vm.xml"
mkdir "$DIR/export"
cp "$BUILD/vmctl" "$DIR/vmctl" # where everybody can reach it
AS_ROOT=$VMCTL

cat > "$DIR/as-nobody" <<-SCRIPT
	#!/bin/sh
	exec setpriv --reuid=65534 --regid=65534 --clear-groups "$DIR/vmctl" "\$@"
SCRIPT
chmod 755 "$DIR/as-nobody" "$DIR/vmctl"
VMCTL=$DIR/as-nobody

all_refused() {
	refused "$1" create new
	refused "$1" define "$DIR/vm.xml"
	refused "$1" set vm memory=32M
	refused "$1" attach vm cdrom "$DIR/bios" hdc
	refused "$1" detach vm hda
	refused "$1" rename vm other
	refused "$1" notes vm x
	refused "$1" autostart vm on
	refused "$1" clone vm copy
	refused "$1" export vm "$DIR/export"
	refused "$1" import "$DIR/export"
	refused "$1" backup-config -
	refused "$1" delete vm
	for verb in start shutdown stop reboot reset pause resume; do
		refused "$1" $verb vm
	done
	refused "$1" console vm
	refused "$1" jobs cancel 1
	refused "$1" stop-all
	refused "$1" network create n
	refused "$1" network delete n
	refused "$1" network start n
	refused "$1" network stop n
}

all_seen() {
	for verb in list 'show vm' 'xml vm' jobs log events host 'metrics vm' network 'diff vm vm'; do
		# shellcheck disable=SC2086
		ok $verb
	done
	ok check "$DIR/vm.xml"
}

# without polkit
all_refused 'polkit cannot be asked'
all_seen
refused '"libvirt":94' --json start vm

# with a polkit that denies
"$BUILD/test/stand_in_polkit" > "$DIR/polkit.out" &
polkit=$!
HELPER_PIDS=$polkit
await "polkit" grep -q ready "$DIR/polkit.out"
all_refused 'polkit does not give you'
all_seen
refused '"libvirt":88' --json start vm
state vm off never-started
kill $polkit
wait $polkit 2> /dev/null

# with one that allows something
"$BUILD/test/stand_in_polkit" org.keelson.vmms1.manage-vms > "$DIR/polkit.out" &
HELPER_PIDS=$!
await "polkit" grep -q ready "$DIR/polkit.out"
ok start vm
state vm running
refused 'org.keelson.vmms1.console' console vm
refused 'org.keelson.vmms1.manage-network' network delete n
ok stop vm
VMCTL=$AS_ROOT
stop_daemon
echo "$CHECKS checks"
