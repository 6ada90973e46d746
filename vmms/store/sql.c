/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements, parameters and what sqlite says when they fail.
 */
#include "store/sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static void finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

static int locked(const struct store *store, struct vm_error *err)
{
	(void)vm_error_set(err, VM_ERROR_STORE,
			   "The inventory %s is in use by another process, another vmms or a "
			   "backup program ('fuser -v %s' names it)",
			   store->path, store->path);
	return -EBUSY;
}

static int full(const struct store *store, struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_STORE,
			    "The disk under %s is full; nothing was changed. Free some space and "
			    "try again",
			    store->path);
}

static int not_writable(const struct store *store, int errnum, struct vm_error *err)
{
	return vm_error_set_errno(
		err, VM_ERROR_STORE, errnum,
		"The inventory %s cannot be written, and nothing was changed: its "
		"file system is read-only, or the service may not write there",
		store->path);
}

static int io_error(const struct store *store, int errnum, const char *what, struct vm_error *err)
{
	return vm_error_set_errno(err, VM_ERROR_STORE, errnum,
				  "The inventory %s cannot be read or written (%s); nothing was "
				  "changed. That is the disk or file system ('journalctl -k' tells "
				  "more); a backup can be restored on another one (vmms(8))",
				  store->path, what);
}

int sql_damaged(const struct store *store, const char *what, struct vm_error *err)
{
	return vm_error_set(
		err, VM_ERROR_STORE,
		"The inventory %s is damaged (%s) and was left as it is. Restore a "
		"backup ('vmms --restore-config FILE'), or move it away and define the "
		"machines again from their XML; no running machine is touched meanwhile",
		store->path, what);
}

/*
 * What the system said, where sqlite kept it: for opens in the connection, for reads and writes in
 * the file, which of a commit is the write-ahead log. 0: unknown.
 */
static int system_errno(sqlite3 *db, int code)
{
	int errnum = sqlite3_system_errno(db);
	sqlite3_file *log = NULL;

	if (code != SQLITE_IOERR || errnum != 0)
		return errnum;
	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
	    log && log->pMethods)
		log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &errnum);
	if (errnum == 0)
		sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &errnum);
	return errnum;
}

int sql_failed(const struct store *store, sqlite3 *db, struct vm_error *err)
{
	int code = sqlite3_errcode(db) & 0xff, errnum = 0;

	/* Of other errors it would be what an earlier one left. */
	if (code == SQLITE_IOERR || code == SQLITE_CANTOPEN)
		errnum = system_errno(db, code);
	if (code == SQLITE_FULL || errnum == ENOSPC || errnum == EDQUOT)
		return full(store, err);
	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return locked(store, err);
	if (code == SQLITE_READONLY || code == SQLITE_PERM || errnum == EROFS || errnum == EACCES ||
	    errnum == EPERM)
		return not_writable(store, errnum, err);
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		return sql_damaged(store, sqlite3_errmsg(db), err);
	if (code == SQLITE_IOERR || code == SQLITE_CANTOPEN)
		return io_error(store, errnum, sqlite3_errmsg(db), err);
	if (code == SQLITE_NOMEM)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	return vm_error_set(err, VM_ERROR_STORE, "The inventory %s: %s", store->path,
			    sqlite3_errmsg(db));
}

static int failed(const struct store *store, struct vm_error *err)
{
	return sql_failed(store, store->db, err);
}

static int bind_all(sqlite3_stmt *statement, const char *types, va_list ap)
{
	int r = SQLITE_OK;

	for (int i = 0; types[i] && r == SQLITE_OK; i++) {
		if (types[i] == 's')
			r = sqlite3_bind_text(statement, i + 1, va_arg(ap, const char *), -1,
					      SQLITE_TRANSIENT);
		else
			r = sqlite3_bind_int64(statement, i + 1, va_arg(ap, int64_t));
	}
	return r;
}

static int step_all(struct store *store, sqlite3_stmt *statement,
		    int (*row)(void *data, sqlite3_stmt *statement), void *data,
		    struct vm_error *err)
{
	for (;;) {
		int r = sqlite3_step(statement);

		if (r == SQLITE_DONE)
			return 0;
		if (r != SQLITE_ROW)
			return failed(store, err);
		r = row ? row(data, statement) : 0;
		if (r != 0)
			return r;
	}
}

