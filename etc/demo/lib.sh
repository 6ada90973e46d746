# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the demo's and the tests' scripts share. Sourced by bash with $top set to the top folder.

build=$top/build
mkdir -p "$build"

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

# missing_packages LIST…: those packages of etc/packages/LIST that are not installed.
missing_packages()
{
	local list name
	for list in "$@"; do
		while read -r name; do
			case $name in '' | '#'*) continue ;; esac
			dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null |
				grep -qx installed || echo "$name"
		done <"$top/etc/packages/$list"
	done
}

# install_packages LIST…: installs those packages of etc/packages/LIST that are missing. What is here
# already is not upgraded, unless a new package cannot be had otherwise; the list says which.
install_packages()
{
	local missing plan changes
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	say "looking up ${#missing[@]} packages that are needed and not installed"
	# The index of a repository that has none of them may be out of reach.
	as_root apt-get -q update >"$build/apt-update.log" 2>&1 ||
		say "not all indexes could be updated ($build/apt-update.log); going on with what is there"
	plan=$(LC_ALL=C apt-get -s -q --no-upgrade --no-install-recommends install "${missing[@]}" 2>&1) ||
		die 2 "apt-get cannot install ${missing[*]}: $(sed -n '/^E:/p;/Depends:/p' <<<"$plan")"
	changes=$(sed -n 's/^Inst \([^ ]*\) (.*/\1/p' <<<"$plan")
	say "installing" $changes
	changes=$(sed -n 's/^Inst \([^ ]*\) \[.*/\1/p' <<<"$plan")
	[ -z "$changes" ] || say "which need newer versions of" $changes
	run_logged "$build/apt-install.log" as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-upgrade --no-install-recommends install "${missing[@]}"
}

# need_space MIB WHAT: before half of something is made.
need_space()
{
	local free
	free=$(df --output=avail -m "$build" | tail -n 1)
	[ "$free" -ge "$1" ] ||
		die 2 "$2 takes up to $1 MiB, and $build has $((free)) MiB left; free some space, or move the checkout"
}

# forget_moved_build FOLDER: a build folder knows its own path; in a checkout that was moved or copied
# it is made anew.
forget_moved_build()
{
	local home
	[ -f "$1/CMakeCache.txt" ] || return 0
	home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$1/CMakeCache.txt")
	[ "$home" = "$top" ] && grep -qxF "# For build in directory: $1" "$1/CMakeCache.txt" && return
	say "$1 was made in $home: making it anew"
	rm -rf "$1"
}

# run_logged LOG COMMAND…: quiet when it works, its errors when it does not.
run_logged()
{
	local log=$1 status=0
	shift
	"$@" </dev/null >"$log" 2>&1 || status=$?
	[ $status != 0 ] || return 0
	[ $status != 130 ] || die 130 "interrupted: $*"
	errors_of "$log" >&2
	die 2 "failed, all output is in $log: $*"
}

# errors_of LOG: from its first line that tells of an error on, or its end where none does.
errors_of()
{
	local first
	first=$(grep -nEm 1 '(^|[ :])([Ee]rror|ERROR|fatal error|undefined reference|cannot find)[ :]|^FAILED:|^E: ' "$1" |
		cut -d: -f1)
	if [ -n "$first" ]; then
		tail -n "+$((first > 3 ? first - 3 : 1))" "$1" | head -n 40
	else
		tail -n 40 "$1"
	fi
}

# What Ctrl-C ends says so.
trap 'trap - INT; say interrupted; kill -INT $$' INT

# hash_of PATH…: one hash over names, modes and contents of files and trees.
hash_of()
{
	tar -c --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner "$@" 2>/dev/null |
		sha256sum | cut -c1-32
}
