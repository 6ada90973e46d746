/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of a child's MSRs, and the handlers that it shares with the root's (msr.c). */
#pragma once

#include "core/msr.h"

/* One or more MSRs. A NULL function: not intercepted in that direction. */
struct msr_range {
	u32 first, last;
	bool (*read)(struct vp *vp, u32 msr, u64 *ret_value);
	bool (*write)(struct vp *vp, u32 msr, u64 value);
};

extern const struct msr_range child_msr_ranges[];
extern const size_t child_msr_range_count;

/* Those that do not exit, when they are asked for all the same (by register name). */
bool must_check child_msr_read_direct(struct vp *vp, u32 msr, u64 *ret_value);
bool must_check child_msr_write_direct(struct vp *vp, u32 msr, u64 value);

/* msr.c */
bool msr_read_lapic(struct vp *vp, u32 msr, u64 *ret_value);
bool msr_write_lapic(struct vp *vp, u32 msr, u64 value);
bool msr_read_efer(struct vp *vp, u32 msr, u64 *ret_value);
bool msr_write_efer(struct vp *vp, u32 msr, u64 value);
bool msr_read_fault(struct vp *vp, u32 msr, u64 *ret_value);
bool msr_write_fault(struct vp *vp, u32 msr, u64 value);
