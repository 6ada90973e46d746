#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Networks while something is under way with them: one request waits, a second one is told so; and a
# name server whose address is still held by the one before. A stand-in for nft holds the work.
. "$(dirname "$0")/network_space.sh"
BUILD=$1
. "$(dirname "$0")/harness.sh"
echo bios > "$DIR/bios"
start_bus

# A stand-in for nft, which waits while the test has the lock, and says so, before it is nft itself.
NFT=$(readlink -f "$(command -v nft)")
cp "$NFT" "$DIR/nft.real"
: > "$DIR/lock"
cat > "$DIR/nft" <<-SH
	#!/bin/bash
	flock --nonblock $DIR/lock true || { : > $DIR/held; flock $DIR/lock true; }
	exec $DIR/nft.real "\$@"
SH
chmod 755 "$DIR/nft"
mount --bind "$DIR/nft" "$NFT"
hold() {
	rm -f "$DIR/held"
	exec 9> "$DIR/lock"
	flock 9
}
held() {
	await "nft to be begun" test -e "$DIR/held"
}
let_go() {
	exec 9>&-
}
# in_background NAME VERB…: vmctl, whose status and words are in files of that name
in_background() {
	local name=$1
	shift
	rm -f "$DIR/$name.status"
	{
		"$VMCTL" "$@" > "$DIR/$name.out" 2> "$DIR/$name.err"
		echo $? > "$DIR/$name.status"
	} 9>&- &
}
# ended NAME STATUS [PATTERN]
ended() {
	CHECKS=$((CHECKS + 1))
	await "the end of $1" test -s "$DIR/$1.status"
	[ "$(cat "$DIR/$1.status")" = "$2" ] || fail "$1: status $(cat "$DIR/$1.status"): $(cat "$DIR/$1.err")"
	[ $# -lt 3 ] || grep -qE -- "$3" "$DIR/$1.err" || fail "$1: no '$3' in: $(cat "$DIR/$1.err")"
}
# A request of that number is waiting for what is under way.
queued() {
	await "request $1 to wait" sh -c "[ \$(grep -c 'a request waits for what is under way' '$DIR/log') = $1 ]"
}
active() {
	CHECKS=$((CHECKS + 1))
	"$VMCTL" --json network | grep -q "\"name\":\"$1\".*\"active\":$2" || fail "$1: $("$VMCTL" network)"
}

start_daemon
ok network create lan
make vm --network lan

# ── a stop that meets a start waits for it, and no second one does ───────────────────────────
ok network stop lan
hold
in_background first network start lan
held
in_background second network stop lan
queued 1
refused 'one request waits for that already; try again' network start lan
refused 'one request waits for that already; try again' network stop lan
[ ! -e "$DIR/first.status" ] && [ ! -e "$DIR/second.status" ] || fail "what was held has ended"
let_go
ended first 0
ended second 0
active lan false
"$VMCTL" events | grep 'lan st' | tail -n 2 | tr '\n' ' ' | grep -q 'started.*stopped' || fail "$("$VMCTL" events)"
[ ! -e /sys/class/net/kbr0 ] || fail "kbr0 is still there"

# ── a start that meets a stop; a machine that is started meanwhile waits for both ────────────
ok network start lan
hold
in_background first network stop lan
held
in_background second network start lan
queued 2
in_background third start vm
await "the start of vm" is_state vm starting
let_go
ended first 0
ended second 0
ended third 0
active lan true
state vm running

# ── what waits is looked at again when its turn has come ─────────────────────────────────────
"$DIR/nft.real" flush ruleset
hold
in_background first network start lan
held
refused 'machine vm runs on it' network stop lan
let_go
ended first 0
ok stop vm
hold
in_background first network start lan
held
in_background second network stop lan
queued 3
in_background third start vm
await "the start of vm" is_state vm starting
let_go
ended first 0
ended second 1 'machine vm runs on it'
ended third 0
ok stop vm
ok delete vm

# ── deleted: whoever waits is told ───────────────────────────────────────────────────────────
hold
in_background first network delete lan
held
in_background second network start lan
queued 4
let_go
ended first 0
ended second 1 'Network lan is not there any more'
refused 'no network .lan.' network start lan
hold
in_background first network create lan
held
in_background second network delete lan
queued 5
let_go
ended first 0
ended second 0
[ ! -e /sys/class/net/kbr0 ] || fail "kbr0 is still there"

# ── the name server of a daemon that was killed still holds its address ──────────────────────
ok network create lan
OLD=$(cat "$DIR/run/net/kbr0.pid")
kill -STOP "$OLD"
kill_daemon
start_daemon
await "the address to be in use" grep -q 'lan: its address is still in use' "$DIR/log"
in_background first network stop lan
queued 6
kill -CONT "$OLD"
ended first 0
active lan false
"$VMCTL" events | grep -q 'lan failed' && fail "an address in use for a moment is told as a failure: $("$VMCTL" events)"
# one that has ended may wait for its parent, without a command line
grep -q . "/proc/$OLD/cmdline" 2> /dev/null && fail "the old name server runs"
ok network start lan
await "dnsmasq" sh -c 'ss -lun | grep -q "%kbr0:67 "'

# ── at the daemon's end nobody is left without an answer ─────────────────────────────────────
hold
in_background first network start lan
held
in_background second network stop lan
queued 7
stop_daemon
ended first 1
ended second 1
echo "$CHECKS checks"
