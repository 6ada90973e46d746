# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by the tests on the host and by those in the root partition.

# no_line FILE PATTERN: no line of FILE matches. Fails, too, if FILE cannot be read or PATTERN is none,
# so that what was never written does not pass as clean.
no_line()
{
	local result=0
	grep -E -- "$2" "$1" || result=$?
	[ $result = 1 ]
}
