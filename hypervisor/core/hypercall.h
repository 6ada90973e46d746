/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls: the control word is decoded and checked, the input copied once, then the call of
 * that code does its work (TLFS chapter 3).
 */
#pragma once

#include "core/types.h"
#include "hv/hypercall.h"
#include "hv/status.h"

struct partition;
struct vp;

#define HYPERCALL_HEADER_MAX 288u

/*
 * A call that takes longer than 50 microseconds is to give way (TLFS 3.8): it stops where it is, RIP
 * stays on the instruction, with the new start index if it repeats, interrupts come in, and the guest
 * makes the rest of it. Here it stops a little earlier, to have time for its flush.
 */
#define HYPERCALL_US         40

/* A call in progress. `header` is our copy; rep elements are copied as they are asked for. */
struct hypercall {
	struct vp *vp;
	u16 code;
	bool fast;
	u16 rep_count, rep_next; /* rep_next: the first one that is not done yet */
	bool again;              /* to be made once more, though it does not repeat */
	u64 started;             /* TSC */
	u64 input, output;       /* GPAs, or the words of a fast call */
	const struct hypercall_kind *kind;
	const u8 *in;            /* the caller's input list; slow calls only */
	u8 *out;                 /* its output list, or NULL */
	struct partition *child; /* by the kind's target; its VP is claimed for the call */
	struct vp *child_vp;
	u64 header[HYPERCALL_HEADER_MAX / 8];
};

/* What the header begins with: a child of the caller, one that may run, and with a VP index. */
enum hypercall_target {
	TARGET_NONE,
	TARGET_CHILD,
	TARGET_ACTIVE,
	TARGET_VP,     /* of an active child */
	TARGET_ANY_VP, /* in whatever state the partition is: to delete it */
};

enum hypercall_how {
	REPEATED = 1,
	MANAGED = 2, /* runs under the management lock */
};

/* What a call code takes. Sizes in bytes, multiples of 8. */
struct hypercall_kind {
	u16 code;
	u16 in_header, in_rep;
	u16 out_header, out_rep;
	u8 how, target;
	u64 privilege; /* bits of HV_PARTITION_PRIVILEGE_MASK that it needs */
	hv_status (*handle)(struct hypercall *call);
};

enum hypercall_end {
	HYPERCALL_REFUSED, /* the caller may make none (CPL, mode, interface not set up): #UD */
	HYPERCALL_DONE,    /* the result word is in the VP's registers */
	HYPERCALL_AGAIN,   /* it goes on when the VP runs the same instruction again */
};

/* Carries out the hypercall in the VP's registers. */
enum hypercall_end must_check hypercall_handle(struct vp *vp);

/* Decodes only (for hypercall_handle and the fuzzer). `call` has vp, input and output set. */
hv_status must_check hypercall_decode(struct hypercall *call, u64 control);

/* Whether its time is up. */
bool must_check hypercall_is_late(const struct hypercall *call);
/*
 * Element `rep_next` is done. True: the handler returns HV_STATUS_SUCCESS, whatever is left, having
 * ended what it began.
 */
bool must_check hypercall_next(struct hypercall *call);

/* The rep element `rep_next`, copied, and the place of its output. */
void hypercall_rep_input(const struct hypercall *call, void *ret_element);
void *hypercall_rep_output(const struct hypercall *call);
