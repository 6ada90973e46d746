/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's own page tables, walked by us (SDM 3A chapter 4): virtual → guest-physical. */
#pragma once

#include "core/virt.h"

enum translate_access {
	TRANSLATE_READ = 1,
	TRANSLATE_WRITE = 2,
	TRANSLATE_EXECUTE = 4,
	TRANSLATE_USER = 8,
};

enum translate_result {
	TRANSLATE_OK,
	TRANSLATE_NOT_PRESENT,
	TRANSLATE_DENIED,
	TRANSLATE_RESERVED_BITS,
	TRANSLATE_UNMAPPED, /* a table lies where no memory is */
};

/* Sets no accessed or dirty bits. `regs`: the VP's, as they are now. */
enum translate_result translate(struct vp *vp, const struct vregs *regs, gva_t gva, u32 access,
				gpa_t *ret_gpa);

/* Copies up to `size` bytes of code at RIP; returns how many could be read. */
u32 translate_fetch(struct vp *vp, const struct vregs *regs, u8 *buffer, u32 size);
