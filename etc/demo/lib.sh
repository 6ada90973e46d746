# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the demo's and the tests' scripts share. Sourced by bash with $top set to the top folder.

# say TEXT…: progress, on standard error, so that standard output stays the script's.
say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# die STATUS TEXT…
die()
{
	local status=$1
	shift
	say "$@"
	exit "$status"
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die 2 "must be root, or have sudo, to run: $*"
	fi
}

# install_packages LIST…: installs those packages of etc/packages/LIST that are missing.
install_packages()
{
	local list name missing=()
	for list in "$@"; do
		while read -r name; do
			case $name in '' | '#'*) continue ;; esac
			dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null |
				grep -qx installed || missing+=("$name")
		done <"$top/etc/packages/$list"
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing ${missing[*]}"
	as_root apt-get -q update >&2
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y install --no-install-recommends "${missing[@]}" >&2
}

# run_logged LOG COMMAND…: quiet when it works, the end of its output when it does not.
run_logged()
{
	local log=$1
	shift
	"$@" </dev/null >"$log" 2>&1 && return
	tail -n 40 "$log" >&2
	die 2 "failed, all output is in $log: $*"
}

# hash_of PATH…: one hash over names, modes and contents of files and trees.
hash_of()
{
	tar -c --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner "$@" 2>/dev/null |
		sha256sum | cut -c1-32
}
