/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See machine_check.h. The legacy MSRs of a bank reach it on processors with scalable MCA, too. */
#include "x86/machine_check.h"
#include "x86/asm.h"

#define MSR_MCG_CAP     0x179
#define MSR_MCG_STATUS  0x17a
#define MSR_MC0_STATUS  0x401 /* each bank has four MSRs */
#define MCG_CAP_BANKS   0xff
#define MCG_STATUS_RIPV BIT(0)

#define MC_VALID        BIT(63)
#define MC_OVERFLOW     BIT(62)
#define MC_UNCORRECTED  BIT(61)
#define MC_ENABLED      BIT(60)
#define MC_CORRUPT      BIT(57) /* PCC: the processor's context, not the program's alone */

bool machine_check_is_guests(void)
{
	bool found = false;
	u64 cap, status;

	if (rdmsr_safe(MSR_MCG_CAP, &cap))
		return false;
	for (u32 i = 0; i < (cap & MCG_CAP_BANKS); i++) {
		if (rdmsr_safe(MSR_MC0_STATUS + 4 * i, &status))
			return false;
		if (!(status & MC_VALID) || !(status & MC_UNCORRECTED))
			continue;
		if (status & (MC_OVERFLOW | MC_CORRUPT))
			return false;
		found |= !!(status & MC_ENABLED);
	}
	return found && !wrmsr_safe(MSR_MCG_STATUS, 0);
}

bool machine_check_can_return(void)
{
	u64 status;

	return !rdmsr_safe(MSR_MCG_STATUS, &status) && (status & MCG_STATUS_RIPV);
}
