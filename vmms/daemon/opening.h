/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening the files of machines on a thread: an open() may wait for a network file system, or a
 * server that is gone, for ever.
 *
 * The thread sees a copy of the configuration and of the networks, and the settings, which do not
 * change. What it opens is closed where nobody wants it any more.
 */
#ifndef VMMS_DAEMON_OPENING_H
#define VMMS_DAEMON_OPENING_H

#include "daemon/vm.h"

struct opening;

/* Opens all that a machine is made of. `done` takes `files` over; it is NULL where `err` is not. */
int must_check opening_begin(struct vm *vm,
			     void (*done)(struct vm *vm, struct vm_files *files,
					  const struct vm_error *err),
			     struct opening **ret);
/*
 * Opens a CD's file. `done` takes the descriptor over; it is negative where `err` is not NULL. `vm` is
 * NULL for a machine that has been deleted meanwhile.
 */
int must_check opening_begin_medium(struct vm *vm, const char *path,
				    void (*done)(void *data, struct vm *vm, int fd,
						 const struct vm_error *err),
				    void *data);

/* `done` is not called any more. Returns NULL. */
struct opening *opening_abandon(struct opening *opening);

/*
 * At the daemon's end: calls nothing any more. Returns false if a thread still waits for a file at
 * `until`; what it sees must stay then.
 */
bool must_check opening_end_all(struct manager *manager, const struct timespec *until);

#endif
