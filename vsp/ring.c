/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ring.h. Data is ordered by the indices: stored with release, loaded with acquire. Where a side
 * publishes and then looks whether the other one sleeps, both sides have a full fence in between: one
 * of them sees the other's store, so that no signal is lost.
 */
#include "vsp/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ring.h"

#define PAGES_MIN 2u
#define PAGES_MAX 8192u

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static void fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static bool index_valid(const struct vsp_ring *ring, uint32_t index)
{
	return index < ring->size && index % 8 == 0;
}

int vsp_ring_init(struct vsp_ring *ring, uint8_t *const *pages, size_t count, bool writer)
{
	struct vsp_ring new = {.writer = writer};

	if (count < PAGES_MIN || count > PAGES_MAX)
		return -EINVAL;
	new.control = (struct wire_ring_control *)(void *)pages[0];
	new.size = (uint32_t)(count - 1) * WIRE_RING_PAGE;
	new.index = load(writer ? &new.control->write : &new.control->read);
	if (!index_valid(&new, new.index))
		return -EINVAL;
	new.pages = calloc(count - 1, sizeof *new.pages);
	if (!new.pages)
		return -ENOMEM;
	memcpy(new.pages, pages + 1, (count - 1) * sizeof *new.pages);
	*ring = new;
	return 0;
}

void vsp_ring_fini(struct vsp_ring *ring)
{
	free(ring->pages);
	memset(ring, 0, sizeof *ring);
}

static uint32_t advance(const struct vsp_ring *ring, uint32_t index, uint32_t bytes)
{
	uint64_t next = (uint64_t)index + bytes;

	return (uint32_t)(next < ring->size ? next : next - ring->size);
}

/* At most `size` bytes at `index` that lie in one page. */
static uint8_t *piece(const struct vsp_ring *ring, uint32_t index, size_t size, size_t *ret_size)
{
	*ret_size = MIN(size, (size_t)(WIRE_RING_PAGE - index % WIRE_RING_PAGE));
	return ring->pages[index / WIRE_RING_PAGE] + index % WIRE_RING_PAGE;
}

static void copy_out(const struct vsp_ring *ring, uint32_t index, void *to, size_t size)
{
	uint8_t *at = to;
	size_t n;

	for (; size; size -= n, at += n) {
		const uint8_t *from = piece(ring, index, size, &n);

		memcpy(at, from, n);
		index = advance(ring, index, (uint32_t)n);
	}
}

static uint32_t copy_in(const struct vsp_ring *ring, uint32_t index, const void *from, size_t size)
{
	const uint8_t *at = from;
	size_t n;

	for (; size; size -= n, at += n) {
		uint8_t *to = piece(ring, index, size, &n);

		memcpy(to, at, n);
		index = advance(ring, index, (uint32_t)n);
	}
	return index;
}

static int fail(struct vsp_ring *ring)
{
	ring->broken = true;
	return -EPROTO;
}

/* Bytes between the reader and the writer, by the peer's index as it is now. */
static int used(struct vsp_ring *ring, uint32_t *ret_used)
{
	uint32_t peer = load(ring->writer ? &ring->control->read : &ring->control->write);
	uint32_t from = ring->writer ? peer : ring->index;
	uint32_t to = ring->writer ? ring->index : peer;

	if (ring->broken || !index_valid(ring, peer))
		return fail(ring);
	*ret_used = to >= from ? to - from : ring->size - from + to;
	return 0;
}

/* --- reader --- */

int vsp_ring_peek(struct vsp_ring *ring, struct vsp_packet *ret_packet)
{
	struct wire_packet packet;
	uint32_t bytes, size, payload;
	int r = used(ring, &bytes);

	if (r < 0)
		return r;
	if (bytes == 0)
		return -EAGAIN;
	if (bytes < sizeof packet + WIRE_PACKET_FOOTER)
		return fail(ring);
	copy_out(ring, ring->index, &packet, sizeof packet);
	size = packet.length8 * 8u;
	payload = packet.offset8 * 8u;
	if (payload < sizeof packet || size < payload || size + WIRE_PACKET_FOOTER > bytes)
		return fail(ring);
	*ret_packet = (struct vsp_packet){packet.type, packet.flags, packet.id, payload, size};
	return 0;
}

