/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every type of message: there and back, one byte short, one byte long, wrong descriptors, and
 * each field at and beyond its limit.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"

static struct proto_message sample(enum proto_type type)
{
	struct proto_message m = {.type = type, .serial = 7};

	switch (type) {
	case PROTO_HELLO:
		m.hello = (struct proto_hello){.min_version = 1, .max_version = 3, .uuid = {1, 2}};
		break;
	case PROTO_HELLO_REPLY:
		m.hello_reply = (struct proto_hello_reply){.version = 1, .state = 1, .nonce = {3}};
		break;
	case PROTO_MACHINE:
		m.machine = (struct proto_machine){.memory = MIB(512), .vcpus = 2, .boot = {1, 2}};
		strcpy(m.text, "name");
		m.fd_count = 1;
		break;
	case PROTO_KERNEL:
		strcpy(m.text, "console=ttyS0");
		m.fd_count = 2;
		break;
	case PROTO_FIRMWARE:
	case PROTO_NIC:
	case PROTO_CONSOLE:
		m.fd_count = 1;
		break;
	case PROTO_DISK:
		m.disk = (struct proto_disk){.unit = 3, .readonly = 1};
		m.fd_count = 1;
		strcpy(m.text, "SN1");
		break;
	case PROTO_REPLY:
		m.reply.status = -EIO;
		strcpy(m.text, "no");
		break;
	case PROTO_STATS_REPLY:
		m.stats.exits = 5;
		break;
	case PROTO_EVENT_STATE:
		m.serial = 0;
		m.state = (struct proto_event_state){PROTO_STATE_STOPPED, PROTO_CAUSE_GUEST_OFF};
		break;
	case PROTO_EVENT_GUEST:
		m.serial = 0;
		m.guest = (struct proto_event_guest){.event = PROTO_GUEST_CRASH,
						     .parameters = {1, 2, 3, 4, 5}};
		strcpy(m.text, "Kernel panic");
		break;
	default:
		break;
	}
	return m;
}

static const enum proto_type all[] = {
	PROTO_HELLO,       PROTO_MACHINE,  PROTO_FIRMWARE,    PROTO_KERNEL,      PROTO_DISK,
	PROTO_NIC,         PROTO_POWER_ON, PROTO_PAUSE,       PROTO_RESUME,      PROTO_RESET,
	PROTO_SHUTDOWN,    PROTO_REBOOT,   PROTO_POWER_OFF,   PROTO_CONSOLE,     PROTO_MEDIUM,
	PROTO_STATS,       PROTO_REPLY,    PROTO_HELLO_REPLY, PROTO_STATS_REPLY, PROTO_EVENT_STATE,
	PROTO_EVENT_GUEST,
};

static size_t encode(const struct proto_message *m, char *buffer)
{
	size_t length = 0;

	ck_assert_int_eq(proto_encode(m, buffer, PROTO_MAX_MESSAGE, &length), 0);
	return length;
}

START_TEST(there_and_back)
{
	struct proto_message m = sample(all[_i]), back;
	char buffer[PROTO_MAX_MESSAGE];
	size_t length = encode(&m, buffer);

	ck_assert_str_ne(proto_type_name(m.type), "?");
	ck_assert_int_eq(proto_decode(buffer, length, m.fd_count, &back), 0);
	ck_assert_int_eq(back.type, m.type);
	ck_assert_uint_eq(back.serial, m.serial);
	ck_assert_uint_eq(back.fd_count, m.fd_count);
	ck_assert_str_eq(back.text, m.text);
	ck_assert_mem_eq(&back.hello, &m.hello, sizeof(m.stats));
}
END_TEST

