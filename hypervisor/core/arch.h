/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What core/ asks of the machine below it: the processor (x86/) or the stand-in of the host tests
 * (fake/). Everything here may be called with physical interrupts held off and must not block.
 */
#pragma once

#include "core/types.h"

struct partition;
struct vp;

/* Time stamp counter of this processor; all processors agree. Ticks of arch_tsc_hz(). */
u64 arch_tsc(void);
u64 arch_tsc_hz(void);

/* Number of this logical processor, 0 … arch_cpu_count() - 1. A fake test may set it. */
u32 arch_cpu_index(void);
u32 arch_cpu_count(void);

/* Pointer to physical memory through the hypervisor's direct map. The memory must be RAM. */
void *arch_map(spa_t spa);
spa_t arch_unmap(const void *p);

/* True if the page that holds `spa` is RAM, and not a device's or nobody's. */
bool arch_is_ram(spa_t spa);

/*
 * Makes the processor that runs `vp` leave the guest (or its halt) soon and look at vp->events and
 * its local APIC again. A call for the current VP is free: it looks anyway. Any context.
 */
void arch_kick(struct vp *vp);

/* The running processor leaves the guest right after its next entry, the queued event taken. */
void arch_exit_soon(void);

/*
 * The one physical timer of this processor: fire at or after `tsc`, then call timers_expire().
 * ~0 turns it off. A time that has passed fires at once.
 */
void arch_timer_arm(u64 tsc);

/*
 * The root wrote EOI for a vector that came in level-triggered from a physical interrupt
 * controller: the physical EOI, held back until now, may follow. Runs on the VP's processor.
 */
void arch_level_eoi(struct vp *vp, u8 vector);

/*
 * The root VP changed an LVT entry whose source is physical – LINT0, LINT1, CMCI, thermal,
 * performance counters (enum lapic_lvt) – and this processor's own entry follows.
 */
void arch_lvt_changed(struct vp *vp, u32 lvt, u32 value);

/*
 * The extended registers of this processor's local APIC (AMD; x2APIC indexes 40h to 53h), which the
 * root has as they are. False: not such a register, or not one to be written.
 */
bool must_check arch_lapic_read_extended(u32 reg, u32 *ret_value);
bool must_check arch_lapic_write_extended(u32 reg, u32 value);

/* CPUID as the processor answers it. */
void arch_cpuid(u32 leaf, u32 subleaf, u32 ret_out[4]);

/* The processor's MSR; false if it raised #GP. For MSRs that the root may reach. */
bool must_check arch_msr_read_safe(u32 msr, u64 *ret_value);
bool must_check arch_msr_write_safe(u32 msr, u64 value);

/*
 * Bits that XCR0 can have on this machine; and the VP's XCR0 (checked by the caller), in the
 * processor only if that VP runs on it now.
 */
u64 arch_xcr0_supported(void);
u64 arch_xcr0(const struct vp *vp);
void arch_set_xcr0(struct vp *vp, u64 value);

/* Size of a child's XSAVE area: standard form, up to AVX. */
size_t arch_xsave_size(void);

/*
 * Returns when no processor uses an old translation of the partition's map: neither the guest nor
 * an exit that was being handled. Interrupts only those that run the partition now. A processor that waits in here counts as done; so nobody keeps
 * a pointer from gpa_map_lookup() across this call.
 */
void arch_flush_map(struct partition *p);

/*
 * The running processor holds no such pointer now: answers the arch_flush_map() of others. Before
 * every entry into a guest, and wherever core/ waits. Nearly free when nobody asks.
 */
void arch_quiesce(void);

/* Restarts the machine. Does not return on a real one. */
void arch_reset(void);

static inline void arch_pause(void)
{
	__builtin_ia32_pause();
}
