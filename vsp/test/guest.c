/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#define PAGE VID_PAGE_SIZE

void guest_init(struct guest *g)
{
	memset(g, 0, sizeof *g);
	ck_assert_int_eq(vid_fake_partition_create(&g->partition), 0);
	ck_assert_int_eq(vid_memory_create("ram", GUEST_RAM, &g->ram), 0);
	ck_assert_int_eq(vid_partition_map(g->partition, 0, g->ram, 0, GUEST_HOLE, VID_ACCESS_ALL),
			 0);
	ck_assert_int_eq(vid_partition_map(g->partition, GUEST_HOLE + PAGE, g->ram,
					   GUEST_HOLE + PAGE, GUEST_RAM - GUEST_HOLE - PAGE,
					   VID_ACCESS_ALL),
			 0);
	g->host = vid_memory_host(g->ram);
	ck_assert_int_eq(vsp_vmbus_create(g->partition, &g->vmbus), 0);
	g->next_gpadl = 0xe1e10;
	g->next_gpa = MIB(1);
}

void guest_fini(struct guest *g)
{
	vsp_vmbus_destroy(g->vmbus);
	vid_partition_destroy(g->partition);
	vid_memory_destroy(g->ram);
}

/* --- messages --- */

void guest_post(struct guest *g, const void *message, size_t size)
{
	ck_assert_int_eq(
		vsp_vmbus_message(g->vmbus, g->connection, WIRE_VMBUS_MESSAGE_TYPE, message, size),
		0);
}

static bool take(struct guest *g, struct vid_fake_event *ret_event)
{
	bool wanted = false;

	if (!vid_fake_take_message(g->partition, ret_event, &wanted))
		return false;
	ck_assert_uint_eq(ret_event->type, WIRE_VMBUS_MESSAGE_TYPE);
	ck_assert_uint_eq(ret_event->sint, WIRE_VMBUS_SINT);
	ck_assert_uint_eq(ret_event->vp_index, 0);
	if (wanted)
		vsp_vmbus_slot_free(g->vmbus);
	return true;
}

void guest_expect(struct guest *g, uint32_t type, void *ret_message, size_t size)
{
	struct vid_fake_event event;
	struct wire_vmbus_header header;

	ck_assert_msg(take(g, &event), "no message, wanted one of type %u", type);
	memcpy(&header, event.payload, sizeof header);
	ck_assert_uint_eq(header.type, type);
	ck_assert_uint_eq(header.padding, 0);
	ck_assert_uint_eq(event.size, size);
	memcpy(ret_message, event.payload, size);
}

void guest_expect_nothing(struct guest *g)
{
	struct vid_fake_event event;

	ck_assert(!take(g, &event));
}

size_t guest_signals(struct guest *g, uint32_t *ret_vp, uint32_t *ret_flag)
{
	struct vid_fake_event events[VID_FAKE_RECORDS];
	size_t count = vid_fake_take_events(g->partition, events, ARRAY_SIZE(events));

	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_eq(events[i].type, 0); /* no message is left */
		ck_assert_uint_eq(events[i].sint, WIRE_VMBUS_SINT);
		*ret_vp = events[i].vp_index;
		*ret_flag = events[i].flag;
	}
	return count;
}

/* --- connection --- */

bool guest_contact(struct guest *g, uint32_t version)
{
	struct wire_vmbus_initiate_contact m = {.header.type = WIRE_VMBUS_INITIATE_CONTACT,
						.version = version};
	struct wire_vmbus_version_response answer;

	g->connection = version >= WIRE_VMBUS_VERSION(5, 0) ? WIRE_VMBUS_CONNECTION_5
							    : WIRE_VMBUS_CONNECTION;
	if (version >= WIRE_VMBUS_VERSION(5, 0))
		m.sint = WIRE_VMBUS_SINT;
	guest_post(g, &m, sizeof m);
	guest_expect(g, WIRE_VMBUS_VERSION_RESPONSE, &answer, sizeof answer);
	ck_assert_uint_eq(answer.state, 0);
	ck_assert_uint_le(answer.supported, 1);
	if (answer.supported && version >= WIRE_VMBUS_VERSION(5, 0))
		g->connection = answer.connection;
	g->version = answer.supported ? version : 0;
	g->offer_count = 0;
	return answer.supported;
}

