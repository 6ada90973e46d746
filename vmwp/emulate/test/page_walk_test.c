/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page walk: each format, each right, each reserved bit, accessed and dirty bits. */
#include "page_walk.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RAM 0x100000ull
#define P   1ull
#define W   2ull
#define U   4ull
#define A   0x20ull
#define D   0x40ull
#define PS  0x80ull
#define NX  (1ull << 63)

static uint8_t *ram;
static struct page_walk walk;
static uint64_t gpa;
static uint32_t error;
static uint32_t *racing; /* changed at every look, as another processor would */

static void *map(void *ctx, uint64_t address, size_t len, bool write)
{
	if (address >= RAM || len > RAM - address)
		return NULL;
	if (racing)
		*racing ^= 1u << 9;
	return ram + address;
}

static void setup(void)
{
	ram = calloc(1, RAM);
	ck_assert_ptr_nonnull(ram);
	racing = NULL;
	walk = (struct page_walk){.phys_bits = 40, .map = map, .cr3 = 0x1000};
	walk.cr0 = CR0_PE | CR0_PG;
}

static void teardown(void)
{
	free(ram);
}

static void put32(uint64_t address, uint32_t value)
{
	memcpy(ram + address, &value, 4);
}

static void put64(uint64_t address, uint64_t value)
{
	memcpy(ram + address, &value, 8);
}

static uint64_t get64(uint64_t address)
{
	uint64_t value;

	memcpy(&value, ram + address, 8);
	return value;
}

static int look(uint64_t linear, uint32_t access)
{
	gpa = 0;
	error = 0xdead;
	return page_walk_translate(&walk, linear, access, &gpa, &error);
}

static void assert_gpa(uint64_t linear, uint32_t access, uint64_t expected)
{
	ck_assert_int_eq(look(linear, access), 0);
	ck_assert_uint_eq(gpa, expected);
}

static void assert_fault(uint64_t linear, uint32_t access, uint32_t expected)
{
	ck_assert_int_eq(look(linear, access), 1);
	ck_assert_uint_eq(error, expected);
}

/* 4 levels at 0x1000, 0x2000, 0x3000, 0x4000, the page at linear 0x5000 maps 0x77000. */
static void long_tables(uint64_t leaf)
{
	walk.efer = EFER_LMA | EFER_NXE;
	walk.cr4 = CR4_PAE;
	walk.cr0 |= CR0_WP;
	put64(0x1000, 0x2000 | P | W | U);
	put64(0x2000, 0x3000 | P | W | U);
	put64(0x3000, 0x4000 | P | W | U);
	put64(0x4028, 0x77000 | leaf);
}

START_TEST(test_paging_off)
{
	walk.cr0 = CR0_PE;
	assert_gpa(0x12345678, PAGE_FAULT_WRITE, 0x12345678);
}
END_TEST

START_TEST(test_long_rights)
{
	long_tables(P | W | U);
	assert_gpa(0x5123, PAGE_FAULT_WRITE | PAGE_FAULT_USER, 0x77123);
	long_tables(P | W);
	assert_gpa(0x5123, PAGE_FAULT_WRITE, 0x77123);
	assert_fault(0x5123, PAGE_FAULT_USER, PAGE_FAULT_USER | PAGE_FAULT_PRESENT);
	long_tables(P | U);
	assert_fault(0x5123, PAGE_FAULT_WRITE, PAGE_FAULT_WRITE | PAGE_FAULT_PRESENT);
	walk.cr0 &= ~CR0_WP;
	assert_gpa(0x5123, PAGE_FAULT_WRITE, 0x77123);
	assert_fault(0x5123, PAGE_FAULT_WRITE | PAGE_FAULT_USER,
		     PAGE_FAULT_WRITE | PAGE_FAULT_USER | PAGE_FAULT_PRESENT);
	long_tables(0);
	assert_fault(0x5123, PAGE_FAULT_WRITE, PAGE_FAULT_WRITE);
}
END_TEST

