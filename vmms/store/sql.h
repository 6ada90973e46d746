/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One statement in one call; for the files of this folder.
 */
#ifndef VMMS_STORE_SQL_H
#define VMMS_STORE_SQL_H

#include <sqlite3.h>

#include "store/aside.h"
#include "store/store.h"

struct store {
	sqlite3 *db;
	char *path;
	struct aside *aside; /* NULL: writes are waited for where they are asked for */
};

/* sqlite's last error in `db`, the store's or a copy's, by its class and with the remedy. */
int must_check sql_failed(const struct store *store, sqlite3 *db, struct vm_error *err);
int must_check sql_damaged(const struct store *store, const char *what, struct vm_error *err);

/*
 * Runs `sql` with its parameters bound from the arguments that `types` describes: 's' const char *
 * (not NULL), 'i' int64_t. `row`, unless NULL, is called for every row; a non-zero return ends the
 * walk and is returned.
 */
int must_check sql_run(struct store *store, int (*row)(void *data, sqlite3_stmt *statement),
		       void *data, struct vm_error *err, const char *sql, const char *types, ...);

/* Several statements without parameters. */
int must_check sql_script(struct store *store, const char *sql, struct vm_error *err);

/* The same, aside: for what waits for the disk. sql_run() decides by itself. */
int must_check sql_script_aside(struct store *store, const char *sql, struct vm_error *err);

/* A column's text; "" for NULL. */
const char *sql_text(sqlite3_stmt *statement, int column);

#endif
