/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables, each with its reads and writes.
 */
#include "store/sql.h"

/* Carries a caller's function through sql_run(). */
struct walk {
	union {
		int (*vm)(void *data, const struct store_vm *vm);
		int (*worker)(void *data, const struct store_worker *worker);
		int (*operation)(void *data, const struct store_operation *op);
		int (*event)(void *data, const struct store_event *event);
		int (*network)(void *data, const struct store_network *network);
	} each;
	void *data;
};

/* ── machines ──────────────────────────────────────────────────────────────────────────────── */

int store_vm_put(struct store *store, const struct store_vm *vm, struct vm_error *err)
{
	return sql_run(store, NULL, NULL, err,
		       "INSERT INTO vm (uuid, name, xml, power, reason, notes, autostart,"
		       " autostart_order, autostart_delay, stop_action, stop_timeout, worker_uid,"
		       " created) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (uuid) DO UPDATE"
		       " SET name = excluded.name, xml = excluded.xml, power = excluded.power,"
		       " reason = excluded.reason, notes = excluded.notes,"
		       " autostart = excluded.autostart,"
		       " autostart_order = excluded.autostart_order,"
		       " autostart_delay = excluded.autostart_delay,"
		       " stop_action = excluded.stop_action,"
		       " stop_timeout = excluded.stop_timeout",
		       "ssssssiiisiii", vm->uuid, vm->name, vm->xml, vm->power, vm->reason,
		       vm->notes, (int64_t)vm->autostart, (int64_t)vm->autostart_order,
		       (int64_t)vm->autostart_delay, vm->stop_action, (int64_t)vm->stop_timeout,
		       (int64_t)vm->worker_uid, vm->created);
}

int store_vm_remove(struct store *store, const char *uuid, struct vm_error *err)
{
	return sql_run(store, NULL, NULL, err, "DELETE FROM vm WHERE uuid = ?", "s", uuid);
}

int store_vm_power(struct store *store, const char *uuid, const char *power, const char *reason,
		   struct vm_error *err)
{
	return sql_run(store, NULL, NULL, err, "UPDATE vm SET power = ?, reason = ? WHERE uuid = ?",
		       "sss", power, reason, uuid);
}

static int vm_row(void *data, sqlite3_stmt *row)
{
	struct walk *walk = data;
	struct store_vm vm = {
		.uuid = sql_text(row, 0),
		.name = sql_text(row, 1),
		.xml = sql_text(row, 2),
		.power = sql_text(row, 3),
		.reason = sql_text(row, 4),
		.notes = sql_text(row, 5),
		.autostart = sqlite3_column_int(row, 6) != 0,
		.autostart_order = (uint32_t)sqlite3_column_int64(row, 7),
		.autostart_delay = (uint32_t)sqlite3_column_int64(row, 8),
		.stop_action = sql_text(row, 9),
		.stop_timeout = (uint32_t)sqlite3_column_int64(row, 10),
		.worker_uid = (uint32_t)sqlite3_column_int64(row, 11),
		.created = sqlite3_column_int64(row, 12),
	};

	return walk->each.vm(walk->data, &vm);
}

int store_vm_each(struct store *store, int (*each)(void *data, const struct store_vm *vm),
		  void *data, struct vm_error *err)
{
	struct walk walk = {.each.vm = each, .data = data};

	return sql_run(store, vm_row, &walk, err,
		       "SELECT uuid, name, xml, power, reason, notes, autostart, autostart_order,"
		       " autostart_delay, stop_action, stop_timeout, worker_uid, created FROM vm"
		       " ORDER BY name",
		       "");
}

/* ── worker processes ──────────────────────────────────────────────────────────────────────── */

int store_worker_put(struct store *store, const struct store_worker *worker, struct vm_error *err)
{
	return sql_run(store, NULL, NULL, err,
		       "INSERT OR REPLACE INTO worker (uuid, pid, start_time, boot_id, socket,"
		       " nonce) VALUES (?,?,?,?,?,?)",
		       "siisss", worker->uuid, (int64_t)worker->pid, (int64_t)worker->start_time,
		       worker->boot_id, worker->socket, worker->nonce);
}

int store_worker_remove(struct store *store, const char *uuid, struct vm_error *err)
{
	return sql_run(store, NULL, NULL, err, "DELETE FROM worker WHERE uuid = ?", "s", uuid);
}

static int worker_row(void *data, sqlite3_stmt *row)
{
	struct walk *walk = data;
	struct store_worker worker = {
		.uuid = sql_text(row, 0),
		.pid = (int32_t)sqlite3_column_int64(row, 1),
		.start_time = (uint64_t)sqlite3_column_int64(row, 2),
		.boot_id = sql_text(row, 3),
		.socket = sql_text(row, 4),
		.nonce = sql_text(row, 5),
	};

	return walk->each.worker(walk->data, &worker);
}

int store_worker_each(struct store *store,
		      int (*each)(void *data, const struct store_worker *worker), void *data,
		      struct vm_error *err)
{
	struct walk walk = {.each.worker = each, .data = data};

