/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest for tests of the server and of providers: posts messages as drivers do, takes what comes and
 * is stricter about it than they are. A message that is not expected, of another size, to another
 * processor or SINT, before a connection or after its end, fails the test.
 */
#ifndef TEST_GUEST_H
#define TEST_GUEST_H

#include "vid/fake.h"
#include "vid/memory.h"
#include "vsp/vmbus.h"
#include "wire/ring.h"
#include "wire/vmbus.h"

#define GUEST_RAM  MIB(4)
#define GUEST_HOLE MIB(3) /* a page there is no memory */

struct guest_channel {
	struct wire_vmbus_offer offer;
	uint32_t gpadl;
	uint64_t gpa;            /* of its rings, */
	uint32_t pages;          /* of which each has half */
	struct vsp_ring out, in; /* the guest's ends */
};

struct guest {
	struct vid_partition *partition;
	struct vid_memory *ram, *high;
	uint8_t *host;
	struct vsp_vmbus *vmbus;
	uint32_t version;
	uint32_t connection; /* to post to */
	uint32_t next_gpadl;
	uint64_t next_gpa;
	struct wire_vmbus_offer offers[VSP_CHANNELS_MAX];
	size_t offer_count;
};

void guest_init(struct guest *g);
void guest_fini(struct guest *g);

/* Posts; the server is to take it. */
void guest_post(struct guest *g, const void *message, size_t size);
/* The next message, which is of `type` and has exactly `size` bytes. */
void guest_expect(struct guest *g, uint32_t type, void *ret_message, size_t size);
void guest_expect_nothing(struct guest *g);
/* Event flags since the last call. Each is of SINT 2; returns their number, the last one in *ret_flag. */
size_t guest_signals(struct guest *g, uint32_t *ret_vp, uint32_t *ret_flag);

/* True: the server speaks it. */
bool guest_contact(struct guest *g, uint32_t version);
/* Connects by 5.3 and takes the offers. */
void guest_connect(struct guest *g);
void guest_take_offers(struct guest *g);
const struct wire_vmbus_offer *guest_find(const struct guest *g, const struct vsp_guid *interface);

/* Names `pages` pages from `gpa` on. Returns the status. */
uint32_t guest_gpadl(struct guest *g, uint32_t relid, uint32_t id, uint64_t gpa, uint32_t pages);
void guest_teardown(struct guest *g, uint32_t relid, uint32_t id);

/* Rings of `pages` pages each way, and all that it takes. */
uint32_t guest_try_open(struct guest *g, struct guest_channel *c,
			const struct wire_vmbus_offer *offer, uint32_t pages);
void guest_open(struct guest *g, struct guest_channel *c, const struct wire_vmbus_offer *offer,
		uint32_t pages);
void guest_close(struct guest *g, struct guest_channel *c);

/* A packet to the host; signals if the ring says so. */
void guest_send(struct guest *g, struct guest_channel *c, uint16_t type, uint16_t flags,
		uint64_t id, const void *data, size_t size);
void guest_signal(struct guest *g, const struct guest_channel *c);
/* The next packet's payload, or -1: there is none. */
ssize_t guest_receive(struct guest *g, struct guest_channel *c, uint16_t *ret_type,
		      uint64_t *ret_id, void *data, size_t size);

#endif
