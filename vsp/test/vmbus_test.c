/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server, seen by a strict guest; the provider behind its channels sends back what it gets.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

#define PAGES 4u /* of a ring */

struct echo {
	struct vsp_channel *channel;
	int opens, closes, readies;
	int refuse; /* open */
	bool stall; /* take nothing */
};

static struct guest g;
static struct echo echo[3];
static const struct vsp_guid echo_interface = {0x1234, 1, 2, {3}};

static int echo_open(void *owner)
{
	struct echo *e = owner;

	e->opens++;
	return e->refuse;
}

static void echo_close(void *owner)
{
	struct echo *e = owner;

	e->closes++;
}

static enum vsp_ready echo_ready(void *owner)
{
	struct echo *e = owner;
	struct vsp_packet packet;
	uint8_t data[4096];
	struct iovec part = {data, 0};
	struct vsp_message m = {WIRE_PACKET_COMPLETION, 0, 0, &part, 1};

	e->readies++;
	if (e->stall)
		return VSP_READY_STALLED;
	if (vsp_channel_peek(e->channel, &packet) < 0)
		return VSP_READY_EMPTY;
	part.iov_len = packet.size - packet.payload;
	ck_assert_uint_le(part.iov_len, sizeof data);
	vsp_channel_copy(e->channel, packet.payload, data, part.iov_len);
	m.id = packet.id;
	if (vsp_channel_send(e->channel, &m) == -EAGAIN)
		return VSP_READY_STALLED;
	vsp_channel_consume(e->channel, &packet);
	return VSP_READY_AGAIN;
}

static int offer_echo(struct echo *e, uint32_t instance)
{
	static const struct vsp_channel_ops ops = {echo_open, echo_close, echo_ready};
	const struct vsp_offer offer = {.interface = echo_interface,
					.instance = {instance, 0, 0, {0}},
					.ops = &ops,
					.owner = e};

	return vsp_channel_offer(g.vmbus, &offer, &e->channel);
}

static void setup(void)
{
	guest_init(&g);
	memset(echo, 0, sizeof echo);
	for (uint32_t i = 0; i < ARRAY_SIZE(echo); i++)
		ck_assert_int_eq(offer_echo(&echo[i], i + 1), 0);
}

static void teardown(void)
{
	guest_fini(&g);
}

static bool readable(const struct echo *e)
{
	struct pollfd p = {vsp_channel_fd(e->channel), POLLIN, 0};

	return poll(&p, 1, 0) == 1;
}

static void serve(struct echo *e)
{
	while (readable(e))
		vsp_channel_serve(e->channel);
}

static uint32_t bad(void)
{
	return (uint32_t)vsp_vmbus_bad_messages(g.vmbus);
}

/* --- connection --- */

START_TEST(versions_are_agreed_upon)
{
	static const struct {
		uint32_t version;
		bool spoken;
	} cases[] = {
		{WIRE_VMBUS_VERSION(6, 0), false}, {WIRE_VMBUS_VERSION(5, 4), false},
		{WIRE_VMBUS_VERSION(5, 3), true},  {WIRE_VMBUS_VERSION(5, 2), true},
		{WIRE_VMBUS_VERSION(5, 1), true},  {WIRE_VMBUS_VERSION(5, 0), true},
		{WIRE_VMBUS_VERSION(4, 2), false}, {WIRE_VMBUS_VERSION(4, 1), true},
		{WIRE_VMBUS_VERSION(4, 0), true},  {WIRE_VMBUS_VERSION(3, 0), false},
		{WIRE_VMBUS_VERSION(2, 4), false}, {0, false},
	};
	struct guest_channel c;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert(guest_contact(&g, cases[i].version) == cases[i].spoken);
		ck_assert_uint_eq(vsp_vmbus_version(g.vmbus),
				  cases[i].spoken ? cases[i].version : 0);
		if (!cases[i].spoken)
			continue;
		guest_take_offers(&g);
		ck_assert_uint_eq(g.offer_count, ARRAY_SIZE(echo));
		guest_open(&g, &c, &g.offers[i % 3], PAGES);
		guest_close(&g, &c);
	}
}
END_TEST

