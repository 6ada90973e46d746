/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of what is on the board, top to bottom, and how each is made. Interrupt controllers come
 * first, as the others lead to them; the ISA bridge before the PCI functions that it routes for.
 */
#include "machine/machine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "disk/disk.h"
#include "layout.h"
#include "machine_memory.h"
#include "machine_vmbus.h"
#include "vdev/acpi.h"
#include "vdev/debug_port.h"
#include "vdev/firmware.h"
#include "vdev/fw_cfg.h"
#include "vdev/i8042.h"
#include "vdev/i8237.h"
#include "vdev/i82443bx.h"
#include "vdev/i8254.h"
#include "vdev/i8259.h"
#include "vdev/ioapic.h"
#include "vdev/mc146818.h"
#include "vdev/ns16550a.h"
#include "vdev/pci_host.h"
#include "vdev/piix4_isa.h"
#include "vdev/piix4_pm.h"
#include "vdev/shadow.h"

#define IDE_DEVFN VDEV_PCI_DEVFN(VDEV_PIIX4_DEVICE, 1)
#define IDETIM    0x40

/* --- how each is made --- */

static void put(struct machine *m, struct vdev_device *device)
{
	CHECK(m->device_count < MACHINE_DEVICES_MAX);
	m->devices[m->device_count++] = device;
}

static int add_pic(struct machine *m)
{
	int r = vdev_i8259_create(&m->board, m->config.host->intr, m->config.owner, &m->pic);

	if (r == 0)
		put(m, vdev_i8259_device(m->pic));
	return r;
}

static int add_ioapic(struct machine *m)
{
	int r = vdev_ioapic_create(&m->board, &m->ioapic);

	if (r < 0)
		return r;
	put(m, vdev_ioapic_device(m->ioapic));
	vdev_isa_irq_init(&m->irq, m->pic, m->ioapic);
	return 0;
}

static int add_timer(struct machine *m)
{
	int r = vdev_i8254_create(&m->board, &m->irq.lines[0], &m->timer);

	if (r == 0)
		put(m, vdev_i8254_device(m->timer));
	return r;
}

static int64_t read_date(void *owner)
{
	const struct machine *m = owner;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + m->config.date_offset;
}

static int add_rtc(struct machine *m)
{
	static const struct vdev_date_source date = {read_date};
	int r = vdev_mc146818_create(&m->board, &m->irq.lines[8], &date, m, &m->rtc);

	if (r < 0)
		return r;
	put(m, vdev_mc146818_device(m->rtc));
	vdev_mc146818_set_memory(m->rtc, layout_low_size(m->config.memory),
				 layout_high_size(m->config.memory));
	vdev_mc146818_set_ram(m->rtc, CMOS_PROCESSORS, (uint8_t)(m->config.processors - 1));
	return 0;
}

static int add_dma(struct machine *m)
{
	struct vdev_i8237 *dma;
	int r = vdev_i8237_create(&m->board, &dma);

	if (r == 0)
		put(m, vdev_i8237_device(dma));
	return r;
}

static int add_keyboard(struct machine *m)
{
	int r = vdev_i8042_create(&m->board, &m->irq.lines[1], &m->irq.lines[12], &m->keyboard);

	if (r == 0)
		put(m, vdev_i8042_device(m->keyboard));
	return r;
}

static int add_serial(struct machine *m, unsigned int i, const char *name, uint16_t port,
		      unsigned int irq)
{
	int r = vdev_ns16550a_create(&m->board, name, port, &m->irq.lines[irq],
				     &m->config.serial[i], &m->serial[i]);

	if (r == 0)
		put(m, vdev_ns16550a_device(m->serial[i]));
	return r;
}

static int add_com1(struct machine *m)
{
	return add_serial(m, 0, "com1", 0x3f8, 4);
}

static int add_com2(struct machine *m)
{
	return add_serial(m, 1, "com2", 0x2f8, 3);
}

static int add_debug_port(struct machine *m)
{
	struct vdev_debug_port *port;
	int r = vdev_debug_port_create(&m->board, m->config.host->firmware_log, m->config.owner,
				       &port);

	if (r == 0)
		put(m, vdev_debug_port_device(port));
	return r;
}

static int add_isa_bridge(struct machine *m)
{
	static struct vdev_irq_line *const none[VDEV_PCI_INTX_COUNT];
	int r;

	vdev_pci_bus_init(&m->pci, &m->board, none);
	r = vdev_piix4_isa_create(&m->pci, m->irq.lines, &m->isa);
	if (r == 0)
		put(m, vdev_piix4_isa_device(m->isa));
	return r;
}

