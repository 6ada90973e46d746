/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A logical processor: its descriptor tables, stacks, timers and the root VP that lives on it.
 * GS points to the structure of the running processor.
 *
 * Written by its own processor, except `panicking`.
 */
#pragma once

#include "core/timer.h"
#include "core/types.h"
#include "x86/layout.h"

struct partition;

#define MAX_CPUS 256

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7]; /* 1: #DF, 2: NMI, 3: #MC */
	u64 reserved2;
	u16 reserved3, iopb;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "TSS size, APM 2 12.2.5");

/* What a starting processor and the first one say to each other: smp.c. */
enum start_verdict {
	START_NOT_ASKED,
	START_ASKED, /* for its TSC */
	START_ANSWERED,
	START_GO,
	START_SKEWED,
	START_LATE,
};

struct cpu {
	struct cpu *self; /* %gs:0 */
	u32 index;
	u32 apic_id;
	u64 cr3;
	u64 stack; /* its top */
	u64 gdt[5];
	struct tss tss;
	u64 *tables; /* see paging.h */
	u32 tables_used;
	struct vp *vp;    /* the root VP of this processor */
	struct vp *child; /* whose state is in the processor instead, or NULL */
	struct timer_queue timers;
	spa_t svm_host_save;      /* for the processor (VM_HSAVE_PA) */
	spa_t svm_host_vmcb;      /* for our VMSAVE and VMLOAD */
	enum start_verdict start; /* atomic */
	u64 tsc_read;
	bool online;                 /* atomic */
	bool idle;                   /* atomic: in cpu_idle() */
	bool flush_requested;        /* atomic: see cpu_quiesce() */
	bool flush_tlb;              /* all of it, before the next entry with a fresh ASID */
	u32 stay;                    /* atomic: odd while it is in a guest */
	struct partition *partition; /* atomic: whose guest that is */
	u32 asid_next;               /* svm/child.c: of this generation */
	u64 asid_generation;
	u64 last_partition; /* whose child was here last: its id */

	/* Level-triggered vectors whose physical EOI is held back: see intr.c. */
	u32 level_in_service[8];
	u32 level_eoi_owed[8];
	bool extint_enabled; /* the root's LINT0 takes the 8259's interrupts */
};

_Static_assert(offsetof(struct cpu, apic_id) == CPU_APIC_ID, "boot.S");
_Static_assert(offsetof(struct cpu, cr3) == CPU_CR3, "boot.S");
_Static_assert(offsetof(struct cpu, stack) == CPU_STACK, "boot.S");

extern struct cpu *cpus[MAX_CPUS];
extern u32 cpu_count;

static inline struct cpu *this_cpu(void)
{
	struct cpu *cpu;

	__asm__("mov %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

/* Makes this_cpu() work on the boot processor. The very first thing. */
void cpu_init_early(void);

/*
 * Finds the processors in the MADT; the calling one becomes number 0. Allocates their structures.
 * Those that cannot be addressed are left out, with a word.
 */
void cpu_enumerate(void);

/* GDT, TSS and IDT: exceptions are handled from here on, memory mapped by touch among them. */
void cpu_init_tables(struct cpu *cpu);

/* Loads descriptor tables, GS, control register bits. On the processor itself, once. */
void cpu_init(struct cpu *cpu);

/* Top of the stack of a processor (mapped by paging.c). */
u64 cpu_stack_top(u32 index);

/* Starts all application processors; returns when each runs ap_main() or was given up (logged). */
void smp_start(void);

/*
 * Around a stay in a guest, in which the processor holds no pointers into guests' memory. Before it
 * enters, and behind cpu_begin_stay(), it looks whether the map was flushed: either it sees that, or
 * arch_flush_map() sees it in the guest.
 */
static inline void cpu_begin_stay(struct cpu *cpu)
{
	__atomic_fetch_add(&cpu->stay, 1, __ATOMIC_SEQ_CST);
}

static inline void cpu_end_stay(struct cpu *cpu)
{
	__atomic_fetch_add(&cpu->stay, 1, __ATOMIC_SEQ_CST);
}

/*
 * Called by a processor that holds no translation of any guest address: answers a request of
 * arch_flush_map().
 */
void cpu_quiesce(struct cpu *cpu);

/* Lets pending physical interrupts and NMIs in, and nothing else. Interrupts are off before and after. */
void cpu_interrupt_window(void);

/* Waits in a halt for the next interrupt (returns at once if an event is there). */
void cpu_idle(struct vp *vp);
