/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements, parameters and what sqlite says when they fail.
 */
#include "store/sql.h"

#include <errno.h>
#include <stdarg.h>

#include "base/cleanup.h"

static void finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

static int failed(struct store *store, struct vm_error *err)
{
	int code = sqlite3_errcode(store->db);

	if (code == SQLITE_FULL || sqlite3_system_errno(store->db) == ENOSPC)
		return vm_error_set(err, VM_ERROR_STORE,
				    "The disk under %s is full; nothing was changed. Free some "
				    "space and try again",
				    store->path);
	return vm_error_set(err, VM_ERROR_STORE, "The inventory %s: %s", store->path,
			    sqlite3_errmsg(store->db));
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

/* A call, to be made aside. */
struct sql_call {
	struct store *store;
	sqlite3_stmt *statement; /* or */
	const char *script;
	struct vm_error *err;
	int result;
};

static void make_call(void *argument)
{
	struct sql_call *call = argument;

	call->result = call->statement
			       ? step_all(call->store, call->statement, NULL, NULL, call->err)
			       : sql_script(call->store, call->script, call->err);
}

static int call_aside(struct sql_call *call)
{
	aside_run(call->store->aside, make_call, call);
	return call->result;
}

/* Does it end in a commit? Only that waits for the disk. */
static bool commits(const struct store *store, sqlite3_stmt *statement)
{
	return sqlite3_get_autocommit(store->db) && !sqlite3_stmt_readonly(statement);
}

int sql_script_aside(struct store *store, const char *sql, struct vm_error *err)
{
	struct sql_call call = {.store = store, .script = sql, .err = err};

	return call_aside(&call);
}

int sql_run(struct store *store, int (*row)(void *data, sqlite3_stmt *statement), void *data,
	    struct vm_error *err, const char *sql, const char *types, ...)
{
	_cleanup_(finalize) sqlite3_stmt *statement = NULL;
	va_list ap;
	int r;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return failed(store, err);
	va_start(ap, types);
	r = bind_all(statement, types, ap);
	va_end(ap);
	if (r != SQLITE_OK)
		return failed(store, err);
	if (!row && commits(store, statement))
		return call_aside(
			&(struct sql_call){.store = store, .statement = statement, .err = err});
	return step_all(store, statement, row, data, err);
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
