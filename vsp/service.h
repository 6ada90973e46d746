/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every integration service is: a channel, the negotiation of versions, requests by ticks and
 * answers. service.c is the framework, services.c has the list and the ticks.
 */
#ifndef VSP_SERVICE_H
#define VSP_SERVICE_H

#include "private.h"
#include "vsp/services.h"
#include "wire/ic.h"
#include "wire/ring.h"

struct service;

#define SERVICE_NEVER                 UINT64_MAX
#define SERVICE_SECOND                UINT64_C(1000000000)
#define SERVICE_VERSIONS_MAX          4u
#define SERVICE_VERSION(major, minor) ((uint32_t)(major) << 16 | (minor))

struct service_class {
	struct vsp_guid interface, instance;
	uint16_t type;                           /* enum wire_ic_type */
	uint32_t versions[SERVICE_VERSIONS_MAX]; /* rising; 0 ends them */
	/* With the channel's lock; the first two may be NULL. */
	void (*agreed)(struct service *service); /* on versions: the service begins */
	void (*answer)(struct service *service, uint32_t status, const uint8_t *data, size_t size);
	void (*tick)(struct service *service); /* `deadline` has come; sets the next one */
};

enum service_state {
	SERVICE_CLOSED,
	SERVICE_NEGOTIATING,
	SERVICE_READY,
	SERVICE_REFUSED, /* there is no version that both know, or the guest talks nonsense */
};

struct service {
	const struct service_class *class;
	struct vsp_services *services;
	struct vsp_channel *channel;
	enum service_state state; /* this and the rest: the channel's lock */
	uint32_t framework, version;
	uint8_t transaction;            /* of the last request */
	bool waiting;                   /* for its answer */
	uint64_t deadline;              /* of now(); SERVICE_NEVER */
	uint64_t sequence, last_answer; /* heartbeat */
	bool restart, refused;          /* shutdown */
};

int must_check service_offer(struct service *service, struct vsp_vmbus *vmbus);

/* A request of the service's type. -EAGAIN: no room in the ring. */
int must_check service_request(struct service *service, const void *data, size_t size);

uint64_t service_now(const struct service *service);

extern const struct service_class service_heartbeat, service_shutdown, service_time;

/* heartbeat.c, shutdown.c; with the channel's lock */
enum vsp_heartbeat heartbeat_look(const struct service *service, uint64_t *ret_age);
int must_check shutdown_request(struct service *service, bool restart);

enum { SERVICE_HEARTBEAT, SERVICE_SHUTDOWN, SERVICE_TIME, SERVICES };

struct vsp_services {
	struct vid_partition *partition;
	const struct vsp_services_ops *ops;
	void *owner;
	int epoll, timer;
	bool paused;
	struct service service[SERVICES];
};

#endif
