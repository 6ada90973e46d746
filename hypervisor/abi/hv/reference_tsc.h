/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * The reference TSC page (TLFS 12.7): time in 100 ns = (TSC × scale >> 64) + offset, the same as
 * HV_MSR_TIME_REF_COUNT. Sequence 0: not valid, read the MSR.
 */
#ifndef HV_REFERENCE_TSC_H
#define HV_REFERENCE_TSC_H

#include "hv/types.h"

struct hv_reference_tsc {
	uint32_t sequence;
	uint32_t reserved;
	uint64_t scale;
	int64_t offset;
};
_Static_assert(sizeof(struct hv_reference_tsc) == 24, "TLFS 12.7");

#endif
