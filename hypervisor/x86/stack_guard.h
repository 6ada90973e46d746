/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The value that each function with an array puts between that and its return address. One for all
 * processors, another at each boot; its lowest byte is 0, where a string that runs over ends.
 */
#pragma once

#include "x86/asm.h"

#define STACK_GUARD_BUILT 0x595e9fbd94fda766ull
#define CPUID_1_RDRAND    BIT(30) /* ECX */
#define RDRAND_TRIES      10      /* more is a broken processor (SDM 1 7.3.17.1) */

extern u64 __stack_chk_guard;

/*
 * Without RDRAND there is the time since power-up, of which an attacker from a guest knows the upper
 * bits. Inline, and called by what never returns: no function may begin with one value and end with
 * another.
 */
static inline __attribute__((always_inline)) void stack_guard_init(void)
{
	u64 random = 0;
	u32 leaf[4];
	bool ok = false;

	cpuid(1, 0, leaf);
	for (u32 i = 0; (leaf[2] & CPUID_1_RDRAND) && !ok && i < RDRAND_TRIES; i++)
		__asm__ volatile("rdrand %0; setc %1" : "=r"(random), "=qm"(ok) : : "cc");
	if (!ok)
		random = 0;
	__stack_chk_guard =
		(STACK_GUARD_BUILT ^ random ^ rdtsc() * 0x9e3779b97f4a7c15ull) & ~0xffull;
}
