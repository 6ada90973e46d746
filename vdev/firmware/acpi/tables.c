/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables' bytes. All lie in one buffer, in which pointers are offsets until somebody knows the
 * address. Invariant: every table but the FACS has a checksum entry, the RSDT's last but one.
 */
#include "vdev/acpi.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "vdev/ioapic.h"
#include "vdev/mc146818.h"
#include "vdev/piix4_pm.h"

#include "dsdt.hex"

#define HEADER_SIZE        36u
#define HEADER_LENGTH      4u
#define HEADER_CHECKSUM    9u
#define PCI_WINDOW_END     0xfec00000u
#define LAPIC_BASE         0xfee00000u

#define FACS_SIZE          64u
#define FADT_SIZE          244u

#define FADT_FLAG_WBINVD   BIT(0)
#define FADT_FLAG_PROC_C1  BIT(2)
#define FADT_FLAG_NO_SLEEP BIT(5) /* no fixed sleep button */
#define FADT_FLAG_NO_RTC   BIT(6) /* no fixed RTC wake status */
#define FADT_FLAG_RESET    BIT(10)
#define FADT_BOOT_LEGACY   BIT(0)
#define FADT_BOOT_8042     BIT(1)
#define FADT_BOOT_NO_VGA   BIT(2)
#define RESET_PORT         0xcf9u
#define RESET_VALUE        0x06u
#define GAS_IO             1u

#define MADT_PCAT          1u
#define MADT_LAPIC         0u
#define MADT_IOAPIC        1u
#define MADT_OVERRIDE      2u
#define MADT_LAPIC_NMI     4u
#define FLAGS_LEVEL_HIGH   0x0du
#define WAET_PM_TIMER      BIT(1) /* one read of the PM timer is enough */

/* ---- the buffer ---- */

static uint8_t *add_bytes(struct vdev_acpi *a, size_t size)
{
	CHECK(size <= VDEV_ACPI_TABLES_MAX - a->size);
	a->size += size;
	return a->tables + a->size - size;
}

static void add_data(struct vdev_acpi *a, const void *data, size_t size)
{
	memcpy(add_bytes(a, size), data, size);
}

static void align(struct vdev_acpi *a, size_t alignment)
{
	add_bytes(a, ALIGN_UP(a->size, alignment) - a->size);
}

static void add_checksum(struct vdev_acpi *a, bool in_rsdp, size_t at, size_t start, size_t length)
{
	CHECK(a->checksum_count < VDEV_ACPI_CHECKSUMS_MAX);
	a->checksums[a->checksum_count++] = (struct vdev_acpi_checksum){
		in_rsdp, (uint32_t)at, (uint32_t)start, (uint32_t)length};
}

static void add_pointer(struct vdev_acpi *a, bool in_rsdp, size_t at, size_t target)
{
	CHECK(a->pointer_count < VDEV_ACPI_POINTERS_MAX);
	a->pointers[a->pointer_count++] = (struct vdev_acpi_pointer){in_rsdp, (uint32_t)at};
	bytes_put_le32((in_rsdp ? a->rsdp : a->tables) + at, (uint32_t)target);
}

/* Starts a table with its header; returns its offset. */
static size_t begin_table(struct vdev_acpi *a, const char *signature, uint8_t revision)
{
	uint8_t *header;
	size_t start;

	align(a, 16);
	start = a->size;
	header = add_bytes(a, HEADER_SIZE);
	memcpy(header, signature, 4);
	header[8] = revision;
	memcpy(header + 10, "KEELSN", 6);
	memcpy(header + 16, "KEEL", 4);
	memcpy(header + 20, signature, 4);
	bytes_put_le32(header + 24, 1);
	memcpy(header + 28, "KEEL", 4);
	bytes_put_le32(header + 32, 1);
	return start;
}

static void end_table(struct vdev_acpi *a, size_t start)
{
	bytes_put_le32(a->tables + start + HEADER_LENGTH, (uint32_t)(a->size - start));
	add_checksum(a, false, start + HEADER_CHECKSUM, start, a->size - start);
}

/* ---- DSDT ---- */

/* Fills in the constant of `Name (NAME, 32-bit constant)`, whose encoding is 08 NAME 0C constant. */
static void set_constant(uint8_t *aml, size_t size, const char *name, uint64_t value)
{
	for (size_t at = 0; at + 10 <= size; at++) {
		if (aml[at] == 0x08 && memcmp(aml + at + 1, name, 4) == 0 && aml[at + 5] == 0x0c) {
			bytes_put_le32(aml + at + 6, (uint32_t)value);
			return;
		}
	}
	CHECK(!"the DSDT has the constant");
}

