/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the worker: worker_build.c makes the parts, worker.c runs them, and
 * worker_control.c serves the daemon. All of it is the loop's thread's, but `pending` and `crash`.
 */
#ifndef VMWP_WORKER_PRIVATE_H
#define VMWP_WORKER_PRIVATE_H

#include <ev.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "config.h"
#include "console.h"
#include "disk/disk.h"
#include "machine/machine.h"
#include "proto/service.h"
#include "vcpu/vcpu.h"
#include "worker.h"

/* Bits of `pending`. */
enum {
	PENDING_RESET = BIT(0),
	PENDING_OFF = BIT(1),
	PENDING_TRIPLE_FAULT = BIT(2),
	PENDING_ERROR = BIT(3),
	PENDING_GUEST_ERROR = BIT(4),
	PENDING_CRASH = BIT(5), /* the only one after which the guest may go on */
};

struct worker {
	struct config config;
	const struct worker_options *options;
	struct vid_partition *partition;
	struct ev_loop *loop;
	struct disk_engine *engine;
	struct disk *disk[CONFIG_DRIVES];
	struct console console[CONFIG_SERIALS];
	struct machine machine;
	bool machine_made, running;
	struct vcpus vcpus;
	int timer_fd, debug_fd, meminfo_fd;
	int64_t date_offset; /* of local time, ns */
	_Atomic unsigned int pending;
	uint64_t crash[5];                   /* the machine's lock; crash_text, too */
	char crash_text[PROTO_MAX_TEXT + 1]; /* the guest's own words */
	char guest_error[300];               /* likewise: where it came to what nobody can do */
	enum worker_status status;
	ev_async wake;
	ev_io disk_ready, clock_ready;
	ev_signal terminate, interrupt;
	uint32_t resets;                   /* that the guest has made */
	char error[CONFIG_PATH_MAX + 200]; /* why the last step failed */

	/* Only under a daemon. */
	bool controlled;
	bool failed; /* POWER_ON did; w->error says why */
	struct proto_service service;
	ev_io listener_ready, peer_ready;
	ev_timer waited;
};

/* Leaves a sentence in w->error and returns `error`. */
int worker_fail(struct worker *w, int error, const char *format, ...) printf_like(3, 4);

/* worker_build.c. What a loop needs; then the machine. On failure worker_unmake() cleans up. */
int must_check worker_make_base(struct worker *w);
int must_check worker_open_terminals(struct worker *w);
int must_check worker_make_machine(struct worker *w);
void worker_unmake(struct worker *w);

/* worker.c */
extern const struct machine_host worker_machine_host;
extern const struct vcpu_ops worker_vcpu_ops;
void worker_watch(struct worker *w);
int must_check worker_start(struct worker *w);
/* Between these two no processor runs and the guest's time stands still. */
void worker_pause(struct worker *w);
int must_check worker_resume(struct worker *w);
void worker_reset(struct worker *w);
void worker_end(struct worker *w, enum worker_status status, enum proto_cause cause,
		const char *text);

/* worker_control.c */
int must_check worker_control_init(struct worker *w, int listener, const char *uuid,
				   const char *nonce_fd);
void worker_control_start(struct worker *w);
/* The machine has stopped and no daemon knows: ends the loop when one does, or none comes. */
void worker_control_wait(struct worker *w);
void worker_control_fini(struct worker *w);

#endif
