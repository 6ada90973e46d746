/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI tables as a guest finds them: every pointer leads to a table, every checksum is right,
 * and what firmware makes by the loader script is what vdev_acpi_place() makes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "test_board.h"
#include "test_main.h"
#include "vdev/acpi.h"
#include "vdev/firmware.h"
#include "vdev/fw_cfg.h"
#include "vid/partition.h"

#define RSDP   0xe0000u
#define TABLES 0x80000u

static struct test_board *t;
static struct vdev_acpi *acpi;
static struct vdev_fw_cfg *fw_cfg;

static const struct vdev_acpi_config config = {
	.processors = 3,
	.pci_window = 0x80000000,
	.pci_window64 = 0x1000000000,
	.pci_window64_size = GIB(64),
};

static void setup(void)
{
	t = test_board_create();
	acpi = malloc(sizeof(*acpi));
	ck_assert_int_eq(vdev_acpi_build(acpi, &config), 0);
	ck_assert_int_eq(vdev_fw_cfg_create(&t->board, &fw_cfg), 0);
}

static void teardown(void)
{
	free(acpi);
	vdev_device_destroy(vdev_fw_cfg_device(fw_cfg));
	test_board_destroy(t);
}

static uint8_t sum(const uint8_t *data, size_t size)
{
	uint8_t total = 0;

	while (size-- > 0)
		total += *data++;
	return total;
}

/* The table at an address in guest memory; its checksum must be right. */
static const uint8_t *table_at(uint32_t address, const char *signature)
{
	const uint8_t *table = test_ram(t) + address;

	ck_assert_uint_lt(address, TEST_RAM_SIZE - 64);
	ck_assert_mem_eq(table, signature, 4);
	if (memcmp(signature, "FACS", 4) != 0)
		ck_assert_uint_eq(sum(table, bytes_get_le32(table + 4)), 0);
	return table;
}

static const uint8_t *find_table(const char *signature)
{
	const uint8_t *rsdp = test_ram(t) + RSDP;
	const uint8_t *rsdt = table_at(bytes_get_le32(rsdp + 16), "RSDT");

	for (uint32_t at = 36; at < bytes_get_le32(rsdt + 4); at += 4) {
		uint32_t address = bytes_get_le32(rsdt + at);

		if (memcmp(test_ram(t) + address, signature, 4) == 0)
			return table_at(address, signature);
	}
	return NULL;
}

START_TEST(everything_is_found_from_the_rsdp)
{
	const uint8_t *fadt;

	ck_assert_int_eq(vdev_acpi_place(acpi, t->partition, RSDP, TABLES), 0);
	ck_assert_mem_eq(test_ram(t) + RSDP, "RSD PTR ", 8);
	ck_assert_uint_eq(sum(test_ram(t) + RSDP, 20), 0);
	fadt = find_table("FACP");
	ck_assert_ptr_nonnull(fadt);
	ck_assert_uint_eq(bytes_get_le32(fadt + 4), 244);
	ck_assert_uint_eq(bytes_get_le32(fadt + 36) % 64, 0);
	table_at(bytes_get_le32(fadt + 36), "FACS");
	table_at(bytes_get_le32(fadt + 40), "DSDT");
	ck_assert_uint_eq(bytes_get_le32(fadt + 56), 0x600);
	ck_assert_ptr_nonnull(find_table("SSDT"));
	ck_assert_ptr_nonnull(find_table("WAET"));
}
END_TEST

START_TEST(the_madt_has_its_entries)
{
	unsigned int count[256] = {0};
	const uint8_t *madt;

	ck_assert_int_eq(vdev_acpi_place(acpi, t->partition, RSDP, TABLES), 0);
	madt = find_table("APIC");
	for (uint32_t at = 44; at < bytes_get_le32(madt + 4); at += madt[at + 1]) {
		ck_assert_uint_ge(madt[at + 1], 2);
		count[madt[at]]++;
	}
	ck_assert_uint_eq(count[0], 3);
	ck_assert_uint_eq(count[1], 1);
	ck_assert_uint_eq(count[2], 5);
	ck_assert_uint_eq(count[4], 1);
}
END_TEST

