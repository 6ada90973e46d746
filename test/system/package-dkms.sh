#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vid.ko in the root partition, from each of its two packages: keelson-modules, which is there, gives
# way to keelson-dkms, and that to it. The machine has no compiler: DKMS, the program of this
# machine, has built the module here, of what the package installs, and installs it there.
. "$(dirname "$0")/lib.sh"
shopt -s nullglob

"$top/demo" --prepare 2>"$err" || fail "no packages"
packages=$top/build/demo/packages
headers=("$top"/build/demo/headers-*/usr/src/linux-headers-6.1.*-amd64)
[ ${#headers[@]} = 1 ] || fail "headers of ${#headers[@]} kernels, not of one"
kernel=${headers[0]##*/linux-headers-}
carry=$test_dir/carry
mkdir -p "$carry" "$test_dir/tree" "$test_dir/source"
dpkg-deb -x "$packages"/keelson-dkms_*.deb "$test_dir/package"
cp -r "$test_dir"/package/usr/src/keelson-* "$test_dir/source"
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$test_dir"/source/keelson-*/dkms.conf)
PATH=$PATH:/usr/sbin dkms build -m keelson -v "$version" -k "$kernel" \
	--dkmstree "$test_dir/tree" --sourcetree "$test_dir/source" \
	--kernelsourcedir "${headers[0]}" >"$out" 2>&1 || fail "DKMS does not build for $kernel"
ln -sfn "/usr/src/keelson-$version" "$test_dir/tree/keelson/$version/source"
tar -cf "$carry/built.tar" -C "$test_dir/tree" keelson
tar -cf "$carry/dkms.tar" -C / usr/sbin/dkms usr/lib/dkms etc/dkms etc/modprobe.d/dkms.conf
cp "$packages"/keelson-{dkms,modules}_*.deb "$carry"

guest --carry "$carry" --carry "$top/test/system/vmms" <<'EOG'
#!/bin/bash
. /carry/vmms/lib.sh
kernel=$(uname -r)
# Whatever is installed goes through all modules of each kernel: one kernel is enough here.
rm -r /lib/modules/6.12*

package()
{
	DEBIAN_FRONTEND=noninteractive dpkg "$@" >"$dir/out" 2>&1 || fail "dpkg $*: $(cat "$dir/out")"
}

# loads FILE: that is the module, and it loads.
loads()
{
	holds "the module is $1" test "$(modinfo -n vid)" = "$1"
	holds "it loads" modprobe vid
	await "its device" test -c /dev/vid
	await "its group" sh -c '[ "$(stat -c %G /dev/vid)" = keelson ]'
	echo "$1: $SECONDS s"
}

# gone PACKAGE: removed, and no module is left.
gone()
{
	package -r --force-depends "$1"
	! modinfo vid >"$dir/out" 2>&1 || fail "$1 leaves $(cat "$dir/out")"
	refused 'is the module vid loaded' start sample
}

loads "/lib/modules/$kernel/updates/vid.ko"
holds "it unloads" rmmod vid
gone keelson-modules

tar -C / -xf /carry/carry/dkms.tar
mkdir -p /var/lib/dkms "/lib/modules/$kernel/build/include"
tar -C /var/lib/dkms -xf /carry/carry/built.tar
package -i --force-depends /carry/carry/keelson-dkms_*.deb
loads "/lib/modules/$kernel/updates/dkms/vid.ko"
ok start sample
state sample running
ok stop sample
holds "it unloads" rmmod vid
gone keelson-dkms
[ -z "$(dkms status)" ] || fail "DKMS still knows: $(dkms status)"

package -i /carry/carry/keelson-modules_*.deb
loads "/lib/modules/$kernel/updates/vid.ko"
holds "the service has run all the time" systemctl is-active vmms
echo "$checks checks, $SECONDS s"
EOG
cat "$out"
expect_status 0
