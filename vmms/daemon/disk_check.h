/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the disks of a configuration can be what it says, before it is taken: they are there, are
 * files or block devices, are raw, are nobody else's, and the host does not use them.
 */
#ifndef VMMS_DAEMON_DISK_CHECK_H
#define VMMS_DAEMON_DISK_CHECK_H

#include "daemon/reserve.h"

enum disk_check_kind {
	DISK_CHECK_THERE, /* it must be there */
	DISK_CHECK_MADE,  /* it will be made: only that it is nobody else's */
	DISK_CHECK_KNOWN, /* it was looked at before: only that it is nobody else's */
	DISK_CHECK_NONE,  /* nothing about it changes */
};

struct disk_check {
	struct domain *config; /* a copy */
	enum disk_check_kind kinds[DOMAIN_MAX_DISKS];
	bool boot_files; /* kernel and initrd must be there */
	struct disk_uses others;
};

/* Asks the file system, on a task's thread. */
int must_check disk_check_run(const struct disk_check *check, struct vm_error *err);
void disk_check_fini(struct disk_check *check);

/*
 * Looks at the disks of `config` that `vm` (NULL: a new machine) does not have already, on a thread,
 * and calls `done` in the loop; `config` then says of each what it is. It is the caller's and must
 * stay until then.
 */
int must_check disk_check_begin(struct manager *manager, const struct vm *vm, struct domain *config,
				vm_done_fn *done, void *data, struct vm_error *err);
#endif
