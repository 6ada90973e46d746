// SPDX-License-Identifier: GPL-2.0-or-later
/* See cpu.h. Processor n's block is cpu_blocks + n × CPU_BLOCK_SIZE (head.S counts on it). */
#include "apic.h"
#include "check.h"
#include "core/format.h"
#include "cpu.h"
#include "trap.h"
#include "x86/asm.h"

#define TRAMPOLINE_PAGE 0x8000ull /* free below 1 MiB, as any boot loader leaves it */
#define PTE_USER_TABLE  7
#define PTE_USER_LARGE  0x87
#define TIMEOUT_TICKS   (60ull * 1000000000) /* tens of seconds of any TSC: hung, not slow */

struct cpu_block {
	struct cpu cpu;
	u8 stack[CPU_BLOCK_SIZE - sizeof(struct cpu)];
} aligned_to(CPU_BLOCK_SIZE);

extern struct cpu_block cpu_blocks[MAX_CPUS];
struct cpu_block cpu_blocks[MAX_CPUS];
u32 cpu_count = 1;

static u64 pml4[512] aligned_to(PAGE_SIZE), pdpt[512] aligned_to(PAGE_SIZE);
static u64 directories[4][512] aligned_to(PAGE_SIZE);

extern char trampoline[], trampoline_end[], trampoline_cr3[];
_Noreturn void ap_main(u32 index);

struct cpu *cpu_of(u32 index)
{
	return &cpu_blocks[index].cpu;
}

u64 deadline_start(void)
{
	return rdtsc();
}

bool deadline_passed(u64 start)
{
	return rdtsc() - start > TIMEOUT_TICKS;
}

static void map_all(void)
{
	pml4[0] = (u64)pdpt | PTE_USER_TABLE;
	for (u32 i = 0; i < 4; i++) {
		pdpt[i] = (u64)directories[i] | PTE_USER_TABLE;
		for (u32 k = 0; k < 512; k++)
			directories[i][k] = (i * 512ull + k) << 21 | PTE_USER_LARGE;
	}
	write_cr3((u64)pml4);
}

static void load_descriptors(struct cpu *c)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) gdtr = {sizeof(c->gdt) - 1, (u64)c->gdt};
	u64 base = (u64)&c->tss;

	c->gdt[1] = 0x00af9b000000ffff;
	c->gdt[2] = 0x00cf93000000ffff;
	c->gdt[3] = 0x00cff3000000ffff;
	c->gdt[4] = 0x00affb000000ffff;
	c->gdt[5] = (sizeof(c->tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
		    (base >> 24 & 0xff) << 56;
	c->gdt[6] = base >> 32;
	c->tss.iopb = sizeof(c->tss);
	__asm__ volatile("lgdt %0\n\t"
			 "mov %1, %%ds; mov %1, %%es; mov %1, %%ss\n\t"
			 "push %2; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:\n\t"
			 "ltr %w3"
			 :
			 : "m"(gdtr), "r"(SEL_DATA), "i"(SEL_CODE), "r"(SEL_TSS)
			 : "rax", "memory");
}

static void enable_extended_state(void)
{
	u32 leaf[4];

	write_cr0((read_cr0() | 2) & ~4ull); /* MP, not EM */
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMM);
	cpuid(1, 0, leaf);
	if (!(leaf[2] & BIT(26)))
		return;
	write_cr4(read_cr4() | CR4_OSXSAVE);
	cpuid(0xd, 0, leaf);
	xsetbv(0, leaf[0] & 7);
}

void cpu_init_child(u32 index)
{
	struct cpu *c = cpu_of(index);

	memset(c, 0, sizeof(*c));
	c->index = index;
	load_descriptors(c);
	trap_load();
	enable_extended_state();
}

static void init_cpu(u32 index)
{
	cpu_init_child(index);
	apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_TPR, 0);
}

void cpu_init_boot(void)
{
	u32 leaf[4];

	map_all();
	trap_init();
	init_cpu(0);
	cpu_of(0)->online = true;
	cpuid(0x40000005, 0, leaf);
	cpu_count = (u32)min_u64(leaf[1], MAX_CPUS);
}

static void idle(struct cpu *c)
{
	void (*f)(void *);

	irq_off();
	f = load(c->work);
	if (!f) {
		__asm__ volatile("sti; hlt; cli" ::: "memory");
		return;
	}
	f(c->work_arg);
	irq_off();
	store(c->work, NULL);
}

void ap_main(u32 index)
{
	struct cpu *c = cpu_of(index);

	init_cpu(index);
	store(c->online, true);
	for (;;)
		idle(c);
}

static void install_trampoline(void)
{
	u32 cr3 = (u32)read_cr3();

	memcpy((void *)TRAMPOLINE_PAGE, trampoline, (size_t)(trampoline_end - trampoline));
	memcpy((void *)(TRAMPOLINE_PAGE + (u64)(trampoline_cr3 - trampoline)), &cr3, sizeof(cr3));
}

bool cpu_restart(u32 index)
{
	struct cpu *c = cpu_of(index);

	install_trampoline();
	store(c->online, false);
	apic_send(index, APIC_ASSERT | APIC_MODE_INIT);
	apic_send(index, APIC_ASSERT | APIC_MODE_STARTUP | (u32)(TRAMPOLINE_PAGE >> 12));
	return wait_until(load(c->online));
}

bool cpu_start_others(void)
{
	bool all = true;

	for (u32 i = 1; i < cpu_count; i++)
		all &= cpu_restart(i);
	return all;
}

void cpu_begin(u32 index, void (*f)(void *), void *arg)
{
	struct cpu *c = cpu_of(index);

	c->work_arg = arg;
	store(c->work, f);
	apic_send(index, APIC_ASSERT | VECTOR_WAKE);
}

bool cpu_wait(u32 index)
{
	return wait_until(!load(cpu_of(index)->work));
}

bool cpu_run(u32 index, void (*f)(void *), void *arg)
{
	cpu_begin(index, f, arg);
	return cpu_wait(index);
}

bool cpu_run_all(void (*f)(void *), void *arg)
{
	u32 self = this_cpu()->index;
	bool all = true;

	for (u32 i = 0; i < cpu_count; i++)
		if (i != self)
			cpu_begin(i, f, arg);
	f(arg);
	for (u32 i = 0; i < cpu_count; i++)
		if (i != self)
			all &= cpu_wait(i);
	return all;
}