	return sql_run(store, worker_row, &walk, err,
		       "SELECT uuid, pid, start_time, boot_id, socket, nonce FROM worker", "");
}

/* ── journal of operations, and history ────────────────────────────────────────────────────── */

int store_operation_begin(struct store *store, const struct store_operation *operation,
			  int64_t *ret_id, struct vm_error *err)
{
	int64_t id = store->last_operation + 1;
	int r = sql_run(store, NULL, NULL, err,
			"INSERT INTO operation (id, uuid, name, kind, detail, state, error,"
			" message, started, finished, uid, user)"
			" VALUES (?,?,?,?,?,'open','','',?,0,?,?)",
			"issssiis", id, operation->uuid, operation->name, operation->kind,
			operation->detail, operation->started, (int64_t)operation->uid,
			operation->user ? operation->user : "");

	if (r == 0)
		*ret_id = store->last_operation = id;
	return r;
}

int store_operation_detail(struct store *store, int64_t id, const char *detail,
			   struct vm_error *err)
{
	return sql_run(store, NULL, NULL, err, "UPDATE operation SET detail = ? WHERE id = ?", "si",
		       detail, id);
}

int store_operation_end(struct store *store, int64_t id, const char *state, const char *error,
			const char *message, int64_t finished, struct vm_error *err)
{
	return sql_run(store, NULL, NULL, err,
		       "UPDATE operation SET state = ?, error = ?, message = ?, finished = ?"
		       " WHERE id = ?",
		       "sssii", state, error, message, finished, id);
}

static int operation_row(void *data, sqlite3_stmt *row)
{
	struct walk *walk = data;
	struct store_operation operation = {
		.id = sqlite3_column_int64(row, 0),
		.uuid = sql_text(row, 1),
		.name = sql_text(row, 2),
		.kind = sql_text(row, 3),
		.detail = sql_text(row, 4),
		.state = sql_text(row, 5),
		.error = sql_text(row, 6),
		.message = sql_text(row, 7),
		.started = sqlite3_column_int64(row, 8),
		.finished = sqlite3_column_int64(row, 9),
		.uid = (uint32_t)sqlite3_column_int64(row, 10),
		.user = sql_text(row, 11),
	};

	return walk->each.operation(walk->data, &operation);
}

#define OPERATION_COLUMNS                                                                   \
	"id, uuid, name, kind, detail, state, error, message, started, finished, uid, user" \
	" FROM operation"

int store_operation_each_open(struct store *store,
			      int (*each)(void *data, const struct store_operation *op), void *data,
			      struct vm_error *err)
{
	struct walk walk = {.each.operation = each, .data = data};

	return sql_run(store, operation_row, &walk, err,
		       "SELECT " OPERATION_COLUMNS " WHERE state = 'open' ORDER BY id", "");
}

int store_operation_each(struct store *store, const char *uuid, uint32_t limit,
			 int (*each)(void *data, const struct store_operation *op), void *data,
			 struct vm_error *err)
{
	struct walk walk = {.each.operation = each, .data = data};

	if (uuid)
		return sql_run(store, operation_row, &walk, err,
			       "SELECT " OPERATION_COLUMNS
			       " WHERE uuid = ? ORDER BY id DESC LIMIT ?",
			       "si", uuid, (int64_t)limit);
	return sql_run(store, operation_row, &walk, err,
		       "SELECT " OPERATION_COLUMNS " ORDER BY id DESC LIMIT ?", "i",
		       (int64_t)limit);
}

static int insert_event(struct store *store, const struct store_event *event, int64_t sequence,
			struct vm_error *err)
{
	return sql_run(store, NULL, NULL, err,
		       "INSERT INTO event (sequence, time, uuid, name, kind, detail, uid, user)"
		       " VALUES (?,?,?,?,?,?,?,?)",
		       "iissssis", sequence, event->time, event->uuid, event->name, event->kind,
		       event->detail, (int64_t)event->uid, event->user ? event->user : "");
}

/* Not worth a wait for the disk each: the next other write takes them along. */
static int insert_event_lazily(struct store *store, const struct store_event *event,
			       int64_t sequence, struct vm_error *err)
{
	int r = store_begin(store, err);

	if (r < 0)
		return r;
	store->gathered->lazy = true;
	r = insert_event(store, event, sequence, err);
	if (r == 0)
		return store_commit(store, err);
	store_rollback(store);
	return r;
}

int store_event_add(struct store *store, const struct store_event *event, int64_t *ret_sequence,
		    struct vm_error *err)
{
	bool lazy = store->queue && !store->gathered;
	int64_t sequence = store->last_event + 1;
	int r = lazy ? insert_event_lazily(store, event, sequence, err)
		     : insert_event(store, event, sequence, err);

	if (r == 0)
		*ret_sequence = store->last_event = sequence;
	return r;
}

