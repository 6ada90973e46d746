/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An sd-bus connection in a libev loop.
 */
#ifndef VMMS_BUS_BUS_LOOP_H
#define VMMS_BUS_BUS_LOOP_H

#include <ev.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

struct bus_loop {
	sd_bus *bus;
	ev_io io;
	ev_timer timer;
	ev_prepare prepare;
	ev_idle idle;
	void (*lost)(void *data);
	bool (*turn)(void *data); /* in each turn; true: it wants another one soon */
	void *data;
};

void bus_loop_start(struct bus_loop *bus_loop, struct ev_loop *loop, sd_bus *bus,
		    void (*lost)(void *data), bool (*turn)(void *data), void *data);
void bus_loop_stop(struct bus_loop *bus_loop, struct ev_loop *loop);

#endif
