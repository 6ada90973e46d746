#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A user without rights is refused each verb that changes something, by the real polkit, and may
# look at everything. A member of the group keelson may do it all.
. "$(dirname "$0")/lib.sh"
ok create vm --memory 16M --disk 1M:"$dir/vm.raw"
vmctl xml vm >"$dir/vm.xml"
as='setpriv --reuid=65534 --regid=65534 --clear-groups'

# tried VERB…: it has had its turn.
declare -A turns
tried()
{
	turns[$1]=1
}

while read -r verb; do
	# shellcheck disable=SC2086
	refused 'polkit does not give you' $verb
	# shellcheck disable=SC2086
	tried $verb
done <<VERBS
create new
define $dir/vm.xml
set vm memory=32M
attach vm cdrom /etc/hostname hdc
detach vm hda
rename vm other
notes vm x
autostart vm on
clone vm copy
export vm $dir
import $dir
backup-config -
delete vm
start vm
shutdown vm
stop vm
reboot vm
reset vm
pause vm
resume vm
console vm
jobs cancel 1
stop-all
network create n
network delete n
network start n
network stop n
VERBS
VISUAL='sed -i s/16384/24576/' refused 'polkit does not give you' edit vm </dev/null
tried edit
# The daemon has the inventory open; whoever may stop it may do this.
refused 'systemctl stop vmms' restore-config "$dir/vm.xml"
tried restore-config
chmod 644 "$dir/vm.xml"
for verb in list 'show vm' 'xml vm' 'diff vm vm' "check $dir/vm.xml" jobs log events host 'top 1' \
	'metrics vm' network help; do
	# shellcheck disable=SC2086
	$as vmctl $verb >"$dir/out" 2>&1 || fail "nobody may not $verb: $(cat "$dir/out")"
	# shellcheck disable=SC2086
	tried $verb
done
for verb in $(vmctl complete-words verbs); do
	[ "${turns[$verb]:-}" ] || fail "nobody has not tried to $verb"
done
refused '"libvirt":88' --json start vm
state vm off never-started

usermod -aG keelson nobody
$as vmctl start vm >"$dir/out" 2>&1 || fail "a member may not start: $(cat "$dir/out")"
$as vmctl stop vm >"$dir/out" 2>&1 || fail "a member may not stop: $(cat "$dir/out")"
gpasswd -d nobody keelson >"$dir/out"
ok delete vm --storage
echo "$checks checks, $SECONDS s"