static int event_row(void *data, sqlite3_stmt *row)
{
	struct walk *walk = data;
	struct store_event event = {
		.sequence = sqlite3_column_int64(row, 0),
		.time = sqlite3_column_int64(row, 1),
		.uuid = sql_text(row, 2),
		.name = sql_text(row, 3),
		.kind = sql_text(row, 4),
		.detail = sql_text(row, 5),
		.uid = (uint32_t)sqlite3_column_int64(row, 6),
		.user = sql_text(row, 7),
	};

	return walk->each.event(walk->data, &event);
}

#define EVENT_COLUMNS "sequence, time, uuid, name, kind, detail, uid, user"
/* The newest ones, oldest first: so many, and of so many bytes. */
#define NEWEST_EVENTS(where)                                                            \
	"SELECT " EVENT_COLUMNS " FROM (SELECT *, sum(length(detail) + 150) OVER"       \
	" (ORDER BY sequence DESC) AS bytes FROM (SELECT " EVENT_COLUMNS                \
	" FROM event WHERE " where " ORDER BY sequence DESC LIMIT ?)) WHERE bytes <= ?" \
	" ORDER BY sequence"

int store_event_each(struct store *store, const char *uuid, int64_t after, uint32_t limit,
		     int (*each)(void *data, const struct store_event *event), void *data,
		     struct vm_error *err)
{
	struct walk walk = {.each.event = each, .data = data};

	if (uuid)
		return sql_run(store, event_row, &walk, err,
			       NEWEST_EVENTS("uuid = ? AND sequence > ?"), "siii", uuid, after,
			       (int64_t)limit, (int64_t)STORE_ANSWER_BYTES);
	return sql_run(store, event_row, &walk, err, NEWEST_EVENTS("sequence > ?"), "iii", after,
		       (int64_t)limit, (int64_t)STORE_ANSWER_BYTES);
}

int store_prune(struct store *store, struct vm_error *err)
{
	int r = sql_run(store, NULL, NULL, err,
			"DELETE FROM event WHERE sequence <= (SELECT max(sequence) FROM event) - ?",
			"i", (int64_t)STORE_EVENTS_KEPT);

	if (r < 0)
		return r;
	return sql_run(store, NULL, NULL, err,
		       "DELETE FROM operation WHERE state <> 'open' AND"
		       " id <= (SELECT max(id) FROM operation) - ?",
		       "i", (int64_t)STORE_OPERATIONS_KEPT);
}

/* ── all of it ─────────────────────────────────────────────────────────────────────────────── */

int store_clear(struct store *store, struct vm_error *err)
{
	int r = sql_run(store, NULL, NULL, err, "DELETE FROM worker", "");

	if (r == 0)
		r = sql_run(store, NULL, NULL, err,
			    /* a row with another key was not written by any daemon, and stays */
			    "DELETE FROM vm WHERE uuid LIKE '________-____-____-____-____________'",
			    "");
	return r == 0 ? sql_run(store, NULL, NULL, err, "DELETE FROM network", "") : r;
}

int store_operations_end_others(struct store *store, const int64_t *ids, size_t count, int64_t now,
				struct vm_error *err)
{
	/* Those that stay open are marked by another state meanwhile. */
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = sql_run(store, NULL, NULL, err,
			    "UPDATE operation SET state = 'kept' WHERE id = ? AND state = 'open'",
			    "i", ids[i]);
	if (r == 0)
		r = sql_run(
			store, NULL, NULL, err,
			"UPDATE operation SET state = 'failed', finished = ? WHERE state = 'open'",
			"i", now);
	return r == 0 ? sql_run(store, NULL, NULL, err,
				"UPDATE operation SET state = 'open' WHERE state = 'kept'", "")
		      : r;
}

/* ── networks ──────────────────────────────────────────────────────────────────────────────── */

int store_network_put(struct store *store, const struct store_network *network,
		      struct vm_error *err)
{
	return sql_run(store, NULL, NULL, err,
		       "INSERT OR REPLACE INTO network (name, mode, bridge, address, vlan,"
		       " autostart) VALUES (?,?,?,?,?,?)",
		       "ssssii", network->name, network->mode, network->bridge, network->address,
		       (int64_t)network->vlan, (int64_t)network->autostart);
}

int store_network_remove(struct store *store, const char *name, struct vm_error *err)
{
	return sql_run(store, NULL, NULL, err, "DELETE FROM network WHERE name = ?", "s", name);
}

static int network_row(void *data, sqlite3_stmt *row)
{
	struct walk *walk = data;
	struct store_network network = {
		.name = sql_text(row, 0),
		.mode = sql_text(row, 1),
		.bridge = sql_text(row, 2),
		.address = sql_text(row, 3),
		.vlan = (uint32_t)sqlite3_column_int64(row, 4),
		.autostart = sqlite3_column_int(row, 5) != 0,
	};

	return walk->each.network(walk->data, &network);
}

int store_network_each(struct store *store,
		       int (*each)(void *data, const struct store_network *network), void *data,
		       struct vm_error *err)
{
	struct walk walk = {.each.network = each, .data = data};

	return sql_run(store, network_row, &walk, err,
		       "SELECT name, mode, bridge, address, vlan, autostart FROM network"
		       " ORDER BY name",
		       "");
}
