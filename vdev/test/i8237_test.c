/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DMA controllers: programming, transfers, terminal count, auto-initialization.
 */
#include <string.h>

#include "test_board.h"
#include "test_main.h"
#include "test_registers.h"
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

/* Registers of 16 bits go through the byte pointer, which 0Ch and D8h clear. */
static uint32_t read_halves(void *owner, unsigned int at, unsigned int width)
{
	uint8_t low;

	if (width == 1)
		return test_in8(t, (uint16_t)at);
	test_out8(t, at < 0xc0 ? 0x0c : 0xd8, 0);
	low = test_in8(t, (uint16_t)at);
	return (uint32_t)(low | test_in8(t, (uint16_t)at) << 8);
}

static void write_halves(void *owner, unsigned int at, unsigned int width, uint32_t value)
{
	if (width == 2)
		test_out8(t, at < 0xc0 ? 0x0c : 0xd8, 0);
	for (unsigned int i = 0; i < width; i++)
		test_out8(t, (uint16_t)at, (uint8_t)(value >> 8 * i));
}

/* Data sheet, "Register description"; the page registers are the board's. */
START_TEST(the_data_sheet)
{
	static const struct test_register registers[] = {
		{"address 0", 0x00, 2, 0, 0xffff, 0}, {"count 0", 0x01, 2, 0, 0xffff, 0},
		{"address 1", 0x02, 2, 0, 0xffff, 0}, {"count 1", 0x03, 2, 0, 0xffff, 0},
		{"address 2", 0x04, 2, 0, 0xffff, 0}, {"count 2", 0x05, 2, 0, 0xffff, 0},
		{"address 3", 0x06, 2, 0, 0xffff, 0}, {"count 3", 0x07, 2, 0, 0xffff, 0},
		{"status", 0x08, 1, 0, 0, 0},         {"masks", 0x0f, 1, 0xff, 0x0f, 0},
		{"address 4", 0xc0, 2, 0, 0xffff, 0}, {"count 4", 0xc2, 2, 0, 0xffff, 0},
		{"address 5", 0xc4, 2, 0, 0xffff, 0}, {"count 5", 0xc6, 2, 0, 0xffff, 0},
		{"address 6", 0xc8, 2, 0, 0xffff, 0}, {"count 6", 0xca, 2, 0, 0xffff, 0},
		{"address 7", 0xcc, 2, 0, 0xffff, 0}, {"count 7", 0xce, 2, 0, 0xffff, 0},
		{"status", 0xd0, 1, 0, 0, 0},         {"masks", 0xde, 1, 0xff, 0x0f, 0},
		{"page of 2", 0x81, 1, 0, 0xff, 0},   {"page of 3", 0x82, 1, 0, 0xff, 0},
		{"page of 1", 0x83, 1, 0, 0xff, 0},   {"page of 0", 0x87, 1, 0, 0xff, 0},
		{"page of 6", 0x89, 1, 0, 0xff, 0},   {"page of 7", 0x8a, 1, 0, 0xff, 0},
		{"page of 5", 0x8b, 1, 0, 0xff, 0},   {"refresh page", 0x8f, 1, 0, 0xff, 0},
	};
	const struct test_access access = {read_halves, write_halves, NULL};

	test_registers(vdev_i8237_device(dma), &access, registers, ARRAY_SIZE(registers));
}
END_TEST

TEST_MAIN("vdev/i8237", setup, teardown, the_data_sheet, a_transfer_goes_where_it_was_told,
	  reading_memory_and_the_wrong_direction, counts_read_back_by_halves,
	  auto_initialization_starts_over, addresses_wrap_in_their_page, word_channels_count_words,
	  no_memory_reads_as_ones, state_and_registers)
