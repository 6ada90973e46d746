// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first process of the Linux that test/bench/child.sh starts: says so, with the TSC's value.
 */
#include <stdio.h>
#include <unistd.h>
#include <x86intrin.h>

int main(void)
{
	printf("init %llu\n", (unsigned long long)__rdtsc());
	fflush(stdout);
	for (;;)
		pause();
}
