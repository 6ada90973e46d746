/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building a machine, with and without firmware; its memory; reset; what cannot be built. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <check.h>

#include "base/bytes.h"
#include "disk/disk.h"
#include "kernel_image.h"
#include "layout.h"
#include "machine_bench.h"
#include "machine_memory.h"
#include "vid/memory.h"
#include "vid/partition.h"
#include "vsp/vmbus.h"

static struct bench b;

static void setup(void)
{
	bench_init(&b);
}

static void make(void)
{
	ck_assert_msg(bench_make(&b) == 0, "%s", b.error.text);
}

static void use_firmware(size_t size)
{
	static uint8_t rom[1 << 20];

	memset(rom, 0x90, sizeof rom);
	memcpy(rom + size - 16, "\xea\x5b\xe0\x00\xf0", 5);
	close(b.config.kernel_fd);
	b.config.kernel_fd = -1;
	b.config.cmdline = NULL;
	b.config.firmware_fd = file_of(rom, size);
}

static bool is_ram(uint64_t gpa)
{
	size_t size;

	return vid_gpa_host(b.partition, gpa, 1, VID_ACCESS_WRITE, &size) != NULL;
}

START_TEST(direct_boot)
{
	uint8_t signature[8];

	make();
	ck_assert_uint_eq(b.machine.entry.rip, KERNEL_IMAGE_ADDRESS + 0x200);
	ck_assert_int_eq(vid_gpa_read(b.partition, LAYOUT_RSDP, signature, 8), 0);
	ck_assert_int_eq(memcmp(signature, "RSD PTR ", 8), 0);
	/* The channels of the IDE function are on, as after firmware. */
	ck_assert_uint_eq(vdev_bus_read(&b.machine.board.ports, 0x3f6, 1), 0xff);
	ck_assert_ptr_nonnull(vdev_bus_find(&b.machine.board.ports, 0x1f0));
	ck_assert_ptr_null(vdev_bus_find(&b.machine.board.ports, 0x510));
	ck_assert_ptr_nonnull(vdev_bus_find(&b.machine.board.ports, 0x600));
	bench_fini(&b);
}
END_TEST

START_TEST(firmware_boot)
{
	uint8_t reset_vector[5];

	use_firmware(KIB(256));
	make();
	ck_assert_int_eq(vid_gpa_read(b.partition, 0xfffffff0, reset_vector, 5), 0);
	ck_assert_int_eq(memcmp(reset_vector, "\xea\x5b\xe0\x00\xf0", 5), 0);
	ck_assert_int_eq(vid_gpa_read(b.partition, 0xffff0, reset_vector, 5), 0);
	ck_assert_int_eq(memcmp(reset_vector, "\xea\x5b\xe0\x00\xf0", 5), 0);
	ck_assert(!is_ram(0xffff0));
	ck_assert_ptr_nonnull(vdev_bus_find(&b.machine.board.ports, 0x510));
	ck_assert_ptr_null(vdev_bus_find(&b.machine.board.ports, 0x1f0));
	bench_fini(&b);
}
END_TEST

START_TEST(every_listed_port_answers)
{
	static const uint16_t ports[] = {0x20,  0xa0,  0x4d0, 0x40,  0x61,  0x70,  0x00,  0x81,
					 0xc0,  0x60,  0x64,  0x92,  0x3f8, 0x2f8, 0x80,  0x402,
					 0xcf8, 0xcfc, 0x1f0, 0x170, 0x3f6, 0x376, 0x600, 0xb2};

	make();
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		ck_assert_msg(vdev_bus_find(&b.machine.board.ports, ports[i]) != NULL, "%x",
			      ports[i]);
	ck_assert_ptr_nonnull(vdev_bus_find(&b.machine.board.memory, 0xfec00000));
	bench_fini(&b);
}
END_TEST

