/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What needs no network: names of units, what nft says of others' chains, the token bucket.
 */
#include <check.h>
#include <stdlib.h>

#include "daemon/bucket.h"
#include "net/rules.h"
#include "net/unit.h"

/* As systemd-escape(1) does it. */
START_TEST(names_in_units)
{
	static const struct {
		const char *name, *escaped;
	} cases[] = {
		{"kbr0", "kbr0"},
		{"my-br.0", "my\\x2dbr.0"},
		{".hidden", "\\x2ehidden"},
		{"a_b:c", "a_b:c"},
		{"-", "\\x2d"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char escaped[128];

		unit_escape(cases[i].name, escaped, sizeof(escaped));
		ck_assert_str_eq(escaped, cases[i].escaped);
	}
}
END_TEST

START_TEST(names_that_are_too_long_are_cut)
{
	char escaped[16];

	unit_escape("---------------", escaped, sizeof(escaped));
	ck_assert_str_eq(escaped, "\\x2d\\x2d\\x2d");
}
END_TEST

/* In the form of "nft list chains". */
#define CHAIN(family, table, chain, hook, policy)             \
	"table " family " " table " {\n\tchain " chain " {\n" \
	"\t\ttype filter hook " hook " priority filter; policy " policy ";\n\t}\n}\n"

START_TEST(other_firewalls)
{
	static const struct {
		const char *listing, *found; /* NULL: none */
	} cases[] = {
		{"", NULL},
		{CHAIN("ip", "filter", "FORWARD", "forward", "drop"),
		 "table ip filter, chain FORWARD"},
		{CHAIN("inet", "firewalld", "f", "forward", "drop"),
		 "table inet firewalld, chain f"},
		{CHAIN("ip", "filter", "FORWARD", "forward", "accept"), NULL},
		{CHAIN("ip", "filter", "INPUT", "input", "drop"), NULL},
		{CHAIN("ip6", "filter", "FORWARD", "forward", "drop"), NULL},
		{CHAIN("ip", "keelson-kbr0", "forward", "forward", "drop"), NULL},
		{CHAIN("ip", "a", "b", "input", "drop") CHAIN("ip", "c", "d", "forward", "drop"),
		 "table ip c, chain d"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rules_chain chain;
		char what[160] = "";
		bool found = rules_find_drop(cases[i].listing, 0, &chain);

		if (found)
			snprintf(what, sizeof(what), "table %s %s, chain %s", chain.family,
				 chain.table, chain.name);
		ck_assert_msg(found == (cases[i].found != NULL), "case %zu: %s", i, what);
		ck_assert_str_eq(what, cases[i].found ? cases[i].found : "");
	}
}
END_TEST

START_TEST(more_than_one_firewall)
{
	static const char listing[] = CHAIN("ip", "a", "b", "forward", "drop")
		CHAIN("ip", "keelson-kbr0", "forward", "forward", "drop")
			CHAIN("inet", "c", "d", "forward", "drop");
	struct rules_chain chain;

	ck_assert(rules_find_drop(listing, 1, &chain));
	ck_assert_str_eq(chain.table, "c");
	ck_assert(!rules_find_drop(listing, 2, &chain));
}
END_TEST

START_TEST(firewalls_that_let_through)
{
	ck_assert(rules_let_through("\t\tiifname \"kbr0\" counter packets 0 bytes 0 accept\n",
				    "kbr0"));
	ck_assert(!rules_let_through("\t\tiifname \"kbr01\" accept\n", "kbr0"));
	ck_assert(!rules_let_through("\t\tiifname \"kbr0\" drop\n\t\toifname \"x\" accept\n",
				     "kbr0"));
	ck_assert(!rules_let_through("", "kbr0"));
}
END_TEST

START_TEST(tokens)
{
	struct bucket bucket = {0};

	for (int i = 0; i < 3; i++)
		ck_assert(bucket_take(&bucket, 100, 0.5, 3));
	ck_assert(!bucket_take(&bucket, 101, 0.5, 3));
	ck_assert_uint_eq(bucket.refused, 1);
	ck_assert(bucket_take(&bucket, 102, 0.5, 3));
	ck_assert(!bucket_take(&bucket, 102, 0.5, 3));
	/* never more than it holds */
	for (int i = 0; i < 3; i++)
		ck_assert(bucket_take(&bucket, 100000, 0.5, 3));
	ck_assert(!bucket_take(&bucket, 100000, 0.5, 3));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net");
	TCase *tcase = tcase_create("net");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, names_in_units);
	tcase_add_test(tcase, names_that_are_too_long_are_cut);
	tcase_add_test(tcase, other_firewalls);
	tcase_add_test(tcase, more_than_one_firewall);
	tcase_add_test(tcase, firewalls_that_let_through);
	tcase_add_test(tcase, tokens);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