START_TEST(another_sint_or_trust_level_is_refused)
{
	const struct wire_vmbus_initiate_contact bad_ones[] = {
		{.header.type = WIRE_VMBUS_INITIATE_CONTACT,
		 .version = WIRE_VMBUS_VERSION(5, 0),
		 .sint = 3},
		{.header.type = WIRE_VMBUS_INITIATE_CONTACT,
		 .version = WIRE_VMBUS_VERSION(5, 0),
		 .sint = 2,
		 .vtl = 2},
	};
	struct wire_vmbus_version_response answer;

	g.connection = WIRE_VMBUS_CONNECTION_5;
	guest_post(&g, &bad_ones[_i], sizeof bad_ones[_i]);
	guest_expect(&g, WIRE_VMBUS_VERSION_RESPONSE, &answer, sizeof answer);
	ck_assert_uint_eq(answer.supported, 0);
}
END_TEST

START_TEST(there_are_two_connections)
{
	const struct wire_vmbus_header m = {WIRE_VMBUS_REQUEST_OFFERS, 0};

	ck_assert_int_eq(vsp_vmbus_message(g.vmbus, 0, 1, &m, sizeof m), -ENXIO);
	ck_assert_int_eq(vsp_vmbus_message(g.vmbus, 2, 1, &m, sizeof m), -ENXIO);
	ck_assert_int_eq(vsp_vmbus_message(g.vmbus, 5, 1, &m, sizeof m), -ENXIO);
	ck_assert_uint_eq(bad(), 0);
}
END_TEST

START_TEST(offers_come_once_and_in_order)
{
	const struct wire_vmbus_header again = {WIRE_VMBUS_REQUEST_OFFERS, 0};
	struct wire_vmbus_offer before[3];

	guest_connect(&g);
	memcpy(before, g.offers, sizeof before);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(g.offers[i].instance.a, i + 1);
	guest_post(&g, &again, sizeof again);
	guest_expect_nothing(&g);
	ck_assert_uint_eq(bad(), 1);
	guest_connect(&g);
	ck_assert_mem_eq(before, g.offers, sizeof before);
}
END_TEST

START_TEST(a_channel_can_come_later)
{
	struct wire_vmbus_offer offer;
	struct echo late = {0};

	ck_assert(guest_contact(&g, WIRE_VMBUS_VERSION(5, 3)));
	ck_assert_int_eq(offer_echo(&late, 77), 0);
	guest_expect_nothing(&g); /* it has not asked yet */
	guest_take_offers(&g);
	ck_assert_uint_eq(g.offer_count, 4);
	ck_assert_int_eq(offer_echo(&late, 78), 0);
	guest_expect(&g, WIRE_VMBUS_OFFER, &offer, sizeof offer);
	ck_assert_uint_eq(offer.instance.a, 78);
	guest_expect_nothing(&g);
}
END_TEST

/* Each type of message cut short by a byte, and all that are unknown: no answer, no effect. */
START_TEST(what_is_no_message_is_passed_over)
{
	static const struct {
		uint32_t type;
		size_t size;
	} cut[] = {
		{WIRE_VMBUS_REQUEST_OFFERS, 8},
		{WIRE_VMBUS_OPEN, sizeof(struct wire_vmbus_open)},
		{WIRE_VMBUS_CLOSE, sizeof(struct wire_vmbus_relid)},
		{WIRE_VMBUS_GPADL_HEADER, sizeof(struct wire_vmbus_gpadl_header)},
		{WIRE_VMBUS_GPADL_BODY, sizeof(struct wire_vmbus_gpadl_body)},
		{WIRE_VMBUS_GPADL_TEARDOWN, sizeof(struct wire_vmbus_gpadl_teardown)},
		{WIRE_VMBUS_RELID_RELEASED, sizeof(struct wire_vmbus_relid)},
		{WIRE_VMBUS_INITIATE_CONTACT, sizeof(struct wire_vmbus_initiate_contact)},
		{WIRE_VMBUS_UNLOAD, 8},
		{WIRE_VMBUS_TL_CONNECT, sizeof(struct wire_vmbus_tl_connect)},
		{WIRE_VMBUS_MODIFY, sizeof(struct wire_vmbus_modify)},
	};
	uint32_t message[WIRE_VMBUS_PAYLOAD / 4] = {0}, before = 0;

	ck_assert(guest_contact(&g, WIRE_VMBUS_VERSION(5, 3)));
	for (size_t i = 0; i < ARRAY_SIZE(cut); i++) {
		message[0] = cut[i].type;
		guest_post(&g, message, cut[i].size - 1);
		ck_assert_uint_eq(bad(), ++before);
	}
	for (uint32_t type = 0; type < 40; type++) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(cut); i++)
			known |= cut[i].type == type;
		message[0] = type;
		if (known)
			continue;
		guest_post(&g, message, sizeof message);
		ck_assert_uint_eq(bad(), ++before);
	}
	ck_assert_int_eq(vsp_vmbus_message(g.vmbus, 4, 2, message, sizeof message), 0);
	ck_assert_uint_eq(bad(), ++before);
	guest_expect_nothing(&g);
}
END_TEST