static void check_offer(const struct guest *g, const struct wire_vmbus_offer *o)
{
	for (size_t i = 0; i < g->offer_count; i++) {
		ck_assert_uint_ne(g->offers[i].relid, o->relid);
		ck_assert_uint_ne(g->offers[i].connection, o->connection);
		ck_assert(memcmp(&g->offers[i].instance, &o->instance, sizeof o->instance) ||
			  g->offers[i].subchannel != o->subchannel);
	}
	ck_assert_uint_eq(o->flags & 6, 0); /* confidential, to newer guests */
	ck_assert_uint_eq(o->dedicated, 1);
	ck_assert_uint_eq(o->monitor_allocated, 0);
	ck_assert(o->relid >= 1 && o->relid < 2048);
}

void guest_take_offers(struct guest *g)
{
	struct wire_vmbus_header header = {WIRE_VMBUS_REQUEST_OFFERS, 0};
	struct vid_fake_event event;

	guest_post(g, &header, sizeof header);
	for (;;) {
		ck_assert(take(g, &event));
		memcpy(&header, event.payload, sizeof header);
		if (header.type == WIRE_VMBUS_ALL_OFFERS)
			break;
		ck_assert_uint_eq(header.type, WIRE_VMBUS_OFFER);
		ck_assert_uint_eq(event.size, sizeof(struct wire_vmbus_offer));
		ck_assert_uint_lt(g->offer_count, ARRAY_SIZE(g->offers));
		memcpy(&g->offers[g->offer_count], event.payload, event.size);
		check_offer(g, &g->offers[g->offer_count]);
		g->offer_count++;
	}
	ck_assert_uint_eq(event.size, sizeof header);
	guest_expect_nothing(g);
}

void guest_connect(struct guest *g)
{
	ck_assert(guest_contact(g, WIRE_VMBUS_VERSION(5, 3)));
	guest_take_offers(g);
}

const struct wire_vmbus_offer *guest_find(const struct guest *g, const struct vsp_guid *interface)
{
	for (size_t i = 0; i < g->offer_count; i++)
		if (memcmp(&g->offers[i].interface, interface, sizeof *interface) == 0)
			return &g->offers[i];
	ck_abort_msg("no such offer");
	return NULL;
}

/* --- GPADLs --- */

#define HEADER_PFNS 26u
#define BODY_PFNS   28u

static size_t put_pfns(uint8_t *at, uint64_t gpa, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t number = gpa / PAGE + first + i;

		memcpy(at + i * 8, &number, 8);
	}
	return count * 8;
}

static void post_bodies(struct guest *g, uint32_t id, uint64_t gpa, uint32_t pages)
{
	struct wire_vmbus_gpadl_body body = {{WIRE_VMBUS_GPADL_BODY, 0}, 0, id};
	uint8_t payload[WIRE_VMBUS_PAYLOAD];

	for (uint32_t done = HEADER_PFNS; done < pages; done += BODY_PFNS) {
		body.number++;
		memcpy(payload, &body, sizeof body);
		guest_post(g, payload,
			   sizeof body + put_pfns(payload + sizeof body, gpa, done,
						  MIN(pages - done, BODY_PFNS)));
	}
}

uint32_t guest_gpadl(struct guest *g, uint32_t relid, uint32_t id, uint64_t gpa, uint32_t pages)
{
	const struct wire_vmbus_gpadl_header header = {
		.header.type = WIRE_VMBUS_GPADL_HEADER,
		.relid = relid,
		.gpadl = id,
		.ranges_size = (uint16_t)(8 + pages * 8),
		.range_count = 1,
		.range = {pages * (uint32_t)PAGE, 0},
	};
	struct wire_vmbus_gpadl_created answer;
	uint8_t payload[WIRE_VMBUS_PAYLOAD];

	memcpy(payload, &header, sizeof header);
	guest_post(g, payload,
		   sizeof header +
			   put_pfns(payload + sizeof header, gpa, 0, MIN(pages, HEADER_PFNS)));
	post_bodies(g, id, gpa, pages);
	guest_expect(g, WIRE_VMBUS_GPADL_CREATED, &answer, sizeof answer);
	ck_assert_uint_eq(answer.relid, relid);
	ck_assert_uint_eq(answer.gpadl, id);
	return answer.status;
}

