#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tests and the demo stand on: no_line cannot pass on nothing, a skipped test is told, and what
# goes wrong before a build or in it is said so that it can be mended.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/system/child/expect.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0
wrong()
{
	echo "$*"
	bad=1
}

echo 'all is well' >"$dir/file"
no_line "$dir/file" panic >/dev/null || wrong "a clean file is not clean"
no_line "$dir/file" well >/dev/null && wrong "a line that matches is passed over"
no_line "$dir/missing" panic >/dev/null 2>&1 && wrong "a missing file passes"
no_line "$dir" panic >/dev/null 2>&1 && wrong "a folder passes"
no_line "$dir/file" 'a(' >/dev/null 2>&1 && wrong "a broken pattern passes"

# ── tree-check, on a tree that breaks a rule ─────────────────────────────────────────────────
mkdir -p "$dir/tree/test"
cp "$here/tree-check" "$here/names-check" "$dir/tree/test"
git init -q "$dir/tree"
printf '/* SPDX-License-Identifier: GPL-2.0-or-later */\n/* See gone_away(). */\n#include "../up.h"\nint x;\n' >"$dir/tree/test/x.c"
echo '# SPDX-License-Identifier: GPL-2.0-or-later' >"$dir/tree/test/lost_test.sh"
"$dir/tree/test/tree-check" >"$dir/said" && wrong "tree-check finds nothing wrong, or forgets it"
for rule in 'Includes upward' 'gone_away() in test/x.c' 'test/lost_test.sh'; do
	grep -qF "$rule" "$dir/said" || wrong "tree-check does not tell: $rule"
done

# ── adding-check, on steps that are not true ─────────────────────────────────────────────────
for wrong in '1. `test/none`: `x` – no such file' '1. `test/run`: `not in it` – gone' '1. A step without a file'; do
	echo "$wrong" >"$dir/steps.md"
	"$here/adding-check" "$dir/steps.md" >/dev/null && wrong "adding-check believes: $wrong"
done
echo '1. `test/run`: `run_tests` – it is there' >"$dir/steps.md"
"$here/adding-check" "$dir/steps.md" || wrong "adding-check does not believe what is true"

cat >"$dir/CTestTestfile.cmake" <<'END'
add_test(runs true)
add_test(speaks "sh" "-c" "echo 'skipped: not what it does'")
add_test(no-tool "sh" "-c" "echo 'skipped: there is no tool'; exit 77")
add_test(silent "sh" "-c" "exit 77")
set_tests_properties(no-tool silent PROPERTIES SKIP_RETURN_CODE 77)
END
told()
{
	ctest --test-dir "$dir" "$@" >"$dir/output" || wrong "ctest failed"
	"$here/skipped" "$dir/output" "$dir/Testing/Temporary/LastTest.log" >"$dir/told"
}

told && wrong "skipped tests, and the status is 0"
diff "$dir/told" - <<'END' || bad=1
skipped: no-tool: there is no tool
skipped: silent: it gave no reason
END
echo 'no-tool: there is no tool' >"$dir/allowed"
"$here/skipped" "$dir/output" "$dir/Testing/Temporary/LastTest.log" "$dir/allowed" >"$dir/told" &&
	wrong "one skipped test is allowed, and the other passes with it"
echo 'silent: it gave no reason' >>"$dir/allowed"
"$here/skipped" "$dir/output" "$dir/Testing/Temporary/LastTest.log" "$dir/allowed" >"$dir/told" ||
	wrong "what is allowed is not"
told -R 'runs|speaks' || wrong "nothing was skipped, and the status is not 0"
[ -s "$dir/told" ] && wrong "nothing was skipped, and something is told"
# ── etc/demo/lib.sh, in a checkout of its own ────────────────────────────────────────────────
lib=$here/../etc/demo/lib.sh
mkdir -p "$dir/checkout/etc/packages"
printf '# what the test needs\nno-such-package\nnor-this-one\n' >"$dir/checkout/etc/packages/some"

# in_checkout COMMAND…: with lib.sh sourced, and apt-get a stand-in; what is said goes to $dir/said.
in_checkout()
{
	(
		set -euo pipefail
		top=$dir/checkout
		. "$lib"
		as_root() { "$@"; }
		env() { "${@:2}"; }
		apt-get()
		{
			echo "apt-get $*" >>"$dir/calls"
			case $* in
			*update) [ ! -e "$dir/broken-index" ] ;;
			*-s*) [ ! -e "$dir/unknown" ] || { echo "E: Unable to locate package no-such-package" && return 100; }
				printf 'Inst no-such-package (1 Debian)\nInst libold [1] (2 Debian)\n' ;;
			esac
		}
		"$@"
	) >"$dir/said" 2>&1
}

said()
{
	grep -qE -- "$1" "$dir/said" || wrong "nothing is said that matches '$1', but: $(cat "$dir/said")"
}

in_checkout install_packages some || wrong "packages are not installed"
said 'installing no-such-package$'
said 'need newer versions of libold'
grep -q 'apt-get .*--no-upgrade .*install no-such-package nor-this-one' "$dir/calls" || wrong "not what was missing"
touch "$dir/broken-index"
in_checkout install_packages some || wrong "a broken index of another repository ends it"
said 'not all indexes'
touch "$dir/unknown"
in_checkout install_packages some && wrong "a package that is not to be had, and the status is 0"
said 'Unable to locate package no-such-package'
rm "$dir/calls"
echo bash >"$dir/checkout/etc/packages/some"
in_checkout install_packages some || wrong "what is installed is not enough"
[ ! -e "$dir/calls" ] || wrong "apt-get was called for nothing"

in_checkout need_space 1 'a line' || wrong "no space for a line"
in_checkout need_space 999999999 'a disk' && wrong "more space than any disk has"
said 'a disk takes up to 999999999 MiB, and .* has [0-9]+ MiB left'

build=$dir/checkout/build/release
mkdir -p "$build"
printf '# For build in directory: %s\nCMAKE_HOME_DIRECTORY:INTERNAL=%s\n' "$build" "$dir/checkout" >"$build/CMakeCache.txt"
in_checkout forget_moved_build "$build"
[ -d "$build" ] || wrong "a build folder that is in its place is removed"
printf '# For build in directory: %s\nCMAKE_HOME_DIRECTORY:INTERNAL=/elsewhere\n' /elsewhere/build >"$build/CMakeCache.txt"
in_checkout forget_moved_build "$build"
[ ! -d "$build" ] || wrong "a build folder that was moved is kept"
said 'was made in /elsewhere'

in_checkout run_logged "$dir/log" sh -c 'seq 100; echo "x.c:3:1: error: no such thing"; seq 200; exit 1' &&
	wrong "a command that failed, and the status is 0"
said 'x.c:3:1: error: no such thing'
[ "$(wc -l <"$dir/said")" -le 42 ] || wrong "more than one can read of an error"

cat >"$dir/wait" <<END
top=$dir/checkout
. $lib
echo ready
while :; do sleep 0.1; done
END
mkfifo "$dir/ready"
# Started in the background, a shell ignores SIGINT; perl gives it back.
perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' bash "$dir/wait" >"$dir/ready" 2>"$dir/said" &
read -r _ <"$dir/ready"
kill -INT $!
wait $!
[ $? = 130 ] || wrong "Ctrl-C: another status than 130"
said ': interrupted$'
exit $bad
