/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg: items, the directory, reading by port and by DMA, and requests that point nowhere.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "test_board.h"
#include "test_main.h"
#include "test_registers.h"
#include "vdev/fw_cfg.h"

static struct test_board *t;
static struct vdev_fw_cfg *f;

static void setup(void)
{
	t = test_board_create();
	ck_assert_int_eq(vdev_fw_cfg_create(&t->board, &f), 0);
	ck_assert_int_eq(vdev_fw_cfg_add_file(f, "etc/first", "0123456789", 10), 0);
	ck_assert_int_eq(vdev_fw_cfg_add_number(f, "etc/number", 0x1234, 2), 0);
}

static void teardown(void)
{
	vdev_device_destroy(vdev_fw_cfg_device(f));
	test_board_destroy(t);
}

static void read_port(uint16_t key, void *buffer, size_t size)
{
	test_out16(t, 0x510, key);
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buffer)[i] = test_in8(t, 0x511);
}

/* Puts a request at GPA 0x100 and starts it; returns the control word afterwards. */
static uint32_t dma(uint32_t control, uint32_t length, uint64_t address)
{
	bytes_put_be32(test_ram(t) + 0x100, control);
	bytes_put_be32(test_ram(t) + 0x104, length);
	bytes_put_be64(test_ram(t) + 0x108, address);
	test_out32(t, 0x514, 0);
	test_out32(t, 0x518, htobe32(0x100));
	return bytes_get_be32(test_ram(t) + 0x100);
}

START_TEST(signature_and_features)
{
	char signature[5] = "";
	uint8_t id[4];

	read_port(0, signature, 4);
	ck_assert_str_eq(signature, "QEMU");
	read_port(1, id, 4);
	ck_assert_uint_eq(bytes_get_le32(id), 3);
	ck_assert_uint_eq(test_in32(t, 0x514), be32toh(0x51454d55));
	ck_assert_uint_eq(test_in32(t, 0x518), be32toh(0x20434647));
}
END_TEST

START_TEST(the_directory_lists_the_files)
{
	uint8_t directory[4 + 2 * 64];

	read_port(0x19, directory, sizeof(directory));
	ck_assert_uint_eq(bytes_get_be32(directory), 2);
	ck_assert_uint_eq(bytes_get_be32(directory + 4), 10);
	ck_assert_uint_eq(bytes_get_be16(directory + 8), 0x20);
	ck_assert_str_eq((char *)directory + 12, "etc/first");
	ck_assert_str_eq((char *)directory + 76, "etc/number");
}
END_TEST

START_TEST(reading_behind_the_end_gives_zeroes)
{
	uint8_t buffer[12];

	memset(buffer, 0xaa, sizeof(buffer));
	read_port(0x20, buffer, sizeof(buffer));
	ck_assert_mem_eq(buffer, "0123456789\0\0", 12);
	read_port(0x3fff, buffer, 2);
	ck_assert_uint_eq(buffer[0], 0);
	read_port(0x8000, buffer, 2); /* not key 0 */
	ck_assert_uint_eq(buffer[0], 0);
	read_port(0x4020, buffer, 1);
	ck_assert_uint_eq(buffer[0], '0');
	read_port(0x21, buffer, 2);
	ck_assert_uint_eq(bytes_get_le16(buffer), 0x1234);
}
END_TEST

START_TEST(additions_are_checked)
{
	char name[60];

	memset(name, 'n', 56);
	name[56] = 0;
	ck_assert_int_eq(vdev_fw_cfg_add_file(f, name, "", 0), -EINVAL);
	ck_assert_int_eq(vdev_fw_cfg_add_file(f, "etc/first", "", 0), -EEXIST);
	ck_assert_int_eq(vdev_fw_cfg_add_item(f, FW_CFG_FILE_DIR, "", 0), -EINVAL);
	ck_assert_int_eq(vdev_fw_cfg_add_item(f, 0x20, "", 0), -EINVAL);
	ck_assert_int_eq(vdev_fw_cfg_add_item(f, FW_CFG_SIGNATURE, "", 0), -EEXIST);
	for (unsigned int i = 2; i < VDEV_FW_CFG_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "file%u", i);
		ck_assert_int_eq(vdev_fw_cfg_add_file(f, name, "x", 1), 0);
	}
	ck_assert_int_eq(vdev_fw_cfg_add_file(f, "one more", "x", 1), -ENOSPC);
}
END_TEST

START_TEST(dma_reads_skips_and_selects)
{
	memset(test_ram(t) + 0x200, 0xaa, 16);
	ck_assert_uint_eq(dma(0x20 << 16 | 0x0a, 4, 0x200), 0);
	ck_assert_mem_eq(test_ram(t) + 0x200, "0123\xaa", 5);
	ck_assert_uint_eq(dma(0x04, 2, 0), 0);
	ck_assert_uint_eq(dma(0x02, 6, 0x200), 0);
	ck_assert_mem_eq(test_ram(t) + 0x200, "6789\0\0\xaa", 7);
}
END_TEST

