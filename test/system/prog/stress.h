/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the stress program share. Each load is a thread's function that works until
 * stress_ending, counts what it did in its worker, and ends the whole program by stress_fail where
 * something came out wrong.
 */
#ifndef STRESS_H
#define STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct stress_worker {
	int cpu;               /* pinned to it; -1: wherever */
	const char *argument;  /* of the disk load its file, of the network load ADDRESS */
	const char *argument2; /* of the network load its port */
	uint64_t count;        /* what it did so far */
};

extern atomic_bool stress_ending;

_Noreturn void stress_fail(const char *what);

/* Deadlines that must not be met early: counts them. */
void *stress_timers(void *worker);
/* Membarriers, each an interrupt for every other processor that runs us: counts them. */
void *stress_ipis(void *worker);
/* Blocks written past the page cache, read back and compared: counts them. */
void *stress_disk(void *worker);
/* Blocks sent to an echo service and compared with what comes back: counts them. */
void *stress_network(void *worker);

/* The kernel's clock and the ACPI timer, which are to go at the same pace. */
struct stress_clock {
	uint64_t raw_ns;       /* CLOCK_MONOTONIC_RAW */
	uint64_t monotonic_ns; /* CLOCK_MONOTONIC */
	uint64_t pm_ticks;     /* since the first sample; 3.579545 MHz */
};

/* Finds the ACPI timer. Then a sample at least every four seconds, which is how long it counts. */
void stress_clock_open(void);
struct stress_clock stress_clock_sample(void);
/* Parts per million that the kernel's clock is fast, from @a to @b. */
double stress_clock_drift(const struct stress_clock *a, const struct stress_clock *b);

#endif
