# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the tests of the daemon: a private bus, a daemon and workers in a directory of their own.
# Sourced with BUILD set to the build directory of vmms.

set -u
DIR=$(mktemp -d /tmp/keelson-test-XXXXXX)
chmod 755 "$DIR"
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$DIR/bus"
VMCTL=$BUILD/vmctl
DAEMON_PID=
BUS_PID=
HELPER_PIDS=
CHECKS=0

fail() {
	echo "FAILED: $*" >&2
	echo "--- daemon's log, its end:" >&2
	tail -n 30 "$DIR/log" >&2
	exit 1
}

start_bus() {
	cat > "$DIR/bus.conf" <<-CONF
	<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
	 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
	<busconfig>
	  <type>system</type>
	  <listen>unix:path=$DIR/bus</listen>
	  <auth>EXTERNAL</auth>
	  <policy context="default">
	    <allow user="*"/>
	    <allow own="*"/>
	    <allow send_destination="*"/>
	    <allow receive_sender="*"/>
	  </policy>
	</busconfig>
	CONF
	dbus-daemon --config-file="$DIR/bus.conf" --nofork --print-address=3 \
		3> "$DIR/bus.address" 2> "$DIR/bus.log" &
	BUS_PID=$!
	await "the bus" test -s "$DIR/bus.address"
}

# Waits until a command succeeds; five minutes are for slow machines, not for the usual one.
await() {
	local what=$1 deadline=$((SECONDS + ${PATIENCE:-300}))
	shift
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || fail "gave up waiting for $what"
		sleep 0.02
	done
}

# In a sandbox only as root; the workers are real processes either way.
SANDBOX=no
[ "$(id -u)" = 0 ] && unshare --mount --pid --net --fork true 2> /dev/null && SANDBOX=yes

start_daemon() {
	"$BUILD/vmms" --config "$DIR/none.conf" --state-dir "$DIR/state" --runtime-dir "$DIR/run" \
		--set Worker="${WORKER:-$BUILD/test/stand_in_worker}" --set Firmware="$DIR/bios" \
		--set Device="$DIR/no-device" --set Scopes=no --set Sandbox=$SANDBOX \
		--set RestartDelayMSec=100 --debug "$@" >> "$DIR/log" 2>&1 &
	DAEMON_PID=$!
	await "the daemon" answers_or_died
	kill -0 "$DAEMON_PID" 2> /dev/null || fail "the daemon did not start"
}

answers_or_died() {
	"$VMCTL" host || ! kill -0 "$DAEMON_PID"
}

# preload LIBRARY…: start_preloaded begins the daemon with these of test/ under it. faults.c, and what is
# like it, is told by files in $FAULTS.
preload() {
	local name
	PRELOAD=
	for name; do
		PRELOAD=${PRELOAD:+$PRELOAD:}$BUILD/test/lib$name.so
	done
	FAULTS=$DIR/faults
	mkdir -p "$FAULTS"
	export FAULTS
}

start_preloaded() {
	LD_PRELOAD=$PRELOAD ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 start_daemon "$@"
}

# The same with file_faults.c under it, for the files below a directory.
start_faulty_daemon() {
	local below=$1
	shift
	FILE_FAULT=$DIR/fault FILE_FAULT_BELOW=$below LD_PRELOAD=$BUILD/test/libfile_faults.so \
		ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 start_daemon "$@"
}

# fault KIND STEP: from now on; see file_faults.c. The third field makes each a new one.
fault() {
	FAULT_COUNT=$((${FAULT_COUNT:-0} + 1))
	rm -f "$DIR/fault.sign"
	echo "$1 $2 $FAULT_COUNT" > "$DIR/fault.new"
	mv "$DIR/fault.new" "$DIR/fault"
}

# A clean end, so that the sanitizers of the build speak.
stop_daemon() {
	kill -TERM "$DAEMON_PID" 2> /dev/null
	wait "$DAEMON_PID" || fail "the daemon ended with status $?"
	DAEMON_PID=
}

kill_daemon() {
	kill -KILL "$DAEMON_PID"
	wait "$DAEMON_PID" 2> /dev/null
	DAEMON_PID=
}

cleanup() {
	local pid
	[ -n "$DAEMON_PID" ] && kill -KILL "$DAEMON_PID" 2> /dev/null
	for pid in $(all_workers) $HELPER_PIDS; do
		kill -KILL "$pid" 2> /dev/null
	done
	[ -n "$BUS_PID" ] && kill "$BUS_PID" 2> /dev/null
	wait 2> /dev/null
	rm -rf "$DIR"
}
trap cleanup EXIT

# Succeeds.
ok() {
	CHECKS=$((CHECKS + 1))
	"$VMCTL" "$@" > "$DIR/out" 2> "$DIR/err" ||
		fail "vmctl $*: status $?, $(cat "$DIR/err")"
}

# refused PATTERN VERB…: fails, and says something that matches.
refused() {
	local pattern=$1
	shift
	CHECKS=$((CHECKS + 1))
	"$VMCTL" "$@" > "$DIR/out" 2> "$DIR/err" && fail "vmctl $*: succeeded"
	grep -qE -- "$pattern" "$DIR/err" || fail "vmctl $*: no '$pattern' in: $(cat "$DIR/err")"
}

# one field of `vmctl show`
field() {
	"$VMCTL" show "$1" | awk -v key="$2" '$1 == key { $1 = ""; print substr($0, 2); exit }'
}

state() {
	CHECKS=$((CHECKS + 1))
	[ "$(field "$1" PowerState)" = "$2" ] || fail "$1 is $(field "$1" PowerState), not $2"
	[ $# -lt 3 ] || [ "$(field "$1" Reason)" = "$3" ] ||
		fail "$1 is $2 because of $(field "$1" Reason), not $3"
}

is_state() {
	[ "$(field "$1" PowerState)" = "$2" ]
}

# Pids of the worker processes of one machine, by its UUID.
workers_of() {
	pgrep -f -- "--control-fd 3 --uuid $1 " || true
}

all_workers() {
	local uuid
	for uuid in $(cat "$DIR/uuids" 2> /dev/null); do
		workers_of "$uuid"
	done
}

# make NAME [OPTION…]: creates a machine and remembers it for the clean-up.
make() {
	ok create "$@" --memory 16M
	field "$1" UUID >> "$DIR/uuids"
}

# tell NAME LINE: the guest is told what to do, through its console.
tell() {
	printf '%s\nbye\n' "$2" | timeout 300 "$VMCTL" console "$1" > /dev/null
}
