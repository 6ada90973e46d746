/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is spoken for: names, UUIDs, uids and files of machines that a job is making, changing or
 * removing, from the job's beginning to its end. And a list of who names which file, for a thread
 * to compare.
 */
#ifndef VMMS_DAEMON_RESERVE_H
#define VMMS_DAEMON_RESERVE_H

#include "daemon/vm.h"

struct disk_use {
	char *path;
	char *user; /* "machine web", for people */
	bool readonly;
};

struct disk_uses {
	size_t count;
	struct disk_use *items;
};

struct reservation {
	struct reservation *next;
	struct manager *manager;
	char *name; /* of the machine to be; NULL: no name is spoken for */
	char uuid[37];
	uint32_t uid; /* 0: none */
	char *user;   /* "machine web, which is just being made" */
	struct disk_uses files;
};

/* `making`: the name, UUID and uid are spoken for, too. NULL: out of memory. */
struct reservation *reserve(struct manager *manager, const struct domain *config, uint32_t uid,
			    bool making, const char *doing);
/* Another file, for writing. */
int must_check reserve_file(struct reservation *reservation, const char *path);
/* Takes NULL. */
struct reservation *reservation_end(struct reservation *reservation);

bool reserved_uid(const struct manager *manager, uint32_t uid);
/* Of a machine that is being made: its reservation, or NULL. */
const struct reservation *reserved_name(const struct manager *manager, const char *name);
const struct reservation *reserved_uuid(const struct manager *manager, const char *uuid);

/*
 * Every file that a machine other than `except` names, or that is reserved by another than `own`:
 * copies, for a thread. Either may be NULL.
 */
int must_check disk_uses_of_others(const struct manager *manager, const struct vm *except,
				   const struct reservation *own, struct disk_uses *ret);
void disk_uses_free(struct disk_uses *uses);

#endif
