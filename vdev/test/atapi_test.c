/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CD-ROM drive: packets, media changes, the tray. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "ide_bench.h"
#include "test_main.h"

#define CDROM 1 /* the drive's number */

static struct ide_bench b;
static uint8_t expected[2048];
static uint8_t data[1u << 18];

#define PACKET(...)         \
	(const uint8_t[12]) \
	{                   \
		__VA_ARGS__ \
	}
#define TEST_UNIT_READY PACKET(0x00)

/* The medium that was there at power-on is announced once. */
static void setup(void)
{
	bench_create(&b);
	ck_assert_uint_eq(bench_packet(&b, TEST_UNIT_READY, 0), 0x51);
	ck_assert_uint_eq(bench_sense(&b), 0x62800);
	bench_interrupted(&b, 14);
}

static void teardown(void)
{
	bench_destroy(&b);
}

static void assert_cd_sector(const uint8_t *bytes, uint32_t n)
{
	bench_fill(expected, 2048, n);
	ck_assert_msg(!memcmp(bytes, expected, 2048), "sector %u", n);
}

static void assert_refused(const uint8_t *packet, uint32_t sense)
{
	ck_assert_uint_eq(bench_packet(&b, packet, 0xfffe), 0x51);
	ck_assert_uint_eq(test_in8(b.t, ATA + 1) >> 4, sense >> 16);
	ck_assert_uint_eq(bench_sense(&b), sense);
}

START_TEST(identifies)
{
	test_out8(b.t, ATA + 6, 0xb0);
	test_out8(b.t, ATA + 7, 0xec);
	ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x51);
	ck_assert_uint_eq(test_in8(b.t, ATA + 4) | test_in8(b.t, ATA + 5) << 8, 0xeb14);
	test_out8(b.t, ATA + 7, 0xa1);
	ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x58);
	bench_read_words(&b, ATA, data, 512);
	ck_assert_uint_eq(bytes_get_le16(data), 0x85c0);
	ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x50);
}
END_TEST

START_TEST(phases_and_interrupt_reasons)
{
	const uint8_t *inquiry = PACKET(0x12, 0, 0, 0, 36);

	test_out8(b.t, ATA + 6, 0xb0);
	test_out8(b.t, ATA + 4, 20); /* at most 20 bytes at a time */
	test_out8(b.t, ATA + 5, 0);
	test_out8(b.t, ATA + 7, 0xa0);
	ck_assert_uint_eq(test_in8(b.t, ATA + 2), 1); /* command */
	ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x58);
	ck_assert(!bench_interrupted(&b, 14));
	bench_write_words(&b, ATA, inquiry, 12);
	for (unsigned int n = 20; n >= 16; n -= 4) {
		ck_assert(bench_interrupted(&b, 14));
		ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x58);
		ck_assert_uint_eq(test_in8(b.t, ATA + 2), 2); /* input */
		ck_assert_uint_eq(test_in8(b.t, ATA + 4), n);
		bench_read_words(&b, ATA, data + (n == 20 ? 0 : 20), n);
	}
	ck_assert(bench_interrupted(&b, 14));
	ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x50);
	ck_assert_uint_eq(test_in8(b.t, ATA + 2), 3); /* completion */
	ck_assert_uint_eq(data[0], 5);
	ck_assert_int_eq(memcmp(data + 8, "Keelson Virtual CD-ROM", 22), 0);
}
END_TEST

START_TEST(reads_by_pio)
{
	size_t n = bench_packet_in(&b, PACKET(0x28, 0, 0, 0, 0, 100, 0, 0, 40), data, sizeof data);

	ck_assert_uint_eq(n, 40 * 2048);
	for (uint32_t i = 0; i < 40; i++)
		assert_cd_sector(data + i * 2048, 100 + i);
	n = bench_packet_in(&b, PACKET(0xa8, 0, 0, 0, 0, 7, 0, 0, 0, 2), data, sizeof data);
	ck_assert_uint_eq(n, 2 * 2048);
	assert_cd_sector(data + 2048, 8);
	n = bench_packet_in(&b, PACKET(0xbe, 0, 0, 0, 0, 7, 0, 0, 1, 0x10), data, sizeof data);
	ck_assert_uint_eq(n, 2048);
	assert_cd_sector(data, 7);
	ck_assert_uint_eq(bench_packet(&b, PACKET(0x28), 0xfffe), 0x50); /* no sectors at all */
}
END_TEST

