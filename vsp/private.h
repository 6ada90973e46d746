/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the server: vmbus.c has connection and messages, gpadl.c the guest's memory that
 * it names, channel.c what is open.
 */
#ifndef VSP_PRIVATE_H
#define VSP_PRIVATE_H

#include <pthread.h>

#include "vsp/vmbus.h"
#include "wire/vmbus.h"

struct vid_partition;

/* ---- gpadl.c: the server's lock is held ---- */

struct gpadl {
	uint32_t relid, id;
	uint32_t pages, got; /* that it has, that were named so far */
	bool bad;            /* one of them is not memory */
	uint8_t **page;      /* host addresses; they stay valid as long as the machine */
};

struct gpadls {
	struct gpadl *gpadl[VSP_GPADLS_MAX];
	size_t count;
	uint64_t pages;
};

/*
 * The beginning and a next piece of one; `payload` is the message's. 0: more is to come; 1: it is
 * complete, and *ret_gpadl may be `bad`, then it is gone. -errno: refused, and gone.
 */
int must_check gpadls_begin(struct gpadls *gpadls, struct vid_partition *partition,
			    const uint8_t *payload, size_t size);
int must_check gpadls_continue(struct gpadls *gpadls, struct vid_partition *partition,
			       const uint8_t *payload, size_t size, uint32_t *ret_relid);
/* A complete one, or NULL. */
const struct gpadl *gpadls_find(const struct gpadls *gpadls, uint32_t id);
void gpadls_remove(struct gpadls *gpadls, uint32_t id);
void gpadls_remove_of(struct gpadls *gpadls, uint32_t relid);
void gpadls_clear(struct gpadls *gpadls);

/* ---- channel.c ---- */

/* The guest signals channel n by this connection and n. */
#define CHANNEL_CONNECTION 0x10000u

enum channel_state {
	CHANNEL_FREE,     /* zeroed memory */
	CHANNEL_OFFERED,  /* there, whether the guest knows it or not */
	CHANNEL_RESCINDED /* gone, but the guest has not given its number back */
};

struct vsp_channel {
	/* S: the server's lock. Written with both, read with either: `state`, `open`, `relid`. */
	struct vsp_vmbus *vmbus;
	enum channel_state state;
	uint32_t relid;
	bool known;   /* S: the guest has heard of it and not given it back */
	bool to_tell; /* S: an offer, or a rescind, waits for a slot */
	struct vsp_offer offer;
	int fd; /* eventfd, for as long as the server lives; -1 before */

	pthread_mutex_t lock; /* around the rest */
	bool open;
	uint32_t target_vp;
	struct vsp_ring in, out; /* from the guest, to it */
};

/* With the server's lock. */
int must_check channel_open(struct vsp_channel *channel, const struct gpadl *gpadl,
			    const struct wire_vmbus_open *open);
void channel_close(struct vsp_channel *channel);
void channel_retarget(struct vsp_channel *channel, uint32_t vp);

/* ---- vmbus.c ---- */

struct reply {
	uint32_t vp;
	uint16_t size;
	uint8_t payload[sizeof(struct wire_vmbus_tl_connect_result)];
};

struct vsp_vmbus {
	struct vid_partition *partition;
	pthread_mutex_t lock; /* around the rest, S of the channels */
	uint32_t version;     /* 0: not connected */
	uint32_t vp;          /* that messages go to */
	bool offers_wanted;   /* the guest has asked for them, */
	bool all_told;        /* and has the last one */
	struct gpadls gpadls;
	struct reply replies[VSP_REPLIES_MAX]; /* a ring */
	size_t first_reply, reply_count;
	uint64_t bad_messages;
	struct vsp_channel channel[VSP_CHANNELS_MAX]; /* number i + 1 */
};

/* With the server's lock: tells the guest what waits for a slot. */
void vmbus_tell(struct vsp_vmbus *v);

#endif
