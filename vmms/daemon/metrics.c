/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures, from /proc, CPUID and the workers.
 */
#include "daemon/metrics.h"

#include <cpuid.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "worker/worker.h"

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static void read_memory(struct host_info *info)
{
	_cleanup_(close_file) FILE *file = fopen("/proc/meminfo", "re");
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		uint64_t kib;

		if (sscanf(line, "MemTotal: %" SCNu64, &kib) == 1)
			info->memory_total_kib = kib;
		else if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			info->memory_available_kib = kib;
	}
}

static void read_hypervisor(struct host_info *info)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 31))
		return;
	__cpuid(0x40000000, a, b, c, d);
	memcpy(info->hypervisor, &b, 4);
	memcpy(info->hypervisor + 4, &c, 4);
	memcpy(info->hypervisor + 8, &d, 4);
}

void host_info_get(const struct manager *manager, struct host_info *ret)
{
	memset(ret, 0, sizeof(*ret));
	uname(&ret->uname);
	read_hypervisor(ret);
	read_memory(ret);
	ret->device = access(manager->settings.device, F_OK) == 0;
	ret->cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	for (const struct vm *vm = manager->vms; vm; vm = vm->next) {
		ret->machines++;
		if (!vm_power_has_worker(vm->power))
			continue;
		ret->running++;
		ret->memory_committed_kib += vm->config->memory_kib;
		ret->deposit_kib +=
			metrics_pages_kib(vm->stats.deposit_free + vm->stats.deposit_used);
		ret->deposit_free_kib += metrics_pages_kib(vm->stats.deposit_free);
	}
}

/* Fields 14 and 15, user and system time, and 24, resident pages, of /proc/PID/stat. */
static void read_process(pid_t pid, struct vm_metrics *metrics)
{
	_cleanup_(close_file) FILE *file = NULL;
	uint64_t user, system, pages;
	char path[64], line[1024];
	const char *rest;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file) || !(rest = strrchr(line, ')')))
		return;
	if (sscanf(rest,
		   ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
		   " %*d %*d %*d %*d %*d %*d %*u %*u %" SCNu64,
		   &user, &system, &pages) != 3)
		return;
	metrics->worker_cpu_ns = (user + system) * (1000000000 / (uint64_t)sysconf(_SC_CLK_TCK));
	metrics->worker_rss_kib = pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

void vm_metrics_get(const struct vm *vm, struct vm_metrics *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!vm->worker)
		return;
	read_process(vm->worker->pid, ret);
	if (vm->running_since)
		ret->uptime_us = (uint64_t)(manager_now() - vm->running_since);
	ret->guest = vm->stats;
}

static void on_stats(void *data, const struct proto_message *answer)
{
	struct vm *vm = data;

	if (answer && answer->type == PROTO_STATS_REPLY)
		vm->stats = answer->stats;
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct manager *manager = watcher->data;

	for (struct vm *vm = manager->vms; vm; vm = vm->next) {
		struct proto_message message = {.type = PROTO_STATS};

		/* One question at a time: a worker that does not answer is not asked again. */
		if (vm->worker && vm->worker->known && !vm->worker->peer.waiting &&
		    worker_send(vm->worker, &message, on_stats) < 0)
			continue;
	}
}

void metrics_start(struct manager *manager)
{
	ev_timer_init(&manager->metrics_timer, on_timer, 2, 2);
	manager->metrics_timer.data = manager;
	ev_timer_start(manager->loop, &manager->metrics_timer);
}

void metrics_stop(struct manager *manager)
{
	ev_timer_stop(manager->loop, &manager->metrics_timer);
}
