/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a processor holds beside its general registers: filled with patterns of its own, looked at. */
#ifndef GUEST_STATE_H
#define GUEST_STATE_H

#include "core/types.h"

#define STATE_EXTENDED 1u /* x87, SSE, AVX, their control words */
#define STATE_DEBUG    2u /* DR0–DR3, DR6, DR7 */
#define STATE_MSRS     4u /* segment bases, system calls, PAT, TSC_AUX */

/* On the processor (or child's VP) itself; the second one puts MSRs and DR7 back: what was lost. */
void state_load(void);
u32 state_lost(void);

#endif
