/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this processor needs against speculation across the hypervisor's borders, and which of its
 * faults are to be switched off by MSRs: doc/speculation.md has the table. A function of what CPUID
 * says, so that processors that no test runs on are tested all the same.
 *
 * The first fields are read by svm/switch.S.
 */
#pragma once

#include "core/types.h"

#define SPECULATION_MSRS 4

/* What is known of a processor. */
struct processor {
	u32 family, model;
	u32 ext8_ebx;             /* CPUID 80000008 EBX */
	u32 ext21_eax, ext21_ecx; /* CPUID 80000021 */
	u32 svm_edx;              /* CPUID 8000000A EDX */
	bool sbpb;                /* PRED_CMD takes bit 7: microcode that knows SRSO */
};

struct speculation {
	u8 exit_barrier;        /* IBPB at each exit: returns may follow the guest's predictions */
	u8 clear_buffers;       /* VERW before each entry */
	u8 clear_divider;       /* a division before each entry: it leaves its quotient behind */
	bool auto_ibrs;         /* EFER.AIBRSE */
	bool leave_barrier;     /* IBPB when a child's stay ends */
	bool enter_barrier;     /* IBPB when another partition's stay begins */
	bool ibpb;              /* there is PRED_CMD */
	u64 spec_ctrl;          /* bits that SPEC_CTRL may have; 0: there is no such MSR */
	bool spec_ctrl_virtual; /* and VMRUN switches it */
	bool old_microcode;     /* IBPB does not do all that it has to */
	u32 msr_count;
	struct {
		u32 msr;
		u64 set; /* bits to be set, on every processor */
	} msr[SPECULATION_MSRS];
};

/* This machine's; before the first guest, constant afterwards. */
extern struct speculation speculation;

struct speculation speculation_decide(const struct processor *p);

/* Decides for this machine. Boot processor. */
void speculation_init(void);
/* Sets what is to be set on the calling processor. */
void speculation_init_cpu(void);

#define SPECULATION_EXIT_BARRIER  0
#define SPECULATION_CLEAR_BUFFERS 1
_Static_assert(offsetof(struct speculation, exit_barrier) == SPECULATION_EXIT_BARRIER, "switch.S");
_Static_assert(offsetof(struct speculation, clear_buffers) == SPECULATION_CLEAR_BUFFERS,
	       "switch.S");
