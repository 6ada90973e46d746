// SPDX-License-Identifier: GPL-2.0-or-later
/* See stress.h. The ACPI timer: ACPI 4.8.3.3; its port is in the FADT at offset 76. */
#include <stdio.h>
#include <sys/io.h>
#include <time.h>

#include "stress.h"

#define FADT             "/sys/firmware/acpi/tables/FACP"
#define FADT_PM_TMR_BLK  76
#define FADT_FLAGS       112
#define FADT_TMR_VAL_EXT (1u << 8)
#define PM_HZ            3579545
#define TRIES            100

static uint16_t port;
static uint32_t mask;

static uint64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint32_t fadt_word(FILE *fadt, long offset)
{
	uint32_t value;

	if (fseek(fadt, offset, SEEK_SET) || fread(&value, sizeof value, 1, fadt) != 1)
		stress_fail("FADT is too short");
	return value;
}

void stress_clock_open(void)
{
	FILE *fadt = fopen(FADT, "r");

	if (!fadt || iopl(3))
		stress_fail("no access to the ACPI timer");
	port = (uint16_t)fadt_word(fadt, FADT_PM_TMR_BLK);
	mask = fadt_word(fadt, FADT_FLAGS) & FADT_TMR_VAL_EXT ? 0xffffffff : 0xffffff;
	fclose(fadt);
}

/* The two clocks cannot be read at once: of many tries, the one whose readings were closest. */
struct stress_clock stress_clock_sample(void)
{
	static uint32_t last;
	static uint64_t ticks;
	static bool begun;
	struct stress_clock best = {};
	uint64_t best_width = UINT64_MAX;
	uint32_t best_pm = 0;

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = now(CLOCK_MONOTONIC_RAW);
		uint32_t pm = inl(port) & mask;
		uint64_t monotonic = now(CLOCK_MONOTONIC);
		uint64_t width = now(CLOCK_MONOTONIC_RAW) - before;

		if (width >= best_width)
			continue;
		best_width = width;
		best_pm = pm;
		best.raw_ns = before + width / 2;
		best.monotonic_ns = monotonic;
	}
	if (begun)
		ticks += (best_pm - last) & mask;
	begun = true;
	last = best_pm;
	best.pm_ticks = ticks;
	return best;
}

double stress_clock_drift(const struct stress_clock *a, const struct stress_clock *b)
{
	double machine = (double)(b->pm_ticks - a->pm_ticks) / PM_HZ;
	double kernel = (double)(b->raw_ns - a->raw_ns) / 1e9;

	return (kernel / machine - 1) * 1e6;
}
