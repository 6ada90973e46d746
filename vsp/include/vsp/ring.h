/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One end of a ring: the reader's or the writer's. Both sides of the protocol are here, so that tests
 * are their own guest.
 *
 * The peer may write anything anywhere at any time. An end keeps its own index in its own memory and
 * only shows it; the peer's index is read once an operation and checked; a packet's descriptor is
 * copied once. What cannot be is -EPROTO, and the end is broken from then on.
 *
 * Threads: one at a time for each end.
 */
#ifndef VSP_RING_H
#define VSP_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/macros.h"

struct wire_ring_control;

struct vsp_ring {
	struct wire_ring_control *control;
	uint8_t **pages; /* of data */
	uint32_t size;   /* of data, bytes */
	uint32_t index;  /* this end's */
	bool writer, broken;
};

/* A packet at the reader's end. */
struct vsp_packet {
	uint16_t type, flags;
	uint64_t id;
	uint32_t payload; /* where it begins, from the packet's own beginning; 16 or more */
	uint32_t size;    /* of all, a multiple of 8, `payload` or more */
};

/*
 * `pages` are host addresses of 4 KiB each: the control page, then data; they are copied. The index is
 * taken from the control page, so that an open ring can be taken over. -EINVAL: too few or too many
 * pages (2 to 8192), or an index that cannot be; -ENOMEM.
 */
int must_check vsp_ring_init(struct vsp_ring *ring, uint8_t *const *pages, size_t count,
			     bool writer);
void vsp_ring_fini(struct vsp_ring *ring); /* zeroed memory is allowed */

/* ---- reader ---- */

/* The packet to be read next. -EAGAIN: none; -EPROTO. */
int must_check vsp_ring_peek(struct vsp_ring *ring, struct vsp_packet *ret_packet);
/* Copies `size` bytes from `offset` on of the packet peeked at; they are inside of it. */
void vsp_ring_copy(const struct vsp_ring *ring, uint32_t offset, void *to, size_t size);
/* Gives its space back. True: the writer waits for that much and is to be signalled. */
bool must_check vsp_ring_consume(struct vsp_ring *ring, const struct vsp_packet *packet);
/* While it is masked, the writer does not signal. */
void vsp_ring_mask(struct vsp_ring *ring);
/* True: something has come meanwhile, of which there is no signal; look again. */
bool must_check vsp_ring_unmask(struct vsp_ring *ring);

/* ---- writer ---- */

/* The writer says that it tells what space it waits for; once, at the beginning. */
void vsp_ring_announce(struct vsp_ring *ring);

/* One packet's worth of `parts`, as payload, padded to 8 bytes. */
struct vsp_message {
	uint16_t type, flags;
	uint64_t id;
	const struct iovec *parts;
	unsigned int part_count;
};

/*
 * *ret_signal: the reader is to be signalled. -EAGAIN: there is no room, the reader signals when there
 * is; -EMSGSIZE: there never will be; -EPROTO.
 */
int must_check vsp_ring_write(struct vsp_ring *ring, const struct vsp_message *message,
			      bool *ret_signal);

#endif