static int add_pci_host(struct machine *m)
{
	struct vdev_device *host;
	int r = vdev_pci_host_create(&m->board, &m->pci, vdev_piix4_isa_reset_control(m->isa),
				     &host);

	if (r == 0)
		put(m, host);
	return r;
}

/* Without firmware there is no ROM to be shadowed: all is RAM as machine_memory.c has mapped it. */
static void keep_segment(void *owner, unsigned int segment, unsigned int access)
{
}

static void keep_smram(void *owner, bool open)
{
}

static int add_host_bridge(struct machine *m)
{
	static const struct vdev_shadow_ops none = {keep_segment, keep_smram};
	const struct vdev_shadow_ops *ops = m->shadow ? &vdev_shadow_ops : &none;
	int r = vdev_i82443bx_create(&m->pci, ops, m->shadow, m->shadow != NULL, &m->bridge);

	if (r == 0)
		put(m, vdev_i82443bx_device(m->bridge));
	return r;
}

static int add_power(struct machine *m)
{
	uint16_t base = machine_boots_directly(m) ? VDEV_PM_BASE : 0;
	int r = vdev_piix4_pm_create(&m->pci, &m->irq.lines[VDEV_PM_SCI_IRQ], base, &m->pm);

	if (r == 0)
		put(m, vdev_piix4_pm_device(m->pm));
	return r;
}

static int add_ide(struct machine *m)
{
	struct vdev_ide_config config = {.irq = {&m->irq.lines[14], &m->irq.lines[15]}};
	int r;

	memcpy(config.drive, m->config.drive, sizeof config.drive);
	r = vdev_ide_create(&m->board, &m->pci, IDE_DEVFN, &config, &m->ide);
	if (r == 0)
		put(m, m->ide);
	return r;
}

static int add_vmbus(struct machine *m)
{
	struct vdev_device *vmbus;
	int r = machine_vmbus_create(m, &vmbus);

	if (r == 0)
		put(m, vmbus);
	return r;
}

static int build_acpi(const struct machine *m, struct vdev_acpi *acpi)
{
	const struct vdev_acpi_config config = {
		.processors = m->config.processors,
		.pci_window = (uint32_t)LAYOUT_LOW_END,
	};

	return vdev_acpi_build(acpi, &config);
}

/* SMBIOS stores the first three fields as little-endian numbers. */
static void put_uuid(uint8_t to[16], const uint8_t from[16])
{
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

	for (int i = 0; i < 16; i++)
		to[i] = from[order[i]];
}

size_t machine_boot_paths(const struct machine_config *config, char text[MACHINE_BOOT_PATHS])
{
	static const char *const paths[VDEV_IDE_DRIVES] = {
		"/pci@i0cf8/ide@1,1/drive@0/disk@0\n", "/pci@i0cf8/ide@1,1/drive@0/disk@1\n",
		"/pci@i0cf8/ide@1,1/drive@1/disk@0\n", "/pci@i0cf8/ide@1,1/drive@1/disk@1\n"};
	static const enum vdev_ide_kind kinds[] = {
		[MACHINE_BOOT_DISK] = VDEV_IDE_DISK,
		[MACHINE_BOOT_CDROM] = VDEV_IDE_CDROM,
		[MACHINE_BOOT_NETWORK] = VDEV_IDE_NONE,
	};
	size_t n = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < MACHINE_BOOTS && config->boot[i] != MACHINE_BOOT_NONE; i++) {
		enum vdev_ide_kind kind = kinds[config->boot[i]];
		unsigned int drive = 0;

		while (drive < VDEV_IDE_DRIVES && config->drive[drive].kind != kind)
			drive++;
		if (kind != VDEV_IDE_NONE && drive < VDEV_IDE_DRIVES)
			n += (size_t)snprintf(text + n, MACHINE_BOOT_PATHS - n, "%s", paths[drive]);
	}
	CHECK(n < MACHINE_BOOT_PATHS);
	return n;
}

