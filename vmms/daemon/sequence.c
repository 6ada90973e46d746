/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Orders of starting and stopping. No list is kept: what comes next follows from the machines.
 */
#include "daemon/sequence.h"

#include <string.h>

#include "base/log.h"
#include "daemon/job.h"

static bool comes_before(const struct vm *a, const struct vm *b)
{
	if (a->options.autostart_order != b->options.autostart_order)
		return a->options.autostart_order < b->options.autostart_order;
	return strcmp(a->config->name, b->config->name) < 0;
}

static struct vm *next_to_start(struct manager *manager)
{
	struct vm *best = NULL;

	for (struct vm *vm = manager->vms; vm; vm = vm->next) {
		if (vm->autostart_pending && (!best || comes_before(vm, best)))
			best = vm;
	}
	return best;
}

static void start_next(struct manager *manager);

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	ev_timer_stop(loop, watcher);
	start_next(watcher->data);
}

static void start_next(struct manager *manager)
{
	struct vm *vm = next_to_start(manager), *after;
	struct vm_error err = {0};
	struct job *job;

	if (!vm)
		return;
	vm->autostart_pending = false;
	if (vm_start(vm, &job, &err) < 0) {
		log_error("Automatic start: %s", err.text);
		manager_event(manager, vm, "autostart", "failed: %s", err.text);
	}
	after = next_to_start(manager);
	if (!after)
		return;
	ev_now_update(manager->loop);
	ev_timer_init(&manager->sequence_timer, on_timer, after->options.autostart_delay, 0);
	manager->sequence_timer.data = manager;
	ev_timer_start(manager->loop, &manager->sequence_timer);
}

void sequence_autostart(struct manager *manager)
{
	for (struct vm *vm = manager->vms; vm; vm = vm->next)
		vm->autostart_pending = vm->options.autostart && !vm->worker &&
					!vm_power_has_worker(vm->power) && !vm->job;
	start_next(manager);
}

/* The highest order among the machines that still run; false when none does. */
static bool highest_order(struct manager *manager, uint32_t *ret)
{
	bool found = false;

	for (struct vm *vm = manager->vms; vm; vm = vm->next) {
		if (vm_power_has_worker(vm->power) &&
		    (!found || vm->options.autostart_order > *ret)) {
			*ret = vm->options.autostart_order;
			found = true;
		}
	}
	return found;
}

static void stop_one(struct vm *vm)
{
	struct vm_error err = {0};
	struct job *job;
	int r = -1;

	if (vm->stopping_for_host)
		return;
	vm->stopping_for_host = true;
	if (vm->options.stop_action == STOP_ACTION_SHUTDOWN)
		r = vm_shutdown(vm, &job, &err);
	if (r < 0)
		r = vm_turn_off(vm, &job, &err);
	if (r < 0)
		log_error("At host shutdown: %s", err.text);
}

/* What would start by itself does not any more. */
static void cancel_starts(struct manager *manager)
{
	ev_timer_stop(manager->loop, &manager->sequence_timer);
	for (struct vm *vm = manager->vms; vm; vm = vm->next) {
		vm->autostart_pending = false;
		ev_timer_stop(manager->loop, &vm->restart_timer);
	}
}

void sequence_stop_all(struct manager *manager)
{
	uint32_t order = 0;

	manager->host_going_down = true;
	cancel_starts(manager);
	if (!highest_order(manager, &order)) {
		/* Done. Perhaps the host stays after all; what is started then stays too. */
		manager->host_going_down = false;
		return;
	}
	for (struct vm *vm = manager->vms; vm; vm = vm->next) {
		if (vm_power_has_worker(vm->power) && vm->options.autostart_order == order)
			stop_one(vm);
	}
}

void sequence_vm_off(struct manager *manager)
{
	if (manager->host_going_down)
		sequence_stop_all(manager);
}