START_TEST(test_rights_of_an_upper_level_count)
{
	long_tables(P | W | U);
	put64(0x2000, 0x3000 | P | W);
	assert_fault(0x5000, PAGE_FAULT_USER, PAGE_FAULT_USER | PAGE_FAULT_PRESENT);
	put64(0x2000, 0x3000 | P | U);
	assert_fault(0x5000, PAGE_FAULT_WRITE, PAGE_FAULT_WRITE | PAGE_FAULT_PRESENT);
	put64(0x2000, 0x3000 | P | W | U | NX);
	assert_fault(0x5000, PAGE_FAULT_FETCH, PAGE_FAULT_FETCH | PAGE_FAULT_PRESENT);
}
END_TEST

START_TEST(test_no_execute)
{
	long_tables(P | W | U | NX);
	assert_gpa(0x5000, 0, 0x77000);
	assert_fault(0x5000, PAGE_FAULT_FETCH, PAGE_FAULT_FETCH | PAGE_FAULT_PRESENT);
	walk.efer &= ~EFER_NXE;
	assert_fault(0x5000, 0, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED);
}
END_TEST

START_TEST(test_smep_smap)
{
	long_tables(P | W | U);
	walk.cr4 |= CR4_SMEP | CR4_SMAP;
	assert_fault(0x5000, PAGE_FAULT_FETCH, PAGE_FAULT_FETCH | PAGE_FAULT_PRESENT);
	assert_fault(0x5000, 0, PAGE_FAULT_PRESENT);
	assert_gpa(0x5000, PAGE_FAULT_USER, 0x77000);
	assert_gpa(0x5000, PAGE_FAULT_USER | PAGE_FAULT_FETCH, 0x77000);
	walk.smap_suspended = true;
	assert_gpa(0x5000, 0, 0x77000);
	assert_fault(0x5000, PAGE_FAULT_FETCH, PAGE_FAULT_FETCH | PAGE_FAULT_PRESENT);
}
END_TEST

START_TEST(test_long_large_pages)
{
	long_tables(0);
	put64(0x3000 + 8 * 3, 0x12200000 | P | W | PS);
	assert_gpa(0x600000 + 0x12345, PAGE_FAULT_WRITE, 0x12212345);
	put64(0x3000 + 8 * 3, 0x12202000 | P | W | PS);
	assert_fault(0x600000, 0, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED);
	put64(0x2000 + 8, 0x80000000 | P | PS);
	assert_gpa(0x40000000 + 0x3123456, 0, 0x80000000 + 0x3123456);
	put64(0x2000 + 8, 0x80200000 | P | PS);
	assert_fault(0x40000000, 0, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED);
	put64(0x1000 + 8, 0x2000 | P | PS);
	assert_fault(0x8000000000, 0, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED);
}
END_TEST

START_TEST(test_beyond_the_physical_width)
{
	long_tables(P | W | U | 1ull << 40);
	assert_fault(0x5000, 0, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED);
	walk.phys_bits = 41;
	assert_gpa(0x5000, 0, 0x77000 | 1ull << 40);
}
END_TEST

START_TEST(test_accessed_and_dirty)
{
	long_tables(P | W | U);
	assert_gpa(0x5000, 0, 0x77000);
	for (uint64_t table = 0x1000; table < 0x4000; table += 0x1000)
		ck_assert_uint_eq(get64(table) & (A | D), A);
	ck_assert_uint_eq(get64(0x4028) & (A | D), A);
	assert_gpa(0x5000, PAGE_FAULT_WRITE, 0x77000);
	ck_assert_uint_eq(get64(0x3000) & (A | D), A);
	ck_assert_uint_eq(get64(0x4028) & (A | D), A | D);
}
END_TEST

START_TEST(test_a_fault_marks_nothing)
{
	long_tables(P | U);
	assert_fault(0x5000, PAGE_FAULT_WRITE, PAGE_FAULT_WRITE | PAGE_FAULT_PRESENT);
	ck_assert_uint_eq(get64(0x1000) & (A | D), 0);
	ck_assert_uint_eq(get64(0x4028) & (A | D), 0);
}
END_TEST

