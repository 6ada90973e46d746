/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side of VMBus: what channels there are, the guest's connection, and the channels that it
 * has opened. Providers offer channels here and serve them.
 *
 * A guest's connection: messages by two connections of HvCallPostMessage, answers in the slots of
 * SINT 2, one event flag a channel to the guest and one doorbell a channel from it. Versions 4.0 to
 * 5.3 are spoken; what is newer or older is turned down, and the guest asks for another one.
 *
 * Threads and locks: any thread may call anything. The server's lock is around connection, offers and
 * GPADLs, each channel has one around its rings and its provider. Order: the caller's own (the
 * machine's), server, channel. Nothing here asks for the machine's lock.
 *
 * Limits, of each server: VSP_CHANNELS_MAX channels; VSP_GPADLS_MAX GPADLs, those under way included,
 * with VSP_GPADL_PAGES_MAX pages in all, of which one has 8,190 at most; VSP_REPLIES_MAX answers that
 * wait for a slot: with that many, the next message is put off (-EAGAIN) and the guest tries again.
 */
#ifndef VSP_VMBUS_H
#define VSP_VMBUS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "vsp/ring.h"

struct vid_partition;
struct vsp_channel;
struct vsp_vmbus;

#define VSP_CHANNELS_MAX    128u
#define VSP_GPADLS_MAX      512u
#define VSP_GPADL_PAGES_MAX 65536u
#define VSP_REPLIES_MAX     32u

int must_check vsp_vmbus_create(struct vid_partition *partition, struct vsp_vmbus **ret_vmbus);
/* Nobody uses its channels any more. NULL is allowed. */
void vsp_vmbus_destroy(struct vsp_vmbus *vmbus);

/* ---- of the processors' threads ---- */

/*
 * A message that the guest posted. 0: taken, whatever the guest gets to hear of it. -ENXIO: that is no
 * connection of VMBus; -EAGAIN: the guest is to try again.
 */
int must_check vsp_vmbus_message(struct vsp_vmbus *vmbus, uint32_t connection, uint32_t type,
				 const void *payload, size_t size);
/* The guest emptied a slot. */
void vsp_vmbus_slot_free(struct vsp_vmbus *vmbus);

/*
 * As the guest's UNLOAD, without an answer: all channels are closed, all GPADLs gone. For a reset of the
 * machine.
 */
void vsp_vmbus_reset(struct vsp_vmbus *vmbus);

/* The version that the guest speaks; 0: it has not connected. */
uint32_t vsp_vmbus_version(struct vsp_vmbus *vmbus);

/* Messages of the guest that were no messages, and are passed over. */
uint64_t vsp_vmbus_bad_messages(struct vsp_vmbus *vmbus);

/* ---- channels, for providers ---- */

struct vsp_guid {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
};

enum vsp_ready {
	VSP_READY_EMPTY,   /* there was nothing */
	VSP_READY_AGAIN,   /* one packet is done, there may be more */
	VSP_READY_STALLED, /* the provider has no room; it calls vsp_channel_kick() when it has */
};

/* Called with the channel's lock held. */
struct vsp_channel_ops {
	/* The rings are there. An error refuses it. May be NULL. */
	int (*open)(void *owner);
	/* Until this returns, the rings are there; from then on the provider leaves guest memory alone. */
	void (*close)(void *owner);
	/* The guest has signalled: looks at one packet. */
	enum vsp_ready (*ready)(void *owner);
};

struct vsp_offer {
	struct vsp_guid interface, instance;
	bool pipe; /* of messages */
	uint16_t mmio_mib;
	uint16_t subchannel; /* 0: the channel itself */
	const struct vsp_channel_ops *ops;
	void *owner;
};

/* Offers a channel; a guest that is connected is told. -ENOSPC, -EMFILE. */
int must_check vsp_channel_offer(struct vsp_vmbus *vmbus, const struct vsp_offer *offer,
				 struct vsp_channel **ret_channel);
/* Takes it back: it is closed, and not to be used any more. */
void vsp_channel_rescind(struct vsp_channel *channel);

/* Readable when the guest has signalled: whoever watches it calls vsp_channel_serve(). */
int vsp_channel_fd(const struct vsp_channel *channel);
/* Takes the lock; calls ready(), some times at most, and asks by the descriptor to be called again. */
void vsp_channel_serve(struct vsp_channel *channel);
/* As if the guest had signalled. With or without the lock. */
void vsp_channel_kick(struct vsp_channel *channel);

void vsp_channel_lock(struct vsp_channel *channel);
void vsp_channel_unlock(struct vsp_channel *channel);
/* The lock itself, for condition variables. */
pthread_mutex_t *vsp_channel_mutex(struct vsp_channel *channel);

/* The rest with the lock held. */
bool vsp_channel_is_open(const struct vsp_channel *channel);
int must_check vsp_channel_peek(struct vsp_channel *channel, struct vsp_packet *ret_packet);
void vsp_channel_copy(struct vsp_channel *channel, uint32_t offset, void *to, size_t size);
void vsp_channel_consume(struct vsp_channel *channel, const struct vsp_packet *packet);
/* As vsp_ring_write(), and the guest is signalled. */
int must_check vsp_channel_send(struct vsp_channel *channel, const struct vsp_message *message);

#endif
