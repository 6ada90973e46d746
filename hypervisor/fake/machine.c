/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processor and the memory of the host tests. */
#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>

#include "fake/fake.h"
#include "core/arch.h"
#include "core/format.h"
#include "core/owner.h"
#include "core/panic.h"

struct fake_machine fake;
#define FAKE_RAM_TOP     (FAKE_RAM_BASE + FAKE_RAM_PAGES * PAGE_SIZE)
#define FAKE_OWNER_WORDS (FAKE_RAM_TOP / PAGE_SIZE + 2 * 512)

static u8 arena[FAKE_RAM_PAGES * PAGE_SIZE] aligned_to(PAGE_SIZE);

void fake_reset(void)
{
	u32 used = fake.pages_out;

	memset(arena, 0, used * PAGE_SIZE);
	fake_script(NULL, 0);
	fake = (struct fake_machine){
		.tsc_hz = FAKE_HZ,
		.cpu_count = FAKE_CPUS,
		.timer_armed = ~0ull,
		.xcr0 = 1,
	};
}

spa_t fake_page(void)
{
	CHECK(fake.pages_out < FAKE_RAM_PAGES);
	return SPA(FAKE_RAM_BASE + fake.pages_out++ * PAGE_SIZE);
}

void fake_pool(struct page_pool *pool, u32 pages)
{
	page_pool_init(pool);
	while (pages--)
		page_pool_add(pool, fake_page());
}

static u32 owner_memory[FAKE_OWNER_WORDS];

void fake_device(u64 base, u64 size)
{
	fake.device_base = base;
	fake.device_size = size;
	owner_take_root(SPA(base), size);
}

struct timer_queue fake_timers[FAKE_CPUS];
struct page_pool boot_pool;
static struct vp root_vps[FAKE_CPUS];
static struct virt_vp root_virt[FAKE_CPUS];

void fake_root(u32 vps)
{
	struct partition *p = &root_partition;
	u64 size = (FAKE_RAM_PAGES - FAKE_HIDDEN) * PAGE_SIZE;
	bool flush;
	u32 i;

	fake_pool(&boot_pool, 32);
	partition_init_root(p);
	CHECK(gpa_map_init(&p->map, &fake_format, &boot_pool) == HV_STATUS_SUCCESS);
	CHECK(gpa_map_range(&p->map, GPA(FAKE_RAM_BASE), SPA(FAKE_RAM_BASE), size, GPA_ALL,
			    &flush) == HV_STATUS_SUCCESS);
	CHECK(owner_size(FAKE_RAM_TOP) <= sizeof(owner_memory));
	owner_init(owner_memory, FAKE_RAM_TOP);
	owner_give_root(SPA(FAKE_RAM_BASE), size);
	for (i = 0; i < vps; i++) {
		fake_timers[i] = (struct timer_queue){.first = NULL};
		root_virt[i] = (struct virt_vp){.regs = {.cr0 = 0x80000011, .efer = 0xd00}};
		vp_init(&root_vps[i], p, i, i, i, &fake_timers[i]);
		root_vps[i].arch = &root_virt[i];
		virt->vp_init(&root_vps[i]);
	}
}

u64 arch_tsc(void)
{
	fake.tsc += fake.tsc_step;
	return fake.tsc;
}

u64 arch_tsc_hz(void)
{
	return fake.tsc_hz;
}

u32 arch_cpu_index(void)
{
	return fake.cpu;
}

u32 arch_cpu_count(void)
{
	return fake.cpu_count;
}

void *arch_map(spa_t spa)
{
	CHECK(spa.v >= FAKE_RAM_BASE && spa.v - FAKE_RAM_BASE < sizeof(arena));
	return arena + (spa.v - FAKE_RAM_BASE);
}

bool arch_is_ram(spa_t spa)
{
	return spa.v >= FAKE_RAM_BASE && spa.v - FAKE_RAM_BASE < sizeof(arena) &&
	       spa.v - fake.device_base >= fake.device_size;
}

spa_t arch_unmap(const void *p)
{
	CHECK((const u8 *)p >= arena && (const u8 *)p < arena + sizeof(arena));
	return SPA(FAKE_RAM_BASE + (u64)((const u8 *)p - arena));
}

void arch_kick(struct vp *vp)
{
	fake.kicks++;
	fake.kicked = vp;
}

void arch_timer_arm(u64 tsc)
{
	fake.timer_arms++;
	fake.timer_armed = tsc;
}

void arch_level_eoi(struct vp *vp, u8 vector)
{
	fake.level_eois++;
	fake.level_eoi_vector = vector;
}

void arch_lvt_changed(struct vp *vp, u32 lvt, u32 value)
{
	fake.lvt_changes++;
	fake.lvt[lvt] = value;
}

/* An LVT more than the architectural ones, and the register that says so. */
bool arch_lapic_read_extended(u32 reg, u32 *ret_value)
{
	*ret_value = reg == 0x40 ? 1u << 16 : fake.extended_lvt;
	return reg == 0x40 || reg == 0x50;
}

bool arch_lapic_write_extended(u32 reg, u32 value)
{
	if (reg == 0x50)
		fake.extended_lvt = value;
	return reg == 0x50;
}

void arch_exit_soon(void)
{
	fake.exits_soon++;
}

void arch_cpuid(u32 leaf, u32 subleaf, u32 ret_out[4])
{
	u32 i;

	memset(ret_out, 0, 4 * sizeof(*ret_out));
	for (i = 0; i < ARRAY_SIZE(fake.cpuid); i++)
		if (fake.cpuid[i][0] == leaf) {
			memcpy(ret_out, &fake.cpuid[i][1], 4 * sizeof(*ret_out));
			return;
		}
}

static struct fake_msr *find_msr(u32 msr)
{
	struct fake_msr *m;

	for (m = fake.msr; m < fake.msr + FAKE_MSR_COUNT; m++)
		if (m->index == msr && msr)
			return m;
	return NULL;
}

bool arch_msr_read_safe(u32 msr, u64 *ret_value)
{
	struct fake_msr *m = find_msr(msr);

	if (m)
		*ret_value = m->value;
	return m;
}

bool arch_msr_write_safe(u32 msr, u64 value)
{
	struct fake_msr *m = find_msr(msr);

	if (m)
		m->value = value;
	return m;
}

u64 arch_xcr0_supported(void)
{
	return 0x2ff;
}

u64 arch_xcr0(const struct vp *vp)
{
	return vp->xcr0;
}

size_t arch_xsave_size(void)
{
	return 832;
}

void arch_set_xcr0(struct vp *vp, u64 value)
{
	fake.xcr0 = value;
	vp->xcr0 = value;
}

void arch_quiesce(void)
{
	if (fake.on_quiet)
		fake.on_quiet();
	else
		fake.quiets++;
}

void arch_flush_map(struct partition *p)
{
	fake.flushes++;
}

void arch_reset(void)
{
	fake.resets++;
}

void panic(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	format_va(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "panic: %s\n", text);
	abort();
}

bool fake_is_identity(const struct gpa_map *map, gpa_t gpa, u64 size)
{
	u32 rights;
	spa_t spa;

	for (u64 at = gpa.v; at < gpa.v + size; at += PAGE_SIZE)
		if (!gpa_map_lookup(map, GPA(at), &spa, &rights) || spa.v != at ||
		    rights != GPA_ALL)
			return false;
	return true;
}