START_TEST(every_shorter_length_is_refused_or_cuts_text)
{
	struct proto_message m = sample(all[_i]), back;
	char buffer[PROTO_MAX_MESSAGE];
	size_t length = encode(&m, buffer);

	for (size_t cut = 0; cut < length; cut++) {
		uint32_t claimed = (uint32_t)cut;

		/* the packet is shorter than it says */
		ck_assert_int_eq(proto_decode(buffer, cut, m.fd_count, &back), -EBADMSG);
		if (cut < sizeof(claimed))
			continue;
		/* it says the shorter length, and only its text may be that much shorter */
		memcpy(buffer, &claimed, sizeof(claimed));
		if (cut < length - strlen(m.text))
			ck_assert_int_eq(proto_decode(buffer, cut, m.fd_count, &back), -EBADMSG);
		claimed = (uint32_t)length;
		memcpy(buffer, &claimed, sizeof(claimed));
	}
}
END_TEST

START_TEST(longer_than_the_body_is_refused_or_text)
{
	struct proto_message m = sample(all[_i]), back;
	char buffer[PROTO_MAX_MESSAGE + 1];
	size_t length = encode(&m, buffer);
	uint32_t claimed = (uint32_t)length + 1;
	int r;

	buffer[length] = 'x';
	ck_assert_int_eq(proto_decode(buffer, length + 1, m.fd_count, &back), -EBADMSG);
	memcpy(buffer, &claimed, sizeof(claimed));
	r = proto_decode(buffer, length + 1, m.fd_count, &back);
	if (r == 0)
		ck_assert_int_eq(back.text[strlen(back.text) - 1], 'x');
	else
		ck_assert_int_eq(r, -EBADMSG);
	buffer[length] = '\0'; /* a zero byte is never text */
	ck_assert_int_eq(proto_decode(buffer, length + 1, m.fd_count, &back), -EBADMSG);
}
END_TEST

START_TEST(wrong_number_of_descriptors)
{
	struct proto_message m = sample(all[_i]), back;
	char buffer[PROTO_MAX_MESSAGE];
	size_t length = encode(&m, buffer);
	uint32_t many = 3;

	/* other than the header says */
	ck_assert_int_eq(proto_decode(buffer, length, m.fd_count + 1, &back), -EBADMSG);
	/* more than any message has */
	memcpy(buffer + 12, &many, sizeof(many));
	ck_assert_int_eq(proto_decode(buffer, length, 3, &back), -EBADMSG);
}
END_TEST

START_TEST(wrong_version_type_and_serial)
{
	struct proto_message m = sample(all[_i]), back;
	char buffer[PROTO_MAX_MESSAGE];
	size_t length = encode(&m, buffer);
	uint16_t number = PROTO_VERSION + 1;
	uint32_t serial = m.serial ? 0 : 1;

	memcpy(buffer + 4, &number, sizeof(number));
	ck_assert_int_eq(proto_decode(buffer, length, m.fd_count, &back), -EPROTONOSUPPORT);
	number = PROTO_VERSION;
	memcpy(buffer + 4, &number, sizeof(number));
	memcpy(buffer + 8, &serial, sizeof(serial));
	ck_assert_int_eq(proto_decode(buffer, length, m.fd_count, &back), -EBADMSG);
	memcpy(buffer + 8, &m.serial, sizeof(m.serial));
	number = 999;
	memcpy(buffer + 6, &number, sizeof(number));
	ck_assert_int_eq(proto_decode(buffer, length, m.fd_count, &back), -EBADMSG);
}
END_TEST

/* What an honest sender cannot encode, a receiver does not decode either: checked once, here. */
static void check_bad(const struct proto_message *bad)
{
	char buffer[PROTO_MAX_MESSAGE];
	size_t length;

	ck_assert_int_eq(proto_encode(bad, buffer, sizeof(buffer), &length), -EINVAL);
}

