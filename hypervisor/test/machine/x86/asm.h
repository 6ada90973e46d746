/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands in for x86/asm.h where a test is the machine: it implements what is declared here. */
#pragma once

#include "core/types.h"

u64 rdmsr(u32 msr);
int rdmsr_safe(u32 msr, u64 *ret_value);
void wrmsr(u32 msr, u64 value);
void cpuid(u32 leaf, u32 sub, u32 out[4]);

enum vector { VECTOR_TIMER = 0xf8, VECTOR_KICK, VECTOR_SPURIOUS = 0xff };
