/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop's thread watches disks, consoles, clock and signals, and alone starts, stops and resets
 * processors. What happens in a VP's thread is noted in `pending` and wakes it.
 *
 * Lock order: the machine's lock is the only one; `pending` is atomic and may be set with or
 * without it.
 */
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "sandbox.h"
#include "vid/partition.h"
#include "worker_private.h"

/* --- from the VPs' threads --- */

static void note(struct worker *w, unsigned int what)
{
	atomic_fetch_or(&w->pending, what);
	if (what != PENDING_CRASH)
		vcpus_request_stop(&w->vcpus);
	ev_async_send(w->loop, &w->wake);
}

static void send_to_vp0(struct worker *w, enum vid_delivery_mode mode)
{
	const struct vid_interrupt interrupt = {.mode = (uint8_t)mode};
	int r = vid_partition_interrupt(w->partition, &interrupt);

	if (r < 0) {
		log_error("an interrupt of mode %d is refused: %s", (int)mode, strerror(-r));
		note(w, PENDING_ERROR);
	}
}

static void device_event(void *owner, enum vdev_event event)
{
	struct worker *w = owner;

	switch (event) {
	case VDEV_EVENT_RESET:
		note(w, PENDING_RESET);
		break;
	case VDEV_EVENT_POWEROFF:
	case VDEV_EVENT_SUSPEND: /* the tables offer no S3; a guest that tries has turned itself off */
		note(w, PENDING_OFF);
		break;
	case VDEV_EVENT_INIT: /* begins at FFFFFFF0h: without firmware nothing is there */
		if (machine_boots_directly(&w->machine))
			note(w, PENDING_RESET);
		else
			send_to_vp0(w, VID_DELIVER_INIT);
		break;
	case VDEV_EVENT_NMI:
		send_to_vp0(w, VID_DELIVER_NMI);
		break;
	case VDEV_EVENT_HOST_ERROR:
		log_error("the host refused memory that the machine needs");
		note(w, PENDING_ERROR);
		break;
	}
}

static void device_intr(void *owner, bool level)
{
	struct worker *w = owner;

	vcpus_interrupt(&w->vcpus, level);
}

