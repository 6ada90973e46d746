/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vendor seam. x86/svm (and x86/vmx, and fake/ for host tests) implement struct virt_ops;
 * every exit is decoded into one neutral `struct vexit`, which core/exit.c handles once.
 *
 * Exits carry what the hardware gave, already normalized: instruction length included, so that
 * nobody above the seam asks which processor this is.
 */
#pragma once

#include "core/types.h"
#include "core/vp.h"

struct event;
struct gpa_map_format;
struct hv_register_page;
struct page_pool;

enum vexit_type {
	VEXIT_NONE, /* nothing to do: a physical interrupt or NMI was taken, or a kick */
	VEXIT_CPUID,
	VEXIT_MSR_READ,
	VEXIT_MSR_WRITE,
	VEXIT_HYPERCALL,
	VEXIT_XSETBV,
	VEXIT_HLT,
	VEXIT_IO,
	VEXIT_NPF, /* a guest-physical address is not mapped so */
	VEXIT_EXCEPTION,
	VEXIT_SHUTDOWN,  /* triple fault */
	VEXIT_UNDEFINED, /* a virtualization instruction the guest must not have: #UD */
	VEXIT_IRET,      /* end of an NMI handler, asked for by block_nmi */
	VEXIT_UNKNOWN,
	VEXIT_TYPES,
};

enum vexit_access { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_EXECUTE = 4, ACCESS_WALK = 8 };

struct vexit {
	enum vexit_type type;
	u8 length;  /* of the instruction, for CPUID, MSR, hypercall, XSETBV, HLT, I/O */
	bool quiet; /* no vector was on offer, none was taken: the offer need not be made anew */
	u64 rip;    /* of the instruction that exited */
	union {
		struct {
			gpa_t gpa;
			u32 access; /* ACCESS_*; ACCESS_WALK: made by the guest's page walk */
		} npf;
		struct {
			u16 port;
			u8 size; /* 1, 2, 4 */
			bool in, string, rep;
		} io;
		struct {
			u8 vector;
			bool has_error;
			u32 error;
		} exception;
		u64 code; /* VEXIT_UNKNOWN: the hardware's code */
	};
};

#define NO_ERROR_CODE (~0u)

enum segment_name { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_COUNT };

/* Attributes as in a descriptor: type 3:0, S 4, DPL 6:5, P 7, AVL 8, L 9, DB 10, G 11. */
struct segment {
	u16 selector;
	u16 attributes;
	u32 limit;
	u64 base;
};

struct vtable {
	u16 limit;
	u64 base;
};

/* Non-general registers: what state setup, the register hypercalls and the panic dump need. */
struct vregs {
	u64 rip, rflags, rsp;
	u64 cr0, cr2, cr3, cr4, efer, dr6, dr7, dr[4];
	struct segment segment[SEG_COUNT];
	struct vtable gdtr, idtr;
};

struct virt_ops {
	const char *name;
	u8 hypercall_opcode[3]; /* VMMCALL or VMCALL */

	/* 0, or a sentence saying exactly why this processor cannot be used. Boot processor. */
	const char *(*probe)(void);
	/* Turns virtualization on, on the calling processor. After probe() said yes. */
	void (*cpu_enable)(void);

	void (*vp_init)(struct vp *vp);
	/* Runs the guest until its next exit, which is decoded into *ret_exit. */
	void (*vp_run)(struct vp *vp, struct vexit *ret_exit);

	void (*get_regs)(struct vp *vp, struct vregs *ret_regs);
	void (*set_regs)(struct vp *vp, const struct vregs *regs);
	/*
	 * The register page's RSP, RIP, RFLAGS, segments, control registers and events from the VP's;
	 * and back what `dirty` names (HV_DIRTY_*, a new RSP being in vp->gpr). The page may change
	 * at any time.
	 */
	void (*show_regs)(const struct vp *vp, struct hv_register_page *page);
	void (*take_regs)(struct vp *vp, const struct hv_register_page *page, u32 dirty);
	/* INIT: forgets what is queued or half done, unblocks NMIs. set_regs() follows. */
	void (*reset)(struct vp *vp);
	u8 (*cpl)(const struct vp *vp);
	bool (*long_mode)(const struct vp *vp); /* 64-bit code segment in long mode */
	u64 (*efer)(const struct vp *vp);
	void (*set_efer)(struct vp *vp, u64 efer);
	u64 (*cr4)(const struct vp *vp);
	void (*set_tsc_offset)(struct vp *vp, u64 offset);

	/*
	 * Moves RIP by `length`, ends the interrupt shadow and RFLAGS.RF, and calls event_single_step() if
	 * RFLAGS.TF is set. By event_advance() only.
	 */
	void (*advance)(struct vp *vp, u8 length);
	/* An exception for the next entry; error NO_ERROR_CODE if it pushes none. Nothing is queued. */
	void (*inject_exception)(struct vp *vp, u8 vector, u32 error);
	/* What the next entry delivers first (false: nothing); it is to be this, or NULL: nothing. */
	bool (*get_event)(const struct vp *vp, struct event *ret_event);
	void (*set_event)(struct vp *vp, const struct event *event);

	/* True if an event (exception, re-injection) is already queued for the next entry. */
	bool (*event_queued)(const struct vp *vp);
	/*
	 * NMI now, no event being queued: true if it was taken; false if NMIs are blocked, then an
	 * exit (VEXIT_IRET, VEXIT_NONE) comes as soon as they are not.
	 */
	bool (*inject_nmi)(struct vp *vp);
	/* ExtINT now, the same way: blocked by IF or the interrupt shadow. */
	bool (*inject_extint)(struct vp *vp, u8 vector);
	/*
	 * Offers a vector of the local APIC (or -1: none). The processor takes it when the guest's
	 * IF and TPR allow; whether it did, vp_run() tells by lapic_end_offer() before it returns.
	 */
	void (*offer_irq)(struct vp *vp, int vector);

	/*
	 * Root: lets one instruction run with ones in place of all of the hypervisor's memory (what
	 * it writes there is lost), with no interrupt in between. A later vp_run() ends it.
	 */
	void (*step_over)(struct vp *vp);

	/* ---- children ---- */

	const struct gpa_map_format *map_format;
	/*
	 * The vendor's part of a child's VP and its XSAVE area, from `pool`. False: the pool is short,
	 * nothing taken.
	 */
	bool (*vp_create)(struct vp *vp, struct page_pool *pool);
	void (*vp_destroy)(struct vp *vp, struct page_pool *pool);
	/* This processor goes over from its root VP to the child's, and back. */
	void (*enter)(struct vp *vp);
	void (*leave)(struct vp *vp);
	/* MSRs that belong to the guest and do not exit (msr.c lists them); false: not such a one. */
	bool (*get_msr)(const struct vp *vp, u32 msr, u64 *ret_value);
	bool (*set_msr)(struct vp *vp, u32 msr, u64 value);
	/* Whether the guest takes an ExtINT now; if not, an exit comes as soon as it does. */
	bool (*extint_window)(struct vp *vp);
	/* Interrupt shadow and blocked NMIs: HV_INTERRUPT_STATE_*. */
	u64 (*interrupt_state)(const struct vp *vp);
	void (*set_interrupt_state)(struct vp *vp, u64 state);
};

extern const struct virt_ops *virt;
