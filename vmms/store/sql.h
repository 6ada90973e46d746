/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One statement in one call; for the files of this folder.
 */
#ifndef VMMS_STORE_SQL_H
#define VMMS_STORE_SQL_H

#include <sqlite3.h>

#include "store/queue.h"

struct store {
	sqlite3 *db;
	char *path;
	struct store_queue *queue;      /* NULL: writes are made where they are asked for */
	struct store_request *gathered; /* that writes are for; NULL: each is one of its own */
	/* The last numbers that were given. */
	int64_t last_operation, last_event;
};

/* sqlite's last error in `db`, the store's or a copy's, by its class and with the remedy. */
int must_check sql_failed(const struct store *store, sqlite3 *db, struct vm_error *err);
int must_check sql_damaged(const struct store *store, const char *what, struct vm_error *err);

/*
 * Runs `sql` with its parameters bound from the arguments that `types` describes: 's' const char *
 * (not NULL), 'i' int64_t. `row`, unless NULL, is called for every row; a non-zero return ends the
 * walk and is returned.
 *
 * With a queue (queue.h) a statement without `row` is one of a request, and not made here; one with it
 * is for the queue's thread.
 */
int must_check sql_run(struct store *store, int (*row)(void *data, sqlite3_stmt *statement),
		       void *data, struct vm_error *err, const char *sql, const char *types, ...);

/* Several statements without parameters. */
int must_check sql_script(struct store *store, const char *sql, struct vm_error *err);

/* Has the queue room for a request that nobody waits for? */
bool must_check store_may_add(struct store *store);
int must_check sql_queue_full(const struct store *store, struct vm_error *err);

/* What a request has gathered. */
int must_check sql_write_all(struct store *store, const struct store_write *writes,
			     struct vm_error *err);
struct store_write *sql_writes_free(struct store_write *writes);

/* A column's text; "" for NULL. */
const char *sql_text(sqlite3_stmt *statement, int column);

#endif
