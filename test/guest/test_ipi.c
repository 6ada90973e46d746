// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts between processors: destinations, NMI, INIT and SIPI, storms. From two processors on. */
#include "apic.h"
#include "check.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"

#define VECTOR_IPI    0x81
#define VECTOR_STORM0 0x90 /* + sender */
#define STORM_ROUNDS  400u

static u64 ipis(u32 cpu)
{
	return load(cpu_of(cpu)->irq_count[VECTOR_IPI]);
}

static void let_interrupts_in(void *arg)
{
	irq_on();
	cpu_pause();
	irq_off();
}

/* All interrupts that are on their way have come: work comes by one of lower priority. */
static bool settle(void)
{
	return cpu_run_all(let_interrupts_in, NULL);
}

/* expected: bit per processor. */
static void check_targets(const char *name, u32 destination, u32 command, u32 expected)
{
	u64 before[MAX_CPUS];
	u32 got = 0, twice = 0;
	bool settled;

	for (u32 i = 0; i < cpu_count; i++)
		before[i] = ipis(i);
	apic_send(destination, command | APIC_ASSERT | VECTOR_IPI);
	settled = settle();
	for (u32 i = 0; i < cpu_count; i++) {
		got |= (ipis(i) != before[i]) << i;
		twice |= (ipis(i) > before[i] + 1) << i;
	}
	check(settled && got == expected && !twice, name,
	      "processors %x should get it, %x did, %x more than once", expected, got, twice);
}

static void test_destinations(void)
{
	u32 all = (1u << cpu_count) - 1;

	check_targets("ipi-physical", 1, 0, 2);
	check_targets("ipi-physical-self", 0, 0, 1);
	check_targets("ipi-physical-nobody", 77, 0, 0);
	check_targets("ipi-physical-all", 0xffffffff, 0, all);
	check_targets("ipi-physical-0xff", 0xff, 0, 0); /* not a broadcast in x2APIC mode */
	check_targets("ipi-logical-one", 2, APIC_LOGICAL, 2);
	check_targets("ipi-logical-some", 3, APIC_LOGICAL, 3);
	check_targets("ipi-logical-cluster", 0xffff, APIC_LOGICAL, all);
	check_targets("ipi-logical-other-cluster", 0x0001ffff, APIC_LOGICAL, 0);
	check_targets("ipi-logical-all", 0xffffffff, APIC_LOGICAL, all);
	check_targets("ipi-self", 0, APIC_TO_SELF, 1);
	check_targets("ipi-all", 0, APIC_TO_ALL, all);
	check_targets("ipi-others", 0, APIC_TO_OTHERS, all & ~1u);
}

static void test_lowest(void)
{
	u64 before = 0, after = 0;
	bool settled;

	for (u32 i = 0; i < cpu_count; i++)
		before += ipis(i);
	apic_send(0xffff, APIC_ASSERT | APIC_LOGICAL | APIC_MODE_LOWEST | VECTOR_IPI);
	settled = settle();
	for (u32 i = 0; i < cpu_count; i++)
		after += ipis(i);
	check(settled && after - before == 1, "ipi-lowest-priority", "%lu processors got it",
	      after - before);
}

/* --- NMI --- */

static u32 nmi_depth, nmi_deepest, nmis; /* of processor 1 */
static bool inside, release;

/* The first one stays until it is told to go on, and makes exits of all kinds meanwhile. */
static void on_nmi(void)
{
	u32 leaf[4];

	nmi_depth++;
	if (nmi_depth > nmi_deepest)
		nmi_deepest = nmi_depth;
	store(nmis, nmis + 1);
	store(inside, true);
	while (!load(release)) {
		cpuid(0x40000000, 0, leaf);
		apic_read(APIC_PPR);
		cpu_pause();
	}
	nmi_depth--;
}

static void take_nmis(void *arg)
{
	this_cpu()->nmi = on_nmi;
	store(inside, false);
	while (!load(release))
		cpu_pause();
	while (load(nmis) < 2)
		cpu_pause();
	this_cpu()->nmi = NULL;
}

static void test_nmi_in_nmi(void)
{
	bool came, done;

	nmi_depth = nmi_deepest = nmis = 0;
	release = false;
	cpu_begin(1, take_nmis, NULL);
	came = wait_until(load(cpu_of(1)->nmi) == on_nmi);
	apic_send(1, APIC_ASSERT | APIC_MODE_NMI);
	came &= wait_until(load(inside));
	apic_send(1, APIC_ASSERT | APIC_MODE_NMI);
	apic_send(1, APIC_ASSERT | APIC_MODE_NMI); /* only one waits */
	came &= load(nmis) == 1;
	store(release, true);
	done = cpu_wait(1);
	check(came && done && nmis == 2 && nmi_deepest == 1, "ipi-nmi-in-nmi",
	      "%u NMIs, %u deep, done %d", nmis, nmi_deepest, done);
}