START_TEST(before_a_connection_nothing_is_known)
{
	uint32_t message[WIRE_VMBUS_PAYLOAD / 4] = {0};

	g.connection = WIRE_VMBUS_CONNECTION_5;
	for (uint32_t type = 0; type < 40; type++) {
		message[0] = type;
		if (type != WIRE_VMBUS_INITIATE_CONTACT && type != WIRE_VMBUS_UNLOAD)
			guest_post(&g, message, sizeof message);
	}
	guest_expect_nothing(&g);
	ck_assert_uint_eq(bad(), 38);
}
END_TEST

/* --- GPADLs --- */

START_TEST(gpadls_of_all_sizes)
{
	static const uint32_t sizes[] = {1, 2, 26, 27, 54, 55, 82, 400};

	guest_connect(&g);
	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ck_assert_uint_eq(guest_gpadl(&g, 1, 100 + i, MIB(1), sizes[i]), 0);
		ck_assert_uint_ne(guest_gpadl(&g, 1, 100 + i, MIB(1), 1), 0); /* it is there */
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++)
		guest_teardown(&g, 1, 100 + i);
	guest_teardown(&g, 1, 100); /* it is gone: torn down all the same */
}
END_TEST

START_TEST(what_is_no_memory_is_refused)
{
	guest_connect(&g);
	ck_assert_uint_ne(guest_gpadl(&g, 1, 1, GUEST_HOLE, 1), 0);
	ck_assert_uint_ne(guest_gpadl(&g, 1, 2, GUEST_HOLE - 40 * 4096, 60), 0);
	ck_assert_uint_ne(guest_gpadl(&g, 1, 3, UINT64_MAX - 4095, 1), 0);
	ck_assert_uint_ne(guest_gpadl(&g, 99, 4, MIB(1), 1), 0); /* no such channel */
	ck_assert_uint_eq(guest_gpadl(&g, 1, 1, MIB(1), 40), 0); /* nothing is left of them */
	ck_assert_uint_eq(guest_gpadl(&g, 1, 2, MIB(1), 40), 0);
}
END_TEST

START_TEST(a_gpadl_that_cannot_be_is_refused)
{
	static const struct wire_vmbus_gpadl_header bad_ones[] = {
		{{WIRE_VMBUS_GPADL_HEADER, 0}, 1, 5, 16, 0, {4096, 0}},
		{{WIRE_VMBUS_GPADL_HEADER, 0}, 1, 5, 32, 2, {4096, 0}},
		{{WIRE_VMBUS_GPADL_HEADER, 0}, 1, 5, 16, 1, {0, 0}},
		{{WIRE_VMBUS_GPADL_HEADER, 0}, 1, 5, 16, 1, {4097, 0}},
		{{WIRE_VMBUS_GPADL_HEADER, 0}, 1, 5, 16, 1, {4096, 1}},
		{{WIRE_VMBUS_GPADL_HEADER, 0}, 1, 5, 24, 1, {1, 4096}},
		{{WIRE_VMBUS_GPADL_HEADER, 0}, 1, 5, 7, 1, {1, 0}},
		{{WIRE_VMBUS_GPADL_HEADER, 0}, 1, 5, 0, 1, {1, 0}},
		{{WIRE_VMBUS_GPADL_HEADER, 0}, 1, 5, 0xffff, 1, {UINT32_MAX, 4095}},
	};
	struct wire_vmbus_gpadl_created answer;
	uint8_t payload[sizeof bad_ones[0] + 16] = {0};

	guest_connect(&g);
	memcpy(payload, &bad_ones[_i], sizeof bad_ones[_i]);
	guest_post(&g, payload, sizeof payload);
	guest_expect(&g, WIRE_VMBUS_GPADL_CREATED, &answer, sizeof answer);
	ck_assert_uint_ne(answer.status, 0);
	ck_assert_uint_eq(guest_gpadl(&g, 1, 5, MIB(1), 1), 0);
}
END_TEST

