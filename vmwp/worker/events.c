/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What devices and processors tell the worker, in the threads of the VPs for the most part: it is noted
 * in `pending`, and the loop acts upon it (loop.c).
 *
 * Lock order: the machine's lock is the only one; `pending` is atomic and may be set with or
 * without it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "vid/partition.h"
#include "worker_private.h"

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