static void halt_without_interrupts(void *arg)
{
	store(*(bool *)arg, true);
	__asm__ volatile("cli; hlt" ::: "memory");
}

static void test_nmi_ends_hlt(void)
{
	bool halting = false, done;
	u64 before = cpu_of(1)->nmi_count;

	cpu_begin(1, halt_without_interrupts, &halting);
	done = wait_until(load(halting));
	/* It may come just before the HLT: then one more does it. */
	for (u32 i = 0; i < 1000000 && done && load(cpu_of(1)->work); i++)
		if (i % 1000 == 0)
			apic_send(1, APIC_ASSERT | APIC_MODE_NMI);
		else
			cpu_pause();
	done &= cpu_wait(1);
	check(done && cpu_of(1)->nmi_count > before, "ipi-nmi-ends-hlt", "it sleeps on");
}

static void test_nmi_destinations(void)
{
	u64 before[MAX_CPUS], wrong = 0;

	for (u32 i = 0; i < cpu_count; i++)
		before[i] = cpu_of(i)->nmi_count;
	apic_send(0, APIC_ASSERT | APIC_TO_OTHERS | APIC_MODE_NMI);
	for (u32 i = 1; i < cpu_count; i++)
		wrong += !wait_until(load(cpu_of(i)->nmi_count) == before[i] + 1);
	wrong += cpu_of(0)->nmi_count != before[0];
	check(!wrong, "ipi-nmi-others", "wrong on %lu processors", wrong);
	apic_send(0, APIC_ASSERT | APIC_MODE_NMI);
	check(wait_until(load(cpu_of(0)->nmi_count) == before[0] + 1), "ipi-nmi-self",
	      "it did not come");
}

static void iret_to_nowhere(void *arg)
{
	__asm__ volatile("push $0; push $0; push $2; push $0; push $0; iretq" ::: "memory");
}

static struct fault nmi_fault;

static void fault_in_nmi(void)
{
	this_cpu()->nmi = NULL;
	nmi_fault = try_call(iret_to_nowhere, NULL);
}

/* An IRET that faults ends the blocking too; the trap flag that steps it is not to be seen. */
static void test_faulting_iret(void)
{
	u64 before = cpu_of(0)->nmi_count;

	nmi_fault.taken = false;
	this_cpu()->nmi = fault_in_nmi;
	apic_send(0, APIC_ASSERT | APIC_MODE_NMI);
	wait_until(load(cpu_of(0)->nmi_count) == before + 1);
	check(nmi_fault.taken && nmi_fault.vector == VECTOR_GP && !(nmi_fault.rflags & RFLAGS_TF),
	      "ipi-nmi-faulting-iret", "taken %d, vector %u, flags %lx", nmi_fault.taken,
	      nmi_fault.vector, nmi_fault.rflags);
	apic_send(0, APIC_ASSERT | APIC_MODE_NMI);
	check(wait_until(load(cpu_of(0)->nmi_count) == before + 2), "ipi-nmi-after-faulting-iret",
	      "it did not come");
}

/* --- INIT, SIPI --- */

static void spin(void *arg)
{
	for (;;)
		cpu_pause();
}

static void halt_for_good(void *arg)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

static void stay_in_nmi(void)
{
	spin(NULL);
}

static void spin_in_nmi(void *arg)
{
	this_cpu()->nmi = stay_in_nmi;
	apic_send(this_cpu()->index, APIC_ASSERT | APIC_MODE_NMI);
	spin(NULL);
}

static void spin_with_interrupt_in_service(void *arg)
{
	apic_write(APIC_TPR, 0xf0);
	apic_write(APIC_LVT_TIMER, APIC_TIMER_PERIODIC | VECTOR_IPI);
	apic_write(APIC_TIMER_INITIAL, 1000);
	spin(NULL);
}

struct apic_state {
	u64 tpr, svr, lvt, initial, base, isr, irr;
};

static void read_state(void *arg)
{
	*(struct apic_state *)arg = (struct apic_state){
		.tpr = apic_read(APIC_TPR),
		.lvt = apic_read(APIC_LVT_TIMER),
		.initial = apic_read(APIC_TIMER_INITIAL),
		.base = rdmsr(MSR_APIC_BASE),
		.isr = apic_read(APIC_ISR + VECTOR_IPI / 32),
		.irr = apic_read(APIC_IRR + VECTOR_IPI / 32),
	};
}