/* Bodies for nothing, for what is complete, and without a number in them. */
START_TEST(bodies_out_of_place_are_passed_over)
{
	const struct wire_vmbus_gpadl_body stray = {{WIRE_VMBUS_GPADL_BODY, 0}, 1, 5};
	uint8_t payload[sizeof stray + 8] = {0};

	guest_connect(&g);
	memcpy(payload, &stray, sizeof stray);
	guest_post(&g, payload, sizeof payload);
	ck_assert_uint_eq(bad(), 1);
	ck_assert_uint_eq(guest_gpadl(&g, 1, 5, MIB(1), 1), 0);
	guest_post(&g, payload, sizeof payload);
	ck_assert_uint_eq(bad(), 2);
	guest_expect_nothing(&g);
}
END_TEST

static void begin_gpadl(uint32_t id, uint32_t pages)
{
	const struct wire_vmbus_gpadl_header header = {
		{WIRE_VMBUS_GPADL_HEADER, 0}, 1, id,
		(uint16_t)(8 + pages * 8),    1, {pages * 4096, 0}};
	uint8_t payload[sizeof header + 8] = {0};

	memcpy(payload, &header, sizeof header);
	guest_post(&g, payload, sizeof payload);
}

/* One that is never completed counts, and has no body without page numbers. */
START_TEST(an_empty_body_ends_a_gpadl)
{
	const struct wire_vmbus_gpadl_body empty = {{WIRE_VMBUS_GPADL_BODY, 0}, 1, 5};
	struct wire_vmbus_gpadl_created answer;

	guest_connect(&g);
	begin_gpadl(5, 60);
	guest_expect_nothing(&g);
	guest_post(&g, &empty, sizeof empty);
	guest_expect(&g, WIRE_VMBUS_GPADL_CREATED, &answer, sizeof answer);
	ck_assert_uint_ne(answer.status, 0);
}
END_TEST

START_TEST(gpadls_have_a_limit)
{
	guest_connect(&g);
	for (uint32_t i = 0; i < VSP_GPADLS_MAX - 1; i++)
		ck_assert_uint_eq(guest_gpadl(&g, 1, i, MIB(1), 1), 0);
	begin_gpadl(VSP_GPADLS_MAX - 1, 2); /* counts, too */
	ck_assert_uint_ne(guest_gpadl(&g, 1, VSP_GPADLS_MAX, MIB(1), 1), 0);
	guest_teardown(&g, 1, 3);
	ck_assert_uint_eq(guest_gpadl(&g, 1, VSP_GPADLS_MAX, MIB(1), 1), 0);
	ck_assert_uint_ne(guest_gpadl(&g, 1, VSP_GPADLS_MAX + 1, MIB(1), 1), 0);
}
END_TEST

START_TEST(their_pages_have_a_limit)
{
	struct wire_vmbus_gpadl_created answer;
	uint32_t id;

	guest_connect(&g);
	for (id = 0; id < VSP_GPADL_PAGES_MAX / 8190; id++)
		begin_gpadl(id, 8190);
	begin_gpadl(id++, VSP_GPADL_PAGES_MAX % 8190);
	guest_expect_nothing(&g);
	begin_gpadl(id, 2);
	guest_expect(&g, WIRE_VMBUS_GPADL_CREATED, &answer, sizeof answer);
	ck_assert_uint_ne(answer.status, 0);
	guest_teardown(&g, 1, 0);
	begin_gpadl(id, 8190);
	guest_expect_nothing(&g);
}
END_TEST

/* --- channels --- */

static void exchange(struct guest_channel *c, struct echo *e, uint64_t id)
{
	uint8_t data[256], back[256];
	uint64_t back_id = 0;
	uint16_t type = 0;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(id + i);
	guest_send(&g, c, WIRE_PACKET_IN_BAND, 1, id, data, sizeof data);
	serve(e);
	ck_assert_int_eq(guest_receive(&g, c, &type, &back_id, back, sizeof back), sizeof data);
	ck_assert_uint_eq(type, WIRE_PACKET_COMPLETION);
	ck_assert_uint_eq(back_id, id);
	ck_assert_mem_eq(data, back, sizeof data);
}

