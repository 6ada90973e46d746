// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Starting the application processors, one after the other, through a trampoline page below
 * 1 MiB that is the root's again afterwards. Each finds its struct cpu by the id of its local APIC
 * (boot.S). Those that did not start are marked in the MADT.
 */
#include "core/arch.h"
#include "core/format.h"
#include "core/log.h"
#include "core/panic.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/boot_info.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/layout.h"
#include "x86/paging.h"
#include "x86/root.h"

#define START_TIMEOUT_US 1000000
#define TSC_READINGS     32

_Noreturn void ap_main(struct cpu *cpu);

extern const char trampoline[], trampoline_end[], trampoline_gdt[], trampoline_gdt_ptr[];

/* Copies the trampoline and relocates its one absolute pointer. Returns its page. */
static u64 install_trampoline(void)
{
	u64 page = boot_mem_alloc(PAGE_SIZE, PAGE_SIZE, 0x8000, 0xa0000, false);
	char *copy = arch_map(SPA(page));
	u32 gdt;

	CHECK(page);
	/* The symbols of .boot are physical addresses. */
	memcpy(copy, (const void *)((u64)trampoline + IMAGE_BASE),
	       (size_t)(trampoline_end - trampoline));
	gdt = (u32)(page + (u64)(trampoline_gdt - trampoline));
	memcpy(copy + (trampoline_gdt_ptr - trampoline) + 2, &gdt, 4);
	return page;
}

static bool wait_online(struct cpu *cpu)
{
	u64 end = rdtsc() + clock_tsc_hz / 1000000 * START_TIMEOUT_US;

	while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE)) {
		if (rdtsc() > end)
			return false;
		arch_pause();
	}
	return true;
}

static u64 tsc_in_order(void)
{
	u64 tsc;

	__asm__ volatile("lfence" ::: "memory");
	tsc = rdtsc();
	__asm__ volatile("lfence" ::: "memory");
	return tsc;
}

/* One reading of the other's TSC, between two of ours. */
static enum start_verdict compare_tsc(struct cpu *cpu)
{
	u64 end = rdtsc() + clock_tsc_hz / 1000000 * START_TIMEOUT_US, before = tsc_in_order();
	u64 after;

	__atomic_store_n(&cpu->start, START_ASKED, __ATOMIC_RELEASE);
	while (__atomic_load_n(&cpu->start, __ATOMIC_ACQUIRE) == START_ASKED) {
		if (rdtsc() > end)
			return START_LATE;
		arch_pause();
	}
	after = tsc_in_order();
	return cpu->tsc_read < before || cpu->tsc_read > after ? START_SKEWED : START_GO;
}

/* All that the hypervisor knows of time is that the TSCs agree: one that does not is not used. */
static void judge(struct cpu *cpu)
{
	enum start_verdict verdict = START_GO;

	for (u32 i = 0; i < TSC_READINGS && verdict == START_GO; i++)
		verdict = compare_tsc(cpu);
	__atomic_store_n(&cpu->start, verdict, __ATOMIC_RELEASE);
	if (verdict == START_SKEWED)
		log_warning("processor %u (local APIC %u): its time-stamp counter differs from the "
			    "first processor's; it is not used",
			    cpu->index, cpu->apic_id);
	else if (verdict == START_LATE || !wait_online(cpu))
		log_warning("processor %u (local APIC %u) did not start; the root will miss it",
			    cpu->index, cpu->apic_id);
}

/* The other side: answers until there is a verdict. Who is too late is not used either. */
static void be_judged(struct cpu *cpu)
{
	enum start_verdict verdict;

	while ((verdict = __atomic_load_n(&cpu->start, __ATOMIC_ACQUIRE)) < START_GO) {
		if (verdict == START_ASKED) {
			cpu->tsc_read = tsc_in_order();
			__atomic_store_n(&cpu->start, START_ANSWERED, __ATOMIC_RELEASE);
		}
		arch_pause();
	}
	if (verdict != START_GO)
		halt_forever();
}

/* INIT, 10 ms, SIPI, and a second SIPI for processors that missed the first (SDM 3A 9.4.4.1). */
static void start_cpu(struct cpu *cpu, u64 page)
{
	u32 startup = APIC_ASSERT | APIC_MODE_STARTUP | (u32)(page >> PAGE_SHIFT);

	apic_send(cpu->apic_id, APIC_ASSERT | APIC_MODE_INIT);
	clock_delay_us(10000);
	apic_send(cpu->apic_id, startup);
	clock_delay_us(200);
	apic_send(cpu->apic_id, startup); /* ignored if it has begun */
	judge(cpu);
}

static bool is_online(u32 apic_id)
{
	for (u32 i = 0; i < cpu_count; i++)
		if (cpus[i]->apic_id == apic_id)
			return !i || __atomic_load_n(&cpus[i]->online, __ATOMIC_ACQUIRE);
	return false;
}

void smp_start(void)
{
	u64 page = install_trampoline();

	for (u32 i = 1; i < cpu_count; i++)
		start_cpu(cpus[i], page);
	acpi_disable_cpus(is_online);
}

void ap_main(struct cpu *cpu)
{
	cpu_init(cpu);
	apic_init_cpu();
	be_judged(cpu);
	root_run_cpu();
}
