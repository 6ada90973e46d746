/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query_storm N: asks the daemon N times, one question after the other, over one connection, and
 * prints the least, the median and the longest time of an answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "base/macros.h"
#include "bus/names.h"

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The questions that clients ask most: all machines, the host, jobs. */
static const char *question(int n)
{
	static const char *const members[] = {"ListVMs", "GetHost", "ListJobs"};

	return members[n % 3];
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0;
	double *ms = calloc((size_t)MAX(count, 1), sizeof(*ms));
	sd_bus *bus = NULL;

	if (count < 1 || !ms || sd_bus_open_system(&bus) < 0) {
		fprintf(stderr, "Usage: %s NUMBER\n", argv[0]);
		return EXIT_FAILURE;
	}
	for (int i = 0; i < count; i++) {
		sd_bus_error error = SD_BUS_ERROR_NULL;
		double begun = now_ms();
		int r = sd_bus_call_method(bus, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE,
					   question(i), &error, NULL, "");

		if (r < 0) {
			fprintf(stderr, "%s: %s\n", question(i),
				error.message ? error.message : strerror(-r));
			return EXIT_FAILURE;
		}
		ms[i] = now_ms() - begun;
	}
	qsort(ms, (size_t)count, sizeof(*ms), compare);
	printf("%.2f ms least, %.2f ms median, %.2f ms most of %d\n", ms[0], ms[count / 2],
	       ms[count - 1], count);
	free(ms);
	sd_bus_flush_close_unref(bus);
	return EXIT_SUCCESS;
}