START_TEST(packets_pass_both_ways)
{
	struct guest_channel c[3];
	uint32_t vp = 99, flag = 0;

	guest_connect(&g);
	for (int i = 0; i < 3; i++)
		guest_open(&g, &c[i], &g.offers[i], PAGES);
	for (uint64_t id = 0; id < 300; id++)
		for (int i = 0; i < 3; i++) {
			exchange(&c[i], &echo[i], id);
			ck_assert_uint_eq(guest_signals(&g, &vp, &flag), 1);
			ck_assert_uint_eq(vp, 0);
			ck_assert_uint_eq(flag, c[i].offer.relid);
		}
	for (int i = 0; i < 3; i++) {
		guest_close(&g, &c[i]);
		ck_assert_int_eq(echo[i].opens, 1);
		ck_assert_int_eq(echo[i].closes, 1);
	}
}
END_TEST

START_TEST(a_driver_comes_and_goes)
{
	struct guest_channel c;
	uint32_t vp, flag;

	guest_connect(&g);
	for (uint64_t i = 0; i < 50; i++) {
		g.next_gpa = MIB(1);
		guest_open(&g, &c, &g.offers[0], PAGES);
		exchange(&c, &echo[0], i);
		guest_close(&g, &c);
		guest_open(&g, &c, &g.offers[0], PAGES);
		exchange(&c, &echo[0], i);
		ck_assert_uint_eq(guest_signals(&g, &vp, &flag), 2);
		guest_connect(&g); /* closes all, and forgets the GPADLs */
		vsp_ring_fini(&c.in);
		vsp_ring_fini(&c.out);
	}
	ck_assert_int_eq(echo[0].opens, 100);
	ck_assert_int_eq(echo[0].closes, 100);
}
END_TEST

static uint32_t open_status(uint32_t relid, uint32_t gpadl, uint32_t downstream)
{
	const struct wire_vmbus_open m = {.header.type = WIRE_VMBUS_OPEN,
					  .relid = relid,
					  .gpadl = gpadl,
					  .downstream = downstream};
	struct wire_vmbus_open_result answer;

	guest_post(&g, &m, sizeof m);
	guest_expect(&g, WIRE_VMBUS_OPEN_RESULT, &answer, sizeof answer);
	return answer.status;
}

START_TEST(an_open_that_cannot_be_is_refused)
{
	guest_connect(&g);
	ck_assert_uint_eq(guest_gpadl(&g, 1, 5, MIB(1), 4), 0);
	memset(g.host + MIB(1), 0, 4 * 4096);
	begin_gpadl(6, 60);
	ck_assert_uint_ne(open_status(0, 5, 2), 0);
	ck_assert_uint_ne(open_status(4, 5, 2), 0);
	ck_assert_uint_ne(open_status(UINT32_MAX, 5, 2), 0);
	ck_assert_uint_ne(open_status(1, 7, 2), 0);
	ck_assert_uint_ne(open_status(1, 6, 2), 0); /* not complete */
	ck_assert_uint_ne(open_status(1, 5, 0), 0);
	ck_assert_uint_ne(open_status(1, 5, 1), 0);
	ck_assert_uint_ne(open_status(1, 5, 3), 0); /* the second ring has no data */
	ck_assert_uint_ne(open_status(1, 5, 4), 0);
	ck_assert_uint_ne(open_status(1, 5, UINT32_MAX), 0);
	echo[0].refuse = -ENOMEM;
	ck_assert_uint_ne(open_status(1, 5, 2), 0);
	ck_assert_int_eq(echo[0].opens, 1);
	ck_assert_int_eq(echo[0].closes, 0);
	echo[0].refuse = 0;
	ck_assert_uint_eq(open_status(1, 5, 2), 0);
	ck_assert_uint_ne(open_status(1, 5, 2), 0); /* it is open */
	ck_assert_int_eq(echo[0].closes, 0);
}
END_TEST

/* The rings of an open channel are the server's, whatever becomes of the GPADL. */
START_TEST(a_gpadl_may_go_before_its_channel)
{
	struct guest_channel c;

	guest_connect(&g);
	guest_open(&g, &c, &g.offers[0], PAGES);
	guest_teardown(&g, 1, c.gpadl);
	exchange(&c, &echo[0], 1);
	guest_close(&g, &c);
}
END_TEST