static void device_rearm(void *owner, uint64_t deadline)
{
	struct worker *w = owner;
	struct itimerspec at = {0};

	if (deadline != VDEV_NEVER) {
		deadline = MAX(deadline, UINT64_C(1)); /* 0 would disarm */
		at.it_value.tv_sec = (time_t)(deadline / VDEV_SECOND);
		at.it_value.tv_nsec = (long)(deadline % VDEV_SECOND);
	}
	CHECK(timerfd_settime(w->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
}

/* Nobody has to read it, so a full pipe loses bytes. */
static void firmware_log(void *owner, uint8_t byte)
{
	struct worker *w = owner;

	if (w->debug_fd >= 0 && write(w->debug_fd, &byte, 1) < 0 && errno != EAGAIN)
		w->debug_fd = -1;
}

const struct machine_host worker_machine_host = {
	.event = device_event,
	.intr = device_intr,
	.rearm = device_rearm,
	.firmware_log = firmware_log,
};

/* Up to a zero byte; "" where there is no memory. */
static void copy_crash_text(struct worker *w, uint64_t gpa, uint64_t length)
{
	size_t wanted = MIN(length, (uint64_t)PROTO_MAX_TEXT), size = 0;
	const char *text =
		wanted ? vid_gpa_host(w->partition, gpa, wanted, VID_ACCESS_READ, &size) : NULL;

	size = text ? MIN(size, wanted) : 0;
	memcpy(w->crash_text, text ? text : "", size);
	w->crash_text[size] = '\0';
}

static void note_crash(struct worker *w, const uint64_t crash[5], bool with_text)
{
	machine_lock(&w->machine);
	memcpy(w->crash, crash, sizeof w->crash);
	copy_crash_text(w, crash[3], with_text ? crash[4] : 0);
	machine_unlock(&w->machine);
	note(w, PENDING_CRASH);
}

static void note_guest_error(struct worker *w, const char *text)
{
	machine_lock(&w->machine);
	snprintf(w->guest_error, sizeof w->guest_error, "the guest cannot go on: %s", text);
	machine_unlock(&w->machine);
	note(w, PENDING_GUEST_ERROR);
}

static void vcpu_reports(void *owner, enum vcpu_report what, const char *text,
			 const uint64_t crash[5])
{
	struct worker *w = owner;

	log_write(what == VCPU_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s", text);
	switch (what) {
	case VCPU_TRIPLE_FAULT:
		note(w, PENDING_TRIPLE_FAULT);
		break;
	case VCPU_CRASH:
	case VCPU_CRASH_TEXT:
		note_crash(w, crash, what == VCPU_CRASH_TEXT);
		break;
	case VCPU_HANG: /* the guest may still be looked at, reset, or woken by an NMI */
		break;
	case VCPU_GUEST_ERROR:
		note_guest_error(w, text);
		break;
	case VCPU_ERROR:
		note(w, PENDING_ERROR);
		break;
	}
}

const struct vcpu_ops worker_vcpu_ops = {.report = vcpu_reports};

/* --- life --- */

/* Of an end that nobody asked for the next daemon hears, if there is none now. */
void worker_end(struct worker *w, enum worker_status status, enum proto_cause cause,
		const char *text)
{
	w->status = status;
	log_info("%s", text);
	if (w->controlled)
		proto_service_set_state(&w->service, PROTO_STATE_STOPPED, cause, text);
	if (w->controlled && !w->service.told && cause != PROTO_CAUSE_REQUEST)
		worker_control_wait(w);
	else
		ev_break(w->loop, EVBREAK_ALL);
}

int worker_start(struct worker *w)
{
	int r = vcpus_start(&w->vcpus);

	if (r < 0)
		return worker_fail(w, r, "threads cannot be made: %s", strerror(-r));
	w->running = true;
	return 0;
}

void worker_pause(struct worker *w)
{
	vcpus_stop(&w->vcpus);
	w->running = false;
	machine_stop_clock(&w->machine);
	if (vid_partition_freeze_time(w->partition, true) < 0)
		log_warning("the guest's reference time goes on");
}

int worker_resume(struct worker *w)
{
	if (vid_partition_freeze_time(w->partition, false) < 0)
		log_warning("the guest's reference time went on");
	machine_start_clock(&w->machine);
	return worker_start(w);
}

/* A machine that is paused stays so. */
void worker_reset(struct worker *w)
{
	struct machine_error error = {"the processors cannot be made again"};
	bool running = w->running;
	int r;

	vcpus_stop(&w->vcpus);
	w->running = false;
	r = machine_reset(&w->machine, &error);
	if (r == 0)
		r = vcpus_reset(&w->vcpus);
	if (r == 0 && running)
		r = worker_start(w);
	if (r == 0) {
		log_info("reset");
		return;
	}
	worker_fail(w, r, "reset failed: %s (%s)", error.text, strerror(-r));
	worker_end(w, WORKER_HOST_ERROR, PROTO_CAUSE_HOST_ERROR, w->error);
}

/* --- what the VPs' threads have noted --- */

static void tell(struct worker *w, enum proto_guest_event event)
{
	static const uint64_t none[5];

	if (w->controlled)
		proto_service_guest_event(&w->service, event, none, NULL);
}

static void tell_crash(struct worker *w)
{
	char text[sizeof w->crash_text];
	uint64_t crash[5];

	machine_lock(&w->machine);
	memcpy(crash, w->crash, sizeof crash);
	memcpy(text, w->crash_text, sizeof text);
	machine_unlock(&w->machine);
	if (w->controlled)
		proto_service_guest_event(&w->service, PROTO_GUEST_CRASH, crash, text);
}

/* Resets that a machine is allowed are the guest's own ones, triple faults among them. */
static void reset_or_end(struct worker *w)
{
	char text[96];

	if (w->config.resets == CONFIG_RESETS_ANY || w->resets < w->config.resets) {
		w->resets++;
		worker_reset(w);
		return;
	}
	snprintf(text, sizeof text, "the guest reset the machine, and %u resets are allowed",
		 w->config.resets);
	worker_end(w, WORKER_RESET_WANTED, PROTO_CAUSE_GUEST_REBOOT,
		   w->config.resets ? text : "the guest reset the machine");
}

static void act_on_triple_fault(struct worker *w)
{
	tell(w, PROTO_GUEST_TRIPLE_FAULT);
	if (w->config.exit_on_triple_fault)
		worker_end(w, WORKER_TRIPLE_FAULT, PROTO_CAUSE_GUEST_CRASH,
			   "the guest triple-faulted");
	else
		reset_or_end(w);
}

static void act_on_guest_error(struct worker *w)
{
	char text[sizeof w->guest_error];

	machine_lock(&w->machine);
	memcpy(text, w->guest_error, sizeof text);
	machine_unlock(&w->machine);
	worker_end(w, WORKER_GUEST_ERROR, PROTO_CAUSE_GUEST_CRASH, text);
}

static void act_on_reset(struct worker *w)
{
	if (w->config.resets)
		tell(w, PROTO_GUEST_RESET);
	reset_or_end(w);
}

/* The most definite one of several wins. */
static void act(struct worker *w, unsigned int pending)
{
	if (pending & PENDING_ERROR)
		worker_end(w, WORKER_HOST_ERROR, PROTO_CAUSE_HOST_ERROR,
			   "the machine cannot go on");
	else if (pending & PENDING_OFF)
		worker_end(w, WORKER_OFF, PROTO_CAUSE_GUEST_OFF,
			   "the guest turned the machine off");
	else if (pending & PENDING_GUEST_ERROR)
		act_on_guest_error(w);
	else if (pending & PENDING_CRASH)
		worker_end(w, WORKER_GUEST_CRASH, PROTO_CAUSE_GUEST_CRASH, "the guest crashed");
	else if (pending & PENDING_TRIPLE_FAULT)
		act_on_triple_fault(w);
	else
		act_on_reset(w);
}

static void woken(struct ev_loop *loop, ev_async *watcher, int events)
{
	struct worker *w = watcher->data;
	unsigned int pending = atomic_exchange(&w->pending, 0);

	if (pending & PENDING_CRASH)
		tell_crash(w);
	if (!w->config.exit_on_crash)
		pending &= ~PENDING_CRASH;
	if (!pending)
		return;
	vcpus_stop(&w->vcpus);
	act(w, pending | atomic_exchange(&w->pending, 0));
}

/* --- the loop --- */

static void disk_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct worker *w = watcher->data;

	machine_lock(&w->machine);
	disk_engine_dispatch(w->engine);
	machine_unlock(&w->machine);
}

static void clock_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct worker *w = watcher->data;
	uint64_t expirations;

	if (read(w->timer_fd, &expirations, sizeof expirations) < 0)
		return; /* rearmed meanwhile */
	machine_run_clock(&w->machine);
}

static void signalled(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct worker *w = watcher->data;
	char text[32];

	snprintf(text, sizeof text, "stopped by signal %d", watcher->signum);
	worker_end(w, WORKER_OFF, PROTO_CAUSE_REQUEST, text);
}

/* Before the sandbox, which has no system call for the first of them. */
static void watch_signals(struct worker *w)
{
	signal(SIGPIPE, SIG_IGN); /* a console may go away */
	ev_async_init(&w->wake, woken);
	ev_signal_init(&w->terminate, signalled, SIGTERM);
	ev_signal_init(&w->interrupt, signalled, SIGINT);
	w->wake.data = w->terminate.data = w->interrupt.data = w;
	ev_async_start(w->loop, &w->wake);
	ev_signal_start(w->loop, &w->terminate);
	ev_signal_start(w->loop, &w->interrupt);
}

void worker_watch(struct worker *w)
{
	ev_io_init(&w->disk_ready, disk_ready, disk_engine_fd(w->engine), EV_READ);
	ev_io_init(&w->clock_ready, clock_ready, w->timer_fd, EV_READ);
	w->disk_ready.data = w->clock_ready.data = w;
	ev_io_start(w->loop, &w->disk_ready);
	ev_io_start(w->loop, &w->clock_ready);
}

static int make_base(struct worker *w)
{
	int r = worker_make_base(w);

	if (r == 0)
		r = worker_open_terminals(w);
	if (r < 0)
		return r;
	watch_signals(w);
	r = w->options->sandbox ? sandbox_enter() : 0;
	if (r < 0)
		return worker_fail(w, r, "the sandbox cannot be entered: %s", strerror(-r));
	return 0;
}

/* --- the program --- */

static int close_others(const struct worker *w)
{
	const struct config *config = &w->config;
	int keep[CONFIG_FILES + CONFIG_SERIALS];
	size_t n = 0;

	keep[n++] = config->partition_fd;
	keep[n++] = config->firmware_fd;
	keep[n++] = config->kernel_fd;
	keep[n++] = config->initrd_fd;
	keep[n++] = config->debug_fd;
	for (unsigned int i = 0; i < CONFIG_DRIVES; i++)
		keep[n++] = config->drive[i].fd;
	for (unsigned int i = 0; i < CONFIG_SERIALS; i++)
		keep[n++] = config->serial[i].fd;
	return sandbox_close_others(keep, n);
}

static void set_default(struct config *config, enum config_file file, const char *path)
{
	if (path)
		snprintf(config->path[file], CONFIG_PATH_MAX, "%s", path);
}

static void set_defaults(struct worker *w)
{
	struct config *config = &w->config;

	if (config->partition_fd < 0 && !*config->path[CONFIG_PARTITION])
		set_default(config, CONFIG_PARTITION, w->options->default_device);
	if (config->kernel_fd < 0 && !*config->path[CONFIG_KERNEL] && config->firmware_fd < 0 &&
	    !*config->path[CONFIG_FIRMWARE])
		set_default(config, CONFIG_FIRMWARE, w->options->default_firmware);
}

static int read_config(struct worker *w, int count, char *const *words)
{
	struct config_error error;
	int r;

	r = config_arguments(&w->config, count, words, &error);
	set_defaults(w);
	if (r == 0)
		r = config_check(&w->config, &error);
	if (r == 0)
		r = config_open(&w->config, &error);
	if (r < 0)
		return worker_fail(w, r, "%s", error.text);
	r = close_others(w);
	return r < 0 ? worker_fail(w, r, "descriptors: %s", strerror(-r)) : 0;
}

/* Started by hand. */
static int prepare_by_words(struct worker *w, int count, char *const *words)
{
	int r = read_config(w, count, words);

	if (r == 0)
		r = make_base(w);
	if (r == 0)
		r = worker_make_machine(w);
	if (r < 0)
		return r;
	worker_watch(w);
	log_info("running, %u MiB, %u processors", w->config.memory_mib, w->config.processors);
	return worker_start(w);
}

static bool is_controlled(int count, char *const *words)
{
	return count > 0 && strcmp(words[0], "--control-fd") == 0;
}

/* Started by the daemon: the loop runs, and the machine is made when it says so. */
static int prepare_by_daemon(struct worker *w, int count, char *const *words)
{
	char *end = NULL;
	long fd = count > 1 ? strtol(words[1], &end, 10) : -1;
	int keep = (int)fd;
	int r;

	if (count != 6 || *end || fd < 0 || fd > INT32_MAX || strcmp(words[2], "--uuid") != 0 ||
	    strcmp(words[4], "--nonce-fd") != 0)
		return worker_fail(w, -EINVAL,
				   "usage: vmwp --control-fd FD --uuid UUID --nonce-fd FD");
	r = worker_control_init(w, keep, words[3], words[5]);
	if (r == 0 && sandbox_close_others(&keep, 1) < 0)
		r = worker_fail(w, -EBADF, "descriptors cannot be closed");
	if (r == 0)
		r = make_base(w);
	if (r < 0)
		return r;
	worker_control_start(w);
	return 0;
}

static void run(struct worker *w, int count, char *const *words)
{
	int r = is_controlled(count, words) ? prepare_by_daemon(w, count, words)
					    : prepare_by_words(w, count, words);

	if (r < 0) {
		log_error("%s", w->error);
		return;
	}
	ev_run(w->loop, 0);
	vcpus_stop(&w->vcpus);
}

int worker_main(int count, char *const *words, const struct worker_options *options)
{
	struct worker *w = calloc(1, sizeof *w);
	int status;

	log_init("vmwp", LOG_LEVEL_INFO, false);
	if (!w) {
		log_error("there is not enough memory");
		return WORKER_BAD_START;
	}
	config_init(&w->config);
	w->options = options;
	w->timer_fd = w->debug_fd = w->meminfo_fd = -1;
	w->status = WORKER_BAD_START;
	run(w, count, words);
	status = w->status;
	worker_unmake(w);
	free(w);
	return status;
}