START_TEST(field_limits)
{
	struct proto_message m;

	m = sample(PROTO_MACHINE), m.machine.memory = 0, check_bad(&m);
	m = sample(PROTO_MACHINE), m.machine.memory += 4096, check_bad(&m);
	m = sample(PROTO_MACHINE), m.machine.memory = GIB(1025), check_bad(&m);
	m = sample(PROTO_MACHINE), m.machine.vcpus = 0, check_bad(&m);
	m = sample(PROTO_MACHINE), m.machine.vcpus = PROTO_MAX_VCPUS + 1, check_bad(&m);
	m = sample(PROTO_MACHINE), m.machine.boot[0] = PROTO_BOOT_COUNT, check_bad(&m);
	m = sample(PROTO_MACHINE), m.machine.boot[0] = PROTO_BOOT_NONE, check_bad(&m);
	m = sample(PROTO_MACHINE), m.machine.reserved[6] = 1, check_bad(&m);
	m = sample(PROTO_MACHINE), m.machine.clock_localtime = 2, check_bad(&m);
	m = sample(PROTO_DISK), m.disk.unit = PROTO_DISK_UNITS, check_bad(&m);
	m = sample(PROTO_DISK), m.disk.kind = PROTO_DISK_KIND_COUNT, check_bad(&m);
	m = sample(PROTO_DISK), m.disk.format = PROTO_FORMAT_COUNT, check_bad(&m);
	m = sample(PROTO_DISK), m.disk.readonly = 2, check_bad(&m);
	m = sample(PROTO_DISK), m.fd_count = 0, check_bad(&m); /* a hard disk without a file */
	m = sample(PROTO_NIC), m.nic.mac[0] = 1, check_bad(&m);
	m = sample(PROTO_NIC), m.nic.reserved = 1, check_bad(&m);
	m = sample(PROTO_CONSOLE), m.port.number = PROTO_SERIAL_PORTS, check_bad(&m);
	m = sample(PROTO_MEDIUM), m.port.number = PROTO_DISK_UNITS, check_bad(&m);
	m = sample(PROTO_REPLY), m.reply.status = 1, check_bad(&m);
	m = sample(PROTO_REPLY), m.reply.status = -4096, check_bad(&m);
	m = sample(PROTO_HELLO), m.hello.min_version = 0, check_bad(&m);
	m = sample(PROTO_HELLO), m.hello.max_version = 0, check_bad(&m);
	m = sample(PROTO_HELLO_REPLY), m.hello_reply.state = PROTO_STATE_COUNT, check_bad(&m);
	m = sample(PROTO_HELLO_REPLY), m.hello_reply.cause = PROTO_CAUSE_COUNT, check_bad(&m);
	m = sample(PROTO_EVENT_STATE), m.state.cause = PROTO_CAUSE_COUNT, check_bad(&m);
	m = sample(PROTO_EVENT_GUEST), m.guest.event = PROTO_GUEST_EVENT_COUNT, check_bad(&m);
	m = sample(PROTO_POWER_ON), m.type = (enum proto_type)99, check_bad(&m);
	m = sample(PROTO_REPLY), memset(m.text, 'x', sizeof(m.text)), check_bad(&m);
}
END_TEST

START_TEST(an_empty_cd_drive_needs_no_file)
{
	struct proto_message m = sample(PROTO_DISK);
	char buffer[PROTO_MAX_MESSAGE];

	m.disk.kind = PROTO_DISK_CD;
	m.fd_count = 0;
	encode(&m, buffer);
}
END_TEST

START_TEST(small_buffer)
{
	struct proto_message m = sample(PROTO_REPLY);
	char buffer[PROTO_MAX_MESSAGE];
	size_t length = encode(&m, buffer), unused;

	ck_assert_int_eq(proto_encode(&m, buffer, length - 1, &unused), -EMSGSIZE);
	ck_assert_int_eq(proto_encode(&m, buffer, length, &unused), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int count = (int)ARRAY_SIZE(all), failed;

	tcase_add_loop_test(tcase, there_and_back, 0, count);
	tcase_add_loop_test(tcase, every_shorter_length_is_refused_or_cuts_text, 0, count);
	tcase_add_loop_test(tcase, longer_than_the_body_is_refused_or_text, 0, count);
	tcase_add_loop_test(tcase, wrong_number_of_descriptors, 0, count);
	tcase_add_loop_test(tcase, wrong_version_type_and_serial, 0, count);
	tcase_add_test(tcase, field_limits);
	tcase_add_test(tcase, an_empty_cd_drive_needs_no_file);
	tcase_add_test(tcase, small_buffer);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