static void legacy_tables(uint32_t leaf)
{
	walk.cr4 = CR4_PSE;
	put32(0x1000 + 4, 0x2000 | P | W | U);
	put32(0x2000 + 4 * 5, 0x77000 | leaf);
}

START_TEST(test_legacy)
{
	legacy_tables(P | W);
	assert_gpa(0x405123, PAGE_FAULT_WRITE, 0x77123);
	ck_assert_uint_eq(get64(0x2010) >> 32 & (A | D), A | D);
	assert_fault(0x405123, PAGE_FAULT_USER | PAGE_FAULT_WRITE,
		     PAGE_FAULT_USER | PAGE_FAULT_WRITE | PAGE_FAULT_PRESENT);
	assert_fault(0x405123, PAGE_FAULT_USER | PAGE_FAULT_FETCH,
		     PAGE_FAULT_USER | PAGE_FAULT_PRESENT); /* no fetch bit without NX and SMEP */
	assert_fault(0x800000, 0, 0);
}
END_TEST

START_TEST(test_legacy_large_page)
{
	legacy_tables(0);
	put32(0x1000 + 8, 0xc0000000 | P | W | PS);
	assert_gpa(0x812345, 0, 0xc0012345);
	put32(0x1000 + 8, 0xc0000000 | 3u << 13 | P | W | PS);
	assert_gpa(0x812345, 0, 0x3c0012345);
	put32(0x1000 + 8, 0xc0000000 | 1u << 21 | P | W | PS);
	assert_fault(0x812345, 0, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED);
	put32(0x1000 + 8, 0xc0000000 | 1u << 20 | P | W | PS);
	walk.phys_bits = 36;
	assert_fault(0x812345, 0, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED);
	walk.cr4 = 0; /* PS means nothing: a table outside of RAM, which reads as ones */
	assert_gpa(0x812345, 0, 0xfffff345);
}
END_TEST

START_TEST(test_pae)
{
	walk.cr4 = CR4_PAE;
	walk.cr3 = 0x1020;
	walk.efer = EFER_NXE;
	put64(0x1020 + 8, 0x2000 | P);
	put64(0x2000, 0x3000 | P | W | U);
	put64(0x3000 + 8 * 5, 0x477000 | P | W | U | NX);
	put64(0x2008, 0x12200000 | P | W | PS);
	assert_gpa(0x40005123, PAGE_FAULT_WRITE | PAGE_FAULT_USER, 0x477123);
	assert_fault(0x40005123, PAGE_FAULT_FETCH, PAGE_FAULT_FETCH | PAGE_FAULT_PRESENT);
	assert_gpa(0x40212345, 0, 0x12212345);
	ck_assert_uint_eq(get64(0x1028), 0x2000 | P); /* a PDPTE has no accessed bit */
	put64(0x3000 + 8 * 5, 0x477000 | P | 1ull << 52);
	assert_fault(0x40005123, 0, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED);
	assert_fault(0x80000000, 0, 0);
}
END_TEST

START_TEST(test_entry_that_never_rests)
{
	legacy_tables(P | W);
	racing = (uint32_t *)(ram + 0x1004);
	ck_assert_int_eq(look(0x405123, 0), -EAGAIN);
	racing = NULL;
	assert_gpa(0x405123, 0, 0x77123);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("page_walk");
	TCase *tc = tcase_create("page_walk");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_paging_off);
	tcase_add_test(tc, test_long_rights);
	tcase_add_test(tc, test_rights_of_an_upper_level_count);
	tcase_add_test(tc, test_no_execute);
	tcase_add_test(tc, test_smep_smap);
	tcase_add_test(tc, test_long_large_pages);
	tcase_add_test(tc, test_beyond_the_physical_width);
	tcase_add_test(tc, test_accessed_and_dirty);
	tcase_add_test(tc, test_a_fault_marks_nothing);
	tcase_add_test(tc, test_legacy);
	tcase_add_test(tc, test_legacy_large_page);
	tcase_add_test(tc, test_pae);
	tcase_add_test(tc, test_entry_that_never_rests);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