START_TEST(memory_on_both_sides_of_the_hole)
{
	uint8_t byte = 0x5a, back = 0;

	b.config.memory = GIB(3) + MIB(16);
	make();
	ck_assert(is_ram(0) && is_ram(LAYOUT_VIDEO_BEGIN - 1) && !is_ram(LAYOUT_VIDEO_BEGIN));
	ck_assert(is_ram(LAYOUT_EXTENDED_BEGIN) && is_ram(LAYOUT_LOW_END - 1));
	ck_assert(!is_ram(LAYOUT_LOW_END) && !is_ram(LAYOUT_HIGH_BEGIN - 1));
	ck_assert(is_ram(LAYOUT_HIGH_BEGIN) && is_ram(LAYOUT_HIGH_BEGIN + MIB(16) - 1));
	ck_assert(!is_ram(LAYOUT_HIGH_BEGIN + MIB(16)));
	ck_assert_int_eq(vid_gpa_write(b.partition, LAYOUT_HIGH_BEGIN + 5, &byte, 1), 0);
	ck_assert_int_eq(vid_gpa_read(b.partition, LAYOUT_HIGH_BEGIN + 5, &back, 1), 0);
	ck_assert_uint_eq(back, byte);
	ck_assert_uint_eq(((uint8_t *)vid_memory_host(b.machine.ram))[LAYOUT_LOW_END + 5], byte);
	bench_fini(&b);
}
END_TEST

static uint8_t sum(const uint8_t *at, size_t size)
{
	uint8_t total = 0;

	while (size--)
		total = (uint8_t)(total + *at++);
	return total;
}

/* As kernels look for it without UEFI: every 16 bytes from F0000h on (SMBIOS 5.2.1). */
static const uint8_t *find_smbios(const uint8_t *ram)
{
	for (const uint8_t *at = ram + 0xf0000; at < ram + 0x100000; at += 16)
		if (memcmp(at, "_SM_", 4) == 0 && sum(at, at[5]) == 0 &&
		    memcmp(at + 16, "_DMI_", 5) == 0 && sum(at + 16, 15) == 0)
			return at;
	return NULL;
}

