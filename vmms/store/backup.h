/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of the inventory: made while the daemon runs, put back while it does not.
 */
#ifndef VMMS_STORE_BACKUP_H
#define VMMS_STORE_BACKUP_H

#include "store/store.h"

/*
 * The whole inventory as it is now, by sqlite's online backup, as one database file in memory (a
 * sealed memfd); *ret_fd is at its beginning. With a queue (queue.h): on its thread.
 */
int must_check store_backup(struct store *store, int *ret_fd, struct vm_error *err);

struct store_restored {
	char *kept;       /* where the inventory from before is now; NULL: there was none */
	size_t vms;       /* that are in the inventory now */
	size_t abandoned; /* worker processes of machines that are not, and were before */
};

/*
 * Makes `from`, a backup, the inventory at `path`, which no daemon may have open. The backup is
 * checked and brought to this version's schema first, and takes over what the inventory in place
 * knows of running workers, if that can be read. On failure the inventory in place stays.
 */
int must_check store_restore(const char *from, const char *path, struct store_restored *ret,
			     struct vm_error *err);
void store_restored_free(struct store_restored *restored);

#endif
