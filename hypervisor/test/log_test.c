/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log ring: time stamps, cursors, overwriting, echo, lines longer than a piece. */
#include "core/format.h"
#include "core/log.h"
#include "runner.h"

#define PIECES (LOG_RING_SIZE / 128)

static char echoed[4096];
static size_t echoed_length;

static void sink(const char *text, size_t length)
{
	ck_assert_uint_le(echoed_length + length, sizeof(echoed));
	memcpy(echoed + echoed_length, text, length);
	echoed_length += length;
}

static size_t read_all(u64 *cursor, char *text, size_t size, u64 *ret_lost)
{
	size_t n = log_read(cursor, text, size - 1, ret_lost);

	text[n] = '\0';
	return n;
}

START_TEST(lines_with_time)
{
	char text[512];
	u64 cursor = 0, lost;

	fake.tsc = 12 * FAKE_HZ + FAKE_HZ / 4;
	log_info("one %d", 1);
	fake.tsc_hz = 0;
	log_error("two");
	read_all(&cursor, text, sizeof(text), &lost);
	ck_assert_str_eq(text, "[   12.250000] one 1\n[    -.------] two\n");
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_eq(read_all(&cursor, text, sizeof(text), &lost), 0);
	fake.tsc_hz = FAKE_HZ;
	log_info("three");
	read_all(&cursor, text, sizeof(text), &lost);
	ck_assert_str_eq(text, "[   12.250000] three\n");
}
END_TEST

START_TEST(echo_by_level)
{
	log_init(sink, LOG_WARNING);
	log_info("quiet");
	log_warning("loud");
	log_error("louder");
	ck_assert_str_eq(echoed, "[    0.000000] loud\n[    0.000000] louder\n");
	log_init(NULL, LOG_DEBUG);
	log_error("nobody");
	ck_assert_uint_eq(echoed_length, strlen(echoed));
}
END_TEST

START_TEST(long_lines_are_whole_then_cut)
{
	char word[300], text[1024], want[400];
	u64 cursor = 0, lost;

	for (size_t n = 90; n < 290; n++) {
		memset(word, 'x', n);
		word[n] = '\0';
		log_info("%s", word);
		read_all(&cursor, text, sizeof(text), &lost);
		format_text(want, LOG_LINE_MAX, "[    0.000000] %s", word);
		ck_assert_uint_eq(strlen(text), strlen(want) + 1);
		ck_assert_int_eq(strncmp(text, want, strlen(want)), 0);
		ck_assert_int_eq(text[strlen(text) - 1], '\n');
	}
}
END_TEST

START_TEST(overwritten_lines_are_counted)
{
	static char text[LOG_RING_SIZE + 1];
	u64 cursor = 0, lost;
	char last[64];

	for (unsigned int i = 0; i < PIECES + 10; i++)
		log_info("line %u", i);
	read_all(&cursor, text, sizeof(text), &lost);
	ck_assert_uint_eq(lost, 10);
	ck_assert_int_eq(strncmp(text, "[    0.000000] line 10\n", 23), 0);
	format_text(last, sizeof(last), "line %u\n", PIECES + 9);
	ck_assert_str_eq(text + strlen(text) - strlen(last), last);
}
END_TEST

START_TEST(small_reads_see_everything)
{
	char piece[LOG_PIECE_TEXT + 1], all[4096] = "";
	u64 cursor = 0, lost;
	size_t n, length = 0;

	for (int i = 0; i < 20; i++)
		log_info("%d", i);
	while ((n = read_all(&cursor, piece, sizeof(piece), &lost))) {
		memcpy(all + length, piece, n + 1);
		length += n;
		ck_assert_uint_eq(lost, 0);
	}
	ck_assert_uint_eq(cursor, 20);
	ck_assert_str_eq(all + length - 18, "[    0.000000] 19\n");
}
END_TEST

START_TEST(cursor_from_the_future)
{
	char text[256];
	u64 cursor = ~0ull, lost;

	log_info("x");
	ck_assert_uint_eq(read_all(&cursor, text, sizeof(text), &lost), 0);
	ck_assert_uint_eq(cursor, 1);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

static void nesting_sink(const char *text, size_t length)
{
	static int depth;

	sink(text, length);
	if (depth++ == 0)
		log_info("inner");
}

/* As an NMI in the middle of a write does. */
START_TEST(nested_write_to_the_sink)
{
	log_init(nesting_sink, LOG_DEBUG);
	log_info("outer");
	ck_assert_str_eq(echoed, "[    0.000000] outer\n[    0.000000] inner\n");
}
END_TEST

TEST_MAIN("log", lines_with_time, echo_by_level, long_lines_are_whole_then_cut,
	  overwritten_lines_are_counted, small_reads_see_everything, cursor_from_the_future,
	  nested_write_to_the_sink)
