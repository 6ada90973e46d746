/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of calls, one per file that serves some; hypercall.c searches them in this order. */
#pragma once

#include "core/hypercall.h"
#include "hv/cpuid.h"

/*
 * A call and who may make it, with `size` bytes of input, or a struct of that name; what else is not
 * 0 of struct hypercall_kind follows.
 */
#define CALL_OF(privileges, name, size, function, ...)                                  \
	{                                                                               \
		.code = HV_CALL_##name, .privilege = (privileges), .in_header = (size), \
		.handle = (function), ##__VA_ARGS__                                     \
	}
#define CALL(privileges, name, input, function, ...) \
	CALL_OF(privileges, name, sizeof(struct hv_##input##_input), function, ##__VA_ARGS__)

/* What most calls of a parent need. */
#define MANAGE ((u64)HV_CREATE_PARTITIONS << 32)

extern const struct hypercall_kind guest_calls[];     /* messages and events, by guests */
extern const struct hypercall_kind dispatch_calls[];  /* running VPs, interrupts */
extern const struct hypercall_kind memory_calls[];    /* deposits and guest maps */
extern const struct hypercall_kind partition_calls[]; /* life and properties */
extern const struct hypercall_kind vp_calls[];        /* VPs, registers, intercepts */
extern const struct hypercall_kind state_calls[];     /* VP state in one piece */
extern const struct hypercall_kind keelson_calls[];
