/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What CPUID tells a VP: the processor's leaves with our changes, and the hypervisor's. */
#ifndef CORE_CPUID_H
#define CORE_CPUID_H

#include "core/types.h"

struct vp;

/* EAX, EBX, ECX, EDX of a leaf. Runs on the VP's processor. */
void cpuid_read(struct vp *vp, u32 leaf, u32 subleaf, u32 ret_out[4]);

#endif
