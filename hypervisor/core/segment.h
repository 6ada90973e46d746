/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segments as the hypervisor keeps them and as the TLFS has them: other places for AVL, L, DB, G. */
#pragma once

#include "core/virt.h"
#include "hv/register.h"

static inline struct hv_segment segment_to_hv(const struct segment *s)
{
	return (struct hv_segment){
		.base = s->base,
		.limit = s->limit,
		.selector = s->selector,
		.attributes = (u16)((s->attributes & 0xff) | (s->attributes & 0xf00) << 4),
	};
}

static inline struct segment segment_from_hv(const struct hv_segment *s)
{
	return (struct segment){
		.base = s->base,
		.limit = s->limit,
		.selector = s->selector,
		.attributes = (u16)((s->attributes & 0xff) | (s->attributes & 0xf000) >> 4),
	};
}
