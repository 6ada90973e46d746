/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Partition reference time, in 100 ns (TLFS 12.4, 12.7): the TSC, scaled, plus an offset. */
#pragma once

#include "core/types.h"

struct partition;

#define REFTIME_HZ  10000000ull
#define REFTIME_MAX (BIT(63) - 1) /* 29,000 years */

/* Once, after arch_tsc_hz() is known (above 10 MHz). */
void reftime_init(void);

/*
 * Reference time of a partition now, and the processor's TSC at which it will be `time` (0: long
 * past; TIMER_NEVER: further off than the counter reaches).
 */
u64 reftime_now(const struct partition *p);
u64 reftime_to_tsc(const struct partition *p, u64 time);

/* From now on the partition's time is `time` (and counts). At most REFTIME_MAX. */
void reftime_set(struct partition *p, u64 time);

/* Writes the reference TSC page of `p` at `page`, for guests whose TSC is offset by tsc_offset. */
void reftime_write_page(const struct partition *p, u64 tsc_offset, void *page);
