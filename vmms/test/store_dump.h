/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole content of a store as text, to compare two of them.
 */
#ifndef VMMS_TEST_STORE_DUMP_H
#define VMMS_TEST_STORE_DUMP_H

#include <check.h>
#include <inttypes.h>
#include <stdio.h>

#include "store/store.h"

static inline int dump_vm(void *data, const struct store_vm *vm)
{
	fprintf(data, "vm %s %s %s %s %s %s %d %u %u %s %u %u %" PRId64 "\n", vm->uuid, vm->name,
		vm->xml, vm->power, vm->reason, vm->notes, vm->autostart, vm->autostart_order,
		vm->autostart_delay, vm->stop_action, vm->stop_timeout, vm->worker_uid,
		vm->created);
	return 0;
}

static inline int dump_worker(void *data, const struct store_worker *worker)
{
	fprintf(data, "worker %s %d %" PRIu64 " %s %s %s\n", worker->uuid, worker->pid,
		worker->start_time, worker->boot_id, worker->socket, worker->nonce);
	return 0;
}

static inline int dump_operation(void *data, const struct store_operation *op)
{
	fprintf(data, "operation %" PRId64 " %s %s %s %s %s %s %s %" PRId64 " %" PRId64 "\n",
		op->id, op->uuid, op->name, op->kind, op->detail, op->state, op->error, op->message,
		op->started, op->finished);
	return 0;
}

static inline int dump_event(void *data, const struct store_event *event)
{
	fprintf(data, "event %" PRId64 " %" PRId64 " %s %s %s %s\n", event->sequence, event->time,
		event->uuid, event->name, event->kind, event->detail);
	return 0;
}

static inline int dump_network(void *data, const struct store_network *network)
{
	fprintf(data, "network %s %s %s %s %u %d\n", network->name, network->mode, network->bridge,
		network->address, network->vlan, network->autostart);
	return 0;
}

/* free() the result. */
static inline char *store_dump(struct store *store)
{
	struct vm_error err = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	ck_assert_msg(store_vm_each(store, dump_vm, out, &err) == 0, "%s", err.text);
	ck_assert_int_eq(store_worker_each(store, dump_worker, out, &err), 0);
	ck_assert_int_eq(store_operation_each(store, NULL, 1000, dump_operation, out, &err), 0);
	ck_assert_int_eq(store_event_each(store, NULL, 0, 1000, dump_event, out, &err), 0);
	ck_assert_int_eq(store_network_each(store, dump_network, out, &err), 0);
	fclose(out);
	return text;
}

#endif
