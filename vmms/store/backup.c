/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon alone may have the file open (locking_mode EXCLUSIVE), so it makes the copy itself. The
 * way back replaces the file by a rename, after everything that can fail.
 */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "store/sql.h"

DEFINE_CLEANUP(struct store *, store_close, cleanup_store);
#define _cleanup_store_ _cleanup_(cleanup_store)

/* ── out ───────────────────────────────────────────────────────────────────────────────────── */

struct backup_call {
	struct store *store;
	unsigned char *image;
	sqlite3_int64 size;
	int fd;
	struct vm_error *err;
};

static int copy_pages(struct backup_call *call, sqlite3 *copy)
{
	sqlite3_backup *backup = sqlite3_backup_init(copy, "main", call->store->db, "main");

	if (!backup)
		return vm_error_set(call->err, VM_ERROR_STORE, "The inventory cannot be copied: %s",
				    sqlite3_errmsg(copy));
	sqlite3_backup_step(backup, -1);
	if (sqlite3_backup_finish(backup) != SQLITE_OK)
		return sql_failed(call->store, copy, call->err);
	call->image = sqlite3_serialize(copy, "main", &call->size, 0);
	if (!call->image || call->size < 100)
		return vm_error_set(call->err, VM_ERROR_NO_MEMORY, "Out of memory");
	/* One file is all there is of it: no write-ahead log (file format, 1.3.3). */
	call->image[18] = call->image[19] = 1;
	return 0;
}

static int write_image(struct backup_call *call)
{
	_cleanup_close_ int fd = memfd_create("vmms-backup", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = fd < 0 ? -errno : fd_write_full(fd, call->image, (size_t)call->size);

	if (r == 0 &&
	    (lseek(fd, 0, SEEK_SET) < 0 ||
	     fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0))
		r = -errno;
	if (r < 0)
		return vm_error_set_errno(call->err, VM_ERROR_STORE, -r,
					  "The copy of the inventory cannot be held in memory");
	call->fd = TAKE_FD(fd);
	return 0;
}

int store_backup(struct store *store, int *ret_fd, struct vm_error *err)
{
	struct backup_call call = {.store = store, .fd = -1, .err = err};
	sqlite3 *copy = NULL;
	int r;

	if (sqlite3_open_v2(":memory:", &copy,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) == SQLITE_OK)
		r = copy_pages(&call, copy);
	else
		r = vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	sqlite3_close(copy);
	if (r == 0)
		r = write_image(&call);
	sqlite3_free(call.image);
	if (r == 0)
		*ret_fd = call.fd;
	return r;
}

/* ── back ──────────────────────────────────────────────────────────────────────────────────── */

static int copy_file(const char *from, const char *to, struct vm_error *err)
{
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
	char buffer[65536];
	struct stat st;
	ssize_t n = 0;

	if (in < 0 || fstat(in, &st) < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, errno, "The backup %s", from);
	if (!S_ISREG(st.st_mode))
		return vm_error_set(err, VM_ERROR_FILE, "The backup %s is no regular file", from);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, errno, "%s", to);
	while ((n = read(in, buffer, sizeof(buffer))) > 0) {
		int r = fd_write_full(out, buffer, (size_t)n);

		if (r < 0)
			return vm_error_set_errno(err, VM_ERROR_FILE, -r, "%s", to);
	}
	if (n < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, errno, "The backup %s", from);
	return fsync(out) < 0 ? vm_error_set_errno(err, VM_ERROR_FILE, errno, "%s", to) : 0;
}

static int count_vm(void *data, const struct store_vm *vm)
{
	(*(size_t *)data)++;
	return 0;
}

struct keeping {
	struct store *restored;
	size_t abandoned;
};

/* The row of a machine that the backup does not know cannot be kept: it refers to one. */
static int keep_worker(void *data, const struct store_worker *worker)
{
	struct keeping *keeping = data;
	struct vm_error err = {0};

	if (store_worker_put(keeping->restored, worker, &err) < 0)
		keeping->abandoned++;
	return 0;
}