START_TEST(reads_by_dma)
{
	bench_prd(&b, 100 * 2048, 0x8000);
	test_out8(b.t, ATA + 6, 0xb0);
	test_out8(b.t, ATA + 1, 1);
	test_out8(b.t, ATA + 7, 0xa0);
	bench_write_words(&b, ATA, PACKET(0x28, 0, 0, 0, 0, 3, 0, 0, 100), 12);
	bench_start_dma(&b, true);
	bench_pump(&b);
	ck_assert_uint_eq(bench_dma_status(&b), 0x04);
	ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x50);
	for (uint32_t i = 0; i < 100; i++)
		assert_cd_sector(test_ram(b.t) + BENCH_DATA + i * 2048, 3 + i);
}
END_TEST

START_TEST(limits)
{
	assert_refused(PACKET(0x28, 0, 0, 0, 0x03, 0xe8, 0, 0, 1), 0x52100);
	assert_refused(PACKET(0xa8, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff), 0x52100);
	assert_refused(PACKET(0x2b, 0, 0xff), 0x52100);
	assert_refused(PACKET(0xff), 0x52000);
	assert_refused(PACKET(0x12, 1), 0x52400);
	assert_refused(PACKET(0x5a, 0, 0x0e, 0, 0, 0, 0, 0, 64), 0x52400);
	assert_refused(PACKET(0x5a, 0, 0xea, 0, 0, 0, 0, 0, 64), 0x53900);
	assert_refused(PACKET(0x43, 0, 0, 0, 0, 0, 5, 0, 64), 0x52400);
	ck_assert_uint_eq(bench_sense(&b), 0); /* it was handed over */
}
END_TEST

START_TEST(media_error)
{
	ck_assert_int_eq(ftruncate(b.cd_fd, 10 * 2048), 0);
	assert_refused(PACKET(0x28, 0, 0, 0, 0, 9, 0, 0, 5), 0x31100);
}
END_TEST

START_TEST(capacity_and_contents)
{
	ck_assert_uint_eq(bench_packet_in(&b, PACKET(0x25), data, 64), 8);
	ck_assert_uint_eq(bytes_get_be32(data), BENCH_CD_SECTORS - 1);
	ck_assert_uint_eq(bytes_get_be32(data + 4), 2048);
	ck_assert_uint_eq(bench_packet_in(&b, PACKET(0x43, 0, 0, 0, 0, 0, 0, 0, 64), data, 64), 20);
	ck_assert_uint_eq(bytes_get_be16(data), 18);
	ck_assert_uint_eq(data[14], 0xaa);
	ck_assert_uint_eq(bytes_get_be32(data + 16), BENCH_CD_SECTORS);
	ck_assert_uint_eq(bench_packet_in(&b, PACKET(0x43, 2, 0, 0, 0, 0, 0xaa, 0, 64), data, 64),
			  12);
	ck_assert_uint_eq(data[9], (BENCH_CD_SECTORS + 150) / 75 / 60);
	ck_assert_uint_eq(data[11], (BENCH_CD_SECTORS + 150) % 75);
	ck_assert_uint_eq(bench_packet_in(&b, PACKET(0x43, 0, 1, 0, 0, 0, 0, 0, 64), data, 64), 12);
	ck_assert_uint_eq(bench_packet_in(&b, PACKET(0x43, 0, 2, 0, 0, 0, 0, 0, 64), data, 64), 48);
	ck_assert_uint_eq(bench_packet_in(&b, PACKET(0x43, 0, 0, 0, 0, 0, 0, 0, 4), data, 64), 4);
	ck_assert_uint_eq(bench_packet_in(&b, PACKET(0x51, 0, 0, 0, 0, 0, 0, 0, 64), data, 64), 34);
}
END_TEST

