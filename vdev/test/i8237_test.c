/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DMA controllers: programming, transfers, terminal count, auto-initialization.
 */
#include <string.h>

#include "test_board.h"
#include "test_main.h"
#include "vdev/i8237.h"

static struct test_board *t;
static struct vdev_i8237 *dma;
static bool terminal;

static void setup(void)
{
	t = test_board_create();
	ck_assert_int_eq(vdev_i8237_create(&t->board, &dma), 0);
}

static void teardown(void)
{
	vdev_device_destroy(vdev_i8237_device(dma));
	test_board_destroy(t);
}

/* Channel 2, as for a floppy. */
static void program(uint8_t mode, uint8_t page, uint16_t address, uint16_t count)
{
	test_out8(t, 0x0c, 0);
	test_out8(t, 0x0b, mode | 2);
	test_out8(t, 0x04, (uint8_t)address);
	test_out8(t, 0x04, (uint8_t)(address >> 8));
	test_out8(t, 0x05, (uint8_t)count);
	test_out8(t, 0x05, (uint8_t)(count >> 8));
	test_out8(t, 0x81, page);
	test_out8(t, 0x0a, 2);
}

START_TEST(a_transfer_goes_where_it_was_told)
{
	program(0x44, 0x03, 0x1234, 9);
	ck_assert_uint_eq(vdev_i8237_write(dma, 2, "0123", 4, &terminal), 4);
	ck_assert(!terminal);
	ck_assert_uint_eq(vdev_i8237_write(dma, 2, "456789ab", 8, &terminal), 6);
	ck_assert(terminal);
	ck_assert_mem_eq(test_ram(t) + 0x31234, "0123456789", 10);
	ck_assert_uint_eq(test_in8(t, 0x08), 0x04);
	ck_assert_uint_eq(test_in8(t, 0x08), 0x00);
	ck_assert_uint_eq(vdev_i8237_write(dma, 2, "x", 1, &terminal), 0);
	ck_assert_uint_eq(test_in8(t, 0x0f), 0xff);
}
END_TEST

START_TEST(reading_memory_and_the_wrong_direction)
{
	char buffer[4] = "";

	memcpy(test_ram(t) + 0x500, "data", 4);
	program(0x48, 0, 0x500, 3);
	ck_assert_uint_eq(vdev_i8237_write(dma, 2, "x", 1, &terminal), 0);
	ck_assert_uint_eq(vdev_i8237_read(dma, 2, buffer, 4, &terminal), 4);
	ck_assert_mem_eq(buffer, "data", 4);
}
END_TEST

START_TEST(counts_read_back_by_halves)
{
	program(0x48, 0, 0x5678, 0x1234);
	test_out8(t, 0x0c, 0);
	ck_assert_uint_eq(test_in8(t, 0x05), 0x34);
	ck_assert_uint_eq(test_in8(t, 0x05), 0x12);
	ck_assert_uint_eq(test_in8(t, 0x04), 0x78);
	ck_assert_uint_eq(test_in8(t, 0x04), 0x56);
}
END_TEST

START_TEST(auto_initialization_starts_over)
{
	char buffer[4];

	memcpy(test_ram(t) + 0x600, "ab", 2);
	program(0x58, 0, 0x600, 1);
	ck_assert_uint_eq(vdev_i8237_read(dma, 2, buffer, 4, &terminal), 2);
	ck_assert(terminal);
	ck_assert_uint_eq(vdev_i8237_read(dma, 2, buffer + 2, 2, &terminal), 2);
	ck_assert_mem_eq(buffer, "abab", 4);
}
END_TEST

START_TEST(addresses_wrap_in_their_page)
{
	program(0x44, 0x02, 0xffff, 1);
	ck_assert_uint_eq(vdev_i8237_write(dma, 2, "xy", 2, &terminal), 2);
	ck_assert_uint_eq(test_ram(t)[0x2ffff], 'x');
	ck_assert_uint_eq(test_ram(t)[0x20000], 'y');
}
END_TEST

START_TEST(word_channels_count_words)
{
	test_out8(t, 0xd8, 0);
	test_out8(t, 0xd6, 0x45); /* channel 5 */
	test_out8(t, 0xc4, 0x00);
	test_out8(t, 0xc4, 0x80);
	test_out8(t, 0xc6, 1);
	test_out8(t, 0xc6, 0);
	test_out8(t, 0x8b, 0x05); /* bit 0 of the page is not used */
	test_out8(t, 0xd4, 1);
	ck_assert_uint_eq(vdev_i8237_write(dma, 5, "abcde", 5, &terminal), 4);
	ck_assert(terminal);
	ck_assert_mem_eq(test_ram(t) + 0x50000, "abcd", 4);
}
END_TEST

START_TEST(no_memory_reads_as_ones)
{
	uint8_t buffer[2] = {0};

	program(0x48, 0xf0, 0, 1);
	ck_assert_uint_eq(vdev_i8237_read(dma, 2, buffer, 2, &terminal), 2);
	ck_assert_uint_eq(buffer[1], 0xff);
}
END_TEST

START_TEST(state_and_registers)
{
	struct test_board *t2 = test_board_create();
	struct vdev_i8237 *other;

	ck_assert_int_eq(vdev_i8237_create(&t2->board, &other), 0);
	program(0x54, 3, 0x1000, 99);
	test_round_trip(vdev_i8237_device(dma), vdev_i8237_device(other));
	ck_assert_uint_eq(vdev_i8237_write(other, 2, "z", 1, &terminal), 1);
	ck_assert_uint_eq(test_ram(t2)[0x31000], 'z');
	vdev_device_destroy(vdev_i8237_device(other));
	test_board_destroy(t2);
	test_hostile_state(vdev_i8237_device(dma));
	test_register_walk(t, vdev_i8237_device(dma), true, 0x00, 16);
	test_register_walk(t, vdev_i8237_device(dma), true, 0xc0, 32);
	test_register_walk(t, vdev_i8237_device(dma), true, 0x81, 15);
}
END_TEST

TEST_MAIN("vdev/i8237", setup, teardown, a_transfer_goes_where_it_was_told,
	  reading_memory_and_the_wrong_direction, counts_read_back_by_halves,
	  auto_initialization_starts_over, addresses_wrap_in_their_page, word_channels_count_words,
	  no_memory_reads_as_ones, state_and_registers)
