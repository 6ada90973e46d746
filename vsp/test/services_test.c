/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The integration services, answered by hand: versions, heartbeat, shutdown, time; and answers that
 * are none.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest.h"
#include "vsp/services.h"
#include "wire/ic.h"

#define SECOND UINT64_C(1000000000)
#define HEAD   (sizeof(struct wire_pipe) + sizeof(struct wire_ic))

static const struct vsp_guid heartbeat_guid = {
	0x57164f39, 0x9115, 0x4e78, {0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d}};
static const struct vsp_guid shutdown_guid = {
	0x0e0b6031, 0x5213, 0x4934, {0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb}};
static const struct vsp_guid time_guid = {
	0x9527e630, 0xd0ae, 0x497b, {0xad, 0xce, 0xe8, 0x0a, 0xb0, 0x17, 0x5c, 0xaf}};

static struct guest g;
static struct vsp_services *services;
static uint64_t now = 100 * SECOND, date = 1700000000 * SECOND;
static struct guest_channel c;

/* A message as the guest has it. */
static struct {
	uint8_t bytes[4096];
	size_t size;
	struct wire_ic ic; /* a copy of what is in bytes */
	uint8_t *data;     /* behind it */
	size_t data_size;
} m;

static uint64_t read_now(void *owner)
{
	return now;
}

static uint64_t read_date(void *owner)
{
	return date;
}

static void setup(void)
{
	static const struct vsp_services_ops ops = {read_now, read_date};

	guest_init(&g);
	ck_assert_int_eq(vsp_services_create(g.vmbus, g.partition, &ops, NULL, &services), 0);
	guest_connect(&g);
	ck_assert_uint_eq(g.offer_count, 3);
}

static void teardown(void)
{
	vsp_services_destroy(services);
	guest_fini(&g);
	vsp_ring_fini(&c.in);
	vsp_ring_fini(&c.out);
}

static bool receive(void)
{
	uint64_t id;
	uint16_t type;
	ssize_t size = guest_receive(&g, &c, &type, &id, m.bytes, sizeof m.bytes);
	struct wire_pipe pipe;

	if (size < 0)
		return false;
	ck_assert_uint_eq(type, WIRE_PACKET_IN_BAND);
	ck_assert_int_ge(size, HEAD);
	memcpy(&pipe, m.bytes, sizeof pipe);
	memcpy(&m.ic, m.bytes + sizeof pipe, sizeof m.ic);
	m.data = m.bytes + HEAD;
	m.data_size = m.ic.size;
	m.size = HEAD + m.data_size;
	ck_assert_uint_eq(pipe.type, 1);
	ck_assert_uint_eq(pipe.size, m.size - sizeof pipe);
	ck_assert_uint_eq(m.ic.flags, WIRE_IC_TRANSACTION | WIRE_IC_REQUEST);
	ck_assert_uint_ge((size_t)size, m.size);
	return true;
}

/* Sends back what is in `m`. */
static void answer(uint32_t status)
{
	m.ic.status = status;
	m.ic.flags = WIRE_IC_TRANSACTION | WIRE_IC_RESPONSE;
	memcpy(m.bytes + sizeof(struct wire_pipe), &m.ic, sizeof m.ic);
	guest_send(&g, &c, WIRE_PACKET_IN_BAND, 0, 1, m.bytes, m.size);
	vsp_services_dispatch(services);
}

static void put_versions(uint32_t framework, uint32_t version)
{
	const uint16_t words[] = {1,
				  1,
				  0,
				  0,
				  (uint16_t)(framework >> 16),
				  (uint16_t)framework,
				  (uint16_t)(version >> 16),
				  (uint16_t)version};

	memcpy(m.data, words, sizeof words);
	m.ic.size = sizeof words;
	m.size = HEAD + sizeof words;
}

#define V(major, minor) ((uint32_t)(major) << 16 | (minor))

static void open_service(const struct vsp_guid *guid)
{
	g.next_gpa = MIB(1);
	guest_open(&g, &c, guest_find(&g, guid), 4);
	ck_assert(receive());
	ck_assert_uint_eq(m.ic.type, WIRE_IC_NEGOTIATE);
	ck_assert(!receive());
}

static void agree(const struct vsp_guid *guid, uint32_t version)
{
	open_service(guid);
	put_versions(V(3, 0), version);
	answer(0);
}

START_TEST(all_versions_are_offered)
{
	static const uint16_t wanted[] = {2, 4, 0, 0, 1, 0, 3, 0, 1, 0, 3, 0, 3, 1, 3, 2};

	open_service(&shutdown_guid);
	ck_assert_uint_eq(m.data_size, sizeof wanted);
	ck_assert_mem_eq(m.data, wanted, sizeof wanted);
}
END_TEST

