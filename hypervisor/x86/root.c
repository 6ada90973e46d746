// SPDX-License-Identifier: GPL-2.0-or-later
/* See root.h. */
#include "core/exit.h"
#include "core/log.h"
#include "core/owner.h"
#include "core/panic.h"
#include "core/partition.h"
#include "core/virt.h"
#include "x86/asm.h"
#include "x86/boot_info.h"
#include "x86/cpu.h"
#include "x86/pool.h"
#include "x86/root.h"
#include "x86/svm/svm.h"

static u32 physical_address_bits(void)
{
	u32 last[4], addresses[4], encryption[4] = {0};

	cpuid(0x80000000, 0, last);
	cpuid(0x80000008, 0, addresses);
	if (last[0] >= 0x8000001f)
		cpuid(0x8000001f, 0, encryption);
	return root_map_bits(addresses[0], encryption[0], encryption[1]);
}

/* Whole pages of RAM, without what the hypervisor keeps. */
static void record_owners(void)
{
	for (u32 i = 0; i < boot_info.range_count; i++) {
		const struct memory_range *r = &boot_info.range[i];
		u64 start = align_up(r->start, PAGE_SIZE);
		u64 end = align_down(r->start + r->size, PAGE_SIZE);

		if (r->type == MEMORY_RAM && start < end)
			owner_give_root(SPA(start), end - start);
	}
	for (u32 i = 0; i < boot_mem_kept_count; i++)
		owner_take_root(SPA(boot_mem_kept[i].start), boot_mem_kept[i].size);
}

/* Guest-physical = system-physical everywhere, with nothing where the hypervisor lives or rules. */
static void map_memory(struct partition *p)
{
	bool flush;

	CHECK(!gpa_map_init(&p->map, &svm_npt_format, &boot_pool));
	CHECK(!gpa_map_range(&p->map, GPA(0), SPA(0), BIT(physical_address_bits()), GPA_ALL,
			     &flush));
	for (u32 i = 0; i < boot_mem_kept_count; i++) {
		const struct memory_range *k = &boot_mem_kept[i];

		CHECK(!gpa_unmap_range(&p->map, GPA(k->start), k->size, &flush));
		log_info("hypervisor memory %lx-%lx", k->start, k->start + k->size - 1);
	}
	CHECK(!gpa_unmap_range(&p->map, GPA(APIC_BASE_ADDRESS), PAGE_SIZE, &flush));
	log_info("hypervisor memory %llx-%llx (the processors' local APICs)", APIC_BASE_ADDRESS,
		 APIC_BASE_ADDRESS + PAGE_SIZE - 1);
}

void root_create(void)
{
	struct partition *p = &root_partition;

	partition_init_root(p);
	map_memory(p);
	record_owners();
	for (u32 i = 0; i < cpu_count; i++) {
		struct vp *vp = pool_alloc(sizeof(*vp));

		vp_init(vp, p, i, i, cpus[i]->apic_id, &cpus[i]->timers);
		virt->vp_init(vp);
		cpus[i]->vp = vp;
		cpus[i]->partition = p;
	}
}

void root_enter_linux(const struct linux_entry *e)
{
	struct vp *vp = root_partition.vp[0];
	struct segment data = {0x18, 0xc93, ~0u, 0};
	struct vregs r = {
		.rip = e->rip,
		.rflags = 2,
		.cr0 = CR0_PG | CR0_WP | CR0_PE | BIT(1) | BIT(5),
		.cr3 = e->cr3,
		.cr4 = CR4_PAE,
		.efer = EFER_LME | EFER_LMA,
		.dr6 = 0xffff0ff0,
		.dr7 = 0x400,
		.gdtr = {e->gdt_limit, e->gdt},
	};

	for (int i = 0; i < SEG_COUNT; i++)
		r.segment[i] = data;
	r.segment[SEG_CS] = (struct segment){0x10, 0xa9b, ~0u, 0};
	r.segment[SEG_LDTR] = (struct segment){0, 0x82, 0, 0};
	r.segment[SEG_TR] = (struct segment){0, 0x8b, 0xffff, 0};
	virt->set_regs(vp, &r);
	vp->gpr[RSI] = e->boot_params;
	vp->state = VP_RUNNING;
}

void root_run_cpu(void)
{
	struct cpu *cpu = this_cpu();
	struct vp *vp = cpu->vp;

	virt->cpu_enable();
	__atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
	for (;;) {
		__atomic_store_n(&vp->in_guest, true, __ATOMIC_SEQ_CST);
		cpu_quiesce(cpu);
		if (vp_prepare(vp))
			exit_run(vp);
		else
			cpu_idle(vp);
	}
}
