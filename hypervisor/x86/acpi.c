// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RSDP from the boot tags or the BIOS area, then RSDT or XSDT, MADT and FADT (ACPI 6.5 sections
 * 5.2.5 to 5.2.12). Tables with a wrong checksum are not used.
 */
#include "core/arch.h"
#include "core/format.h"
#include "x86/acpi.h"
#include "x86/boot_info.h"

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 extended_checksum, reserved[3];
} __attribute__((packed));
_Static_assert(sizeof(struct rsdp) == 36, "ACPI 5.2.5.3");

struct table {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
} __attribute__((packed));
_Static_assert(sizeof(struct table) == 36, "ACPI 5.2.6");

#define FADT_PM_TIMER_BLOCK 76 /* u32 port */
#define MADT_ENTRIES        44
#define MADT_LAPIC          0
#define MADT_X2APIC         9
#define MADT_ENABLED        1 /* flags */
#define MADT_ONLINE_CAPABLE 2

struct acpi_facts acpi_facts;

static void *at(u64 address)
{
	return arch_map(SPA(address));
}

static u8 sum_of(const void *p, size_t size)
{
	const u8 *b = p;
	u8 sum = 0;

	while (size--)
		sum = (u8)(sum + *b++);
	return sum;
}

static bool sums_to_zero(const void *p, size_t size)
{
	return sum_of(p, size) == 0;
}

static bool is_rsdp(const struct rsdp *r)
{
	return !memcmp(r->signature, "RSD PTR ", 8) && sums_to_zero(r, 20);
}

static const struct rsdp *scan(u64 start, u64 size)
{
	for (u64 p = start; p < start + size; p += 16)
		if (is_rsdp(at(p)))
			return at(p);
	return NULL;
}

static const struct rsdp *find_rsdp(void)
{
	u64 ebda = (u64) * (const u16 *)at(0x40e) << 4;
	const struct rsdp *r = ebda ? scan(ebda, 1024) : NULL;

	if (!r)
		r = scan(0xe0000, 0x20000);
	if (r)
		acpi_facts.rsdp = (u64)((const char *)r - (const char *)at(0));
	if (!r && is_rsdp((const void *)boot_info.rsdp))
		r = (const void *)boot_info.rsdp;
	return r;
}

/* A table by signature, checksum proven, or NULL. */
static struct table *find_table(const struct rsdp *r, const char *signature)
{
	bool wide = r->revision >= 2 && r->xsdt;
	const struct table *sdt = at(wide ? r->xsdt : r->rsdt);
	const u8 *entry = (const u8 *)(sdt + 1);
	u32 step = wide ? 8 : 4;

	for (u32 left = sdt->length - sizeof(*sdt); left >= step; left -= step, entry += step) {
		u64 address = 0;
		struct table *t;

		memcpy(&address, entry, step);
		t = at(address);
		if (!memcmp(t->signature, signature, 4) && sums_to_zero(t, t->length))
			return t;
	}
	return NULL;
}

static struct table *madt;

static void add_cpu(u32 id)
{
	if (acpi_facts.cpu_count < ARRAY_SIZE(acpi_facts.apic_id))
		acpi_facts.apic_id[acpi_facts.cpu_count++] = id;
	else
		acpi_facts.cpus_left_out++;
}

/* Calls `visit` with the id and the flags of each processor that is enabled, or may become so. */
static void for_each_cpu(void (*visit)(u32 id, u8 *flags))
{
	u8 *e = (u8 *)madt + MADT_ENTRIES, *end = (u8 *)madt + madt->length;

	for (; e + 2 <= end && e[1] >= 2 && e + e[1] <= end; e += e[1]) {
		u32 id;

		if (e[0] == MADT_LAPIC && e[1] >= 8) {
			visit(e[3], e + 4);
		} else if (e[0] == MADT_X2APIC && e[1] >= 16) {
			memcpy(&id, e + 4, 4);
			visit(id, e + 8);
		}
	}
}

static void add_enabled(u32 id, u8 *flags)
{
	if (*flags & MADT_ENABLED)
		add_cpu(id);
}

static bool (*is_used)(u32 id);

static void disable_unused(u32 id, u8 *flags)
{
	if (!is_used(id))
		*flags &= (u8) ~(MADT_ENABLED | MADT_ONLINE_CAPABLE);
}

void acpi_disable_cpus(bool (*used)(u32 apic_id))
{
	is_used = used;
	for_each_cpu(disable_unused);
	madt->checksum = (u8)(madt->checksum - sum_of(madt, madt->length));
}

const char *acpi_read(void)
{
	const struct rsdp *r = find_rsdp();
	const struct table *fadt;
	u32 port = 0;

	if (!r)
		return "no ACPI tables were found";
	madt = find_table(r, "APIC");
	fadt = find_table(r, "FACP");
	if (!madt || !fadt)
		return "the ACPI tables have no valid MADT or FADT";
	for_each_cpu(add_enabled);
	memcpy(&port, (const u8 *)fadt + FADT_PM_TIMER_BLOCK, 4);
	acpi_facts.pm_timer_port = (u16)port;
	if (!acpi_facts.cpu_count)
		return "the MADT lists no processor";
	if (!port)
		return "there is no ACPI power-management timer to measure clocks against";
	return NULL;
}
