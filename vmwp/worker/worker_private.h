/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the worker: build.c makes the parts, run.c has the machine's states, events.c
 * and loop.c lead what happens to them, control.c serves the daemon, and worker.c is the program. All of
 * it is the loop's thread's, but what events.c notes.
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

/* Where the one machine of this process is. Only run.c changes it. */
enum run_state {
	RUN_CONFIGURED, /* there is no machine yet; a daemon is telling of it */
	RUN_FAILED,     /* it could not be made, w->error says why; parts of it may be there */
	RUN_RUNNING,
	RUN_PAUSED,
	RUN_ENDED, /* w->status says how */
};

struct worker {
	enum run_state state;
	struct config config;
	const struct worker_options *options;
	struct vid_partition *partition;
	struct ev_loop *loop;
	struct disk_engine *engine, *scsi_engine;
	struct disk *disk[CONFIG_DRIVES];
	struct console console[CONFIG_SERIALS];
	struct machine machine;
	struct vcpus vcpus;
	int timer_fd, debug_fd, meminfo_fd;
	int64_t date_offset; /* of local time, ns */
	_Atomic unsigned int pending;
	uint64_t crash[5];                   /* the machine's lock; crash_text, too */
	char crash_text[PROTO_MAX_TEXT + 1]; /* the guest's own words */
	char guest_error[300];               /* likewise: where it came to what nobody can do */
	enum worker_status status;
	ev_async wake;
	ev_io disk_ready, clock_ready, services_ready;
	ev_signal terminate, interrupt;
	uint32_t resets;                   /* that the guest has made */
	char error[CONFIG_PATH_MAX + 200]; /* why the last step failed */

	/* Only under a daemon. */
	bool controlled;
	struct proto_service service;
	ev_io listener_ready, peer_ready;
	ev_timer waited;
};

/* Leaves a sentence in w->error and returns `error`. */
int worker_fail(struct worker *w, int error, const char *format, ...) printf_like(3, 4);

/* build.c. What a loop needs; then the machine. On failure worker_unmake() cleans up. */
int must_check worker_make_base(struct worker *w);
int must_check worker_open_terminals(struct worker *w);
int must_check worker_make_machine(struct worker *w);
void worker_unmake(struct worker *w);

/* events.c */
extern const struct machine_host worker_machine_host;
extern const struct vcpu_ops worker_vcpu_ops;

/* loop.c. Signals before the sandbox, which has no system call for them; the rest with a machine. */
void worker_watch_signals(struct worker *w);
void worker_watch(struct worker *w);

/*
 * run.c. From CONFIGURED to RUNNING, or to FAILED; between RUNNING and PAUSED, when no processor runs and
 * the guest's time stands still; from RUNNING or PAUSED into the same after a reset, or to ENDED.
 */
int must_check worker_power_on(struct worker *w);
void worker_pause(struct worker *w);
int must_check worker_resume(struct worker *w);
void worker_reset(struct worker *w);
void worker_end(struct worker *w, enum worker_status status, enum proto_cause cause,
		const char *text);

/* control.c */
int must_check worker_control_init(struct worker *w, int listener, const char *uuid,
				   const char *nonce_fd);
void worker_control_start(struct worker *w);
/* The machine has ended and no daemon knows: ends the loop when one does, or none comes. */
void worker_control_wait(struct worker *w);
void worker_control_fini(struct worker *w);

#endif