static int fill_fw_cfg(struct machine *m)
{
	char paths[MACHINE_BOOT_PATHS];
	struct vdev_firmware_config config = {
		.below_4g = layout_low_size(m->config.memory),
		.above_4g = layout_high_size(m->config.memory),
		.processors = m->config.processors,
		.name = m->config.name,
		.boot_order = machine_boot_paths(&m->config, paths) ? paths : NULL,
		.console_port = 0x3f8,
	};
	struct vdev_acpi acpi;
	int r = build_acpi(m, &acpi);

	put_uuid(config.uuid, m->config.uuid);
	if (r == 0)
		r = vdev_acpi_add_to_fw_cfg(&acpi, m->fw_cfg);
	return r < 0 ? r : vdev_firmware_add(&config, m->fw_cfg);
}

static int add_fw_cfg(struct machine *m)
{
	int r;

	if (machine_boots_directly(m))
		return 0;
	r = vdev_fw_cfg_create(&m->board, &m->fw_cfg);
	if (r < 0)
		return r;
	put(m, vdev_fw_cfg_device(m->fw_cfg));
	return fill_fw_cfg(m);
}

/* --- the list --- */

static const struct {
	const char *device;
	const char *resources;
	const char *reason;
	int (*add)(struct machine *m);
} board[] = {
	{"8259A pair", "ports 20 A0 4D0; INTR", "interrupts of firmware and early kernels",
	 add_pic},
	{"82093AA IOAPIC", "FEC00000", "interrupts of kernels with ACPI", add_ioapic},
	{"8254", "ports 40-43 61; IRQ 0", "timer of firmware, calibration of kernels", add_timer},
	{"MC146818A", "ports 70-73; IRQ 8", "date, and memory sizes for firmware", add_rtc},
	{"8237A pair", "ports 00-0F 81-8F C0-DF", "probed by kernels; floppy drives", add_dma},
	{"8042", "ports 60 64 92; IRQ 1 12", "keyboard, mouse, reset line", add_keyboard},
	{"NS16550A", "ports 3F8-3FF; IRQ 4", "COM1, the console", add_com1},
	{"NS16550A", "ports 2F8-2FF; IRQ 3", "COM2", add_com2},
	{"debug port", "ports 80 402", "firmware's log and POST codes", add_debug_port},
	{"PIIX4 ISA bridge", "0:1.0; port CF9", "routes PIRQA#-D#, resets the machine",
	 add_isa_bridge},
	{"PCI host", "ports CF8 CFC", "configuration cycles", add_pci_host},
	{"82443BX", "0:0.0", "host bridge; shadow RAM for firmware", add_host_bridge},
	{"PIIX4 IDE", "0:1.1; ports 1F0 170 3F6 376; IRQ 14 15", "disks and CD-ROMs", add_ide},
	{"PIIX4 power management", "0:1.3; ports 600 B2; IRQ 9", "ACPI, power-off", add_power},
	{"VMBus", "SINT 2; connections 1 4 10001-10080", "synthetic devices, guest services",
	 add_vmbus},
	{"fw_cfg", "ports 510-51B", "tables and settings for firmware", add_fw_cfg},
};

static int fail(struct machine_error *ret_error, int error, const char *format, ...)
	printf_like(3, 4);

static int fail(struct machine_error *ret_error, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ret_error->text, sizeof ret_error->text, format, arguments);
	va_end(arguments);
	return error;
}

static int add_devices(struct machine *m, struct machine_error *ret_error)
{
	for (size_t i = 0; i < ARRAY_SIZE(board); i++) {
		int r = board[i].add(m);

		if (r < 0)
			return fail(ret_error, r, "%s (%s; %s): %s", board[i].device,
				    board[i].resources, board[i].reason, strerror(-r));
	}
	return 0;
}

/* --- direct boot: what firmware would have done --- */

bool machine_boots_directly(const struct machine *m)
{
	return m->config.kernel_fd >= 0;
}

static void set_up_pci(struct machine *m)
{
	vdev_pci_config_write(&m->pci, IDE_DEVFN, IDETIM, 4, 0x80008000);
	vdev_pci_config_write(&m->pci, IDE_DEVFN, PCI_COMMAND, 2, PCI_COMMAND_IO);
}

static int place_acpi(struct machine *m, struct machine_error *ret_error)
{
	struct vdev_acpi acpi;
	int r = build_acpi(m, &acpi);

	if (r == 0)
		r = vdev_acpi_place(&acpi, m->partition, LAYOUT_RSDP, LAYOUT_ACPI);
	return r < 0 ? fail(ret_error, r, "ACPI tables: %s", strerror(-r)) : 0;
}

