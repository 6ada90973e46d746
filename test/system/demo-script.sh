#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What ./demo promises about scripts: output unmixed, exit status, carried files; on the bare
# machine, so that it stands by itself.
. "$(dirname "$0")/lib.sh"
mkdir -p "$test_dir/folder/deep"
echo 'in a folder' >"$test_dir/folder/deep/file name"
head -c 300000 /dev/urandom >"$test_dir/data"

guest --without-hypervisor --carry "$test_dir/folder" --carry "$test_dir/data" <<'EOF'
cat '/carry/folder/deep/file name'
sha256sum </carry/data
id -u
echo 'to standard error' >&2
echo 'to /dev/stderr' >/dev/stderr
sleep 1000 &
exit 77
EOF
expect_status 77
{
	echo 'in a folder'
	sha256sum <"$test_dir/data"
	echo 0
} | cmp - "$out" || fail "standard output differs"
tail -n 2 "$err" | cmp - <(printf 'to standard error\nto /dev/stderr\n') || fail "standard error differs"

guest --without-hypervisor --direct <<'EOF'
#!/usr/bin/perl
$| = 1;
print "a script in another language\n";
kill 'KILL', $$;
EOF
expect_status 137
echo 'a script in another language' | cmp - "$out" || fail "standard output differs"
