/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker process: born with nothing but its control socket, held back until its cgroup is there,
 * then executed. If the daemon dies before it lets go, so does the process.
 */
#ifndef VMMS_WORKER_SPAWN_H
#define VMMS_WORKER_SPAWN_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macros.h"
#include "config/domain.h"

struct spawn_request {
	const char *program;
	const char *uuid;
	const char *root_dir;  /* an empty directory to mount the worker's root on */
	int listener;          /* becomes descriptor 3; stays the caller's here */
	uint32_t uid;          /* and gid */
	uint64_t locked_bytes; /* that it may lock: the guest's memory */
	bool sandbox;          /* namespaces and uid; otherwise it runs as the daemon does */
};

struct spawn_result {
	pid_t pid;
	int pidfd;
	int go; /* write a byte and the nonce (32 hex digits) to let it run; close to make it end */
	/* For spawn_empty_root(); had now, while the process has no user of its own. -1: no sandbox */
	int mount_namespace;
	uint64_t start_time;
};

/* -errno; of what fails in the child only its early end is seen. */
int must_check spawn_worker(const struct spawn_request *request, struct spawn_result *ret);

/* Field 22 of /proc/PID/stat: with it a pid means one process only. */
int must_check spawn_start_time(pid_t pid, uint64_t *ret);

/*
 * Takes the program's files, which a started worker needs no longer, out of its mount namespace:
 * its root is empty when the process that does it has ended. A failure of that is logged.
 */
int must_check spawn_empty_root(int mount_namespace, struct ev_loop *loop,
				const struct domain *config);

#endif