START_TEST(the_guest_chooses)
{
	static const uint32_t none[][2] = {
		{V(2, 0), V(3, 0)}, {V(3, 0), V(4, 0)}, {V(1, 0), V(0, 0)}, {0, V(3, 0)}};
	uint64_t age;

	agree(&heartbeat_guid, V(3, 0));
	ck_assert_int_eq(vsp_services_heartbeat(services, &age), VSP_HEARTBEAT_OK);
	guest_close(&g, &c);
	ck_assert_int_eq(vsp_services_heartbeat(services, &age), VSP_HEARTBEAT_NONE);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		open_service(&heartbeat_guid);
		put_versions(none[i][0], none[i][1]);
		answer(0);
		ck_assert_int_eq(vsp_services_heartbeat(services, &age), VSP_HEARTBEAT_NONE);
		ck_assert(!receive());
		guest_close(&g, &c);
	}
	open_service(&heartbeat_guid);
	memset(m.data, 0, 4); /* 0 and 0: it knows none */
	answer(0);
	ck_assert_int_eq(vsp_services_heartbeat(services, &age), VSP_HEARTBEAT_NONE);
}
END_TEST

static void beat(void)
{
	uint64_t sequence;

	ck_assert(receive());
	ck_assert_uint_eq(m.ic.type, WIRE_IC_HEARTBEAT);
	ck_assert_uint_eq(m.data_size, 40);
	memcpy(&sequence, m.data, 8);
	sequence++;
	memcpy(m.data, &sequence, 8);
	answer(0);
}

START_TEST(a_heart_beats_every_two_seconds)
{
	uint64_t age;

	agree(&heartbeat_guid, V(3, 0));
	for (int i = 0; i < 20; i++) {
		beat();
		vsp_services_dispatch(services);
		ck_assert(!receive());
		now += 2 * SECOND;
		vsp_services_dispatch(services);
		ck_assert_int_eq(vsp_services_heartbeat(services, &age), VSP_HEARTBEAT_OK);
		ck_assert_uint_eq(age, 2 * SECOND);
	}
	now += 8 * SECOND;
	ck_assert_int_eq(vsp_services_heartbeat(services, &age), VSP_HEARTBEAT_LOST);
	ck_assert_uint_eq(age, 10 * SECOND);
	beat();
	ck_assert_int_eq(vsp_services_heartbeat(services, &age), VSP_HEARTBEAT_OK);
}
END_TEST

/* What a guest answers late, twice, or wrongly, is no sign of life. */
START_TEST(only_the_right_answer_counts)
{
	uint64_t age, sequence;

	agree(&heartbeat_guid, V(3, 0));
	ck_assert(receive());
	now += 20 * SECOND;
	memcpy(&sequence, m.data, 8);
	sequence++;
	memcpy(m.data, &sequence, 8);
	m.ic.transaction++;
	answer(0);
	m.ic.transaction--;
	sequence++;
	memcpy(m.data, &sequence, 8);
	answer(0);
	ck_assert_int_eq(vsp_services_heartbeat(services, &age), VSP_HEARTBEAT_LOST);
	guest_send(&g, &c, WIRE_PACKET_IN_BAND, 0, 1, "short", 5);
	guest_send(&g, &c, WIRE_PACKET_COMPLETION, 0, 1, m.bytes, m.size);
	memset(m.bytes, 0xff, sizeof m.bytes);
	guest_send(&g, &c, WIRE_PACKET_IN_BAND, 0, 1, m.bytes, sizeof m.bytes);
	vsp_services_dispatch(services);
	ck_assert(receive()); /* the next one */
	ck_assert_int_eq(vsp_services_heartbeat(services, &age), VSP_HEARTBEAT_LOST);
}
END_TEST

START_TEST(nobody_reads_and_nothing_grows)
{
	uint64_t age;
	int count = 0;

	agree(&heartbeat_guid, V(3, 0));
	for (int i = 0; i < 1000; i++) {
		now += 2 * SECOND;
		vsp_services_dispatch(services);
	}
	while (receive())
		count++;
	ck_assert_int_gt(count, 50);
	ck_assert_int_lt(count, 200);
	ck_assert_int_eq(vsp_services_heartbeat(services, &age), VSP_HEARTBEAT_LOST);
}
END_TEST