static size_t add_dsdt(struct vdev_acpi *a, const struct vdev_acpi_config *config)
{
	uint64_t base64 = config->pci_window64_size ? config->pci_window64 : 0;
	uint64_t end64 = base64 ? base64 + config->pci_window64_size - 1 : 0;
	size_t start, size = sizeof(dsdt_aml_code);
	uint8_t *aml;

	align(a, 16);
	start = a->size;
	add_data(a, dsdt_aml_code, size);
	aml = a->tables + start;
	set_constant(aml, size, "KLWB", config->pci_window);
	set_constant(aml, size, "KLHB", base64);
	set_constant(aml, size, "KLHC", base64 >> 32);
	set_constant(aml, size, "KLHE", end64);
	set_constant(aml, size, "KLHF", end64 >> 32);
	aml[HEADER_CHECKSUM] = 0;
	end_table(a, start);
	return start;
}

/* ---- FACS, FADT ---- */

static size_t add_facs(struct vdev_acpi *a)
{
	size_t start;
	uint8_t *facs;

	align(a, VDEV_ACPI_ALIGNMENT);
	start = a->size;
	facs = add_bytes(a, FACS_SIZE);
	memcpy(facs, "FACS", 4);
	bytes_put_le32(facs + 4, FACS_SIZE);
	facs[32] = 1; /* version */
	return start;
}

/* A generic address structure in port space. */
static void put_gas(uint8_t *at, uint16_t port, uint8_t bits, uint8_t access)
{
	at[0] = GAS_IO;
	at[1] = bits;
	at[3] = access;
	bytes_put_le64(at + 4, port);
}

static void put_pm_blocks(uint8_t *fadt)
{
	bytes_put_le16(fadt + 46, VDEV_PM_SCI_IRQ);
	bytes_put_le32(fadt + 48, VDEV_PM_APM_PORT);
	fadt[52] = VDEV_PM_ACPI_ENABLE;
	fadt[53] = VDEV_PM_ACPI_DISABLE;
	bytes_put_le32(fadt + 56, VDEV_PM_BASE);
	bytes_put_le32(fadt + 64, VDEV_PM_BASE + 4);
	bytes_put_le32(fadt + 76, VDEV_PM_BASE + 8);
	bytes_put_le32(fadt + 80, VDEV_PM_BASE + 12);
	fadt[88] = 4; /* lengths of the PM1 event, PM1 control, PM timer, GPE 0 blocks */
	fadt[89] = 2;
	fadt[91] = 4;
	fadt[92] = 4;
	put_gas(fadt + 148, VDEV_PM_BASE, 32, 2);
	put_gas(fadt + 172, VDEV_PM_BASE + 4, 16, 2);
	put_gas(fadt + 208, VDEV_PM_BASE + 8, 32, 3);
	put_gas(fadt + 220, VDEV_PM_BASE + 12, 32, 2);
}

static size_t add_fadt(struct vdev_acpi *a, size_t facs, size_t dsdt)
{
	size_t start = begin_table(a, "FACP", 3);
	uint8_t *fadt;

	add_bytes(a, FADT_SIZE - HEADER_SIZE);
	fadt = a->tables + start;
	add_pointer(a, false, start + 36, facs);
	add_pointer(a, false, start + 40, dsdt);
	fadt[45] = 4; /* enterprise server */
	put_pm_blocks(fadt);
	bytes_put_le16(fadt + 96, 0xfff); /* no C2, no C3 */
	bytes_put_le16(fadt + 98, 0xfff);
	fadt[108] = CMOS_CENTURY;
	bytes_put_le16(fadt + 109, FADT_BOOT_LEGACY | FADT_BOOT_8042 | FADT_BOOT_NO_VGA);
	bytes_put_le32(fadt + 112, FADT_FLAG_WBINVD | FADT_FLAG_PROC_C1 | FADT_FLAG_NO_SLEEP |
					   FADT_FLAG_NO_RTC | FADT_FLAG_RESET);
	put_gas(fadt + 116, RESET_PORT, 8, 1);
	fadt[128] = RESET_VALUE;
	end_table(a, start);
	return start;
}

/* ---- MADT, WAET ---- */

static void add_lapic(struct vdev_acpi *a, unsigned int id)
{
	const uint8_t entry[8] = {MADT_LAPIC, 8, (uint8_t)id, (uint8_t)id, 1};

	add_data(a, entry, sizeof(entry));
}

/* ISA interrupt `source` is at IOAPIC input `input`. */
static void add_override(struct vdev_acpi *a, uint8_t source, uint8_t input, uint8_t flags)
{
	const uint8_t entry[10] = {MADT_OVERRIDE, 10, 0, source, input, 0, 0, 0, flags, 0};

	add_data(a, entry, sizeof(entry));
}

