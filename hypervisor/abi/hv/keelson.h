/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * Calls of Keelson's own, for the root partition, in the part of the code space that the TLFS
 * leaves to vendors (0x8000 and up are extended calls; these start at 0x8f00). Not stable between
 * versions of Keelson: the driver and the hypervisor come together.
 *
 * All are slow calls; both GPAs are whole pages.
 */
#ifndef HV_KEELSON_H
#define HV_KEELSON_H

#include "hv/types.h"

enum hv_keelson_call {
	/* Text of the log that follows input.cursor (0: the oldest). */
	HV_CALL_KEELSON_READ_LOG = 0x8f00,
	/* What one VP of the root, and the hypervisor as a whole, did so far. */
	HV_CALL_KEELSON_STATISTICS = 0x8f01,
	/* Where a blocked VP of a child knocks when it can go on: an event flag of the caller. */
	HV_CALL_KEELSON_SET_WAKE_FLAG = 0x8f02,
};

struct hv_keelson_log_input {
	uint64_t cursor;
};

#define HV_KEELSON_LOG_TEXT 4072

struct hv_keelson_log_output {
	uint64_t cursor; /* for the next call */
	uint64_t lost;   /* pieces of text overwritten before they were read */
	uint32_t length; /* of text; 0: nothing new */
	uint32_t reserved;
	char text[HV_KEELSON_LOG_TEXT];
};
_Static_assert(sizeof(struct hv_keelson_log_output) == 4096, "one page");

struct hv_keelson_wake_flag_input {
	uint64_t partition_id;
	uint32_t vp_index;
	uint8_t sint; /* of the root VP that dispatched it last */
	uint8_t reserved;
	uint16_t flag;
};

struct hv_keelson_statistics_input {
	uint32_t vp_index;
	uint32_t reserved;
};

/* Kinds of exits, in the order of the counters. */
enum hv_keelson_exit {
	HV_EXIT_INTERRUPT, /* a physical interrupt or a kick */
	HV_EXIT_CPUID,
	HV_EXIT_MSR_READ,
	HV_EXIT_MSR_WRITE,
	HV_EXIT_HYPERCALL,
	HV_EXIT_XSETBV,
	HV_EXIT_HLT,
	HV_EXIT_IO,
	HV_EXIT_MEMORY,
	HV_EXIT_EXCEPTION,
	HV_EXIT_SHUTDOWN,
	HV_EXIT_UNDEFINED,
	HV_EXIT_IRET,
	HV_EXIT_UNKNOWN,
	HV_EXIT_KINDS,
};

struct hv_keelson_statistics {
	uint64_t exits[16]; /* of the VP, by enum hv_keelson_exit */
	uint64_t vp_count;
	uint64_t foreign_accesses; /* of the root: touches of the hypervisor's memory */
	uint64_t pool_free;        /* the hypervisor's own pages */
	uint64_t pool_total;
	uint64_t tsc_hz;
};

#endif
