/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An sqlite VFS over the default one whose files fail as they are told: for what the store says of
 * each class of error.
 */
#ifndef VMMS_TEST_FAULT_VFS_H
#define VMMS_TEST_FAULT_VFS_H

#include <sqlite3.h>

#define FAULT_VFS_NAME "fault"

enum fault_point { FAULT_NONE, FAULT_OPEN, FAULT_READ, FAULT_WRITE, FAULT_SYNC, FAULT_LOCK };

static sqlite3_vfs *fault_real, fault_vfs;
/* The database's, with locks; those of other files. */
static sqlite3_io_methods fault_methods[2];
static const sqlite3_io_methods *fault_real_methods[2];
static enum fault_point fault_at;
static int fault_code, fault_errno;

static inline const sqlite3_io_methods *fault_real_of(const sqlite3_file *file)
{
	return fault_real_methods[file->pMethods - fault_methods];
}

static inline int fault_read(sqlite3_file *file, void *buffer, int size, sqlite3_int64 offset)
{
	return fault_at == FAULT_READ ? fault_code
				      : fault_real_of(file)->xRead(file, buffer, size, offset);
}

static inline int fault_write(sqlite3_file *file, const void *buffer, int size,
			      sqlite3_int64 offset)
{
	return fault_at == FAULT_WRITE ? fault_code
				       : fault_real_of(file)->xWrite(file, buffer, size, offset);
}

static inline int fault_sync(sqlite3_file *file, int flags)
{
	return fault_at == FAULT_SYNC ? fault_code : fault_real_of(file)->xSync(file, flags);
}

static inline int fault_lock(sqlite3_file *file, int kind)
{
	return fault_at == FAULT_LOCK ? fault_code : fault_real_of(file)->xLock(file, kind);
}

static inline int fault_control(sqlite3_file *file, int operation, void *argument)
{
	if (fault_at == FAULT_NONE || operation != SQLITE_FCNTL_LAST_ERRNO)
		return fault_real_of(file)->xFileControl(file, operation, argument);
	*(int *)argument = fault_errno;
	return SQLITE_OK;
}

static inline int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
			     int *ret_flags)
{
	int r = fault_at == FAULT_OPEN
			? fault_code
			: fault_real->xOpen(fault_real, name, file, flags, ret_flags);
	int kind;

	if (r != SQLITE_OK) {
		file->pMethods = NULL;
		return r;
	}
	kind = flags & SQLITE_OPEN_MAIN_DB ? 0 : 1;
	fault_real_methods[kind] = file->pMethods;
	fault_methods[kind] = *file->pMethods;
	fault_methods[kind].xRead = fault_read;
	fault_methods[kind].xWrite = fault_write;
	fault_methods[kind].xSync = fault_sync;
	fault_methods[kind].xLock = fault_lock;
	fault_methods[kind].xFileControl = fault_control;
	file->pMethods = &fault_methods[kind];
	return r;
}

static inline int fault_last_error(sqlite3_vfs *vfs, int size, char *text)
{
	return fault_at != FAULT_NONE ? fault_errno
				      : fault_real->xGetLastError(fault_real, size, text);
}

static inline void fault_vfs_register(void)
{
	fault_real = sqlite3_vfs_find(NULL);
	fault_vfs = *fault_real;
	fault_vfs.zName = FAULT_VFS_NAME;
	fault_vfs.xOpen = fault_open;
	fault_vfs.xGetLastError = fault_last_error;
	sqlite3_vfs_register(&fault_vfs, 0);
}

#endif
