/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening what a machine's configuration names, with errors for people.
 */
#ifndef VMMS_DAEMON_DISK_OPEN_H
#define VMMS_DAEMON_DISK_OPEN_H

#include <stdbool.h>

#include "base/macros.h"
#include "model/error.h"

/*
 * A regular file or block device. For writing, a block device is opened exclusively (open(2),
 * O_EXCL), which the kernel refuses while the host uses it and which keeps the host from using it
 * later; and a file that is a loop device's or swap is refused. The error names who holds it.
 * `what` is "disk", "kernel", ….
 */
int must_check disk_open(const char *machine, const char *what, const char *path, bool write,
			 int *ret, struct vm_error *err);

/* Only the question whether the host uses what `fd` is, as far as can be told without opening it. */
int must_check disk_unused(const char *machine, const char *what, const char *path, int fd,
			   struct vm_error *err);

/* What kept `path` from being opened, and what to do about it. */
int disk_open_failed(const char *machine, const char *what, const char *path, int error,
		     struct vm_error *err);

#endif