START_TEST(configuration_and_pages)
{
	ck_assert_uint_gt(bench_packet_in(&b, PACKET(0x46, 0, 0, 0, 0, 0, 0, 1, 0), data, 256), 8);
	ck_assert_uint_eq(bytes_get_be16(data + 6), 0x08);
	ck_assert_uint_eq(bench_packet_in(&b, PACKET(0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 64), data, 64),
			  28);
	ck_assert_uint_eq(data[2], 1);
	ck_assert_uint_eq(data[8], 0x2a);
	ck_assert_uint_eq(bench_packet_in(&b, PACKET(0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 64), data, 64),
			  36);
	ck_assert_uint_eq(bench_packet_in(&b, PACKET(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8), data, 64),
			  8);
	ck_assert_uint_eq(data[1], 0);
}
END_TEST

static size_t configuration(uint8_t rt, uint16_t first)
{
	size_t n = bench_packet_in(
		&b, PACKET(0x46, rt, (uint8_t)(first >> 8), (uint8_t)first, 0, 0, 0, 1, 0), data,
		256);

	ck_assert_uint_eq(bytes_get_be32(data), n - 4);
	return n;
}

/* Whether the reply of `n` bytes has a feature, which is current or not. */
static bool has_feature(size_t n, uint16_t code, bool current)
{
	for (size_t at = 8; at < n; at += 4u + data[at + 3])
		if (bytes_get_be16(data + at) == code)
			return (data[at + 2] & 1) == current;
	return false;
}

/* MMC-3 6.6: all from a feature on, those of them that are current, or one alone. */
START_TEST(configuration_is_what_was_asked_for)
{
	size_t n = configuration(0, 0);

	ck_assert(has_feature(n, 0, true) && has_feature(n, 0x1e, true));
	ck_assert(has_feature(n, 0x1f, false));
	n = configuration(0, 3);
	ck_assert_uint_eq(bytes_get_be16(data + 8), 3);
	n = configuration(0, 2); /* between two of them */
	ck_assert_uint_eq(bytes_get_be16(data + 8), 3);
	n = configuration(1, 0);
	ck_assert(has_feature(n, 0x1e, true) && !has_feature(n, 0x1f, false));
	n = configuration(1, 0x1f);
	ck_assert_uint_eq(n, 8);
	n = configuration(2, 1);
	ck_assert_uint_eq(n, 16);
	ck_assert(has_feature(n, 1, true));
	ck_assert_uint_eq(configuration(2, 2), 8); /* there is none of that number */
	ck_assert_uint_eq(configuration(2, 0x1f), 12);
	assert_refused(PACKET(0x46, 3, 0, 0, 0, 0, 0, 1, 0), 0x52400);
	/* The length is that of all, however little of it was asked for. */
	ck_assert_uint_eq(bench_packet_in(&b, PACKET(0x46, 2, 0, 1, 0, 0, 0, 0, 8), data, 64), 8);
	ck_assert_uint_eq(bytes_get_be32(data), 12);
}
END_TEST

static size_t mode_page(uint8_t control, uint8_t page)
{
	return bench_packet_in(&b, PACKET(0x5a, 0, control << 6 | page, 0, 0, 0, 0, 0, 64), data,
			       64);
}