static void modify(uint32_t relid, uint32_t vp)
{
	const struct wire_vmbus_modify m = {{WIRE_VMBUS_MODIFY, 0}, relid, vp};

	guest_post(&g, &m, sizeof m);
}

START_TEST(another_processor_is_signalled)
{
	struct wire_vmbus_modify_response answer;
	struct guest_channel c;
	uint32_t vp = 99, flag;

	guest_connect(&g);
	modify(1, 3);
	guest_expect(&g, WIRE_VMBUS_MODIFY_RESPONSE, &answer, sizeof answer);
	ck_assert_uint_ne(answer.status, 0); /* not open */
	guest_open(&g, &c, &g.offers[0], PAGES);
	modify(1, 3);
	guest_expect(&g, WIRE_VMBUS_MODIFY_RESPONSE, &answer, sizeof answer);
	ck_assert_uint_eq(answer.status, 0);
	ck_assert_uint_eq(answer.relid, 1);
	exchange(&c, &echo[0], 1);
	ck_assert_uint_eq(guest_signals(&g, &vp, &flag), 1);
	ck_assert_uint_eq(vp, 3);
	modify(1, WIRE_VMBUS_NO_VP);
	guest_expect(&g, WIRE_VMBUS_MODIFY_RESPONSE, &answer, sizeof answer);
	exchange(&c, &echo[0], 1);
	ck_assert_uint_eq(guest_signals(&g, &vp, &flag), 0);
	guest_close(&g, &c);
	ck_assert(guest_contact(&g, WIRE_VMBUS_VERSION(5, 2)));
	guest_take_offers(&g);
	modify(1, 3);
	guest_expect_nothing(&g); /* before 5.3 there is no answer */
}
END_TEST

START_TEST(a_broken_ring_is_left_alone)
{
	struct guest_channel c;

	guest_connect(&g);
	guest_open(&g, &c, &g.offers[0], PAGES);
	c.out.control->write = 12345;
	guest_signal(&g, &c);
	serve(&echo[0]);
	ck_assert_int_eq(echo[0].readies, 1);
	ck_assert(!readable(&echo[0]));
	guest_close(&g, &c);
	guest_open(&g, &c, &g.offers[0], PAGES);
	exchange(&c, &echo[0], 1);
	guest_close(&g, &c);
}
END_TEST

/* One channel does not keep the thread that serves all. */
START_TEST(a_long_queue_is_served_in_parts)
{
	struct guest_channel c;

	guest_connect(&g);
	guest_open(&g, &c, &g.offers[0], 32);
	for (uint64_t id = 0; id < 200; id++)
		guest_send(&g, &c, WIRE_PACKET_IN_BAND, 0, id, &id, sizeof id);
	vsp_channel_serve(echo[0].channel);
	ck_assert_int_eq(echo[0].readies, 64);
	ck_assert(readable(&echo[0]));
	serve(&echo[0]);
	ck_assert_int_eq(echo[0].readies, 201);
	guest_close(&g, &c);
}
END_TEST

START_TEST(a_provider_without_room_is_not_called)
{
	struct guest_channel c;
	uint64_t id = 0;
	uint16_t type;

	guest_connect(&g);
	guest_open(&g, &c, &g.offers[0], PAGES);
	echo[0].stall = true;
	guest_send(&g, &c, WIRE_PACKET_IN_BAND, 0, 1, "1", 1);
	serve(&echo[0]);
	ck_assert_int_eq(echo[0].readies, 1);
	guest_send(&g, &c, WIRE_PACKET_IN_BAND, 0, 2, "2", 1);
	ck_assert(!readable(&echo[0])); /* masked */
	echo[0].stall = false;
	vsp_channel_kick(echo[0].channel);
	serve(&echo[0]);
	ck_assert_int_eq(guest_receive(&g, &c, &type, &id, &id, sizeof id), 8);
	ck_assert_int_eq(guest_receive(&g, &c, &type, &id, &id, sizeof id), 8);
	guest_close(&g, &c);
}
END_TEST

/* An event that is on its way when the channel is closed. */
START_TEST(a_closed_channel_is_not_served)
{
	struct guest_channel c;

	guest_connect(&g);
	guest_open(&g, &c, &g.offers[0], PAGES);
	guest_signal(&g, &c);
	guest_close(&g, &c);
	serve(&echo[0]);
	ck_assert_int_eq(echo[0].readies, 0);
}
END_TEST

