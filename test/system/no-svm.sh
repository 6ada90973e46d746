#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A processor that cannot carry the hypervisor: it says what is missing, and Debian starts bare.
. "$(dirname "$0")/lib.sh"

# starts_bare FEATURES PATTERN
starts_bare()
{
	guest --cpu-features "$1" <<<'dmesg'
	expect_status 0
	expect "$log" "^keelson \\| .*$2"
	expect_no "$out" 'Hypervisor detected: Microsoft'
	expect_healthy_kernel
}

starts_bare svm=off 'no SVM'
starts_bare npt=off 'nested paging'