static int place_smbios(struct machine *m, struct machine_error *ret_error)
{
	uint8_t uuid[16];
	int r;

	put_uuid(uuid, m->config.uuid);
	r = vdev_smbios_place(uuid, m->config.name, m->partition, LAYOUT_SMBIOS,
			      LAYOUT_SMBIOS_TABLES);
	return r < 0 ? fail(ret_error, r, "SMBIOS tables: %s", strerror(-r)) : 0;
}

static int load_kernel(struct machine *m, struct machine_error *ret_error)
{
	const struct kernel_boot boot = {
		.ram = machine_memory_host(m),
		.memory = m->config.memory,
		.kernel_fd = m->config.kernel_fd,
		.initrd_fd = m->config.initrd_fd,
		.cmdline = m->config.cmdline,
		.rsdp = LAYOUT_RSDP,
	};
	struct kernel_error error;
	int r = kernel_boot_load(&boot, &m->entry, &error);

	return r < 0 ? fail(ret_error, r, "%s", error.text) : 0;
}

static int prepare_boot(struct machine *m, struct machine_error *ret_error)
{
	int r;

	if (!machine_boots_directly(m))
		return 0;
	r = place_acpi(m, ret_error);
	if (r == 0)
		r = place_smbios(m, ret_error);
	if (r == 0)
		r = load_kernel(m, ret_error); /* hands over a copy of ACPI's root pointer */
	if (r < 0)
		return r;
	set_up_pci(m);
	return 0;
}

/* --- the whole --- */

static uint64_t read_clock(void *owner)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * VDEV_SECOND + (uint64_t)now.tv_nsec;
}

static void rearm_clock(void *owner, uint64_t deadline)
{
	struct machine *m = owner;

	m->config.host->rearm(m->config.owner, deadline);
}

static void pass_event(void *owner, enum vdev_event event)
{
	struct machine *m = owner;

	m->config.host->event(m->config.owner, event);
}

static int build(struct machine *m, struct machine_error *ret_error)
{
	int r = machine_memory_create(m, ret_error);

	if (r == 0)
		r = add_devices(m, ret_error);
	return r < 0 ? r : prepare_boot(m, ret_error);
}

int machine_init(struct machine *m, struct vid_partition *partition,
		 const struct machine_config *config, struct machine_error *ret_error)
{
	static const struct vdev_clock_source source = {read_clock, rearm_clock};
	int r;

	memset(m, 0, sizeof *m);
	pthread_mutex_init(&m->lock, NULL);
	m->config = *config;
	m->partition = partition;
	vdev_board_init(&m->board, &source, m, partition);
	m->board.event = pass_event;
	m->board.owner = m;
	r = build(m, ret_error);
	if (r < 0)
		machine_fini(m);
	return r;
}

void machine_fini(struct machine *m)
{
	if (!m->partition)
		return;
	while (m->device_count)
		vdev_device_destroy(m->devices[--m->device_count]);
	machine_memory_destroy(m);
	vdev_board_fini(&m->board);
	pthread_mutex_destroy(&m->lock);
	memset(m, 0, sizeof *m);
}

int machine_reset(struct machine *m, struct machine_error *ret_error)
{
	int r;

	machine_lock(m);
	for (size_t i = 0; i < m->device_count; i++)
		vdev_device_reset(m->devices[i]);
	r = prepare_boot(m, ret_error);
	machine_unlock(m);
	return r;
}

/* --- from outside --- */

void machine_power_button(struct machine *m)
{
	machine_lock(m);
	vdev_piix4_pm_power_button(m->pm);
	machine_unlock(m);
}

int machine_medium(struct machine *m, unsigned int unit, struct disk *disk, struct disk **ret_old)
{
	int r = 0;

	*ret_old = NULL;
	machine_lock(m);
	if (vdev_ide_eject(m->ide, unit, true, ret_old) == 0)
		disk_drain(*ret_old); /* its completions reach the drive: under the lock */
	if (disk)
		r = vdev_ide_insert(m->ide, unit, disk);
	machine_unlock(m);
	return r;
}

void machine_stop_clock(struct machine *m)
{
	machine_lock(m);
	vdev_clock_stop(&m->board.clock);
	machine_unlock(m);
}

void machine_start_clock(struct machine *m)
{
	machine_lock(m);
	vdev_clock_start(&m->board.clock);
	machine_unlock(m);
}

void machine_run_clock(struct machine *m)
{
	machine_lock(m);
	vdev_clock_run(&m->board.clock);
	machine_unlock(m);
}
