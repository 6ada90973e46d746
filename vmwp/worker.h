/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker as a program: from a configuration to a running machine and to an exit status. The
 * thread that calls worker_run() becomes the loop's.
 */
#ifndef VMWP_WORKER_H
#define VMWP_WORKER_H

#include <stdbool.h>

#include "config.h"

struct vid_partition;

/* How a worker ends. The reason is the last line of its log. */
enum worker_status {
	WORKER_OFF = 0,          /* the guest turned itself off, or SIGTERM came */
	WORKER_BAD_START = 1,    /* configuration, files or memory do not make a machine */
	WORKER_CRASHED = 2,      /* triple fault, where that ends the worker */
	WORKER_HOST_ERROR = 3,   /* the machine could not go on */
	WORKER_RESET_WANTED = 4, /* the guest reset itself, where that ends the worker */
};

struct worker_options {
	bool sandbox;
};

/*
 * Makes the machine of `config` in `partition` and runs it to its end. Descriptors of the
 * configuration are taken over. The partition stays the caller's.
 */
enum worker_status worker_run(const struct config *config, struct vid_partition *partition,
			      const struct worker_options *options);

/*
 * A program's main(): parses the words, opens the partition by `open_partition` (0 or -errno), runs.
 */
int worker_main(int count, char *const *words,
		int (*open_partition)(int fd, struct vid_partition **ret_partition),
		const struct worker_options *options);

#endif
