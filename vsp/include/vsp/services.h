/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The integration services of a machine: heartbeat, shutdown, time synchronization. Each is a channel
 * that the guest's driver opens (Linux: hv_utils); the host then speaks first.
 *
 * Threads: create, destroy, dispatch, pause and resume are one thread's, the loop's; the rest is any's.
 */
#ifndef VSP_SERVICES_H
#define VSP_SERVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct vid_partition;
struct vsp_services;
struct vsp_vmbus;

/* Where time comes from; called with a channel's lock held. */
struct vsp_services_ops {
	uint64_t (*now)(void *owner);  /* monotonic, ns */
	uint64_t (*date)(void *owner); /* ns since 1970, UTC */
};

int must_check vsp_services_create(struct vsp_vmbus *vmbus, struct vid_partition *partition,
				   const struct vsp_services_ops *ops, void *owner,
				   struct vsp_services **ret_services);
void vsp_services_destroy(struct vsp_services *services); /* NULL is allowed */

/* Readable when there is something to be done by vsp_services_dispatch(). */
int vsp_services_fd(const struct vsp_services *services);
void vsp_services_dispatch(struct vsp_services *services);

/* Nothing is sent, and no answer is expected; afterwards the guest is told the time anew. */
void vsp_services_pause(struct vsp_services *services);
void vsp_services_resume(struct vsp_services *services);

/* Asks the guest to turn itself off, or to restart. -ENOTCONN: it has no driver for that. */
int must_check vsp_services_shutdown(struct vsp_services *services, bool restart);
/* Has the guest refused the last shutdown or restart? Says so once. */
bool vsp_services_shutdown_refused(struct vsp_services *services, bool *ret_restart);

enum vsp_heartbeat {
	VSP_HEARTBEAT_NONE, /* the guest has no driver */
	VSP_HEARTBEAT_OK,
	VSP_HEARTBEAT_LOST, /* no answer for 10 seconds */
};

/* *ret_age: ns since the last answer, or since the driver is there. */
enum vsp_heartbeat vsp_services_heartbeat(struct vsp_services *services, uint64_t *ret_age);

#endif