void vsp_ring_copy(const struct vsp_ring *ring, uint32_t offset, void *to, size_t size)
{
	copy_out(ring, advance(ring, ring->index, offset), to, size);
}

bool vsp_ring_consume(struct vsp_ring *ring, const struct vsp_packet *packet)
{
	uint32_t gone = packet->size + WIRE_PACKET_FOOTER, bytes, wanted, before;

	ring->index = advance(ring, ring->index, gone);
	store(&ring->control->read, ring->index);
	fence(); /* pairs with the one in vsp_ring_write(), behind the store of pending_send */
	wanted = __atomic_load_n(&ring->control->pending_send, __ATOMIC_RELAXED);
	if (!wanted || used(ring, &bytes) < 0)
		return false;
	before = bytes + gone < ring->size ? ring->size - bytes - gone : 0;
	return before < wanted && wanted <= ring->size - bytes;
}

void vsp_ring_mask(struct vsp_ring *ring)
{
	store(&ring->control->mask, 1);
}

bool vsp_ring_unmask(struct vsp_ring *ring)
{
	uint32_t bytes;

	store(&ring->control->mask, 0);
	fence(); /* pairs with the one in vsp_ring_write(), behind the store of the index */
	return used(ring, &bytes) == 0 && bytes;
}

/* --- writer --- */

void vsp_ring_announce(struct vsp_ring *ring)
{
	store(&ring->control->features, WIRE_RING_PENDING_SEND);
}

static int wait_for_room(struct vsp_ring *ring, uint32_t wanted)
{
	uint32_t bytes;
	int r;

	store(&ring->control->pending_send, wanted);
	fence(); /* pairs with the one in vsp_ring_consume() */
	r = used(ring, &bytes);
	if (r < 0)
		return r;
	return ring->size - bytes < wanted ? -EAGAIN : 0;
}

/* 8 bytes stay free, or a full ring would be an empty one. */
static int make_room(struct vsp_ring *ring, uint64_t size)
{
	uint64_t wanted = size + WIRE_PACKET_FOOTER + 8;
	uint32_t bytes;
	int r;

	/* A reader may signal only above what is waited for: less than all of it. */
	if (wanted >= ring->size || size / 8 > UINT16_MAX)
		return -EMSGSIZE;
	r = used(ring, &bytes);
	if (r == 0 && ring->size - bytes < wanted)
		r = wait_for_room(ring, (uint32_t)wanted);
	if (r == 0 && __atomic_load_n(&ring->control->pending_send, __ATOMIC_RELAXED))
		store(&ring->control->pending_send, 0);
	return r;
}

/* The reader has read everything that was there before, and sleeps, or is about to look once more. */
static bool reader_waits(const struct vsp_ring *ring, uint32_t old)
{
	fence(); /* pairs with the one in vsp_ring_unmask() */
	return !__atomic_load_n(&ring->control->mask, __ATOMIC_RELAXED) &&
	       __atomic_load_n(&ring->control->read, __ATOMIC_RELAXED) == old;
}

int vsp_ring_write(struct vsp_ring *ring, const struct vsp_message *message, bool *ret_signal)
{
	static const uint8_t zeros[8];
	uint64_t size = sizeof(struct wire_packet), padding;
	uint32_t old = ring->index, at;
	uint64_t footer = (uint64_t)old << 32;
	struct wire_packet packet;
	int r;

	for (unsigned int i = 0; i < message->part_count; i++)
		size += message->parts[i].iov_len;
	padding = ALIGN_UP(size, 8) - size;
	r = make_room(ring, size + padding);
	if (r < 0)
		return r;
	packet =
		(struct wire_packet){message->type, sizeof packet / 8,
				     (uint16_t)((size + padding) / 8), message->flags, message->id};
	at = copy_in(ring, old, &packet, sizeof packet);
	for (unsigned int i = 0; i < message->part_count; i++)
		at = copy_in(ring, at, message->parts[i].iov_base, message->parts[i].iov_len);
	at = copy_in(ring, at, zeros, padding);
	ring->index = copy_in(ring, at, &footer, sizeof footer);
	store(&ring->control->write, ring->index);
	*ret_signal = reader_waits(ring, old);
	return 0;
}
