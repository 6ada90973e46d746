/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of the services, and the loop's side of them: one epoll descriptor has their channels and a
 * timer for the earliest deadline.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "service.h"

static const struct service_class *const classes[SERVICES] = {
	[SERVICE_HEARTBEAT] = &service_heartbeat,
	[SERVICE_SHUTDOWN] = &service_shutdown,
	[SERVICE_TIME] = &service_time,
};

int vsp_services_fd(const struct vsp_services *s)
{
	return s->epoll;
}

/* --- ticks --- */

static uint64_t tick(struct vsp_services *s, struct service *service)
{
	uint64_t deadline;

	vsp_channel_lock(service->channel);
	if (service->state == SERVICE_READY && service->deadline <= s->ops->now(s->owner))
		service->class->tick(service);
	deadline = service->deadline;
	vsp_channel_unlock(service->channel);
	return deadline;
}

static void tick_all(struct vsp_services *s)
{
	struct itimerspec at = {0};
	uint64_t first = SERVICE_NEVER;

	for (size_t i = 0; i < SERVICES && !s->paused; i++) {
		uint64_t deadline = tick(s, &s->service[i]);

		first = MIN(first, deadline);
	}
	if (first != SERVICE_NEVER) {
		first = MAX(first, UINT64_C(1)); /* 0 would disarm */
		at.it_value.tv_sec = (time_t)(first / SERVICE_SECOND);
		at.it_value.tv_nsec = (long)(first % SERVICE_SECOND);
	}
	CHECK(timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &at, NULL) == 0);
}

void vsp_services_dispatch(struct vsp_services *s)
{
	struct epoll_event events[SERVICES + 1];
	int n = epoll_wait(s->epoll, events, ARRAY_SIZE(events), 0);
	uint64_t expirations;

	for (int i = 0; i < n; i++) {
		struct service *service = events[i].data.ptr;

		if (service)
			vsp_channel_serve(service->channel);
		else if (read(s->timer, &expirations, sizeof expirations) < 0)
			continue; /* set anew meanwhile */
	}
	tick_all(s);
}

void vsp_services_pause(struct vsp_services *s)
{
	s->paused = true;
	tick_all(s);
}

/* What the guest did not answer while it stood still is not held against it. */
void vsp_services_resume(struct vsp_services *s)
{
	struct service *heartbeat = &s->service[SERVICE_HEARTBEAT];
	struct service *time = &s->service[SERVICE_TIME];

	s->paused = false;
	vsp_channel_lock(heartbeat->channel);
	heartbeat->last_answer = s->ops->now(s->owner);
	vsp_channel_unlock(heartbeat->channel);
	vsp_channel_lock(time->channel);
	time->restart = true;
	if (time->state == SERVICE_READY)
		time->deadline = s->ops->now(s->owner);
	vsp_channel_unlock(time->channel);
	tick_all(s);
}

/* --- what others ask --- */

int vsp_services_shutdown(struct vsp_services *s, bool restart)
{
	struct service *service = &s->service[SERVICE_SHUTDOWN];
	int r;

	vsp_channel_lock(service->channel);
	r = shutdown_request(service, restart);
	vsp_channel_unlock(service->channel);
	return r;
}

bool vsp_services_shutdown_refused(struct vsp_services *s, bool *ret_restart)
{
	struct service *service = &s->service[SERVICE_SHUTDOWN];
	bool refused;

	vsp_channel_lock(service->channel);
	refused = service->refused;
	service->refused = false;
	*ret_restart = service->restart;
	vsp_channel_unlock(service->channel);
	return refused;
}

enum vsp_heartbeat vsp_services_heartbeat(struct vsp_services *s, uint64_t *ret_age)
{
	struct service *service = &s->service[SERVICE_HEARTBEAT];
	enum vsp_heartbeat heartbeat;

	vsp_channel_lock(service->channel);
	heartbeat = heartbeat_look(service, ret_age);
	vsp_channel_unlock(service->channel);
	return heartbeat;
}

/* --- the whole --- */

static int watch(struct vsp_services *s, int fd, struct service *service)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = service};

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int add(struct vsp_services *s, struct vsp_vmbus *vmbus, size_t i)
{
	struct service *service = &s->service[i];
	int r;

	service->class = classes[i];
	service->services = s;
	r = service_offer(service, vmbus);
	return r < 0 ? r : watch(s, vsp_channel_fd(service->channel), service);
}

static int make_fds(struct vsp_services *s)
{
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return s->epoll < 0 || s->timer < 0 ? -errno : watch(s, s->timer, NULL);
}

int vsp_services_create(struct vsp_vmbus *vmbus, struct vid_partition *partition,
			const struct vsp_services_ops *ops, void *owner,
			struct vsp_services **ret_services)
{
	struct vsp_services *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return -ENOMEM;
	s->partition = partition;
	s->ops = ops;
	s->owner = owner;
	r = make_fds(s);
	for (size_t i = 0; i < SERVICES && r == 0; i++)
		r = add(s, vmbus, i);
	if (r < 0) {
		vsp_services_destroy(s);
		return r;
	}
	*ret_services = s;
	return 0;
}

void vsp_services_destroy(struct vsp_services *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < SERVICES; i++)
		if (s->service[i].channel)
			vsp_channel_rescind(s->service[i].channel);
	fd_close(s->epoll);
	fd_close(s->timer);
	free(s);
}
