/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stand-in machine of the host tests: arch.h and virt.h over an arena of host memory, with a
 * clock that the test sets and a record of everything that core/ asked for.
 *
 * One thread; the "current processor" is a number that the test chooses.
 */
#ifndef FAKE_FAKE_H
#define FAKE_FAKE_H

#include "core/event.h"
#include "core/gpa_map.h"
#include "core/partition.h"
#include "core/virt.h"

#define FAKE_CPUS        8u
#define FAKE_RAM_BASE    0x100000ull /* physical address of the arena */
#define FAKE_RAM_PAGES   4096u
#define FAKE_HIDDEN      16u /* pages at its end that the root cannot reach */
#define FAKE_HZ          2000000000ull
#define FAKE_MSR_COUNT   16u
#define FAKE_VENDOR_MSRS 9u

struct fake_msr {
	u32 index;
	u64 value;
};

struct fake_machine {
	u64 tsc;
	u64 tsc_step; /* passes at each look at the clock */
	u64 tsc_hz;
	u32 cpu, cpu_count;

	u64 timer_armed; /* last arch_timer_arm() */
	u32 timer_arms;
	u32 kicks;
	struct vp *kicked; /* last */
	u32 level_eois;
	u8 level_eoi_vector;
	u32 lvt[LVT_COUNT], lvt_changes;
	u32 flushes;                  /* arch_flush_map() */
	u32 quiets;                   /* arch_quiesce() */
	void (*on_quiet)(void);       /* called by it, or NULL */
	u64 device_base, device_size; /* physical addresses in the arena that are no RAM */
	u32 exits_soon, resets;
	u64 xcr0;
	struct fake_msr msr[FAKE_MSR_COUNT]; /* MSRs that arch_msr_* find; the rest faults */
	u32 extended_lvt;                    /* of the local APIC, register 50h */
	u32 cpuid[8][5];                     /* leaf, then what arch_cpuid() answers; else zeros */
	u32 pages_out;                       /* pages handed out by fake_page() */
};

extern struct fake_machine fake;
extern struct timer_queue fake_timers[FAKE_CPUS];

/* The vendor's part of a VP: what was asked of virt_ops since fake_vp_clear(). */
struct virt_vp {
	struct vregs regs;
	u8 cpl;
	bool long_mode;
	u64 tsc_offset;
	bool inside;                    /* between enter() and leave() */
	u64 switched[FAKE_VENDOR_MSRS]; /* those that the vendor's part keeps */
	u64 interrupt_state;
	u32 advanced;  /* bytes */
	int exception; /* last injected vector, or -1 */
	u32 exception_error;
	bool event_queued; /* `event`, if a test has set it */
	struct event event;
	bool nmi_blocked, extint_blocked;
	u32 nmis;
	int extint; /* last queued, or -1 */
	int offered;
	u32 step_overs;
};

/* Everything as after power-up: time 0, no MSRs, arena zeroed and unused, no records. */
void fake_reset(void);

/* Part of the arena is a device's: no RAM. */
void fake_device(u64 base, u64 size);

/* The next unused page of the arena; aborts when it is used up. */
spa_t fake_page(void);
/* Whether all of the range is mapped one to one with all rights. */
bool fake_is_identity(const struct gpa_map *map, gpa_t gpa, u64 size);

/* A fresh pool of `pages` pages. */
void fake_pool(struct page_pool *pool, u32 pages);

/*
 * root_partition with `vps` VPs, one per processor. Its memory is the arena, mapped one to one but
 * for the last FAKE_HIDDEN pages, which play the hypervisor's own.
 */
void fake_root(u32 vps);

/* The processor takes a vector that is pending. */
void fake_take(struct lapic *l, u8 vector);

/* Forgets the records of one VP. */
void fake_vp_clear(struct vp *vp);

/*
 * What vp_run() of a child does: each call takes the next script step, and the last one for ever.
 * NULL: exits with VEXIT_NONE and gives the root something to do, so that a dispatch ends.
 */
struct fake_step {
	struct vexit exit;
	void (*before)(struct vp *vp); /* or NULL */
};
void fake_script(const struct fake_step *steps, u32 count);

extern const struct gpa_map_format fake_format;

#endif
