/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypervisor's own image: linker symbols and where its pieces are in physical memory. */
#pragma once

#include "core/types.h"
#include "x86/layout.h"

extern char image_text_start[], image_text_end[], image_rodata_end[], image_end[];

/* Physical address behind a pointer into the image or the direct map. */
static inline u64 image_phys_of(const void *p)
{
	u64 v = (u64)p;

	return v >= IMAGE_BASE ? v - IMAGE_BASE : v - DIRECT_BASE;
}

static inline u64 image_phys_end(void)
{
	return image_phys_of(image_end);
}
