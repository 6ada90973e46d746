/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine on the fake backend with an owner that takes notes. */
#ifndef MACHINE_BENCH_H
#define MACHINE_BENCH_H

#include "machine/machine.h"
#include "vid/fake.h"

struct bench {
	struct vid_partition *partition;
	struct machine machine;
	struct machine_config config;
	struct machine_error error;
	enum vdev_event events[8];
	unsigned int event_count;
	unsigned int intr_count;
	uint64_t deadline;
	char serial[64];
	size_t serial_size;
};

/* 64 MiB, one processor, a direct boot of the made-up kernel. Change config, then make it. */
void bench_init(struct bench *b);
int bench_make(struct bench *b);
void bench_fini(struct bench *b);

#endif
