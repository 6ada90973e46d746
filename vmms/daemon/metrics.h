/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures of the host and of each machine.
 */
#ifndef VMMS_DAEMON_METRICS_H
#define VMMS_DAEMON_METRICS_H

#include <sys/utsname.h>

#include "daemon/vm.h"

struct host_info {
	struct utsname uname;
	char hypervisor[13]; /* as CPUID leaf 0x40000000 signs; "" without one */
	bool device;         /* the driver's device is there */
	unsigned int cpus;
	uint64_t memory_total_kib, memory_available_kib;
	uint64_t memory_committed_kib; /* of machines that are not off */
	/* What the hypervisor has of the root's memory for machines, and what of that is free. */
	uint64_t deposit_kib, deposit_free_kib;
	uint32_t machines, running;
};

void host_info_get(const struct manager *manager, struct host_info *ret);

struct vm_metrics {
	uint64_t worker_cpu_ns; /* user and system time of the worker process */
	uint64_t worker_rss_kib;
	uint64_t uptime_us;
	struct proto_stats guest; /* as the worker last told */
};

/* Pages of the hypervisor in KiB. */
static inline uint64_t metrics_pages_kib(uint64_t pages)
{
	return pages * 4;
}

void vm_metrics_get(const struct vm *vm, struct vm_metrics *ret);

/* Asks the workers for their figures every two seconds from now on. */
void metrics_start(struct manager *manager);
void metrics_stop(struct manager *manager);

#endif
