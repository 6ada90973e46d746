/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recording VFS.
 */
#include "record_vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macros.h"

enum change_kind { CHANGE_WRITE, CHANGE_TRUNCATE, CHANGE_DELETE };

struct change {
	enum change_kind kind;
	bool wal; /* to the write-ahead log rather than the database */
	sqlite3_int64 offset;
	size_t size;
	void *data;
};

struct record_file {
	sqlite3_file base;
	bool wal, database;
	sqlite3_file *real; /* lies behind this struct */
};

static struct change *changes;
static size_t change_count, change_space;
static bool recording;
static long fail_after = -1;
static sqlite3_vfs *real_vfs;

static void record(enum change_kind kind, bool wal, sqlite3_int64 offset, const void *data,
		   size_t size)
{
	struct change *change;

	if (!recording)
		return;
	if (change_count == change_space) {
		change_space = change_space ? 2 * change_space : 256;
		changes = realloc(changes, change_space * sizeof(*changes));
		CHECK(changes);
	}
	change = &changes[change_count++];
	*change = (struct change){kind, wal, offset, size, NULL};
	if (data) {
		change->data = malloc(size);
		CHECK(change->data);
		memcpy(change->data, data, size);
	}
}

static struct record_file *record_file(sqlite3_file *file)
{
	return container_of(file, struct record_file, base);
}

static sqlite3_file *real(sqlite3_file *file)
{
	return record_file(file)->real;
}

static bool disk_full(void)
{
	if (fail_after < 0)
		return false;
	if (fail_after == 0)
		return true;
	fail_after--;
	return false;
}

static int file_close(sqlite3_file *file)
{
	return real(file)->pMethods ? real(file)->pMethods->xClose(real(file)) : SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
	return real(file)->pMethods->xRead(real(file), data, size, offset);
}

static int file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
	struct record_file *f = record_file(file);

	if (disk_full())
		return SQLITE_FULL;
	if (f->wal || f->database)
		record(CHANGE_WRITE, f->wal, offset, data, (size_t)size);
	return f->real->pMethods->xWrite(f->real, data, size, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct record_file *f = record_file(file);

	if (f->wal || f->database)
		record(CHANGE_TRUNCATE, f->wal, size, NULL, 0);
	return f->real->pMethods->xTruncate(f->real, size);
}

/* The order of writes is what the tests replay; waiting for a disk would add nothing. */
static int file_sync(sqlite3_file *file, int flags)
{
	return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real(file)->pMethods->xFileSize(real(file), size);
}

static int file_lock(sqlite3_file *file, int lock)
{
	return real(file)->pMethods->xLock(real(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock)
{
	return real(file)->pMethods->xUnlock(real(file), lock);
}

static int file_check_reserved(sqlite3_file *file, int *out)
{
	return real(file)->pMethods->xCheckReservedLock(real(file), out);
}

static int file_control(sqlite3_file *file, int op, void *argument)
{
	return real(file)->pMethods->xFileControl(real(file), op, argument);
}

static int file_sector_size(sqlite3_file *file)
{
	return real(file)->pMethods->xSectorSize(real(file));
}

static int file_characteristics(sqlite3_file *file)
{
	return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

/* Version 1: no shared memory, which a log in exclusive mode does without. */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
};

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
		    int *out_flags)
{
	struct record_file *f = record_file(file);
	int r;

	memset(f, 0, sizeof(*f));
	f->real = (sqlite3_file *)(void *)(f + 1);
	f->wal = flags & SQLITE_OPEN_WAL;
	f->database = flags & SQLITE_OPEN_MAIN_DB;
	r = real_vfs->xOpen(real_vfs, name, f->real, flags, out_flags);
	file->pMethods = f->real->pMethods ? &methods : NULL;
	return r;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	size_t length = strlen(name);

	if (length > 4 && strcmp(name + length - 4, "-wal") == 0)
		record(CHANGE_DELETE, true, 0, NULL, 0);
	return real_vfs->xDelete(real_vfs, name, 0);
}

void record_vfs_register(void)
{
	static sqlite3_vfs vfs;

	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = RECORD_VFS_NAME;
	vfs.szOsFile = (int)sizeof(struct record_file) + real_vfs->szOsFile;
	vfs.xOpen = vfs_open;
	vfs.xDelete = vfs_delete;
	CHECK(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}

void record_vfs_start(void)
{
	for (size_t i = 0; i < change_count; i++)
		free(changes[i].data);
	change_count = 0;
	recording = true;
}

void record_vfs_stop(void)
{
	recording = false;
}

size_t record_vfs_count(void)
{
	return change_count;
}

void record_vfs_fail_at(long n)
{
	fail_after = n;
}

static void apply(const struct change *change, const char *path, size_t size)
{
	_cleanup_close_ int fd = -1;

	if (change->kind == CHANGE_DELETE) {
		unlink(path);
		return;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	if (change->kind == CHANGE_TRUNCATE)
		CHECK(ftruncate(fd, change->offset) == 0);
	else
		CHECK(fd_pwrite_full(fd, change->data, size, (uint64_t)change->offset) == 0);
}

void record_vfs_lay_down(const char *path, size_t count, bool torn)
{
	char wal[256];

	snprintf(wal, sizeof(wal), "%s-wal", path);
	unlink(path);
	unlink(wal);
	for (size_t i = 0; i < count; i++)
		apply(&changes[i], changes[i].wal ? wal : path, changes[i].size);
	if (torn && count < change_count && changes[count].kind == CHANGE_WRITE)
		apply(&changes[count], changes[count].wal ? wal : path, changes[count].size / 2);
}
