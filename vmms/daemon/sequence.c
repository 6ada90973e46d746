/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Orders of starting and stopping. No list is kept: what comes next follows from the machines, and is
 * looked at again whenever one goes off and once a second: so it does not matter what was in the way.
 */
#include "daemon/sequence.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/inventory.h"
#include "daemon/job.h"
#include "daemon/journal.h"

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

static void start_next_in(struct manager *manager, double seconds)
{
	ev_now_update(manager->loop);
	ev_timer_init(&manager->sequence_timer, on_timer, seconds, 0);
	manager->sequence_timer.data = manager;
	ev_timer_start(manager->loop, &manager->sequence_timer);
}

static void start_next(struct manager *manager)
{
	struct vm *vm = next_to_start(manager), *after;
	struct vm_error err = {0};
	struct job *job;

	if (!vm)
		return;
	if (inventory_changing(manager)) { /* perhaps this machine */
		start_next_in(manager, 0.1);
		return;
	}
	vm->autostart_pending = false;
	if (vm_start(vm, &job, &err) < 0) {
		journal_vm(LOG_LEVEL_ERROR, vm, "Automatic start: %s", err.text);
		manager_event(manager, vm, "autostart", "failed: %s", err.text);
	}
	after = next_to_start(manager);
	if (after)
		start_next_in(manager, after->options.autostart_delay);
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

/* ── stopping ──────────────────────────────────────────────────────────────────────────────── */

static bool job_is(const struct vm *vm, enum vm_operation operation)
{
	return vm->job && strcmp(vm->job->kind, vm_operation_name(operation)) == 0;
}

/*
 * May the guest still be asked? Not one that was not up yet, that cannot react, or that has had its
 * time.
 */
static bool worth_asking(const struct vm *vm)
{
	if (vm->options.stop_action != STOP_ACTION_SHUTDOWN || vm->guest_crashed ||
	    ev_now(vm->manager->loop) >= vm->host_stop_until)
		return false;
	if (vm->power == VM_POWER_PAUSED)
		return vm->reason == VM_REASON_REQUESTED;
	return vm->power != VM_POWER_STARTING;
}

/* A guest that its administrator has paused is woken: only then can it shut down. */
static int ask(struct vm *vm, struct vm_error *err)
{
	struct job *job;

	/* It is shutting down already, or a worker's answer settles where the machine is. */
	if (vm->job && !job_is(vm, VM_OPERATION_REBOOT))
		return 0;
	if (vm->job)
		return job_cancel(vm->job, err); /* asked in the next turn */
	if (vm->power == VM_POWER_PAUSED)
		return vm_resume(vm, &job, err);
	return vm->power == VM_POWER_RUNNING ? vm_shutdown(vm, &job, err) : 0;
}

/* Does the next thing that leads to Off; what is under way goes on. */
static void stop_one(struct vm *vm)
{
	struct vm_error err = {0};
	struct job *job;
	int r = -1;

	if (job_is(vm, VM_OPERATION_TURN_OFF))
		return;
	if (!vm->stopping_for_host)
		vm->host_stop_until = ev_now(vm->manager->loop) + vm->options.stop_timeout;
	vm->stopping_for_host = true;
	/* The shutdown that somebody has begun has its own end. */
	if (worth_asking(vm) || job_is(vm, VM_OPERATION_SHUTDOWN))
		r = ask(vm, &err);
	if (r < 0)
		r = vm_turn_off(vm, &job, &err);
	if (r < 0)
		journal_vm(LOG_LEVEL_ERROR, vm, "At host shutdown, tried again: %s", err.text);
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

/*
 * In the runtime directory, which is in memory: a full disk is no hindrance, and the host's next boot
 * does not find it.
 */
static int marker_path(const struct manager *manager, char *buffer, size_t size)
{
	int length = snprintf(buffer, size, "%s/stopping", manager->settings.runtime_dir);

	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

static void mark(const struct manager *manager)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int r = marker_path(manager, path, sizeof(path));

	if (r == 0) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		r = fd < 0 ? -errno : fd_write_full(fd, manager->boot_id, strlen(manager->boot_id));
	}
	if (r < 0)
		log_error("A restart of the daemon would end the stopping of machines: %s",
			  strerror(-r));
}

static void unmark(const struct manager *manager)
{
	char path[PATH_MAX];

	if (marker_path(manager, path, sizeof(path)) == 0)
		unlink(path);
}

bool sequence_stop_interrupted(const struct manager *manager)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX], boot_id[sizeof(manager->boot_id)] = "";

	if (marker_path(manager, path, sizeof(path)) < 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && fd_read_full(fd, boot_id, sizeof(boot_id) - 1) == 0 &&
	       strcmp(boot_id, manager->boot_id) == 0;
}

static void stop_highest(struct manager *manager)
{
	uint32_t order = 0;

	cancel_starts(manager);
	if (!highest_order(manager, &order)) {
		/* Done. Perhaps the host stays after all; what is started then stays too. */
		manager->host_going_down = false;
		ev_timer_stop(manager->loop, &manager->stop_timer);
		unmark(manager);
		return;
	}
	for (struct vm *vm = manager->vms; vm; vm = vm->next) {
		if (vm_power_has_worker(vm->power) && vm->options.autostart_order == order)
			stop_one(vm);
	}
}

static void on_stop_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	stop_highest(watcher->data);
}

void sequence_stop_all(struct manager *manager)
{
	if (!manager->host_going_down)
		mark(manager);
	manager->host_going_down = true;
	ev_now_update(manager->loop);
	if (!ev_is_active(&manager->stop_timer)) {
		ev_timer_init(&manager->stop_timer, on_stop_timer, 1, 1);
		manager->stop_timer.data = manager;
		ev_timer_start(manager->loop, &manager->stop_timer);
	}
	stop_highest(manager);
}

void sequence_vm_off(struct manager *manager)
{
	if (manager->host_going_down)
		stop_highest(manager);
}