void guest_teardown(struct guest *g, uint32_t relid, uint32_t id)
{
	const struct wire_vmbus_gpadl_teardown m = {{WIRE_VMBUS_GPADL_TEARDOWN, 0}, relid, id};
	struct wire_vmbus_gpadl_torndown answer;

	guest_post(g, &m, sizeof m);
	guest_expect(g, WIRE_VMBUS_GPADL_TORNDOWN, &answer, sizeof answer);
	ck_assert_uint_eq(answer.gpadl, id);
}

/* --- channels --- */

static void ring_at(struct guest *g, struct vsp_ring *ring, uint64_t gpa, uint32_t pages,
		    bool writer)
{
	uint8_t *page[256];

	ck_assert_uint_le(pages, ARRAY_SIZE(page));
	for (uint32_t i = 0; i < pages; i++)
		page[i] = g->host + gpa + i * PAGE;
	ck_assert_int_eq(vsp_ring_init(ring, page, pages, writer), 0);
}

uint32_t guest_try_open(struct guest *g, struct guest_channel *c,
			const struct wire_vmbus_offer *offer, uint32_t pages)
{
	struct wire_vmbus_open m = {.header.type = WIRE_VMBUS_OPEN,
				    .relid = offer->relid,
				    .id = offer->relid + 7,
				    .downstream = pages};
	struct wire_vmbus_open_result answer;

	*c = (struct guest_channel){.offer = *offer, .pages = pages, .gpa = g->next_gpa};
	c->gpadl = m.gpadl = g->next_gpadl++;
	memset(g->host + c->gpa, 0, 2 * pages * PAGE);
	ck_assert_uint_eq(guest_gpadl(g, offer->relid, c->gpadl, c->gpa, 2 * pages), 0);
	guest_post(g, &m, sizeof m);
	guest_expect(g, WIRE_VMBUS_OPEN_RESULT, &answer, sizeof answer);
	ck_assert_uint_eq(answer.relid, m.relid);
	ck_assert_uint_eq(answer.id, m.id);
	return answer.status;
}

void guest_open(struct guest *g, struct guest_channel *c, const struct wire_vmbus_offer *offer,
		uint32_t pages)
{
	ck_assert_uint_eq(guest_try_open(g, c, offer, pages), 0);
	g->next_gpa += 2 * pages * PAGE;
	ring_at(g, &c->out, c->gpa, pages, true);
	ring_at(g, &c->in, c->gpa + pages * PAGE, pages, false);
}

void guest_close(struct guest *g, struct guest_channel *c)
{
	const struct wire_vmbus_relid m = {{WIRE_VMBUS_CLOSE, 0}, c->offer.relid};

	guest_post(g, &m, sizeof m);
	guest_teardown(g, c->offer.relid, c->gpadl);
	vsp_ring_fini(&c->out);
	vsp_ring_fini(&c->in);
}

void guest_signal(struct guest *g, const struct guest_channel *c)
{
	const struct vid_doorbell write = {.kind = VID_DOORBELL_SIGNAL,
					   .address = c->offer.connection};

	ck_assert(vid_fake_guest_writes(g->partition, &write));
}

void guest_send(struct guest *g, struct guest_channel *c, uint16_t type, uint16_t flags,
		uint64_t id, const void *data, size_t size)
{
	const struct iovec part = {(void *)(uintptr_t)data, size};
	const struct vsp_message m = {type, flags, id, &part, 1};
	bool signal;

	ck_assert_int_eq(vsp_ring_write(&c->out, &m, &signal), 0);
	if (signal)
		guest_signal(g, c);
}

ssize_t guest_receive(struct guest *g, struct guest_channel *c, uint16_t *ret_type,
		      uint64_t *ret_id, void *data, size_t size)
{
	struct vsp_packet packet;
	int r = vsp_ring_peek(&c->in, &packet);
	uint32_t payload;

	if (r == -EAGAIN)
		return -1;
	ck_assert_int_eq(r, 0);
	payload = packet.size - packet.payload;
	ck_assert_uint_le(payload, size);
	vsp_ring_copy(&c->in, packet.payload, data, payload);
	*ret_type = packet.type;
	*ret_id = packet.id;
	if (vsp_ring_consume(&c->in, &packet))
		guest_signal(g, c);
	return payload;
}
