// SPDX-License-Identifier: GPL-2.0-or-later
/* See cpu.h. */
#include "core/arch.h"
#include "core/log.h"
#include "core/partition.h"
#include "core/vp.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/layout.h"
#include "x86/microcode.h"
#include "x86/paging.h"
#include "x86/pool.h"
#include "x86/speculation.h"
#include "x86/trap.h"

#define GDT_CODE 0x00af9b000000ffffull
#define GDT_DATA 0x00cf93000000ffffull

struct cpu *cpus[MAX_CPUS];
u32 cpu_count;

/* The boot processor's structure is there from the first line on: logging asks who logs. */
static struct cpu boot_cpu;

void cpu_init_early(void)
{
	boot_cpu.self = &boot_cpu;
	wrmsr(MSR_GS_BASE, (u64)&boot_cpu);
}

static struct cpu *add_cpu(struct cpu *cpu, u32 id)
{
	cpu->self = cpu;
	cpu->index = cpu_count;
	cpu->apic_id = id;
	cpu->timers.armed = TIMER_NEVER;
	cpu->stack = cpu_stack_top(cpu_count);
	cpus[cpu_count++] = cpu;
	return cpu;
}

void cpu_enumerate(void)
{
	u32 own = apic_id();

	add_cpu(&boot_cpu, own);
	for (u32 i = 0; i < acpi_facts.cpu_count; i++) {
		u32 id = acpi_facts.apic_id[i];

		if (id == own)
			continue;
		if (!apic_reaches(id))
			log_warning("the processor with local APIC %u is not used: without x2APIC "
				    "there is no way to it",
				    id);
		else
			paging_init_cpu(add_cpu(pool_alloc(sizeof(struct cpu)), id));
	}
	if (acpi_facts.cpus_left_out)
		log_warning("%u processors are not used: %u is as many as there can be",
			    acpi_facts.cpus_left_out, MAX_CPUS);
}

u64 cpu_stack_top(u32 index)
{
	return STACK_BASE + (u64)index * STACK_SLOT_SIZE + (1 + STACK_PAGES) * PAGE_SIZE;
}

static void init_tss(struct cpu *cpu)
{
	u64 slot = STACK_BASE + (u64)cpu->index * STACK_SLOT_SIZE;
	u64 base = (u64)&cpu->tss;

	cpu->tss.ist[0] = slot + 7 * PAGE_SIZE;
	cpu->tss.ist[1] = slot + 9 * PAGE_SIZE;
	cpu->tss.ist[2] = slot + 11 * PAGE_SIZE;
	cpu->tss.iopb = sizeof(cpu->tss);
	cpu->gdt[3] = (sizeof(cpu->tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
		      (base >> 24 & 0xff) << 56;
	cpu->gdt[4] = base >> 32;
}

static void load_tables(struct cpu *cpu)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) gdtr = {sizeof(cpu->gdt) - 1, (u64)cpu->gdt};

	__asm__ volatile("lgdt %0\n\t"
			 "mov %1, %%ds; mov %1, %%es; mov %1, %%ss; mov %2, %%fs; mov %2, %%gs\n\t"
			 "push %3; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:\n\t"
			 "ltr %w4"
			 :
			 : "m"(gdtr), "r"(SEL_DATA), "r"(0), "i"(SEL_CODE), "r"(SEL_TSS)
			 : "rax", "memory");
	trap_load();
	wrmsr(MSR_GS_BASE, (u64)cpu);
}

static void set_control_bits(void)
{
	u64 cr4 = read_cr4() | CR4_MCE | CR4_PGE | CR4_OSFXSR | CR4_OSXMM;
	u32 leaf[4];

	cpuid(1, 0, leaf);
	if (leaf[2] & BIT(26)) /* XSAVE */
		cr4 |= CR4_OSXSAVE;
	cpuid(7, 0, leaf);
	if (leaf[1] & BIT(7))
		cr4 |= CR4_SMEP;
	if (leaf[1] & BIT(20))
		cr4 |= CR4_SMAP;
	write_cr4(cr4);
}

void cpu_init_tables(struct cpu *cpu)
{
	cpu->gdt[1] = GDT_CODE;
	cpu->gdt[2] = GDT_DATA;
	init_tss(cpu);
	load_tables(cpu);
}

void cpu_init(struct cpu *cpu)
{
	cpu_init_tables(cpu);
	set_control_bits();
	microcode_load();
	speculation_init_cpu();
}

/*
 * Interrupts and NMIs that are pending come in between sti and cli; GIF, where there is one, is
 * the vendor's to open around this.
 */
void cpu_interrupt_window(void)
{
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
}

void cpu_idle(struct vp *vp)
{
	struct cpu *cpu = this_cpu();

	/* An event or a flush that comes after this look comes with a kick, which ends the halt. */
	__atomic_store_n(&cpu->idle, true, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&vp->events, __ATOMIC_SEQ_CST) &&
	    !__atomic_load_n(&cpu->flush_requested, __ATOMIC_SEQ_CST))
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	__atomic_store_n(&cpu->idle, false, __ATOMIC_RELEASE);
}

/* By an exchange, so that what is looked up from here on is not read before it. */
void cpu_quiesce(struct cpu *cpu)
{
	if (unlikely(__atomic_load_n(&cpu->flush_requested, __ATOMIC_RELAXED)))
		(void)__atomic_exchange_n(&cpu->flush_requested, false, __ATOMIC_SEQ_CST);
}

/*
 * Asks a processor that may hold pointers or translations; *ret_stay tells when it holds them no more.
 * False: it is in the guest of another partition; what it has cached of this one (under ASIDs that it
 * does not use now) it throws away when it comes back to it.
 */
static bool ask(struct cpu *cpu, const struct partition *p, u32 *ret_stay)
{
	*ret_stay = __atomic_load_n(&cpu->stay, __ATOMIC_SEQ_CST);
	if (*ret_stay % 2 && __atomic_load_n(&cpu->partition, __ATOMIC_ACQUIRE) != p)
		return false;
	__atomic_store_n(&cpu->flush_requested, true, __ATOMIC_SEQ_CST);
	if (*ret_stay % 2 || __atomic_load_n(&cpu->idle, __ATOMIC_SEQ_CST))
		apic_send(cpu->apic_id, VECTOR_KICK);
	return true;
}

static bool has_answered(const struct cpu *cpu, u32 stay)
{
	return __atomic_load_n(&cpu->stay, __ATOMIC_ACQUIRE) != stay ||
	       !__atomic_load_n(&cpu->flush_requested, __ATOMIC_ACQUIRE);
}

/*
 * Waits for those processors only that are in the partition's guest now, which it interrupts, or in the
 * hypervisor, which come to an end by themselves. While it waits it answers the requests of others,
 * so two flushes at once do not wait for each other.
 */
void arch_flush_map(struct partition *p)
{
	struct cpu *self = this_cpu();
	bool asked[MAX_CPUS] = {false};
	u32 stay[MAX_CPUS];

	__atomic_fetch_add(&p->map.flushes, 1, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < cpu_count; i++)
		if (cpus[i] != self && __atomic_load_n(&cpus[i]->online, __ATOMIC_ACQUIRE))
			asked[i] = ask(cpus[i], p, &stay[i]);
	for (u32 i = 0; i < cpu_count; i++) {
		while (asked[i] && !has_answered(cpus[i], stay[i])) {
			cpu_quiesce(self);
			arch_pause();
		}
	}
}

u32 arch_cpu_index(void)
{
	return this_cpu()->index;
}

u32 arch_cpu_count(void)
{
	return cpu_count;
}
