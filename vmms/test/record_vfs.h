/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An sqlite VFS over the default one that records every change to a file, makes the n-th one fail
 * on request, and can lay down on disk what the first n changes made: the machine that lost power
 * at that moment.
 */
#ifndef VMMS_TEST_RECORD_VFS_H
#define VMMS_TEST_RECORD_VFS_H

#include <stdbool.h>
#include <stddef.h>

#define RECORD_VFS_NAME "record"

void record_vfs_register(void);

/* Forgets the recorded changes and begins anew; without recording, changes just go through. */
void record_vfs_start(void);
void record_vfs_stop(void);
size_t record_vfs_count(void);

/* The n-th write from now on (from 0), and all after it, fail as on a full disk; -1: none do. */
void record_vfs_fail_at(long n);

/*
 * Makes the files `path` and its "-wal" what the first `count` changes left; with `torn`, change
 * number `count` is there to the half.
 */
void record_vfs_lay_down(const char *path, size_t count, bool torn);

#endif
