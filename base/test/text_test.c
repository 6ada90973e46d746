/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Foreign text: what is UTF-8, what is let through, and where it is cut.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"

START_TEST(what_is_no_utf8_is_replaced_byte_by_byte)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{"", ""},
		{"plain", "plain"},
		{"K\xc3\xa4se \xe2\x82\xac \xf0\x9f\x90\xb8",
		 "K\xc3\xa4se \xe2\x82\xac \xf0\x9f\x90\xb8"},
		{"a\xc3", "a?"},              /* cut */
		{"a\xe2\x82", "a??"},         /* cut */
		{"\xf0\x9f\x90z", "???z"},    /* cut by the next character */
		{"\xc0\xaf", "??"},           /* overlong '/' */
		{"\xe0\x80\xaf", "???"},      /* overlong */
		{"\xed\xa0\x80", "???"},      /* a surrogate */
		{"\xf4\x90\x80\x80", "????"}, /* beyond 10FFFF */
		{"\xff\xfe", "??"},
		{"\x80\xbf", "??"},
		{"\xef\xbf\xbf", "???"},                /* U+FFFF, a noncharacter */
		{"\xef\xb7\x90", "???"},                /* U+FDD0 */
		{"\x1b[31mred\x1b[0m", "?[31mred?[0m"}, /* escape sequences */
		{"\302\23331m", "?31m"},                /* CSI in eight bits */
		{"a\tb\nc\rd\x7f", "a?b?c?d?"},
		{"\342\200\256exe.txt", "?exe.txt"}, /* U+202E turns the line around */
		{"\xe2\x80\xa8", "?"},               /* U+2028 breaks it */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char out[64];

		text_make_safe(cases[i].from, out, sizeof(out), "");
		ck_assert_str_eq(out, cases[i].to);
		ck_assert(text_is_safe(out, ""));
		ck_assert_int_eq(text_is_safe(cases[i].from, ""),
				 strcmp(cases[i].from, cases[i].to) == 0);
		/* in its own place */
		snprintf(out, sizeof(out), "%s", cases[i].from);
		text_make_safe(out, out, sizeof(out), "");
		ck_assert_str_eq(out, cases[i].to);
	}
}
END_TEST

START_TEST(some_controls_may_be_allowed)
{
	char out[32];

	text_make_safe("a\tb\nc\rd", out, sizeof(out), "\n\t");
	ck_assert_str_eq(out, "a\tb\nc?d");
	ck_assert(text_is_safe("a\nb", "\n"));
	ck_assert(!text_is_safe("a\nb", "\t"));
}
END_TEST

START_TEST(it_is_cut_between_characters)
{
	static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb8z";

	for (size_t size = 1; size <= sizeof(text); size++) {
		char out[sizeof(text) + 1];

		memset(out, 'X', sizeof(out));
		text_make_safe(text, out, size, "");
		ck_assert_uint_lt(strlen(out), size);
		ck_assert_mem_eq(out, text, strlen(out));
		ck_assert_msg(text_is_safe(out, ""), "%zu bytes: '%s'", size, out);
		ck_assert_int_eq(out[size], 'X');
	}
}
END_TEST

/* Whatever the bytes are, what comes out is safe, and comes out of it unchanged. */
START_TEST(every_pair_and_many_strings_become_safe)
{
	uint32_t seed = 1;

	for (int i = 0; i < 200000; i++) {
		char in[9], out[9], again[9];

		if (i < 0x10000) {
			in[0] = (char)(i >> 8);
			in[1] = (char)i;
			in[2] = '\0';
		} else {
			for (size_t at = 0; at < sizeof(in) - 1; at++) {
				seed = seed * 1664525 + 1013904223;
				in[at] = (char)(seed >> 24);
			}
			in[8] = '\0';
		}
		text_make_safe(in, out, sizeof(out), "");
		text_make_safe(out, again, sizeof(again), "");
		if (!text_is_safe(out, "") || strlen(out) > strlen(in) || strcmp(out, again) != 0)
			ck_abort_msg("'%s' becomes '%s', and that '%s'", in, out, again);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60); /* for slow machines */
	tcase_add_test(tcase, what_is_no_utf8_is_replaced_byte_by_byte);
	tcase_add_test(tcase, some_controls_may_be_allowed);
	tcase_add_test(tcase, it_is_cut_between_characters);
	tcase_add_test(tcase, every_pair_and_many_strings_become_safe);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