/* --- the end of channels and connections --- */

START_TEST(a_channel_is_taken_back)
{
	const struct wire_vmbus_relid released = {{WIRE_VMBUS_RELID_RELEASED, 0}, 1};
	struct wire_vmbus_relid rescind;
	struct wire_vmbus_offer offer;
	struct guest_channel c;
	struct echo next = {0};

	guest_connect(&g);
	guest_open(&g, &c, &g.offers[0], PAGES);
	vsp_channel_rescind(echo[0].channel);
	ck_assert_int_eq(echo[0].closes, 1);
	guest_expect(&g, WIRE_VMBUS_RESCIND, &rescind, sizeof rescind);
	ck_assert_uint_eq(rescind.relid, 1);
	ck_assert_uint_ne(open_status(1, c.gpadl, PAGES), 0);
	ck_assert_int_eq(offer_echo(&next, 50), 0); /* another number */
	guest_expect(&g, WIRE_VMBUS_OFFER, &offer, sizeof offer);
	ck_assert_uint_eq(offer.relid, 4);
	guest_post(&g, &released, sizeof released);
	ck_assert_int_eq(offer_echo(&next, 51), 0); /* this one again */
	guest_expect(&g, WIRE_VMBUS_OFFER, &offer, sizeof offer);
	ck_assert_uint_eq(offer.relid, 1);
	ck_assert_uint_ne(open_status(1, c.gpadl, PAGES), 0); /* the GPADL went with it */
	vsp_ring_fini(&c.in);
	vsp_ring_fini(&c.out);
}
END_TEST

START_TEST(an_offer_that_nobody_heard_of_goes_quietly)
{
	struct wire_vmbus_relid rescind;

	vsp_channel_rescind(echo[1].channel);
	guest_connect(&g);
	ck_assert_uint_eq(g.offer_count, 2);
	vsp_channel_rescind(echo[0].channel);
	guest_expect(&g, WIRE_VMBUS_RESCIND, &rescind, sizeof rescind);
	vsp_vmbus_reset(g.vmbus);
	guest_expect_nothing(&g);
	guest_connect(&g);
	ck_assert_uint_eq(g.offer_count, 1);
}
END_TEST

START_TEST(channels_have_a_limit)
{
	struct echo many[VSP_CHANNELS_MAX] = {0}, one = {0};
	struct wire_vmbus_relid rescind;

	for (uint32_t i = 3; i < VSP_CHANNELS_MAX; i++)
		ck_assert_int_eq(offer_echo(&many[i], i + 1), 0);
	ck_assert_int_eq(offer_echo(&one, 1000), -ENOSPC);
	guest_connect(&g);
	ck_assert_uint_eq(g.offer_count, VSP_CHANNELS_MAX);
	vsp_channel_rescind(many[5].channel);
	guest_expect(&g, WIRE_VMBUS_RESCIND, &rescind, sizeof rescind);
	ck_assert_int_eq(offer_echo(&one, 1000), -ENOSPC); /* the guest has not given it back */
	guest_connect(&g);
	ck_assert_uint_eq(g.offer_count, VSP_CHANNELS_MAX - 1);
	ck_assert_int_eq(offer_echo(&one, 1000), 0);
}
END_TEST

START_TEST(unloading_closes_everything)
{
	const struct wire_vmbus_header unload = {WIRE_VMBUS_UNLOAD, 0};
	struct wire_vmbus_header answer;
	struct guest_channel c;

	guest_connect(&g);
	guest_open(&g, &c, &g.offers[0], PAGES);
	guest_post(&g, &unload, sizeof unload);
	ck_assert_int_eq(echo[0].closes, 1);
	guest_expect(&g, WIRE_VMBUS_UNLOAD_RESPONSE, &answer, sizeof answer);
	ck_assert_uint_eq(vsp_vmbus_version(g.vmbus), 0);
	guest_post(&g, &unload, sizeof unload); /* as a crash kernel does, without a connection */
	guest_expect(&g, WIRE_VMBUS_UNLOAD_RESPONSE, &answer, sizeof answer);
	guest_connect(&g);
	ck_assert_uint_eq(guest_gpadl(&g, 1, c.gpadl, MIB(1), 1), 0); /* the old one is gone */
	vsp_ring_fini(&c.in);
	vsp_ring_fini(&c.out);
}
END_TEST

