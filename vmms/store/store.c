/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening the inventory: pragmas, integrity, schema versions; transactions; single values.
 */
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "store/sql.h"

/*
 * migrations[n] makes version n + 1 out of version n. Released ones never change: a database in
 * the field was made by them.
 */
static const char *const migrations[] = {
	/* 1: machines, workers, journal, history */
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE vm ("
	"  uuid TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, xml TEXT NOT NULL,"
	"  power TEXT NOT NULL, reason TEXT NOT NULL, notes TEXT NOT NULL,"
	"  autostart INTEGER NOT NULL, autostart_order INTEGER NOT NULL,"
	"  autostart_delay INTEGER NOT NULL, stop_action TEXT NOT NULL,"
	"  stop_timeout INTEGER NOT NULL, worker_uid INTEGER NOT NULL UNIQUE,"
	"  created INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE worker ("
	"  uuid TEXT PRIMARY KEY REFERENCES vm (uuid), pid INTEGER NOT NULL,"
	"  start_time INTEGER NOT NULL, boot_id TEXT NOT NULL, socket TEXT NOT NULL,"
	"  nonce TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE operation ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, name TEXT NOT NULL,"
	"  kind TEXT NOT NULL, detail TEXT NOT NULL, state TEXT NOT NULL, error TEXT NOT NULL,"
	"  message TEXT NOT NULL, started INTEGER NOT NULL, finished INTEGER NOT NULL);"
	"CREATE INDEX operation_open ON operation (state) WHERE state = 'open';"
	"CREATE INDEX operation_vm ON operation (uuid, id);"
	"CREATE TABLE event ("
	"  sequence INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, uuid TEXT NOT NULL,"
	"  name TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);"
	"CREATE INDEX event_vm ON event (uuid, sequence);",
	/* 2: networks */
	"CREATE TABLE network ("
	"  name TEXT PRIMARY KEY, mode TEXT NOT NULL, bridge TEXT NOT NULL UNIQUE,"
	"  address TEXT NOT NULL, vlan INTEGER NOT NULL, autostart INTEGER NOT NULL)"
	"  WITHOUT ROWID;",
	/* 3: who did it; 4294967295, no user's number, is the daemon by itself */
	"ALTER TABLE operation ADD COLUMN uid INTEGER NOT NULL DEFAULT 4294967295;"
	"ALTER TABLE operation ADD COLUMN user TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE event ADD COLUMN uid INTEGER NOT NULL DEFAULT 4294967295;"
	"ALTER TABLE event ADD COLUMN user TEXT NOT NULL DEFAULT '';",
};

int store_schema_version(void)
{
	return (int)ARRAY_SIZE(migrations);
}

static int first_int(void *data, sqlite3_stmt *statement)
{
	*(int *)data = sqlite3_column_int(statement, 0);
	return 0;
}

static int migrate_one(struct store *store, int version, struct vm_error *err)
{
	char pragma[64];
	int r = store_begin(store, err);

	if (r < 0)
		return r;
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", version + 1);
	r = sql_script(store, migrations[version], err);
	if (r == 0)
		r = sql_script(store, pragma, err);
	if (r < 0) {
		store_rollback(store);
		return r;
	}
	return store_commit(store, err);
}

static int migrate(struct store *store, int target, struct vm_error *err)
{
	int version = 0;
	int r = sql_run(store, first_int, &version, err, "PRAGMA user_version", "");

	if (r < 0)
		return r;
	if (version > target)
		return vm_error_set(err, VM_ERROR_STORE,
				    "The inventory %s has version %d, this daemon knows up to %d. "
				    "Install the newer daemon again, or restore an older copy of "
				    "the file",
				    store->path, version, target);
	for (; r == 0 && version < target; version++)
		r = migrate_one(store, version, err);
	return r;
}

static int keep_complaint(void *data, sqlite3_stmt *statement)
{
	char *complaint = data;

	if (!*complaint && strcmp(sql_text(statement, 0), "ok") != 0)
		snprintf(complaint, 256, "%s", sql_text(statement, 0));
	return 0;
}

static int first_number(void *data, sqlite3_stmt *statement)
{
	*(int64_t *)data = sqlite3_column_int64(statement, 0);
	return 0;
}

/* Numbers are given by the daemon, which cannot wait until sqlite has given one. */
static int read_last_numbers(struct store *store, struct vm_error *err)
{
	static const char sql[] = "SELECT seq FROM sqlite_sequence WHERE name = ?";
	int r = sql_run(store, first_number, &store->last_operation, err, sql, "s", "operation");

	return r == 0 ? sql_run(store, first_number, &store->last_event, err, sql, "s", "event")
		      : r;
}

static int check_integrity(struct store *store, struct vm_error *err)
{
	char complaint[256] = "";
	int r = sql_run(store, keep_complaint, complaint, err, "PRAGMA integrity_check(1)", "");

	if (r < 0)
		return r;
	return *complaint ? sql_damaged(store, complaint, err) : 0;
}

/* Of no size, or without a table: no daemon leaves a file like that behind. */
static int check_not_empty(struct store *store, struct vm_error *err)
{
	int version = 0;
	int r = sql_run(store, first_int, &version, err, "PRAGMA user_version", "");

	if (r < 0 || version > 0)
		return r;
	return vm_error_set(
		err, VM_ERROR_STORE,
		"The inventory %s is empty: whatever was in it is lost. Restore a backup "
		"('vmms --restore-config FILE'), or, to begin without any machine, "
		"remove the file",
		store->path);
}

/* sqlite opens what it may not write for reading, without a word. */
static int check_writable(const struct store *store, struct vm_error *err)
{
	if (sqlite3_db_readonly(store->db, "main") != 1)
		return 0;
	return vm_error_set(err, VM_ERROR_STORE,
			    "The inventory %s cannot be written: its file system is read-only, or "
			    "the service may not write there",
			    store->path);
}

static int open_file(const char *path, const char *vfs, struct store **ret, struct vm_error *err)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store || !(store->path = strdup(path))) {
		free(store);
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	*ret = store;
	if (sqlite3_open_v2(path, &store->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    vfs) != SQLITE_OK)
		return sql_failed(store, store->db, err);
	sqlite3_extended_result_codes(store->db, 0);
	sqlite3_busy_timeout(store->db, 2000);
	return check_writable(store, err);
}