/* The constants that the DSDT takes its windows from. */
START_TEST(the_windows_are_filled_in)
{
	static const uint8_t low[] = {0x08, 'K', 'L', 'W', 'B', 0x0c, 0, 0, 0, 0x80};
	static const uint8_t high[] = {0x08, 'K', 'L', 'H', 'C', 0x0c, 0x10, 0, 0, 0};
	static const uint8_t end[] = {0x08, 'K', 'L', 'H', 'F', 0x0c, 0x1f, 0, 0, 0};

	ck_assert_ptr_nonnull(memmem(acpi->tables, acpi->size, low, sizeof(low)));
	ck_assert_ptr_nonnull(memmem(acpi->tables, acpi->size, high, sizeof(high)));
	ck_assert_ptr_nonnull(memmem(acpi->tables, acpi->size, end, sizeof(end)));
}
END_TEST

START_TEST(impossible_machines_are_refused)
{
	struct vdev_acpi_config bad[] = {config, config, config, config, config};

	bad[0].processors = 0;
	bad[1].processors = VDEV_ACPI_PROCESSORS_MAX + 1;
	bad[2].pci_window = 0xfec00000;
	bad[3].pci_window = 0x80000800;
	bad[4].pci_window64 = MIB(1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(vdev_acpi_build(acpi, &bad[i]), -EINVAL);
	ck_assert_int_eq(vdev_acpi_place(acpi, t->partition, RSDP + 8, TABLES), -EINVAL);
	ck_assert_int_eq(vdev_acpi_place(acpi, t->partition, RSDP, UINT32_MAX - 63), -EINVAL);
	ck_assert_int_eq(vdev_acpi_place(acpi, t->partition, RSDP, 0x40000000), -EFAULT);
}
END_TEST

START_TEST(the_largest_machine_fits)
{
	struct vdev_acpi_config large = config;

	large.processors = VDEV_ACPI_PROCESSORS_MAX;
	ck_assert_int_eq(vdev_acpi_build(acpi, &large), 0);
	ck_assert_int_eq(vdev_acpi_place(acpi, t->partition, RSDP, TABLES), 0);
	ck_assert_ptr_nonnull(find_table("SSDT"));
}
END_TEST

/* ---- firmware's half, by the specification of the loader ---- */

/* The contents of a file, into guest memory at `to`; returns the size. */
static size_t load_file(const char *name, uint32_t to)
{
	uint8_t directory[4 + 32 * 64];
	const uint8_t *entry = directory + 4;

	test_out16(t, 0x510, FW_CFG_FILE_DIR);
	for (size_t i = 0; i < sizeof(directory); i++)
		directory[i] = test_in8(t, 0x511);
	while (strcmp((const char *)entry + 8, name) != 0)
		entry += 64;
	test_out16(t, 0x510, bytes_get_be16(entry + 4));
	for (uint32_t i = 0; i < bytes_get_be32(entry); i++)
		test_ram(t)[to + i] = test_in8(t, 0x511);
	return bytes_get_be32(entry);
}

static uint32_t base_of(const char *file)
{
	return strcmp(file, "etc/acpi/rsdp") == 0 ? RSDP : TABLES;
}

static void run_command(const uint8_t *c)
{
	const char *file = (const char *)c + 4;
	uint8_t *base = test_ram(t) + base_of(file), *at;
	uint32_t start, length;

	switch (bytes_get_le32(c)) {
	case 1:
		load_file(file, base_of(file));
		break;
	case 2:
		at = base + bytes_get_le32(c + 116);
		ck_assert_uint_eq(c[120], 4);
		bytes_put_le32(at, bytes_get_le32(at) + base_of((const char *)c + 60));
		break;
	case 3:
		start = bytes_get_le32(c + 64);
		length = bytes_get_le32(c + 68);
		base[bytes_get_le32(c + 60)] -= sum(base + start, length);
		break;
	default:
		ck_abort_msg("unknown command");
	}
}

START_TEST(the_loader_script_does_the_same)
{
	static uint8_t placed[TEST_RAM_SIZE], script[128 * 64];
	size_t size;

	ck_assert_int_eq(vdev_acpi_place(acpi, t->partition, RSDP, TABLES), 0);
	memcpy(placed, test_ram(t), TEST_RAM_SIZE);
	memset(test_ram(t), 0, TEST_RAM_SIZE);
	ck_assert_int_eq(vdev_acpi_add_to_fw_cfg(acpi, fw_cfg), 0);
	size = load_file("etc/table-loader", 0);
	ck_assert_uint_eq(size % 128, 0);
	memcpy(script, test_ram(t), size);
	memset(test_ram(t), 0, size);
	for (size_t at = 0; at < size; at += 128)
		run_command(script + at);
	ck_assert_int_eq(memcmp(placed, test_ram(t), TEST_RAM_SIZE), 0);
}
END_TEST

START_TEST(memory_map_and_smbios)
{
	struct vdev_firmware_config firmware = {
		.below_4g = GIB(2),
		.above_4g = GIB(1),
		.processors = 2,
		.uuid = {1, 2, 3},
		.name = "one machine",
		.boot_order = "/rom@genroms/linuxboot.bin\n",
		.boot_menu_ms = 3000,
	};
	const uint8_t *ram = test_ram(t);
	size_t size;

	ck_assert_int_eq(vdev_firmware_add(&firmware, fw_cfg), 0);
	ck_assert_uint_eq(load_file("etc/e820", 0), 40);
	ck_assert_uint_eq(bytes_get_le64(ram + 8), GIB(2));
	ck_assert_uint_eq(bytes_get_le64(ram + 20), GIB(4));
	ck_assert_uint_eq(load_file("etc/smbios/smbios-anchor", 0), 31);
	ck_assert_uint_eq(sum(ram, 31), 0);
	ck_assert_uint_eq(sum(ram + 16, 15), 0);
	size = load_file("etc/smbios/smbios-tables", 0x1000);
	ck_assert_uint_eq(bytes_get_le16(ram + 22), size);
	ck_assert_ptr_nonnull(memmem(ram + 0x1000, size, "one machine", 12));
	ck_assert_uint_eq(load_file("bootorder", 0), 28);
}
END_TEST

/* Structures end where their strings do, and the last one is type 127. */
START_TEST(smbios_structures_follow_each_other)
{
	const struct vdev_firmware_config firmware = {
		.below_4g = MIB(1), .processors = 1, .name = ""};
	const uint8_t *at = test_ram(t) + 0x1000, *end;
	unsigned int count = 0;

	ck_assert_int_eq(vdev_firmware_add(&firmware, fw_cfg), 0);
	load_file("etc/smbios/smbios-anchor", 0);
	end = at + load_file("etc/smbios/smbios-tables", 0x1000);
	while (at < end) {
		uint8_t type = at[0];

		at += at[1];
		while (at[0] || at[1])
			at++;
		at += 2;
		count++;
		ck_assert_int_eq(type == 127, at == end);
	}
	ck_assert_uint_eq(count, bytes_get_le16(test_ram(t) + 28));
}
END_TEST

START_TEST(names_that_do_not_fit_are_refused)
{
	struct vdev_firmware_config firmware = {.processors = 1, .name = "a\nb"};
	char name[66];

	ck_assert_int_eq(vdev_firmware_add(&firmware, fw_cfg), -EINVAL);
	memset(name, 'n', 65);
	name[65] = 0;
	firmware.name = name;
	ck_assert_int_eq(vdev_firmware_add(&firmware, fw_cfg), -EINVAL);
}
END_TEST

TEST_MAIN("vdev/acpi", setup, teardown, everything_is_found_from_the_rsdp, the_madt_has_its_entries,
	  the_windows_are_filled_in, impossible_machines_are_refused, the_largest_machine_fits,
	  the_loader_script_does_the_same, memory_map_and_smbios,
	  smbios_structures_follow_each_other, names_that_do_not_fit_are_refused)
