// SPDX-License-Identifier: GPL-2.0-or-later
/* Boot, in order. Until virtualization is known to work nothing is changed for good. */
#include "core/arch.h"
#include "core/log.h"
#include "core/owner.h"
#include "core/panic.h"
#include "core/virt.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/boot_info.h"
#include "x86/clock.h"
#include "x86/cmdline.h"
#include "x86/cpu.h"
#include "x86/linux.h"
#include "x86/microcode.h"
#include "x86/paging.h"
#include "x86/pool.h"
#include "x86/root.h"
#include "x86/speculation.h"
#include "x86/stack_guard.h"
#include "x86/svm/svm.h"
#include "x86/trap.h"

#define PIC_MASTER_DATA 0x21
#define PIC_SLAVE_DATA  0xa1

const struct virt_ops *virt = &svm_ops;

static u64 owner_memory;

_Noreturn void x86_main(u32 magic, u64 info);

/* Structures and pages: 256 KiB, 224 KiB a processor, and the root's map, each. */
static u64 pool_need(void)
{
	u32 leaf[4];
	u64 map;

	cpuid(0x80000008, 0, leaf);
	map = PAGE_SIZE << (max_u64(min_u64(leaf[0] & 0xff, 48), 39) - 39);
	return 0x40000 + 0x48000ull * acpi_facts.cpu_count + map;
}

/* A table for each 2 MiB of the root's memory of which something may be deposited, up to 16 MiB. */
static u64 tables_need(void)
{
	u64 ram = 0;

	for (u32 i = 0; i < boot_info.range_count; i++)
		if (boot_info.range[i].type == MEMORY_RAM)
			ram += boot_info.range[i].size;
	return min_u64(ram / SIZE_2M * PAGE_SIZE, 16ull << 20);
}

/* The records of owner.c, above 4 GiB if there is room: what is below is scarcer. */
static bool reserve_owner(void)
{
	u64 size = align_up(owner_size(boot_ram_top()), SIZE_2M);

	owner_memory = boot_mem_alloc(size, SIZE_2M, 1ull << 32, ~0ull, true);
	if (!owner_memory)
		owner_memory = boot_mem_alloc(size, SIZE_2M, SIZE_2M, ~0ull, true);
	return owner_memory;
}

static const char *prepare(void)
{
	const char *problem = virt->probe();

	if (!problem)
		problem = acpi_read();
	if (!problem && !pool_init(pool_need(), pool_need() + tables_need()))
		problem = "there is no free piece of memory for the hypervisor below 1 GiB";
	if (!problem && !reserve_owner())
		problem = "there is no free piece of memory for the hypervisor's record of pages";
	return problem;
}

/*
 * A BIOS leaves the 8259 pair open, with vectors 08h to 0Fh: exceptions, here as in every root. LINT0
 * is masked until the root opens it, but an interrupt may have been latched, or come by the IOAPIC
 * (virtual wire). A root that uses the pair sets it up anew.
 */
static void mask_8259(void)
{
	out8(PIC_SLAVE_DATA, 0xff);
	out8(PIC_MASTER_DATA, 0xff);
}

/* While the boot's page tables map all that the loader has left: no exception can be handled yet. */
static void find_microcode(void)
{
	const struct boot_module *initrd = &boot_info.module[1];

	if (boot_info.module_count >= 2)
		microcode_init(arch_map(SPA(initrd->start)), initrd->size);
}

static void start_processors(void)
{
	find_microcode();
	paging_init(&boot_pool);
	owner_init(arch_map(SPA(owner_memory)), boot_ram_top());
	mask_8259();
	apic_init_mode();
	cpu_enumerate();
	cpu_init_tables(cpus[0]);
	microcode_load();
	speculation_init(); /* what CPUID says may have changed */
	cpu_init(cpus[0]);
	apic_init_cpu();
	panic_cpu_ready();
	clock_measure();
	log_info("%u processors, TSC %lu kHz, local APICs in %s mode, timer %lu kHz", cpu_count,
		 clock_tsc_hz / 1000, apic_is_x2apic() ? "x2APIC" : "xAPIC", clock_apic_hz / 1000);
	root_create();
}

/* Leaves the boot stack for the processor's own, which has guard pages. */
static _Noreturn void run_on_own_stack(void)
{
	__asm__ volatile("mov %0, %%rsp; xor %%ebp, %%ebp; jmp %c1" ::"r"(cpu_stack_top(0) - 8),
			 "i"(root_run_cpu));
	__builtin_unreachable();
}

void x86_main(u32 magic, u64 info)
{
	struct linux_entry entry;
	const char *problem, *no_root;

	stack_guard_init();
	cpu_init_early();
	trap_init();
	trap_load();
	if (!boot_info_read(magic, info))
		halt_forever();
	cmdline_apply(boot_info.command_line);
	log_info("Keelson " KEELSON_VERSION ", started by %s", boot_info.loader);
	boot_mem_init();
	problem = prepare();
	no_root = linux_load(&entry);
	if (no_root)
		panic("%s", no_root);
	linux_write_e820(&entry, !problem);
	if (problem) {
		log_error("no virtualization: %s; starting the root without the hypervisor",
			  problem);
		linux_start_native(&entry);
	}
	start_processors();
	root_enter_linux(&entry);
	smp_start();
	log_info("starting the root partition");
	run_on_own_stack();
}
