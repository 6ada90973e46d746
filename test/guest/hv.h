/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypervisor's interface: hypercalls, statistics, its memory ranges as its log names them. */
#ifndef GUEST_HV_H
#define GUEST_HV_H

#include "core/types.h"
#include "hv/keelson.h"

#define GUEST_OS_ID 0x8100000000000001ull /* open source, not a known vendor */

extern u8 hypercall_page[PAGE_SIZE];

/* Sets up guest id and hypercall page. */
void hv_init(void);

/* Through the page. Returns the result word. */
u64 hypercall(u64 control, u64 input, u64 output);

/* Statistics of a VP; a failing call ends the run. */
struct hv_keelson_statistics hv_statistics(u32 vp);

struct hv_range {
	u64 start, end; /* end: one past */
};
#define HV_MAX_RANGES 8
/* True if the log has this text in one line. */
bool hv_log_has(const char *text);

/* "hypervisor memory A-B" lines of the log. Returns how many. */
u32 hv_memory(struct hv_range ret_ranges[HV_MAX_RANGES]);

#endif