static int keep_workers(const char *path, struct store *restored, struct store_restored *ret,
			struct vm_error *err)
{
	_cleanup_store_ struct store *old = NULL;
	struct keeping keeping = {.restored = restored};
	struct vm_error why = {0};
	int r = store_open_existing(path, &old, &why);

	if (r == -EBUSY)
		return vm_error_set(err, VM_ERROR_BUSY,
				    "The service has to be stopped first ('systemctl stop vmms'; "
				    "machines run on). %s",
				    why.text);
	/* Whatever else keeps it from being read is why somebody restores. */
	if (r == 0)
		r = store_worker_each(old, keep_worker, &keeping, &why);
	if (r == 0)
		ret->abandoned = keeping.abandoned;
	return 0;
}

static int prepare(const char *from, const char *path, const char *new, struct store_restored *ret,
		   struct vm_error *err)
{
	_cleanup_store_ struct store *store = NULL;
	struct vm_error why = {0};
	int r = copy_file(from, new, err);

	if (r < 0)
		return r;
	if (store_open_existing(new, &store, &why) < 0)
		return vm_error_set(err, VM_ERROR_STORE, "%s is no backup that can be used: %s",
				    from, why.text);
	r = store_vm_each(store, count_vm, &ret->vms, err);
	return r == 0 ? keep_workers(path, store, ret, err) : r;
}

/* A log that a damaged file was left with must not be taken for the new one's. */
static int move_log(const char *path, const char *kept, const char *suffix, struct vm_error *err)
{
	_cleanup_free_ char *from = NULL, *to = NULL;

	if (asprintf(&from, "%s%s", path, suffix) < 0 || asprintf(&to, "%s%s", kept, suffix) < 0)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	if (rename(from, to) < 0 && errno != ENOENT)
		return vm_error_set_errno(err, VM_ERROR_FILE, errno, "%s", from);
	return 0;
}

/* Links `path` to a name that says when; -EEXIST where another one of this second has it. */
static int link_old(const char *path, long long second, unsigned int number, char **ret_kept)
{
	if (asprintf(ret_kept, "%s.before-restore-%lld-%u", path, second, number) < 0) {
		*ret_kept = NULL;
		return -ENOMEM;
	}
	return link(path, *ret_kept) < 0 ? -errno : 0;
}

/* A second name for what is in place, which the rename then takes the first from. */
static int keep_old(const char *path, struct store_restored *ret, struct vm_error *err)
{
	struct timespec now;
	int r = -EEXIST;

	clock_gettime(CLOCK_REALTIME, &now);
	for (unsigned int number = 1; r == -EEXIST && number < 1000; number++) {
		store_restored_free(ret);
		r = link_old(path, (long long)now.tv_sec, number, &ret->kept);
	}
	if (r == -ENOENT) {
		store_restored_free(ret);
		return 0;
	}
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, -r, "%s cannot be kept", path);
	r = move_log(path, ret->kept, "-wal", err);
	return r == 0 ? move_log(path, ret->kept, "-shm", err) : r;
}

static int put_in_place(const char *new, const char *path, struct store_restored *ret,
			struct vm_error *err)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int directory = -1;
	int r;

	if (!copy)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	r = keep_old(path, ret, err);
	if (r < 0)
		return r;
	if (rename(new, path) < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, errno, "%s", path);
	directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 || fsync(directory) < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, errno, "%s", path);
	return 0;
}

int store_restore(const char *from, const char *path, struct store_restored *ret,
		  struct vm_error *err)
{
	struct store_restored restored = {0};
	_cleanup_free_ char *new = NULL;
	int r;

	if (asprintf(&new, "%s.restoring", path) < 0) {
		new = NULL;
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	r = prepare(from, path, new, &restored, err);
	if (r == 0)
		r = put_in_place(new, path, &restored, err);
	if (r < 0) {
		unlink(new);
		store_restored_free(&restored);
		return r;
	}
	*ret = restored;
	return 0;
}

void store_restored_free(struct store_restored *restored)
{
	free(restored->kept);
	restored->kept = NULL;
}