START_TEST(a_guest_is_shut_down)
{
	bool restart = true;
	uint32_t words[3];

	ck_assert_int_eq(vsp_services_shutdown(services, false), -ENOTCONN);
	open_service(&shutdown_guid);
	ck_assert_int_eq(vsp_services_shutdown(services, false), -ENOTCONN);
	put_versions(V(3, 0), V(3, 2));
	answer(0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(vsp_services_shutdown(services, i), 0);
		ck_assert(receive());
		ck_assert_uint_eq(m.ic.type, WIRE_IC_SHUTDOWN);
		ck_assert_uint_eq(m.data_size, 12 + 2048);
		memcpy(words, m.data, sizeof words);
		ck_assert_uint_eq(words[2], i ? 2 : 0);
		answer(0);
		ck_assert(!vsp_services_shutdown_refused(services, &restart));
	}
}
END_TEST

START_TEST(a_refusal_is_told_once)
{
	bool restart = false;

	agree(&shutdown_guid, V(3, 1));
	ck_assert_int_eq(vsp_services_shutdown(services, true), 0);
	ck_assert(receive());
	answer(0x80004005);
	ck_assert(vsp_services_shutdown_refused(services, &restart));
	ck_assert(restart);
	ck_assert(!vsp_services_shutdown_refused(services, &restart));
	guest_close(&g, &c);
	agree(&shutdown_guid, V(3, 0)); /* knows no restart */
	ck_assert_int_eq(vsp_services_shutdown(services, true), -ENOTCONN);
	ck_assert_int_eq(vsp_services_shutdown(services, false), 0);
}
END_TEST

/* 2023-11-14 22:13:20, in 100 ns since 1601 */
#define DATE UINT64_C(133444736000000000)

static bool version_is_4;

static void expect_time(uint8_t flags, uint64_t wanted)
{
	uint64_t host;

	ck_assert(receive());
	ck_assert_uint_eq(m.ic.type, WIRE_IC_TIME_SYNC);
	memcpy(&host, m.data, 8);
	ck_assert_uint_eq(host, wanted);
	ck_assert_uint_eq(m.data_size, version_is_4 ? 22 : 25);
	ck_assert_uint_eq(m.data[version_is_4 ? 16 : 24], flags);
	answer(0);
	ck_assert(!receive());
}

START_TEST(the_time_is_told)
{
	uint64_t reference;

	version_is_4 = _i;
	agree(&time_guid, _i ? V(4, 0) : V(3, 0));
	expect_time(WIRE_IC_TIME_SYNC_NOW, DATE);
	now += 5 * SECOND;
	date += 5 * SECOND;
	ck_assert_int_eq(vid_partition_set_time(g.partition, 777), 0);
	vsp_services_dispatch(services);
	expect_time(WIRE_IC_TIME_SAMPLE, DATE + 50000000);
	memcpy(&reference, m.data + 8, 8);
	ck_assert_uint_eq(reference, _i ? 777 : 0);
	vsp_services_pause(services);
	now += 100 * SECOND;
	date += 100 * SECOND;
	vsp_services_dispatch(services);
	ck_assert(!receive());
	vsp_services_resume(services);
	expect_time(WIRE_IC_TIME_SYNC_NOW, DATE + 1050000000);
}
END_TEST

START_TEST(a_pause_is_no_missing_heartbeat)
{
	uint64_t age;

	agree(&heartbeat_guid, V(1, 0));
	beat();
	vsp_services_pause(services);
	now += 100 * SECOND;
	vsp_services_resume(services);
	ck_assert_int_eq(vsp_services_heartbeat(services, &age), VSP_HEARTBEAT_OK);
	beat();
}
END_TEST

/* What is due wakes the loop by itself. */
START_TEST(the_loop_is_woken)
{
	struct pollfd p = {vsp_services_fd(services), POLLIN, 0};
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (uint64_t)t.tv_sec * SECOND; /* the next one is due by the real clock, too */
	agree(&heartbeat_guid, V(3, 0));
	beat();
	ck_assert_int_eq(poll(&p, 1, 60000), 1);
	now += 2 * SECOND;
	vsp_services_dispatch(services);
	beat();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("services");
	TCase *t = tcase_create("services");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, all_versions_are_offered);
	tcase_add_test(t, the_guest_chooses);
	tcase_add_test(t, a_heart_beats_every_two_seconds);
	tcase_add_test(t, only_the_right_answer_counts);
	tcase_add_test(t, nobody_reads_and_nothing_grows);
	tcase_add_test(t, a_guest_is_shut_down);
	tcase_add_test(t, a_refusal_is_told_once);
	tcase_add_loop_test(t, the_time_is_told, 0, 2);
	tcase_add_test(t, a_pause_is_no_missing_heartbeat);
	tcase_add_test(t, the_loop_is_woken);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
