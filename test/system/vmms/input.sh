#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bad input and full disks: a clear error, and nothing lost.
. "$(dirname "$0")/lib.sh"
ok create good --memory 16M --disk 1M:"$dir/good.raw"
vmctl xml good >"$dir/good.xml"

# ── what cannot be defined ───────────────────────────────────────────────────────────────────
echo '<domain' >"$dir/bad.xml"
refused 'not well-formed' define "$dir/bad.xml"
sed 's/<os>/<os><smbios mode="host"\/>/' "$dir/good.xml" >"$dir/bad.xml"
refused 'Line [0-9]+: element <smbios> is not supported in <os>' define "$dir/bad.xml"
sed '/<uuid>/d' "$dir/good.xml" >"$dir/bad.xml"
refused "is a machine 'good' already" define "$dir/bad.xml"
refused "exists already" create other --disk 1M:"$dir/good.raw"
refused "No such file" create other --disk 1M:"$dir/nowhere/x.raw"
refused "no setting 'colour'" set good colour=red
refused "no machine 'other'" show other

# ── what cannot be started ───────────────────────────────────────────────────────────────────
ok create huge --memory 1T
refused '1048576 MiB of memory, [0-9]+ MiB are free' start huge
ok create hidden --memory 16M --disk 1M:"$dir/hidden.raw"
rm "$dir/hidden.raw"
refused 'disk .*hidden.raw cannot be opened .*No such file' start hidden
state hidden off
ok delete huge
ok delete hidden

# ── a full disk under the machines' files ────────────────────────────────────────────────────
mkdir "$dir/small"
mount -t tmpfs -o size=1m none "$dir/small"
dd if=/dev/urandom of="$dir/good.raw" bs=64k count=16 conv=notrunc status=none
head -c 500000 /dev/zero >"$dir/small/filler"
ok create model --memory 16M --disk 500K:"$dir/small/model.raw"
dd if=/dev/urandom of="$dir/small/model.raw" bs=1k count=500 conv=notrunc status=none
refused 'no space left for .*nothing was kept' clone model copy
refused "no machine 'copy'" show copy
[ "$(ls "$dir/small")" = "$(printf 'filler\nmodel.raw')" ] || fail "left over: $(ls "$dir/small")"
rm "$dir/small/filler"
ok clone model copy
cmp -s "$dir/small/model.raw" "$dir/small/copy-hda.raw" || fail "the copy differs"
ok delete copy --storage
ok delete model --storage

# ── a full disk under the inventory ──────────────────────────────────────────────────────────
# The service gets a state directory of its own, on a small file system that something fills.
mkdir /srv/state
mount -t tmpfs -o size=2m,mode=700 none /srv/state
cp /etc/keelson/vmms.conf "$dir/vmms.conf"
echo 'StateDirectory=/srv/state' >>/etc/keelson/vmms.conf
systemctl restart vmms
ok create first --memory 16M
head -c 4M /dev/zero >/srv/state/filler 2>/dev/null
refused 'disk under /srv/state/vmms.db is full; nothing was changed' notes first "$(head -c 60000 /dev/zero | tr '\0' x)"
[ "$(field first Notes)" = '' ] || fail "the notes changed"
state first off never-started
rm /srv/state/filler
ok start first
ok stop first
cp "$dir/vmms.conf" /etc/keelson/vmms.conf
systemctl restart vmms
umount /srv/state "$dir/small"

state good off
vmctl xml good | cmp - "$dir/good.xml" || fail "the machine from before has changed"
ok delete good --storage
echo "$checks checks, $SECONDS s"