/* SPC-2 5.6, page control: current, changeable, default; saved pages there are none. */
START_TEST(page_control)
{
	ck_assert_uint_eq(bench_packet(&b, PACKET(0x1e, 0, 0, 0, 1), 0), 0x50);
	ck_assert_uint_eq(mode_page(0, 0x2a), 28);
	ck_assert_uint_eq(data[8 + 6], 0x2b); /* locked now */
	ck_assert_uint_eq(mode_page(2, 0x2a), 28);
	ck_assert_uint_eq(data[8 + 6], 0x29); /* not after power-on */
	ck_assert_uint_eq(mode_page(1, 0x3f), 36);
	ck_assert_uint_eq(data[2], 1);
	for (size_t at = 8; at < 36; at += 2u + data[at + 1])
		for (size_t i = 2; i < 2u + data[at + 1]; i++)
			ck_assert_uint_eq(data[at + i], 0);
	assert_refused(PACKET(0x5a, 0, 0xc0 | 0x2a, 0, 0, 0, 0, 0, 64), 0x53900);
	assert_refused(PACKET(0x5a, 0, 0x40 | 0x05, 0, 0, 0, 0, 0, 64), 0x52400);
}
END_TEST

START_TEST(identify_packet_has_an_interrupt_reason)
{
	test_out8(b.t, ATA + 6, 0xb0);
	test_out8(b.t, ATA + 2, 0xa5);
	test_out8(b.t, ATA + 7, 0xa1);
	ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x58);
	ck_assert_uint_eq(test_in8(b.t, ATA + 2) & 3, 2); /* data, to the host */
	bench_read_words(&b, ATA, data, 512);
	ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x50);
	ck_assert_uint_eq(test_in8(b.t, ATA + 2) & 3, 3); /* status */
}
END_TEST

static uint8_t media_event(void)
{
	ck_assert_uint_eq(bench_packet_in(&b, PACKET(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), data, 64),
			  8);
	return data[4];
}

START_TEST(the_host_changes_the_medium)
{
	struct disk *taken = NULL;

	ck_assert_int_eq(vdev_ide_eject(b.ide, CDROM, false, &taken), 0);
	ck_assert_ptr_eq(taken, b.cd);
	ck_assert_int_eq(vdev_ide_eject(b.ide, CDROM, false, &taken), -ENOENT);
	assert_refused(TEST_UNIT_READY, 0x23a02);
	assert_refused(PACKET(0x28, 0, 0, 0, 0, 0, 0, 0, 1), 0x23a02);
	ck_assert_uint_eq(media_event(), 3);
	ck_assert_uint_eq(data[5], 1);
	ck_assert_uint_eq(media_event(), 0);
	ck_assert_int_eq(vdev_ide_insert(b.ide, CDROM, b.disk[0]), -EINVAL);
	ck_assert_int_eq(vdev_ide_insert(b.ide, 0, b.cd), -ENODEV);
	ck_assert_int_eq(vdev_ide_insert(b.ide, 9, b.cd), -ENODEV);
	ck_assert_int_eq(vdev_ide_insert(b.ide, CDROM, b.cd), 0);
	ck_assert_int_eq(vdev_ide_insert(b.ide, CDROM, b.cd), -EBUSY);
	ck_assert_uint_eq(media_event(), 2);
	ck_assert_uint_eq(data[5], 2);
	assert_refused(PACKET(0x28, 0, 0, 0, 0, 0, 0, 0, 1), 0x62800);
	ck_assert_uint_eq(bench_packet(&b, TEST_UNIT_READY, 0), 0x50);
}
END_TEST

START_TEST(the_guest_locks_the_tray)
{
	struct disk *taken = NULL;

	ck_assert_uint_eq(bench_packet(&b, PACKET(0x1e, 0, 0, 0, 1), 0), 0x50);
	assert_refused(PACKET(0x1b, 0, 0, 0, 2), 0x55302);
	ck_assert_int_eq(vdev_ide_eject(b.ide, CDROM, false, &taken), -EBUSY);
	ck_assert_uint_eq(media_event(), 1);
	ck_assert_ptr_null(taken);
	ck_assert_int_eq(vdev_ide_eject(b.ide, CDROM, true, &taken), 0);
	ck_assert_ptr_eq(taken, b.cd);
}
END_TEST

