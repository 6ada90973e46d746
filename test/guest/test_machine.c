// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NMIs and machine checks of the machine itself. The emulator's monitor makes them: ./run passes
 * on what follows "monitor: ". Both while the guest computes and while it is mostly in exits,
 * since one that arrives in the hypervisor takes another way.
 */
#include "apic.h"
#include "check.h"
#include "cpu.h"
#include "groups.h"
#include "x86/asm.h"

#define ROUNDS         5u

#define MSR_MCG_STATUS 0x17a
#define MSR_BANK1      0x404 /* control, status, address, miscellaneous */
#define MCG_RIPV       ((u64)BIT(0))
#define MCG_MCIP       ((u64)BIT(2))
#define BANK_STATUS    ((u64)0xb200000000000135) /* valid, uncorrected, enabled, context corrupt */
#define BANK_ADDRESS   ((u64)0x123456000)

struct machine_check {
	u64 count, global, status, address;
};

static struct machine_check seen[MAX_CPUS];

static void compute(void)
{
	for (u32 i = 0; i < 10000; i++)
		__asm__ volatile("" ::: "memory");
}

static void leave_often(void)
{
	u32 leaf[4];

	for (u32 i = 0; i < 100; i++)
		cpuid(0x40000000, 0, leaf);
}

static void on_machine_check(void)
{
	struct machine_check *m = &seen[this_cpu()->index];

	m->global = rdmsr(MSR_MCG_STATUS);
	m->status = rdmsr(MSR_BANK1 + 1);
	m->address = rdmsr(MSR_BANK1 + 2);
	wrmsr(MSR_BANK1 + 1, 0);
	wrmsr(MSR_MCG_STATUS, 0);
	store(m->count, m->count + 1);
}

/* Works until the counter is there; true if it stops exactly there. */
static bool reaches(const u64 *counter, u64 goal, void (*work)(void))
{
	u64 start = deadline_start();

	while (load(*counter) < goal && !deadline_passed(start))
		work();
	return load(*counter) == goal;
}

/* The monitor's NMI goes to LINT1 of every processor. */
static void test_nmi(const char *name, void (*work)(void))
{
	u64 before[MAX_CPUS];
	bool came = true;

	for (u32 i = 0; i < cpu_count; i++)
		before[i] = load(cpu_of(i)->nmi_count);
	for (u32 round = 1; round <= ROUNDS && came; round++) {
		print_line("monitor: nmi");
		for (u32 i = 0; i < cpu_count; i++)
			came &= reaches(&cpu_of(i)->nmi_count, before[i] + round, work);
	}
	check(came, name, "processor 0 took %lu, expected %u",
	      load(cpu_of(0)->nmi_count) - before[0], ROUNDS);
}

static void take_both(void *arg)
{
	apic_write(APIC_LVT_LINT1, APIC_MODE_NMI);
	write_cr4(read_cr4() | CR4_MCE);
	this_cpu()->machine_check = on_machine_check;
}

static bool take_one(u32 cpu, void (*work)(void), u64 address)
{
	const struct machine_check *m = &seen[cpu];
	u64 goal = m->count + 1;

	print_line("monitor: mce %u 1 0x%lx 0x%lx 0x%lx 0", cpu, BANK_STATUS, MCG_RIPV | MCG_MCIP,
		   address);
	return reaches(&m->count, goal, work) && m->global == (MCG_RIPV | MCG_MCIP) &&
	       m->status == BANK_STATUS && m->address == address;
}

static void test_machine_check(const char *name, u32 cpu, void (*work)(void))
{
	const struct machine_check *m = &seen[cpu];
	bool came = true;

	for (u32 round = 0; round < ROUNDS && came; round++)
		came = take_one(cpu, work, BANK_ADDRESS + round * PAGE_SIZE);
	check(came, name, "%lu came; MCG_STATUS %lx, bank 1: %lx at %lx", m->count, m->global,
	      m->status, m->address);
}

void test_machine(void)
{
	bool all = cpu_run_all(take_both, NULL);

	check(all, "machine-set-up", "a processor did not answer");
	test_nmi("machine-nmi-computing", compute);
	test_nmi("machine-nmi-in-exits", leave_often);
	test_machine_check("machine-check-computing", 0, compute);
	test_machine_check("machine-check-in-exits", 0, leave_often);
	if (cpu_count > 1)
		test_machine_check("machine-check-elsewhere", 1, compute);
}