START_TEST(dma_errors_are_told)
{
	ck_assert_uint_eq(dma(0x20 << 16 | 0x18, 4, 0x200), 1);
	ck_assert_uint_eq(dma(0x20 << 16 | 0x0a, 4, TEST_RAM_SIZE - 2), 1);
	ck_assert_uint_eq(dma(0x20 << 16 | 0x0a, 4, UINT64_MAX - 1), 1);
	ck_assert_uint_eq(dma(0x3f00 << 16 | 0x0a, UINT32_MAX, 0x1000), 1);
	test_out32(t, 0x514, 0xffffffff);
	test_out32(t, 0x518, 0xffffffff); /* a request where there is no memory */
	ck_assert_uint_eq(dma(0, 0, 0), 0);
}
END_TEST

/* QEMU, docs/specs/fw_cfg: the x86 ports. */
START_TEST(the_data_sheet)
{
	static const struct test_register registers[] = {
		{"selector: write-only", 0x510, 2, 0xffff, 0, 0},
		{"data: the signature at first", 0x511, 1, 'Q', 0, 0},
		{"DMA address, high: the signature", 0x514, 4, 0x554d4551, 0, 0},
		{"DMA address, low: the signature", 0x518, 4, 0x47464320, 0, 0},
	};
	const struct test_access access = test_access_ports(t);

	memset(test_ram(t), 0, 16); /* where one of the patterns starts a transfer */
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		if (registers[i].at == 0x511) /* each read moves on */
			ck_assert_uint_eq(test_in8(t, 0x511), registers[i].reset);
		else
			test_registers(vdev_fw_cfg_device(f), &access, &registers[i], 1);
	}
}
END_TEST

/* Key by key: what this machine has, whose size is told by the zeroes behind it. */
START_TEST(the_items)
{
	static const struct {
		const char *name;
		uint16_t key;
		size_t size;
		const char *bytes;
	} items[] = {
		{"signature", 0x0000, 4, "QEMU"},
		{"id: traditional and DMA", 0x0001, 4, "\3\0\0\0"},
		{"file", 0x0020, 10, "0123456789"},
		{"no file", 0x0022, 0, ""},
		{"no item", 0x0002, 0, ""},
		{"local to an architecture", 0x8000, 0, ""},
		{"for writing: the same", 0x4000, 4, "QEMU"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		uint8_t buffer[16];

		read_port(items[i].key, buffer, sizeof(buffer));
		ck_assert_msg(memcmp(buffer, items[i].bytes, items[i].size) == 0, "%s",
			      items[i].name);
		for (size_t j = items[i].size; j < sizeof(buffer); j++)
			ck_assert_msg(buffer[j] == 0, "%s, behind its end", items[i].name);
		test_out8(t, 0x510, 0x01); /* half of a selector selects nothing */
		test_out8(t, 0x511, 0x55); /* items are read-only */
		read_port(items[i].key, buffer, 1);
		ck_assert_uint_eq(buffer[0], items[i].size ? (uint8_t)items[i].bytes[0] : 0);
	}
}
END_TEST

/* Half of a DMA address and the place in an item are state. */
START_TEST(a_transfer_goes_on_in_another_machine)
{
	struct test_board *t2 = test_board_create();
	struct vdev_fw_cfg *other;
	uint8_t byte;

	ck_assert_int_eq(vdev_fw_cfg_create(&t2->board, &other), 0);
	ck_assert_int_eq(vdev_fw_cfg_add_file(other, "etc/first", "0123456789", 10), 0);
	read_port(0x20, &byte, 1);
	test_out32(t, 0x514, htobe32(1)); /* 4 GiB: where nothing is */
	test_round_trip(vdev_fw_cfg_device(f), vdev_fw_cfg_device(other));
	bytes_put_be32(test_ram(t2) + 0x100, 0xffffff02);
	test_out32(t2, 0x518, htobe32(0x100));
	ck_assert_uint_eq(bytes_get_be32(test_ram(t2) + 0x100), 0xffffff02); /* not touched */
	ck_assert_uint_eq(test_in8(t2, 0x511), '1');
	vdev_device_destroy(vdev_fw_cfg_device(other));
	test_board_destroy(t2);
}
END_TEST

START_TEST(state_and_registers)
{
	uint8_t byte;

	read_port(0x20, &byte, 1);
	test_round_trip(vdev_fw_cfg_device(f), vdev_fw_cfg_device(f));
	ck_assert_uint_eq(test_in8(t, 0x511), '1');
	test_hostile_state(vdev_fw_cfg_device(f));
	ck_assert_uint_eq(test_in8(t, 0x511), '2');
	test_register_walk(t, vdev_fw_cfg_device(f), true, 0x510, 12);
}
END_TEST

TEST_MAIN("vdev/fw_cfg", setup, teardown, the_data_sheet, the_items,
	  a_transfer_goes_on_in_another_machine, signature_and_features,
	  the_directory_lists_the_files, reading_behind_the_end_gives_zeroes, additions_are_checked,
	  dma_reads_skips_and_selects, dma_errors_are_told, state_and_registers)