START_TEST(the_guest_opens_and_closes_the_tray)
{
	ck_assert_uint_eq(bench_packet(&b, PACKET(0x1b, 0, 0, 0, 2), 0), 0x50);
	ck_assert_uint_eq(media_event(), 3);
	assert_refused(TEST_UNIT_READY, 0x23a02);
	bench_packet_in(&b, PACKET(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8), data, 64);
	ck_assert_uint_eq(data[1], 0x10);
	ck_assert_uint_eq(bench_packet(&b, PACKET(0x1b, 0, 0, 0, 3), 0), 0x50);
	ck_assert_uint_eq(media_event(), 2);
	assert_refused(TEST_UNIT_READY, 0x62800);
	ck_assert_uint_eq(bench_packet(&b, TEST_UNIT_READY, 0), 0x50);
}
END_TEST

START_TEST(pulled_out_while_reading)
{
	struct disk *taken;

	test_out8(b.t, ATA + 6, 0xb0);
	test_out8(b.t, ATA + 4, 0xfe);
	test_out8(b.t, ATA + 5, 0xff);
	test_out8(b.t, ATA + 7, 0xa0);
	bench_write_words(&b, ATA, PACKET(0x28, 0, 0, 0, 0, 3, 0, 0, 100), 12);
	ck_assert_uint_eq(test_in8(b.t, ATA + 7) & 0x80, 0x80);
	ck_assert_int_eq(vdev_ide_eject(b.ide, CDROM, false, &taken), 0);
	ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x51);
	bench_pump(&b);
	ck_assert_uint_eq(bench_sense(&b), 0x23a02);
	ck_assert_uint_eq(disk_pending(b.cd), 0);
}
END_TEST

START_TEST(device_reset)
{
	bench_packet(&b, PACKET(0x28, 0, 0, 0, 0, 3, 0, 0, 100), 2048);
	test_out8(b.t, ATA + 7, 0x08);
	ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x00);
	ck_assert_uint_eq(test_in8(b.t, ATA + 4) | test_in8(b.t, ATA + 5) << 8, 0xeb14);
	ck_assert_uint_eq(bench_packet(&b, TEST_UNIT_READY, 0), 0x50);
}
END_TEST

START_TEST(saves_in_the_middle_of_a_reply)
{
	size_t n;

	bench_packet(&b, PACKET(0x28, 0, 0, 0, 0, 3, 0, 0, 40), 4096);
	for (uint32_t i = 0; i < 40; i += 2) {
		bench_pump(&b);
		ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x58);
		n = test_in8(b.t, ATA + 4) | (size_t)test_in8(b.t, ATA + 5) << 8;
		ck_assert_uint_eq(n, 4096);
		bench_read_words(&b, ATA, data, 1000);
		test_round_trip(b.ide, b.ide);
		bench_read_words(&b, ATA, data + 1000, 4096 - 1000);
		test_round_trip(b.ide, b.ide); /* sometimes the disk is reading */
		assert_cd_sector(data, 3 + i);
		assert_cd_sector(data + 2048, 4 + i);
	}
	ck_assert_uint_eq(test_in8(b.t, ATA + 7), 0x50);
}
END_TEST

START_TEST(refuses_hostile_states)
{
	bench_packet(&b, PACKET(0x28, 0, 0, 0, 0, 3, 0, 0, 100), 2048);
	bench_read_words(&b, ATA, data, 100);
	test_hostile_state(b.ide);
	bench_pump(&b);
}
END_TEST

TEST_MAIN("vdev/atapi", setup, teardown, identifies, phases_and_interrupt_reasons, reads_by_pio,
	  reads_by_dma, limits, media_error, capacity_and_contents, configuration_and_pages,
	  configuration_is_what_was_asked_for, page_control,
	  identify_packet_has_an_interrupt_reason, the_host_changes_the_medium,
	  the_guest_locks_the_tray, the_guest_opens_and_closes_the_tray, pulled_out_while_reading,
	  device_reset, saves_in_the_middle_of_a_reply, refuses_hostile_states)
