/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What CPUID tells a VP: the processor's leaves with our changes, and the hypervisor's. */
#pragma once

#include "core/types.h"
#include "hv/status.h"

struct hv_intercept_result_input;
struct partition;
struct vp;

/*
 * The processor's EAX, EBX, ECX, EDX for the leaf in the VP's registers become the VP's. On the VP's
 * processor.
 */
void cpuid_change(struct vp *vp, u32 out[4]);

/* The same for a child: child_cpuid.c lists all that it sees. */
void child_cpuid_change(struct vp *vp, u32 leaf, u32 subleaf, u32 out[4]);

/* Lays over `out` what the parent registered for that leaf; true: it wants to answer itself. */
bool must_check cpuid_parent(const struct vp *vp, u32 out[4]);

/* What the parent wants of CPUID; the partition keeps it in a page of its pool. Management lock. */
hv_status must_check cpuid_set_result(struct partition *p,
				      const struct hv_intercept_result_input *result);
hv_status must_check cpuid_intercept(struct partition *p, u32 leaf, bool on);
