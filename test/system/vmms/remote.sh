#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vmctl --host: this machine, by its own ssh server, as if it were another one.
. "$(dirname "$0")/lib.sh"
mkdir -p -m 700 /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
# Sessions of systemd, of a manager for each user, only take time here.
echo 'UsePAM no' >/etc/ssh/sshd_config.d/test.conf
systemctl start ssh
for key in /etc/ssh/ssh_host_*_key.pub; do
	echo "demo $(cut -d' ' -f1,2 "$key")"
done >/root/.ssh/known_hosts

remote=(--host root@demo)
ok "${remote[@]}" create far --memory 16M --disk 1M:"$dir/far.raw"
state far off never-started
ok "${remote[@]}" list
grep -q '^far *off' "$dir/out" || fail "$(cat "$dir/out")"
ok start far -H root@demo
state far running started
ok "${remote[@]}" --json show far
grep -q '"PowerState":"running"' "$dir/out" || fail "$(cat "$dir/out")"
printf 'hello\nbye\n' | vmctl "${remote[@]}" console far >"$dir/out" 2>"$dir/err" || fail "$(cat "$dir/err")"
grep -q hello "$dir/out" || fail "the console does not answer: $(cat "$dir/out" "$dir/err")"
refused "no machine 'near'" "${remote[@]}" start near
ok "${remote[@]}" stop far
state far off requested
ok "${remote[@]}" delete far --storage

# The inventory comes from afar, and goes back there.
ok create kept --memory 16M
ok "${remote[@]}" backup-config "$dir/far.db"
holds "the copy is a database" test "$(head -c 15 "$dir/far.db")" = 'SQLite format 3'
ok delete kept
refused 'systemctl stop vmms' "${remote[@]}" restore-config "$dir/far.db"
systemctl stop vmms
ok "${remote[@]}" restore-config "$dir/far.db"
systemctl start vmms
state kept off never-started
ok delete kept

# Whoever has no rights here has none from afar.
useradd --create-home --password '*' visitor
install -d -m 700 -o visitor -g visitor ~visitor/.ssh
install -m 600 -o visitor -g visitor /root/.ssh/id_ed25519.pub ~visitor/.ssh/authorized_keys
ok create near --memory 16M
ok --host=visitor@demo list
refused 'polkit does not give you' --host=visitor@demo start near
ok delete near
refused 'The connection to nobody@demo by ssh has ended' --host=nobody@demo list
userdel -r visitor 2>/dev/null
systemctl stop ssh
rm -r /root/.ssh /etc/ssh/sshd_config.d/test.conf
echo "$checks checks, $SECONDS s"