START_TEST(sockets_are_refused)
{
	const struct wire_vmbus_tl_connect m = {
		{WIRE_VMBUS_TL_CONNECT, 0}, {1, 2, 3, {4}}, {5, 6, 7, {8}}};
	struct wire_vmbus_tl_connect_result answer;

	guest_connect(&g);
	guest_post(&g, &m, sizeof m);
	guest_expect(&g, WIRE_VMBUS_TL_CONNECT_RESULT, &answer, sizeof answer);
	ck_assert_mem_eq(&answer.endpoint, &m.endpoint, sizeof m.endpoint);
	ck_assert_mem_eq(&answer.service, &m.service, sizeof m.service);
	ck_assert_uint_ne(answer.status, 0);
	ck_assert(guest_contact(&g, WIRE_VMBUS_VERSION(4, 0)));
	guest_post(&g, &m, sizeof m);
	guest_expect_nothing(&g);
}
END_TEST

/* A guest that reads no answers: at some time it is put off, and nothing is lost. */
START_TEST(answers_that_nobody_takes_are_bounded)
{
	struct wire_vmbus_gpadl_torndown answer;
	uint32_t posted = 0;
	int r = 0;

	guest_connect(&g);
	for (; r == 0 && posted < 1000; posted++) {
		const struct wire_vmbus_gpadl_teardown m = {
			{WIRE_VMBUS_GPADL_TEARDOWN, 0}, 1, posted};

		r = vsp_vmbus_message(g.vmbus, g.connection, 1, &m, sizeof m);
	}
	ck_assert_int_eq(r, -EAGAIN);
	ck_assert_uint_eq(posted - 1, VSP_REPLIES_MAX + 1); /* and the one in the slot */
	for (uint32_t i = 0; i < posted - 1; i++) {
		guest_expect(&g, WIRE_VMBUS_GPADL_TORNDOWN, &answer, sizeof answer);
		ck_assert_uint_eq(answer.gpadl, i);
	}
	guest_expect_nothing(&g);
	guest_teardown(&g, 1, 5);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_test(t, versions_are_agreed_upon);
	tcase_add_loop_test(t, another_sint_or_trust_level_is_refused, 0, 2);
	tcase_add_test(t, there_are_two_connections);
	tcase_add_test(t, offers_come_once_and_in_order);
	tcase_add_test(t, a_channel_can_come_later);
	tcase_add_test(t, what_is_no_message_is_passed_over);
	tcase_add_test(t, before_a_connection_nothing_is_known);
	tcase_add_test(t, gpadls_of_all_sizes);
	tcase_add_test(t, what_is_no_memory_is_refused);
	tcase_add_loop_test(t, a_gpadl_that_cannot_be_is_refused, 0, 9);
	tcase_add_test(t, bodies_out_of_place_are_passed_over);
	tcase_add_test(t, an_empty_body_ends_a_gpadl);
	tcase_add_test(t, gpadls_have_a_limit);
	tcase_add_test(t, their_pages_have_a_limit);
	tcase_add_test(t, packets_pass_both_ways);
	tcase_add_test(t, a_driver_comes_and_goes);
	tcase_add_test(t, an_open_that_cannot_be_is_refused);
	tcase_add_test(t, a_gpadl_may_go_before_its_channel);
	tcase_add_test(t, another_processor_is_signalled);
	tcase_add_test(t, a_broken_ring_is_left_alone);
	tcase_add_test(t, a_long_queue_is_served_in_parts);
	tcase_add_test(t, a_provider_without_room_is_not_called);
	tcase_add_test(t, a_closed_channel_is_not_served);
	tcase_add_test(t, a_channel_is_taken_back);
	tcase_add_test(t, an_offer_that_nobody_heard_of_goes_quietly);
	tcase_add_test(t, channels_have_a_limit);
	tcase_add_test(t, unloading_closes_everything);
	tcase_add_test(t, sockets_are_refused);
	tcase_add_test(t, answers_that_nobody_takes_are_bounded);
}

int main(void)
{
	Suite *suite = suite_create("vmbus");
	TCase *tcase = tcase_create("vmbus");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	add_tests(tcase);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
