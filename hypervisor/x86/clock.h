/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frequencies of the TSC and of the local APIC timer, measured once against the ACPI
 * power-management timer.
 */
#pragma once

#include "core/types.h"

/* Takes 50 ms. The boot processor, its APIC enabled. */
void clock_measure(void);

/* TSC-based delay. */
void clock_delay_us(u32 us);

extern u64 clock_tsc_hz;
extern u64 clock_apic_hz;
extern u64 clock_ticks_per_tsc; /* APIC timer ticks per TSC tick, 32.32 fixed point */