static int prepare(struct store *store, const char *sql, sqlite3_stmt **ret, struct vm_error *err)
{
	return sqlite3_prepare_v2(store->db, sql, -1, ret, NULL) == SQLITE_OK ? 0
									      : failed(store, err);
}

/* ── writes that are made later ────────────────────────────────────────────────────────────── */

struct store_write {
	struct store_write *next;
	const char *sql, *types; /* literals */
	union {
		char *text;
		int64_t number;
	} values[];
};

struct store_write *sql_writes_free(struct store_write *writes)
{
	while (writes) {
		struct store_write *write = writes;

		writes = write->next;
		for (size_t i = 0; write->types[i]; i++) {
			if (write->types[i] == 's')
				free(write->values[i].text);
		}
		free(write);
	}
	return NULL;
}

static struct store_write *write_new(const char *sql, const char *types, va_list ap)
{
	size_t count = strlen(types);
	struct store_write *write = calloc(1, sizeof(*write) + count * sizeof(write->values[0]));
	bool whole = true;

	if (!write)
		return NULL;
	write->sql = sql;
	write->types = types;
	for (size_t i = 0; i < count; i++) {
		if (types[i] != 's') {
			write->values[i].number = va_arg(ap, int64_t);
			continue;
		}
		write->values[i].text = strdup(va_arg(ap, const char *));
		whole &= write->values[i].text != NULL;
	}
	return whole ? write : sql_writes_free(write);
}

static void append(struct store_request *request, struct store_write *write)
{
	struct store_write **at = &request->writes;

	while (*at)
		at = &(*at)->next;
	*at = write;
}

/* To what is being gathered, or as a request of its own. */
static int write_later(struct store *store, struct store_write *write, struct vm_error *err)
{
	struct store_request *request = store->gathered;

	if (write && !request)
		request = calloc(1, sizeof(*request));
	if (!request || !write) {
		sql_writes_free(write);
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	append(request, write);
	if (!store->gathered)
		store_hand_over(store, request);
	return 0;
}

static int bind_values(sqlite3_stmt *statement, const struct store_write *write)
{
	int r = SQLITE_OK;

	for (int i = 0; write->types[i] && r == SQLITE_OK; i++) {
		if (write->types[i] == 's')
			r = sqlite3_bind_text(statement, i + 1, write->values[i].text, -1,
					      SQLITE_STATIC);
		else
			r = sqlite3_bind_int64(statement, i + 1, write->values[i].number);
	}
	return r;
}

static int write_one(struct store *store, const struct store_write *write, struct vm_error *err)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	int r = prepare(store, write->sql, &statement, err);

	if (r < 0)
		return r;
	if (bind_values(statement, write) != SQLITE_OK)
		return failed(store, err);
	return step_all(store, statement, NULL, NULL, err);
}

int sql_write_all(struct store *store, const struct store_write *writes, struct vm_error *err)
{
	int r = 0;

	for (; r == 0 && writes; writes = writes->next)
		r = write_one(store, writes, err);
	return r;
}

int sql_queue_full(const struct store *store, struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_STORE,
			    "The inventory %s does not answer, and too much waits to be written",
			    store->path);
}

/* ── now or later ──────────────────────────────────────────────────────────────────────────── */

static int run_now(struct store *store, sqlite3_stmt *statement,
		   int (*row)(void *data, sqlite3_stmt *statement), void *data,
		   struct vm_error *err, const char *types, va_list ap)
{
	if (bind_all(statement, types, ap) != SQLITE_OK)
		return failed(store, err);
	return step_all(store, statement, row, data, err);
}

int sql_run(struct store *store, int (*row)(void *data, sqlite3_stmt *statement), void *data,
	    struct vm_error *err, const char *sql, const char *types, ...)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	bool later = store->queue && !row;
	va_list ap;
	int r = later ? 0 : prepare(store, sql, &statement, err);

	if (r < 0)
		return r;
	if (later && !store->gathered && !store_may_add(store))
		return sql_queue_full(store, err);
	va_start(ap, types);
	r = later ? write_later(store, write_new(sql, types, ap), err)
		  : run_now(store, statement, row, data, err, types, ap);
	va_end(ap);
	return r;
}

int sql_script(struct store *store, const char *sql, struct vm_error *err)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(store, err);
}

const char *sql_text(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? text : "";
}
