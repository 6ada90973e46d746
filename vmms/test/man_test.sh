#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The manual pages: groff has nothing to say against them, and no verb, option, setting of vmms.conf
# or setting of machines is missing. Usage: man_test.sh BUILD-DIRECTORY-OF-VMMS TOP
BUILD=$1 TOP=$2
command -v groff >/dev/null || { echo "skipped: groff is not installed" && exit 77; }
status=0
page_text=$(mktemp)
trap 'rm -f "$page_text"' EXIT

fail()
{
	echo "FAILED: $*"
	status=1
}

plain()
{
	groff -man -rHY=0 -rLL=500n -Tascii -P-cbou "$TOP/doc/man/$1"
}

for page in "$TOP"/doc/man/*; do
	said=$(groff -man -ww -rCHECKSTYLE=3 -z -Tutf8 "$page" 2>&1)
	[ -z "$said" ] || fail "$page: $said"
done

plain vmctl.1 >"$page_text"
for verb in $("$BUILD/vmctl" complete-words verbs); do
	grep -qw -- "$verb" "$page_text" || fail "vmctl.1 does not tell of $verb"
	"$BUILD/vmctl" help "$verb" | grep -q "^Usage: vmctl .* $verb" || fail "vmctl help $verb"
	for option in $("$BUILD/vmctl" help "$verb" | grep -oE -- '--[a-z][a-z-]+' | sort -u); do
		grep -q -- "$option" "$page_text" || fail "vmctl.1 does not tell of $verb $option"
	done
done
for key in $(sed -n 's/^# \([A-Za-z]*\)=.*/\1/p' "$TOP/etc/vmms/vmms.conf"); do
	plain vmms.conf.5 | grep -qw "$key" || fail "vmms.conf.5 does not tell of $key"
	grep -q "\"$key\"" "$TOP/vmms/daemon/settings.c" || fail "vmms does not know $key"
done
exit $status
