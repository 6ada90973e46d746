# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by demo: from a checkout to a disk image. Each step leaves its result under $cache, named
# by a hash of what it was made from, and is passed over when that is there already.
#
#   base-HASH.tar   the Debian root file system without us
#   headers-HASH/   headers of its kernels
#   image-HASH/     disk.raw, boot/ (a copy of what is in /boot) and the packages in it

build_dir=$top/build/release

prepare()
{
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock -n 9 || { say "waiting for another demo to finish its preparations" && flock 9; }
	need_space 6144 "a build with a disk image"
	install_packages build demo
	[ "$(id -u)" = 0 ] || install_packages demo-user
	make_base
	build_packages
	make_image
	flock -u 9
	exec 9>&-
}

make_base()
{
	base_hash=$(cd "$top/etc/demo" && hash_of base-system)
	base=$cache/base-$base_hash.tar headers=$cache/headers-$base_hash
	[ ! -e "$base" ] || [ ! -e "$headers" ] || return 0
	rm -rf "$cache"/base-*.tar "$cache"/headers-* "$cache/new-headers"
	mkdir "$cache/new-headers"
	say "making the Debian base system (a minute or two)"
	run_logged "$cache/base.log" "$top/etc/demo/base-system" "$cache/new-base.tar" \
		"$cache/new-headers"
	mv "$cache/new-headers" "$headers"
	mv "$cache/new-base.tar" "$base"
}

# Packages are made anew only if what would be installed has changed, so that a build that changed
# nothing costs nothing. Their hash is $packages_hash; no package at all is possible, too.
build_packages()
{
	forget_moved_build "$build_dir"
	[ -f "$build_dir/build.ninja" ] || say "configuring the build"
	local kernels
	kernels=$(printf '%s;' "$headers"/usr/src/linux-headers-*-amd64)
	run_logged "$cache/configure.log" cmake -S "$top" --preset release \
		-DKEELSON_KERNEL_HEADERS="${kernels%;}"
	[ -d "$cache/stage" ] || say "building (some minutes)"
	run_logged "$cache/build.log" cmake --build "$build_dir"
	rm -rf "$cache/stage"
	DESTDIR=$cache/stage run_logged "$cache/stage.log" \
		cmake --install "$build_dir"
	mkdir -p "$cache/stage"
	packages_hash=$(hash_of -C "$cache/stage" . -C "$top" etc cmake/KeelsonPackages.cmake)
	[ "$(cat "$cache/packages.hash" 2>/dev/null)" != "$packages_hash" ] || return 0
	rm -rf "$cache/packages"
	if [ -n "$(find "$cache/stage" -type f -print -quit)" ]; then
		say "making packages"
		(cd "$build_dir" && run_logged "$cache/packages.log" cpack -G DEB -B "$cache/packages")
	fi
	echo "$packages_hash" >"$cache/packages.hash"
}

make_image()
{
	local packages=() package
	image=$cache/image-$(hash_of -C "$top/etc" demo <<<'' | cut -c1-16)-$base_hash-$packages_hash
	[ ! -e "$image" ] || return 0
	rm -rf "$cache"/image-* "$cache/new-image"
	say "making the disk image (half a minute)"
	shopt -s nullglob
	# The machine has no compiler: its kernel module comes built, and nothing is developed there.
	for package in "$cache"/packages/*.deb; do
		[[ $package = */keelson-@(dkms|dev)_* ]] || packages+=("$package")
	done
	run_logged "$cache/image.log" \
		"$top/etc/demo/image" "$base" "$cache/new-image" "${packages[@]}"
	mv "$cache/new-image" "$image"
}
