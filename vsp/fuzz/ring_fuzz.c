/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring whose memory and whose peer's index are the input's, changed between the operations.
 */
#include <errno.h>
#include <stddef.h>

#include "test/pages.h"
#include "vsp/ring.h"

#define PAGES 3u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes one byte somewhere: three of the input say where and what. */
static void disturb(struct pages *p, const uint8_t *data)
{
	size_t at = data[0] | (size_t)data[1] << 8;

	p->page[data[0] % PAGES][at % 64] = data[2];
	p->page[1][at % WIRE_RING_PAGE] = data[2];
}

static void turn(struct vsp_ring *reader, struct vsp_ring *writer, uint8_t what)
{
	uint8_t bytes[8192] = {0};
	const struct iovec part = {bytes, what * 16u};
	const struct vsp_message m = {WIRE_PACKET_IN_BAND, 0, what, &part, 1};
	struct vsp_packet packet;
	bool signal;

	if (vsp_ring_write(writer, &m, &signal) == -EPROTO)
		writer->broken = false; /* look at the next one as well */
	if (vsp_ring_peek(reader, &packet) < 0) {
		reader->broken = false;
		return;
	}
	CHECK(packet.payload >= 16 && packet.size >= packet.payload &&
	      packet.size <= reader->size - 8);
	vsp_ring_copy(reader, packet.payload, bytes,
		      MIN(packet.size - packet.payload, (uint32_t)sizeof bytes));
	signal = vsp_ring_consume(reader, &packet);
	vsp_ring_mask(reader);
	signal |= vsp_ring_unmask(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vsp_ring reader = {0}, writer = {0};
	struct pages pages;

	pages_init(&pages, PAGES);
	for (size_t i = 0; i < size; i++)
		pages.page[1 + i / WIRE_RING_PAGE % (PAGES - 1)][i % WIRE_RING_PAGE] = data[i];
	CHECK(vsp_ring_init(&reader, pages.page, PAGES, false) == 0);
	CHECK(vsp_ring_init(&writer, pages.page, PAGES, true) == 0);
	for (size_t i = 0; i + 4 <= size; i += 4) {
		disturb(&pages, data + i);
		turn(&reader, &writer, data[i + 3]);
	}
	vsp_ring_fini(&reader);
	vsp_ring_fini(&writer);
	pages_fini(&pages);
	return 0;
}
