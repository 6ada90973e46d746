/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop's thread watches disks, clock and signals, and alone starts, stops and resets processors:
 * here it acts upon what events.c has noted.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "vsp/services.h"
#include "worker_private.h"

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

/* A driver that refuses, though it was there to be asked: then by the button. */
static void services_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct worker *w = watcher->data;
	bool restart;

	vsp_services_dispatch(w->machine.services);
	if (!vsp_services_shutdown_refused(w->machine.services, &restart))
		return;
	log_info("the guest's driver refuses to %s", restart ? "reboot" : "shut down");
	if (!restart)
		machine_power_button(&w->machine);
}

static void signalled(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct worker *w = watcher->data;
	char text[32];

	snprintf(text, sizeof text, "stopped by signal %d", watcher->signum);
	worker_end(w, WORKER_OFF, PROTO_CAUSE_REQUEST, text);
}

/* Before the sandbox, which has no system call for the first of them. */
void worker_watch_signals(struct worker *w)
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
	ev_io_init(&w->services_ready, services_ready, vsp_services_fd(w->machine.services),
		   EV_READ);
	w->disk_ready.data = w->clock_ready.data = w->services_ready.data = w;
	ev_io_start(w->loop, &w->disk_ready);
	ev_io_start(w->loop, &w->clock_ready);
	ev_io_start(w->loop, &w->services_ready);
}
