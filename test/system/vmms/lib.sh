# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by the scripts that test the installed service inside the machine. Their workers are
# the stand-in of vmms/test, whose guest does what is written to its console.
set -u
dir=$(mktemp -d /srv/vmms-test.XXXXXX)
chmod 755 "$dir"
checks=0

fail()
{
	echo "FAILED: $*"
	journalctl --no-pager -o cat -n 40 -u vmms -u 'keelson*'
	exit 1
}

# await WHAT COMMAND…: until it succeeds. Five minutes are for a slow emulator, not for the usual one.
await()
{
	local what=$1 deadline=$((SECONDS + 300))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || fail "gave up waiting for $what"
		sleep 0.05
	done
}

use_stand_in()
{
	mkdir -p /usr/local/libexec/keelson
	install -m 755 /carry/stand_in_worker /usr/local/libexec/keelson/stand_in_worker
	echo 'Worker=/usr/local/libexec/keelson/stand_in_worker' >>/etc/keelson/vmms.conf
	systemctl restart vmms
}

ok()
{
	checks=$((checks + 1))
	vmctl "$@" >"$dir/out" 2>"$dir/err" || fail "vmctl $*: status $?, $(cat "$dir/err")"
}

# refused PATTERN VERB…: fails, and says something that matches.
refused()
{
	local pattern=$1
	shift
	checks=$((checks + 1))
	${as:-} vmctl "$@" >"$dir/out" 2>"$dir/err" && fail "vmctl $*: succeeded"
	grep -qE "$pattern" "$dir/err" || fail "vmctl $*: no '$pattern' in: $(cat "$dir/err")"
}

# holds WHAT COMMAND…
holds()
{
	local what=$1
	shift
	checks=$((checks + 1))
	"$@" >"$dir/out" 2>&1 || fail "not so: $what: $(cat "$dir/out")"
}

# field VM NAME: one line of `vmctl show`.
field()
{
	vmctl show "$1" | awk -v key="$2" '$1 == key { $1 = ""; print substr($0, 2); exit }'
}

# state VM POWER [REASON]
state()
{
	checks=$((checks + 1))
	vmctl show "$1" >"$dir/show" || fail "no machine $1"
	grep -qx "PowerState  *$2" "$dir/show" || fail "$1 is not $2: $(cat "$dir/show")"
	[ $# -lt 3 ] || grep -qx "Reason  *$3" "$dir/show" || fail "$1 not $2 by $3: $(cat "$dir/show")"
}

is_state()
{
	[ "$(field "$1" PowerState)" = "$2" ]
}

# tell VM LINE: the guest does that.
tell()
{
	printf '%s\nbye\n' "$2" | vmctl console "$1" >"$dir/console" || fail "console of $1"
}

# quiet_journal [PATTERN]: of the service, what it works with, and systemd about it, the journal has
# nothing of warning level or above, but lines that match.
quiet_journal()
{
	[ -n "$(journalctl --no-pager -q -b -n 1 -u vmms)" ] || fail "the journal has nothing of the service"
	{
		journalctl --no-pager -q -b -p warning -u vmms -u 'keelson*' -u polkit -u dbus
		journalctl --no-pager -q -b -p warning -t systemd | grep -iE 'vmms|keelson|/dev/vid'
	} | grep -vE "${1:-nothing is allowed}" >"$dir/out"
	[ ! -s "$dir/out" ] || fail "warnings in the journal: $(cat "$dir/out")"
}
