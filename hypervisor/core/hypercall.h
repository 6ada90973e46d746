/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls: the control word is decoded and checked, the input copied once, then the call of
 * that code does its work (TLFS chapter 3).
 */
#ifndef CORE_HYPERCALL_H
#define CORE_HYPERCALL_H

#include "core/types.h"
#include "hv/hypercall.h"
#include "hv/status.h"

struct vp;

#define HYPERCALL_HEADER_MAX 288u

/* A call in progress. `header` is our copy; rep elements are copied as they are asked for. */
struct hypercall {
	struct vp *vp;
	u16 code;
	bool fast;
	u16 variable;            /* 8-byte units of variable header */
	u16 rep_count, rep_next; /* rep_next: the first one that is not done yet */
	u64 input, output;       /* GPAs, or the words of a fast call */
	const struct hypercall_kind *kind;
	const u8 *in; /* the caller's input list; slow calls only */
	u8 *out;      /* its output list, or NULL */
	u64 header[HYPERCALL_HEADER_MAX / 8];
};

/* What a call code takes. Sizes in bytes, multiples of 8; reps 0: not a rep call. */
struct hypercall_kind {
	u16 code;
	u16 in_header, in_rep;
	u16 out_header, out_rep;
	bool rep, variable;
	bool managed;  /* runs under the management lock */
	u64 privilege; /* bits of HV_PARTITION_PRIVILEGE_MASK that it needs */
	hv_status (*handle)(struct hypercall *call);
};

/*
 * Carries out the hypercall in the VP's registers and puts the result word there. False: the
 * caller may not make hypercalls (CPL, mode, interface not set up): #UD.
 */
bool must_check hypercall_handle(struct vp *vp);

/* Decodes only (for hypercall_handle and the fuzzer). `call` has vp, input and output set. */
hv_status must_check hypercall_decode(struct hypercall *call, u64 control);

/* After waiting: the output list once more, or NULL if it is gone. */
void *hypercall_output_again(const struct hypercall *call);

/* The rep element `rep_next`, copied, and the place of its output. */
void hypercall_rep_input(const struct hypercall *call, void *ret_element);
void *hypercall_rep_output(const struct hypercall *call);

#endif