START_TEST(direct_boot_has_smbios)
{
	static const uint8_t uuid[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	static const uint8_t stored[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	const uint8_t *ram, *anchor, *table, *end;
	bool found = false;

	memcpy(b.config.uuid, uuid, sizeof uuid);
	make();
	ram = machine_memory_host(&b.machine);
	anchor = find_smbios(ram);
	ck_assert_ptr_nonnull(anchor);
	table = ram + bytes_get_le32(anchor + 24);
	end = table + bytes_get_le16(anchor + 22);
	while (table < end && table[0] != 127) {
		const uint8_t *strings = table + table[1];

		if (table[0] == 1) {
			found = true;
			ck_assert_mem_eq(table + 8, stored, 16);
			ck_assert_str_eq((const char *)strings, "Keelson");
		}
		while (strings[0] || strings[1])
			strings++;
		table = strings + 2;
	}
	ck_assert(found && table[0] == 127);
	bench_fini(&b);
}
END_TEST

START_TEST(reset_begins_anew)
{
	uint8_t *kernel;

	make();
	kernel = machine_memory_host(&b.machine) + KERNEL_IMAGE_ADDRESS;
	uint8_t first = kernel[1000];
	kernel[1000] ^= 0xff; /* a kernel that unpacks itself overwrites itself */
	vdev_pci_config_write(&b.machine.pci, VDEV_PCI_DEVFN(1, 1), 0x40, 4, 0);
	ck_assert_ptr_null(vdev_bus_find(&b.machine.board.ports, 0x1f0));
	ck_assert_int_eq(machine_reset(&b.machine, &b.error), 0);
	ck_assert_uint_eq(kernel[1000], first);
	ck_assert_ptr_nonnull(vdev_bus_find(&b.machine.board.ports, 0x1f0));
	ck_assert_int_eq(ftruncate(b.config.kernel_fd, 1000), 0);
	ck_assert_int_eq(machine_reset(&b.machine, &b.error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(b.error.text, "kernel: is truncated"));
	bench_fini(&b);
}
END_TEST

START_TEST(boot_paths)
{
	static const struct {
		enum machine_boot boot[MACHINE_BOOTS];
		const char *paths;
	} orders[] = {
		{{MACHINE_BOOT_NONE}, ""},
		{{MACHINE_BOOT_DISK, MACHINE_BOOT_CDROM, MACHINE_BOOT_NETWORK},
		 "/pci@i0cf8/ide@1,1/drive@0/disk@1\n/pci@i0cf8/ide@1,1/drive@1/disk@0\n"},
		{{MACHINE_BOOT_NETWORK, MACHINE_BOOT_CDROM, MACHINE_BOOT_DISK},
		 "/pci@i0cf8/ide@1,1/drive@1/disk@0\n/pci@i0cf8/ide@1,1/drive@0/disk@1\n"},
		{{MACHINE_BOOT_CDROM}, "/pci@i0cf8/ide@1,1/drive@1/disk@0\n"},
		{{MACHINE_BOOT_NONE, MACHINE_BOOT_DISK}, ""},
		{{MACHINE_BOOT_DISK, MACHINE_BOOT_DISK, MACHINE_BOOT_DISK}, /* the longest */
		 "/pci@i0cf8/ide@1,1/drive@0/disk@1\n/pci@i0cf8/ide@1,1/drive@0/disk@1\n"
		 "/pci@i0cf8/ide@1,1/drive@0/disk@1\n"},
	};
	char text[MACHINE_BOOT_PATHS];

	b.config.drive[1].kind = b.config.drive[3].kind = VDEV_IDE_DISK;
	b.config.drive[2].kind = VDEV_IDE_CDROM;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		memcpy(b.config.boot, orders[i].boot, sizeof b.config.boot);
		ck_assert_uint_eq(machine_boot_paths(&b.config, text), strlen(orders[i].paths));
		ck_assert_str_eq(text, orders[i].paths);
	}
	memset(b.config.drive, 0, sizeof b.config.drive);
	ck_assert_uint_eq(machine_boot_paths(&b.config, text), 0); /* nothing to boot from */
}
END_TEST

START_TEST(the_power_button_is_a_status_of_acpi)
{
	make();
	ck_assert_uint_eq(vdev_bus_read(&b.machine.board.ports, 0x600, 2) & 0x100, 0);
	machine_power_button(&b.machine);
	ck_assert_uint_eq(vdev_bus_read(&b.machine.board.ports, 0x600, 2) & 0x100, 0x100);
	bench_fini(&b);
}
END_TEST

static struct disk *open_medium(struct disk_engine *engine, uint32_t sector_size)
{
	static const uint8_t bytes[4096];
	struct disk_error error;
	struct disk *disk;

	ck_assert_int_eq(disk_open_raw(engine, file_of(bytes, sizeof bytes), sector_size,
				       DISK_READ_ONLY, &disk, &error),
			 0);
	return disk;
}

START_TEST(media_come_and_go)
{
	struct disk_engine *engine;
	struct disk *first, *second, *wrong, *old;

	ck_assert_int_eq(disk_engine_create(DISK_ENGINE_SYNC, &engine), 0);
	first = open_medium(engine, 2048);
	second = open_medium(engine, 2048);
	wrong = open_medium(engine, 512);
	b.config.drive[2].kind = VDEV_IDE_CDROM;
	make();
	ck_assert_int_eq(machine_medium(&b.machine, 2, first, &old), 0);
	ck_assert_ptr_null(old);
	ck_assert_int_eq(machine_medium(&b.machine, 2, second, &old), 0);
	ck_assert_ptr_eq(old, first);
	ck_assert_int_eq(machine_medium(&b.machine, 2, NULL, &old), 0);
	ck_assert_ptr_eq(old, second);
	ck_assert_int_eq(machine_medium(&b.machine, 2, second, &old), 0);
	ck_assert_int_eq(machine_medium(&b.machine, 2, wrong, &old), -EINVAL);
	ck_assert_ptr_eq(old, second); /* the drive is empty then */
	ck_assert_int_eq(machine_medium(&b.machine, 2, NULL, &old), 0);
	ck_assert_ptr_null(old);
	ck_assert_int_eq(machine_medium(&b.machine, 0, first, &old), -ENODEV);
	bench_fini(&b);
	disk_close(first);
	disk_close(second);
	disk_close(wrong);
	disk_engine_destroy(engine);
}
END_TEST

START_TEST(the_clock_stands_still)
{
	uint64_t stopped;

	make();
	machine_stop_clock(&b.machine);
	stopped = vdev_clock_now(&b.machine.board.clock);
	machine_run_clock(&b.machine);
	ck_assert_uint_eq(vdev_clock_now(&b.machine.board.clock), stopped);
	machine_start_clock(&b.machine);
	while (vdev_clock_now(&b.machine.board.clock) == stopped)
		continue;
	bench_fini(&b);
}
END_TEST

START_TEST(the_end_may_come_twice)
{
	static struct machine never_made;

	machine_fini(&never_made);
	make();
	machine_fini(&b.machine);
	bench_fini(&b);
}
END_TEST

/* A machine that was refused has left nothing in the partition: the next one finds it empty. */
static void assert_refused(int error, const char *text)
{
	ck_assert_int_eq(bench_make(&b), error);
	ck_assert_msg(strncmp(b.error.text, text, strlen(text)) == 0, "%s", b.error.text);
	ck_assert(!is_ram(0) && !is_ram(LAYOUT_EXTENDED_BEGIN));
}

/* A guest that begins anew has no connection, whatever it had. */
START_TEST(reset_ends_vmbus)
{
	const uint32_t contact[10] = {14, 0, 0x50003, 0, 2};

	make();
	ck_assert_int_eq(vsp_vmbus_message(b.machine.vmbus, 4, 1, contact, sizeof contact), 0);
	ck_assert_uint_eq(vsp_vmbus_version(b.machine.vmbus), 0x50003);
	ck_assert_int_eq(machine_reset(&b.machine, &b.error), 0);
	ck_assert_uint_eq(vsp_vmbus_version(b.machine.vmbus), 0);
}
END_TEST

/* The controller is there when a disk is, and its disks stay the configuration's. */
START_TEST(scsi_disks_have_a_controller)
{
	const int fd = memfd_create("disk", MFD_CLOEXEC);
	struct disk_engine *engine;
	struct disk_error error;
	struct disk *disk;

	make();
	ck_assert(!b.machine.storvsp);
	machine_fini(&b.machine);
	ck_assert_int_eq(ftruncate(fd, 65536), 0);
	ck_assert_int_eq(disk_engine_create(DISK_ENGINE_SYNC, &engine), 0);
	ck_assert_int_eq(disk_open_raw(engine, fd, 512, 0, &disk, &error), 0);
	b.config.scsi_engine = engine;
	b.config.scsi[2].disk = disk;
	make();
	ck_assert(b.machine.storvsp);
	ck_assert_uint_eq(vsp_storvsp_stats(b.machine.storvsp).reads, 0);
	machine_fini(&b.machine);
	disk_close(disk);
	disk_engine_destroy(engine);
	b.config.scsi_engine = NULL;
	b.config.scsi[2].disk = NULL;
	make();
}
END_TEST

START_TEST(refusals)
{
	uint64_t memory = b.config.memory;

	b.config.memory = UINT64_C(1) << 60;
	assert_refused(-ENOMEM, "memory: 1099511627776 MiB are not to be had");
	ck_assert_ptr_nonnull(strstr(b.error.text, "MiB are free"));
	b.config.memory = MIB(16);
	assert_refused(-ENOSPC, "kernel: needs 20 MiB of memory, and the machine has 16");
	b.config.memory = memory;
	b.config.drive[0].kind = VDEV_IDE_DISK;
	assert_refused(-EINVAL, "PIIX4 IDE (0:1.1;");
	b.config.drive[0].kind = VDEV_IDE_NONE;
	use_firmware(KIB(256));
	ck_assert_int_eq(ftruncate(b.config.firmware_fd, 100), 0);
	assert_refused(-EINVAL, "firmware: has 100 bytes; an image has 64 KiB to 16 MiB");
	ck_assert_int_eq(ftruncate(b.config.firmware_fd, KIB(256)), 0);
	make();
	bench_fini(&b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("machine");
	TCase *tc = tcase_create("machine");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, direct_boot);
	tcase_add_test(tc, firmware_boot);
	tcase_add_test(tc, every_listed_port_answers);
	tcase_add_test(tc, memory_on_both_sides_of_the_hole);
	tcase_add_test(tc, direct_boot_has_smbios);
	tcase_add_test(tc, reset_begins_anew);
	tcase_add_test(tc, boot_paths);
	tcase_add_test(tc, the_power_button_is_a_status_of_acpi);
	tcase_add_test(tc, media_come_and_go);
	tcase_add_test(tc, the_clock_stands_still);
	tcase_add_test(tc, the_end_may_come_twice);
	tcase_add_test(tc, reset_ends_vmbus);
	tcase_add_test(tc, scsi_disks_have_a_controller);
	tcase_add_test(tc, refusals);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
