# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced, in the root partition, by the scripts that run child partitions. Machines are run by a user
# who is nobody but a member of the group keelson; what they leave in $work is looked at.
set -uo pipefail
. /carry/child/expect.sh
vmwp=/carry/worker/vmwp
firmware=/carry/worker/bios.bin
export LD_LIBRARY_PATH=/carry/worker
initrd=/carry/initrd.gz
work=$(mktemp -d)
chmod 755 "$work"
modprobe vid
getent passwd tester >/dev/null || useradd --no-create-home --groups keelson tester
ulimit -l unlimited

# Early configuration cycles look for what this machine does not have, on 256 buses.
quick='console=ttyS0 quiet pci=noearly'

die()
{
	local file
	for file in "$work"/*.err "$work"/*.out; do
		[ ! -e "$file" ] || { echo "--- $file" && tail -n 40 "$file" | cat -v; }
	done
	dmesg | tail -n 20
	echo "FAILED: $*"
	exit 1
}

# kernel 6.1: where Debian's kernel of that series is.
kernel()
{
	local file
	for file in /boot/vmlinuz-"$1".*; do
		echo "$file"
	done
}

# So that a worker's process is the one that was started in the background.
as_tester=(setpriv --reuid tester --regid tester --init-groups --inh-caps=-all --)

# run NAME WORD…: a machine from its start to its end; leaves $status, NAME.out and NAME.err.
run()
{
	local name=$1
	shift
	status=0
	"${as_tester[@]}" timeout 400 "$vmwp" com1=stdio "$@" </dev/null \
		>"$work/$name.out" 2>"$work/$name.err" || status=$?
}

expect_status()
{
	[ "$status" = "$1" ] || die "exit status is $status, not $1"
}

# expect FILE PATTERN…: each matches a line.
expect()
{
	local file=$1 pattern
	shift
	for pattern; do
		grep -qE -- "$pattern" "$work/$file" || die "nothing in $file matches: $pattern"
	done
}

expect_no()
{
	no_line "$work/$1" "$2" || die "something in $1 matches, or there is no such file: $2"
}

# start NAME WORD…: a machine in the background. ${pid[NAME]}; its console: wait_for and send.
declare -A pid from to seen
start()
{
	local name=$1 in out
	shift
	mkfifo "$work/$name.to" "$work/$name.from"
	"${as_tester[@]}" "$vmwp" com1=stdio "$@" <"$work/$name.to" >"$work/$name.from" \
		2>"$work/$name.err" &
	pid[$name]=$!
	exec {in}>"$work/$name.to" {out}<"$work/$name.from"
	to[$name]=$in from[$name]=$out
	: >"$work/$name.out"
	seen[$name]=0
}

# wait_for NAME TEXT: reads its console until TEXT has come, later than what was waited for before.
wait_for()
{
	local end
	end=$(perl -e '
		my ($fd, $file, $from, $text) = @ARGV;
		open(my $in, "<&=", $fd) and open(my $log, "+>>", $file) or exit 1;
		seek($log, $from, 0);
		my $seen = do { local $/; <$log> } // "";
		alarm 900;
		until (index($seen, $text) >= 0) {
			sysread($in, my $more, 65536) or exit 1;
			syswrite($log, $more);
			$seen .= $more;
		}
		print $from + index($seen, $text) + length($text);
	' "${from[$1]}" "$work/$1.out" "${seen[$1]}" "$2") || die "$1 does not come to: $2"
	seen[$1]=$end
}

send()
{
	printf '%s\n' "$2" >&"${to[$1]}"
}

log_in()
{
	wait_for "$1" 'login: '
	send "$1" root
	wait_for "$1" '# '
}

# finish NAME: waits for its end; leaves $status. What is still in its console comes to NAME.out.
finish()
{
	local name=$1 in=${to[$1]} out=${from[$1]}
	cat <&"$out" >>"$work/$name.out"
	status=0
	wait "${pid[$name]}" || status=$?
	exec {in}>&- {out}<&-
	rm "$work/$name.to" "$work/$name.from"
	unset "pid[$name]" "to[$name]" "from[$name]" "seen[$name]"
}

# Of what belongs to the machines that have run, nothing is left: the module itself can go.
expect_nothing_left()
{
	pgrep -l vmwp && die "a worker is left"
	rmmod vid || die "vid is still in use"
	dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|Bad page' && die "the kernel complains"
	modprobe vid
}