static int prepare_file(struct store *store, int version, bool existing, struct vm_error *err)
{
	/* Exclusive: two daemons on one inventory would each undo what the other does. */
	int r = sql_script(store, "PRAGMA locking_mode = EXCLUSIVE", err);

	if (r == 0)
		r = check_integrity(store, err);
	if (r == 0 && existing)
		r = check_not_empty(store, err);
	if (r == 0)
		r = sql_script(store,
			       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			       "PRAGMA foreign_keys = ON",
			       err);
	if (r == 0)
		r = migrate(store, version, err);
	return r == 0 && version > 0 ? read_last_numbers(store, err) : r;
}

static int open_at(const char *path, const char *vfs, int version, bool existing,
		   struct store **ret, struct vm_error *err)
{
	struct store *store = NULL;
	int r = open_file(path, vfs, &store, err);

	if (r == 0)
		r = prepare_file(store, version, existing, err);
	if (r < 0) {
		store_close(store);
		return r;
	}
	*ret = store;
	return 0;
}

int store_open(const char *path, const char *vfs, struct store **ret, struct vm_error *err)
{
	return open_at(path, vfs, store_schema_version(), false, ret, err);
}

int store_open_existing(const char *path, struct store **ret, struct vm_error *err)
{
	if (access(path, F_OK) < 0)
		return vm_error_set_errno(err, VM_ERROR_STORE, errno, "The inventory %s", path);
	return open_at(path, NULL, store_schema_version(), true, ret, err);
}

/* Under another name first: a crash leaves no file behind that looks like an emptied one. */
static int create(const char *path, struct vm_error *err)
{
	_cleanup_free_ char *new = NULL;
	struct store *store;
	int r;

	if (asprintf(&new, "%s.new", path) < 0) {
		new = NULL;
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	if (unlink(new) < 0 && errno != ENOENT)
		return vm_error_set_errno(err, VM_ERROR_STORE, errno, "%s", new);
	r = open_at(new, NULL, store_schema_version(), false, &store, err);
	if (r < 0)
		return r;
	store_close(store);
	if (rename(new, path) < 0)
		return vm_error_set_errno(err, VM_ERROR_STORE, errno, "%s", path);
	return 0;
}

int store_open_or_create(const char *path, struct store **ret, bool *ret_created,
			 struct vm_error *err)
{
	bool missing = access(path, F_OK) < 0 && errno == ENOENT;
	int r = missing ? create(path, err) : 0;

	if (r == 0)
		r = store_open_existing(path, ret, err);
	if (r == 0)
		*ret_created = missing;
	return r;
}

int store_open_version(const char *path, int version, struct vm_error *err)
{
	struct store *store;
	int r = open_at(path, NULL, version, false, &store, err);

	if (r == 0)
		store_close(store);
	return r;
}

struct store *store_close(struct store *store)
{
	if (!store)
		return NULL;
	CHECK(!store->queue && !store->gathered);
	sqlite3_close(store->db);
	free(store->path);
	free(store);
	return NULL;
}

const char *store_path(const struct store *store)
{
	return store->path;
}

int store_begin(struct store *store, struct vm_error *err)
{
	struct store_request *request;

	if (!store->queue)
		return sql_script(store, "BEGIN IMMEDIATE", err);
	if (!store_may_add(store))
		return sql_queue_full(store, err);
	request = calloc(1, sizeof(*request));
	if (!request)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	store_gather(store, request);
	return 0;
}

int store_commit(struct store *store, struct vm_error *err)
{
	int r = 0;

	if (store->queue)
		store_hand_over(store, store->gathered);
	else
		r = sql_script(store, "COMMIT", err);
	if (r < 0)
		store_rollback(store);
	return r;
}

void store_rollback(struct store *store)
{
	struct store_request *request = store->gathered;

	if (request) {
		store_drop(store, request);
		store_request_free(request);
		return;
	}
	/* Fails only where there is nothing to roll back any more. */
	sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

int store_meta_set(struct store *store, const char *key, const char *value, struct vm_error *err)
{
	return sql_run(store, NULL, NULL, err,
		       "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = "
		       "excluded.value",
		       "ss", key, value);
}

int store_meta_remove(struct store *store, const char *key, struct vm_error *err)
{
	return sql_run(store, NULL, NULL, err, "DELETE FROM meta WHERE key = ?", "s", key);
}

static int copy_text(void *data, sqlite3_stmt *statement)
{
	*(char **)data = strdup(sql_text(statement, 0));
	return 0;
}

int store_meta_get(struct store *store, const char *key, char **ret, struct vm_error *err)
{
	char *value = NULL;
	int r = sql_run(store, copy_text, &value, err, "SELECT value FROM meta WHERE key = ?", "s",
			key);

	if (r == 0)
		*ret = value;
	return r;
}
