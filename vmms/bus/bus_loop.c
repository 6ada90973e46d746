/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before the loop sleeps, sd-bus is asked what it waits for; after that, it gets its turn.
 */
#include "bus/bus_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>

static void end(struct bus_loop *bus_loop, struct ev_loop *loop)
{
	bus_loop_stop(bus_loop, loop);
	bus_loop->lost(bus_loop->data);
}

/*
 * A few messages a turn: timers and workers have theirs in between, and one of the calls that wait
 * (call.h). A few and not one: those calls take longer than most messages, and a client that sends many
 * of them is to be refused, and the others answered, before its calls have had their turns. While there
 * are more, an idle watcher keeps the loop from sleeping.
 */
enum { MESSAGES_A_TURN = 32 };

static void process(struct bus_loop *bus_loop, struct ev_loop *loop)
{
	int r = 1;

	for (int i = 0; i < MESSAGES_A_TURN && r > 0; i++)
		r = sd_bus_process(bus_loop->bus, NULL);
	if (r < 0 && r != -EBUSY) {
		end(bus_loop, loop);
		return;
	}
	if (r > 0)
		ev_idle_start(loop, &bus_loop->idle);
	else
		ev_idle_stop(loop, &bus_loop->idle);
}

static void on_io(struct ev_loop *loop, ev_io *watcher, int events)
{
	process(watcher->data, loop);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	process(watcher->data, loop);
}

static void on_idle(struct ev_loop *loop, ev_idle *watcher, int events)
{
	process(watcher->data, loop);
}

/* False for a connection that has ended: whoever sent something saw it. */
static bool watch_io(struct bus_loop *bus_loop, struct ev_loop *loop)
{
	int fd = sd_bus_get_fd(bus_loop->bus), wanted = sd_bus_get_events(bus_loop->bus),
	    events = 0;

	ev_io_stop(loop, &bus_loop->io);
	if (fd < 0 || wanted < 0)
		return false;

	if (wanted & POLLIN)
		events |= EV_READ;
	if (wanted & POLLOUT)
		events |= EV_WRITE;
	ev_io_set(&bus_loop->io, fd, events);
	ev_io_start(loop, &bus_loop->io);
	return true;
}

static void watch_timeout(struct bus_loop *bus_loop, struct ev_loop *loop)
{
	struct timespec now;
	uint64_t until;
	double seconds;

	ev_timer_stop(loop, &bus_loop->timer);
	if (sd_bus_get_timeout(bus_loop->bus, &until) < 0 || until == UINT64_MAX)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	seconds = (double)until / 1e6 - ((double)now.tv_sec + (double)now.tv_nsec / 1e9);
	ev_timer_set(&bus_loop->timer, seconds > 0 ? seconds : 0, 0);
	ev_timer_start(loop, &bus_loop->timer);
}

static void on_prepare(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	struct bus_loop *bus_loop = watcher->data;

	if (bus_loop->turn(bus_loop->data))
		ev_idle_start(loop, &bus_loop->idle);
	if (watch_io(bus_loop, loop))
		watch_timeout(bus_loop, loop);
	else
		end(bus_loop, loop);
}

void bus_loop_start(struct bus_loop *bus_loop, struct ev_loop *loop, sd_bus *bus,
		    void (*lost)(void *data), bool (*turn)(void *data), void *data)
{
	bus_loop->bus = bus;
	bus_loop->lost = lost;
	bus_loop->turn = turn;
	bus_loop->data = data;
	ev_io_init(&bus_loop->io, on_io, sd_bus_get_fd(bus), 0);
	ev_timer_init(&bus_loop->timer, on_timer, 0, 0);
	ev_prepare_init(&bus_loop->prepare, on_prepare);
	ev_idle_init(&bus_loop->idle, on_idle);
	bus_loop->io.data = bus_loop->timer.data = bus_loop;
	bus_loop->prepare.data = bus_loop->idle.data = bus_loop;
	ev_prepare_start(loop, &bus_loop->prepare);
	ev_idle_start(loop, &bus_loop->idle);
}

void bus_loop_stop(struct bus_loop *bus_loop, struct ev_loop *loop)
{
	ev_io_stop(loop, &bus_loop->io);
	ev_timer_stop(loop, &bus_loop->timer);
	ev_prepare_stop(loop, &bus_loop->prepare);
	ev_idle_stop(loop, &bus_loop->idle);
}
