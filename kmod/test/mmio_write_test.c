/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stores that ring MMIO doorbells, byte by byte; and every byte sequence cut short, which must
 * not be taken for one.
 */
#include <check.h>
#include <stdlib.h>

#include "mmio_write.h"

static const uint64_t gpr[16] = {
	0x1122334455667788, 0x99aabbccddeeff00, 2, 3, 0x8000, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	0xfedcba9876543210,
};

static const struct store {
	uint8_t bytes[15];
	unsigned int count;
	int is_64_bit;
	unsigned int size;
	uint64_t value;
} stores[] = {
	{{0x88, 0x07}, 2, 1, 1, 0x88},                                /* mov %al, (%rdi) */
	{{0x88, 0x27}, 2, 1, 1, 0x77},                                /* mov %ah, (%rdi) */
	{{0x40, 0x88, 0x27}, 3, 1, 1, 0x00},                          /* mov %spl, (%rdi) */
	{{0x66, 0x89, 0x0f}, 3, 1, 2, 0xff00},                        /* mov %cx, (%rdi) */
	{{0x89, 0x07}, 2, 1, 4, 0x55667788},                          /* mov %eax, (%rdi) */
	{{0x89, 0x07}, 2, 0, 4, 0x55667788},                          /* the same, 32-bit */
	{{0x48, 0x89, 0x07}, 3, 1, 8, 0x1122334455667788},            /* mov %rax, (%rdi) */
	{{0x4c, 0x89, 0x7f, 0x10}, 4, 1, 8, 0xfedcba9876543210},      /* mov %r15, 16(%rdi) */
	{{0x89, 0x87, 0, 1, 0, 0}, 6, 1, 4, 0x55667788},              /* mov %eax, 256(%rdi) */
	{{0x89, 0x04, 0x24}, 3, 1, 4, 0x55667788},                    /* mov %eax, (%rsp) */
	{{0x89, 0x04, 0x25, 0, 0, 0, 1}, 7, 1, 4, 0x55667788},        /* mov %eax, 0x1000000 */
	{{0x89, 0x05, 0, 0, 0, 1}, 6, 1, 4, 0x55667788},              /* mov %eax, …(%rip) */
	{{0x64, 0x89, 0x07}, 3, 1, 4, 0x55667788},                    /* mov %eax, %fs:(%rdi) */
	{{0xc6, 0x07, 0x2a}, 3, 1, 1, 0x2a},                          /* movb $42, (%rdi) */
	{{0x66, 0xc7, 0x07, 0x34, 0x12}, 5, 1, 2, 0x1234},            /* movw $0x1234, (%rdi) */
	{{0xc7, 0x47, 4, 1, 2, 3, 4}, 7, 1, 4, 0x04030201},           /* movl …, 4(%rdi) */
	{{0x48, 0xc7, 0x07, 0xff, 0xff, 0xff, 0xff}, 7, 1, 8, ~0ull}, /* movq $-1, (%rdi) */
};

START_TEST(stores_are_decoded)
{
	const struct store *s = &stores[_i];
	struct mmio_write w;

	ck_assert_int_eq(mmio_write_decode(s->bytes, sizeof(s->bytes), s->is_64_bit, gpr, &w), 0);
	ck_assert_uint_eq(w.length, s->count);
	ck_assert_uint_eq(w.size, s->size);
	ck_assert_uint_eq(w.value, s->value);
}
END_TEST

START_TEST(what_is_cut_short_is_refused)
{
	const struct store *s = &stores[_i];
	struct mmio_write w;

	for (unsigned int count = 0; count < s->count; count++)
		ck_assert_int_eq(mmio_write_decode(s->bytes, count, s->is_64_bit, gpr, &w), -1);
}
END_TEST

START_TEST(other_instructions_are_refused)
{
	static const uint8_t others[][4] = {
		{0x8b, 0x07},       /* a load */
		{0x89, 0xc7},       /* between registers */
		{0xc7, 0x0f},       /* C7 /1 */
		{0xf0, 0x89, 0x07}, /* lock */
		{0x01, 0x07},       /* add */
		{0xf3, 0xab},       /* rep stos */
		{0x67, 0x89, 0x07}, /* another address size */
		{0x0f, 0x11, 0x07}, /* movups */
	};
	struct mmio_write w;

	for (unsigned int i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_int_eq(mmio_write_decode(others[i], 4, 1, gpr, &w), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kmod/mmio_write");
	TCase *tcase = tcase_create("mmio_write");
	SRunner *runner = srunner_create(suite);
	int failed, count = sizeof(stores) / sizeof(stores[0]);

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, stores_are_decoded, 0, count);
	tcase_add_loop_test(tcase, what_is_cut_short_is_refused, 0, count);
	tcase_add_test(tcase, other_instructions_are_refused);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
