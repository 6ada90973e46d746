// SPDX-License-Identifier: GPL-2.0-or-later
/* The rest of core/arch.h: memory, time and kicks of the real machine. */
#include "core/arch.h"
#include "core/vp.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/boot_info.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/layout.h"

void *arch_map(spa_t spa)
{
	return (void *)(DIRECT_BASE + spa.v);
}

spa_t arch_unmap(const void *p)
{
	return SPA((u64)p - DIRECT_BASE);
}

bool arch_is_ram(spa_t spa)
{
	u64 page = align_down(spa.v, PAGE_SIZE);

	for (u32 i = 0; i < boot_info.range_count; i++) {
		const struct memory_range *r = &boot_info.range[i];

		if (r->type == MEMORY_RAM && page >= r->start &&
		    page + PAGE_SIZE <= r->start + r->size)
			return true;
	}
	return false;
}

u64 arch_tsc(void)
{
	return rdtsc();
}

u64 arch_tsc_hz(void)
{
	return clock_tsc_hz;
}

void arch_kick(struct vp *vp)
{
	/* The order matters: the caller's bit is visible before this look (all are locked). */
	if (vp->cpu != this_cpu()->index && __atomic_load_n(&vp->in_guest, __ATOMIC_SEQ_CST))
		apic_send(cpus[vp->cpu]->apic_id, VECTOR_KICK);
}

void arch_cpuid(u32 leaf, u32 subleaf, u32 ret_out[4])
{
	cpuid(leaf, subleaf, ret_out);
}

bool arch_msr_read_safe(u32 msr, u64 *ret_value)
{
	return !rdmsr_safe(msr, ret_value);
}

bool arch_msr_write_safe(u32 msr, u64 value)
{
	return !wrmsr_safe(msr, value);
}

void arch_quiesce(void)
{
	cpu_quiesce(this_cpu());
}

void arch_exit_soon(void)
{
	apic_send(this_cpu()->apic_id, VECTOR_KICK);
}

/* Ticks of the count-down timer; far deadlines are reached in several stages. */
void arch_timer_arm(u64 tsc)
{
	u64 now = rdtsc(), ticks;

	if (tsc == TIMER_NEVER) {
		apic_timer_start(0);
		return;
	}
	ticks = tsc > now ? (u64)((unsigned __int128)(tsc - now) * clock_ticks_per_tsc >> 32) : 0;
	apic_timer_start((u32)min_u64(ticks + 1, ~0u));
}
