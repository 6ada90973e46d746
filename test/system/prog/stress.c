// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stress SECONDS FILE ADDRESS PORT: timers and inter-processor interrupts on every processor, a
 * disk and a network load, and all along a comparison of the kernel's clock with the ACPI timer.
 * Ends with status 0 if every load got on and nothing came out wrong.
 */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stress.h"

#define MAX_CPUS      64
#define MAX_DRIFT_PPM 500 /* what time synchronization over a network can still correct */

atomic_bool stress_ending;

void stress_fail(const char *what)
{
	perror(what);
	exit(1);
}

struct load {
	const char *name;
	void *(*run)(void *worker);
	bool every_cpu;
	int n_workers;
	pthread_t threads[MAX_CPUS];
	struct stress_worker workers[MAX_CPUS];
};

static struct load loads[] = {
	{.name = "timers", .run = stress_timers, .every_cpu = true},
	{.name = "ipis", .run = stress_ipis, .every_cpu = true},
	{.name = "disk", .run = stress_disk},
	{.name = "network", .run = stress_network},
};
#define N_LOADS ((int)(sizeof loads / sizeof *loads))

static void start_worker(struct load *load, int i)
{
	pthread_attr_t attributes;
	cpu_set_t cpus;

	pthread_attr_init(&attributes);
	if (load->every_cpu) {
		load->workers[i].cpu = i;
		CPU_ZERO(&cpus);
		CPU_SET(i, &cpus);
		pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus);
	}
	if (pthread_create(&load->threads[i], &attributes, load->run, &load->workers[i]))
		stress_fail("pthread_create");
	pthread_attr_destroy(&attributes);
}

static void start(struct load *load, char **argv)
{
	load->n_workers = load->every_cpu ? (int)sysconf(_SC_NPROCESSORS_ONLN) : 1;
	if (load->n_workers > MAX_CPUS)
		stress_fail("too many processors");
	for (int i = 0; i < load->n_workers; i++) {
		load->workers[i].cpu = -1;
		load->workers[i].argument = load->run == stress_disk ? argv[2] : argv[3];
		load->workers[i].argument2 = argv[4];
		start_worker(load, i);
	}
}

static bool finish(struct load *load)
{
	bool all_worked = true;

	printf("%s:", load->name);
	for (int i = 0; i < load->n_workers; i++) {
		pthread_join(load->threads[i], NULL);
		printf(" %ju", (uintmax_t)load->workers[i].count);
		all_worked &= load->workers[i].count > 0;
	}
	printf("%s\n", all_worked ? "" : " STOOD STILL");
	return all_worked;
}

static bool watch_clock(int seconds)
{
	struct stress_clock first, last, sample;
	double drift;

	stress_clock_open();
	first = last = stress_clock_sample();
	for (int i = 0; i < seconds; i++) {
		sleep(1);
		sample = stress_clock_sample();
		if (sample.raw_ns <= last.raw_ns || sample.monotonic_ns <= last.monotonic_ns)
			stress_fail("the clock went back");
		last = sample;
	}
	drift = stress_clock_drift(&first, &last);
	printf("clock: drift %.1f ppm\n", drift);
	return fabs(drift) < MAX_DRIFT_PPM;
}

int main(int argc, char **argv)
{
	bool good;

	if (argc != 5)
		return 2;
	for (int i = 0; i < N_LOADS; i++)
		start(&loads[i], argv);
	good = watch_clock(atoi(argv[1]));
	stress_ending = true;
	for (int i = 0; i < N_LOADS; i++)
		good &= finish(&loads[i]);
	return good ? 0 : 1;
}