/* INIT and SIPI hit a processor in this work; it is as new, its NMIs included. */
static void test_restart(const char *name, void (*work)(void *))
{
	struct apic_state s = {0};
	bool came;
	u64 nmi;

	cpu_begin(1, work, NULL);
	came = cpu_restart(1) && cpu_run(1, read_state, &s);
	nmi = cpu_of(1)->nmi_count;
	apic_send(1, APIC_ASSERT | APIC_MODE_NMI);
	check(came && !s.tpr && s.lvt == APIC_MASKED && !s.initial && !s.isr && !s.irr &&
		      s.base == 0xfee00c00 && wait_until(load(cpu_of(1)->nmi_count) > nmi),
	      name, "came %d, TPR %lx, LVT %lx, count %lx, ISR %lx, IRR %lx, base %lx", came, s.tpr,
	      s.lvt, s.initial, s.isr, s.irr, s.base);
}

static void wait_for_flag(void *arg)
{
	while (!load(*(bool *)arg))
		cpu_pause();
}

/* SIPI alone does nothing to a processor that runs. */
static void test_sipi_ignored(void)
{
	bool flag = false;

	cpu_begin(1, wait_for_flag, &flag);
	store(cpu_of(1)->online, false);
	for (u32 i = 0; i < 3; i++)
		apic_send(1, APIC_ASSERT | APIC_MODE_STARTUP | 8);
	store(flag, true);
	check(cpu_wait(1) && !load(cpu_of(1)->online), "ipi-sipi-ignored",
	      "the processor started anew");
	store(cpu_of(1)->online, true);
}

/* --- storms --- */

static u64 acks[MAX_CPUS][MAX_CPUS]; /* [receiver][sender], written by the receiver */
static u32 lost, finished;           /* atomic */

static void on_storm(u8 vector)
{
	u64 *ack = &acks[this_cpu()->index][vector - VECTOR_STORM0];

	store(*ack, *ack + 1);
	apic_eoi();
}

/* Others may still be sending. */
static void finish(void)
{
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
	wait_until(load(finished) == cpu_count);
	irq_off();
}

static void give_up(void)
{
	__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
	finish();
}

/* One to each other in turn, each waited for: none may get lost, and all send at once. */
static void send_storm(void *arg)
{
	u32 self = this_cpu()->index;

	irq_on();
	for (u32 i = 0; i < STORM_ROUNDS; i++) {
		for (u32 to = 0; to < cpu_count; to++) {
			u64 before = load(acks[to][self]);

			apic_send(to, APIC_ASSERT | (VECTOR_STORM0 + self));
			if (!wait_until(load(acks[to][self]) > before)) {
				give_up();
				return;
			}
		}
	}
	finish();
}

static void send_storm_to_all(void *arg)
{
	u32 self = this_cpu()->index;

	irq_on();
	for (u32 i = 0; i < STORM_ROUNDS; i++) {
		u64 before[MAX_CPUS];

		for (u32 to = 0; to < cpu_count; to++)
			before[to] = load(acks[to][self]);
		apic_send(0, APIC_ASSERT | APIC_TO_OTHERS | (VECTOR_STORM0 + self));
		for (u32 to = 0; to < cpu_count; to++) {
			if (to == self || wait_until(load(acks[to][self]) > before[to]))
				continue;
			give_up();
			return;
		}
	}
	finish();
}

static void test_storm(const char *name, void (*send)(void *), u32 per_round)
{
	u64 total = 0, expected = (u64)STORM_ROUNDS * cpu_count * per_round;
	bool all;

	lost = finished = 0;
	memset(acks, 0, sizeof(acks));
	for (u32 i = 0; i < cpu_count; i++)
		interrupt_set((u8)(VECTOR_STORM0 + i), on_storm);
	all = cpu_run_all(send, NULL);
	for (u32 i = 0; i < cpu_count; i++)
		for (u32 k = 0; k < cpu_count; k++)
			total += acks[i][k];
	check(all && !lost && total == expected, name, "%lu of %lu came, %u processors gave up",
	      total, expected, lost);
}

void test_ipi(void)
{
	if (!check(cpu_count > 1, "ipi-processors", "this group needs two"))
		return;
	test_destinations();
	test_lowest();
	test_nmi_in_nmi();
	test_nmi_ends_hlt();
	test_nmi_destinations();
	test_faulting_iret();
	test_sipi_ignored();
	test_restart("ipi-init-spinning", spin);
	test_restart("ipi-init-halted", halt_for_good);
	test_restart("ipi-init-in-nmi", spin_in_nmi);
	test_restart("ipi-init-busy-apic", spin_with_interrupt_in_service);
	test_storm("ipi-storm-each", send_storm, cpu_count);
	test_storm("ipi-storm-all", send_storm_to_all, cpu_count - 1);
}
