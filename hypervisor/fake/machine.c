/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processor and the memory of the host tests. */
#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>

#include "fake/fake.h"
#include "core/arch.h"
#include "core/format.h"
#include "core/panic.h"

struct fake_machine fake;
static u8 arena[FAKE_RAM_PAGES * PAGE_SIZE] aligned_to(PAGE_SIZE);

void fake_reset(void)
{
	u32 used = fake.pages_out;

	memset(arena, 0, used * PAGE_SIZE);
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

u64 arch_tsc(void)
{
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

void arch_lint_changed(struct vp *vp, u32 lint0, u32 lint1)
{
	fake.lint_changes++;
	fake.lint0 = lint0;
	fake.lint1 = lint1;
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