static void add_ioapic(struct vdev_acpi *a)
{
	uint8_t entry[12] = {MADT_IOAPIC, 12};

	bytes_put_le32(entry + 4, (uint32_t)VDEV_IOAPIC_BASE);
	add_data(a, entry, sizeof(entry));
}

/* The SCI and what the interrupt links may choose are level-triggered; all is active high here. */
static size_t add_madt(struct vdev_acpi *a, unsigned int processors)
{
	static const uint8_t level[] = {5, VDEV_PM_SCI_IRQ, 10, 11};
	static const uint8_t nmi[6] = {MADT_LAPIC_NMI, 6, 0xff, 0, 0, 1};
	size_t start = begin_table(a, "APIC", 1);

	bytes_put_le32(add_bytes(a, 4), LAPIC_BASE);
	bytes_put_le32(add_bytes(a, 4), MADT_PCAT);
	for (unsigned int i = 0; i < processors; i++)
		add_lapic(a, i);
	add_ioapic(a);
	add_override(a, 0, 2, 0);
	for (size_t i = 0; i < ARRAY_SIZE(level); i++)
		add_override(a, level[i], level[i], FLAGS_LEVEL_HIGH);
	add_data(a, nmi, sizeof(nmi));
	end_table(a, start);
	return start;
}

static size_t add_waet(struct vdev_acpi *a)
{
	size_t start = begin_table(a, "WAET", 1);

	bytes_put_le32(add_bytes(a, 4), WAET_PM_TIMER);
	end_table(a, start);
	return start;
}

/* ---- SSDT ---- */

/* Processor (CPnn, nn, 0, 0) {} */
static void add_processor(struct vdev_acpi *a, unsigned int n)
{
	static const char digits[] = "0123456789ABCDEF";
	const uint8_t aml[13] = {
		0x5b,      0x83, 11, 'C', 'P', (uint8_t)digits[n >> 4], (uint8_t)digits[n & 15],
		(uint8_t)n};

	add_data(a, aml, sizeof(aml));
}

/* Scope (\_SB) around the processors; its length is encoded in two bytes. */
static size_t add_ssdt(struct vdev_acpi *a, unsigned int processors)
{
	static const char name[] = {'\\', '_', 'S', 'B', '_'};
	size_t start = begin_table(a, "SSDT", 1);
	size_t length = 2 + sizeof(name) + (size_t)processors * 13;
	const uint8_t scope[3] = {0x10, (uint8_t)(0x40 | (length & 15)), (uint8_t)(length >> 4)};

	add_data(a, scope, sizeof(scope));
	add_data(a, name, sizeof(name));
	for (unsigned int i = 0; i < processors; i++)
		add_processor(a, i);
	end_table(a, start);
	return start;
}

/* ---- RSDT, RSDP ---- */

static size_t add_rsdt(struct vdev_acpi *a, const size_t *tables, size_t count)
{
	size_t start = begin_table(a, "RSDT", 1);

	for (size_t i = 0; i < count; i++) {
		size_t at = a->size;

		add_bytes(a, 4);
		add_pointer(a, false, at, tables[i]);
	}
	end_table(a, start);
	return start;
}

static void make_rsdp(struct vdev_acpi *a, size_t rsdt)
{
	memcpy(a->rsdp, "RSD PTR ", 8);
	memcpy(a->rsdp + 9, "KEELSN", 6);
	add_pointer(a, true, 16, rsdt);
	add_checksum(a, true, 8, 0, VDEV_ACPI_RSDP_SIZE);
}

static bool config_valid(const struct vdev_acpi_config *c)
{
	uint64_t end64 = c->pci_window64 + c->pci_window64_size;

	if (c->processors < 1 || c->processors > VDEV_ACPI_PROCESSORS_MAX)
		return false;
	if (c->pci_window >= PCI_WINDOW_END || !IS_ALIGNED(c->pci_window, 0x100000))
		return false;
	return c->pci_window64_size == 0 || (c->pci_window64 >= GIB(4) && end64 > c->pci_window64);
}

int vdev_acpi_build(struct vdev_acpi *a, const struct vdev_acpi_config *config)
{
	size_t facs, dsdt, listed[4];

	if (!config_valid(config))
		return -EINVAL;
	memset(a, 0, sizeof(*a));
	facs = add_facs(a);
	dsdt = add_dsdt(a, config);
	listed[0] = add_fadt(a, facs, dsdt);
	listed[1] = add_madt(a, config->processors);
	listed[2] = add_ssdt(a, config->processors);
	listed[3] = add_waet(a);
	make_rsdp(a, add_rsdt(a, listed, ARRAY_SIZE(listed)));
	return 0;
}
