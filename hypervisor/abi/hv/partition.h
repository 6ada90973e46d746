/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * Input and output of the partition management calls (TLFS 5, 6, 7, 8; the public definitions of
 * the open hosts where the TLFS has none). Page numbers are the caller's GPAs >> 12.
 */
#ifndef HV_PARTITION_H
#define HV_PARTITION_H

#include "hv/register.h"
#include "hv/synic.h"

#define HV_PARTITION_ID_SELF 0xffffffffffffffffull

struct hv_create_partition_input {
	uint64_t flags; /* 0 */
	uint64_t proximity;
	uint32_t compatibility;
	uint32_t reserved;
	uint64_t disabled_features[3];
	uint64_t isolation; /* 0 */
};
_Static_assert(sizeof(struct hv_create_partition_input) == 56, "layout");

/* Initialize, finalize, delete, get balance (with proximity behind it). */
struct hv_partition_input {
	uint64_t partition_id;
};

struct hv_partition_proximity_input {
	uint64_t partition_id;
	uint64_t proximity;
};

struct hv_memory_balance {
	uint64_t available;
	uint64_t in_use;
};

enum hv_partition_property {
	HV_PROPERTY_PRIVILEGES = 0x00010000,
	HV_PROPERTY_TIME_FREEZE = 0x00030003,
	HV_PROPERTY_REFERENCE_TIME = 0x00030005,
};

struct hv_property_input {
	uint64_t partition_id;
	uint32_t code;
	uint32_t reserved;
	uint64_t value; /* set only: the get call's list ends before it */
};

struct hv_next_child_input {
	uint64_t partition_id;
	uint64_t previous_id; /* 0: the first one */
};

#define HV_MAP_READABLE   0x1u
#define HV_MAP_WRITABLE   0x2u
#define HV_MAP_EXECUTABLE 0xcu        /* kernel and user: both or none */
#define HV_MAP_LARGE_PAGE 0x80000000u /* every page number stands for 512 pages, aligned */

struct hv_map_gpa_input { /* map: reps are page numbers; unmap: reps have no list */
	uint64_t partition_id;
	uint64_t gpa_page;
	uint32_t flags; /* HV_MAP_*; unmap: HV_MAP_LARGE_PAGE or 0 */
	uint32_t reserved;
};

struct hv_create_vp_input {
	uint64_t partition_id;
	uint32_t vp_index;
	uint32_t subnode_type;
	uint64_t subnode_id;
	uint64_t proximity;
	uint64_t flags; /* 0 */
};

struct hv_vp_input {
	uint64_t partition_id;
	uint32_t vp_index;
	uint32_t reserved; /* level: 0 */
};

/* Header of get and set VP registers: hv_vp_input. Get: reps are names → values. */
struct hv_set_register {
	uint32_t name;
	uint32_t reserved;
	uint64_t reserved1;
	union hv_register_value value;
};
_Static_assert(sizeof(struct hv_set_register) == 32, "TLFS 7.12");

enum hv_intercept_type { HV_INTERCEPT_IO_PORT, HV_INTERCEPT_MSR, HV_INTERCEPT_CPUID };

struct hv_install_intercept_input {
	uint64_t partition_id;
	uint32_t access;    /* bits: 1 read, 2 write, 4 execute; 0 removes it */
	uint32_t type;      /* enum hv_intercept_type */
	uint64_t parameter; /* CPUID: the leaf */
};

struct hv_intercept_result_input {
	uint64_t partition_id;
	uint32_t vp_index; /* 0xffffffff: all; no other is taken */
	uint32_t type;     /* HV_INTERCEPT_CPUID */
	uint32_t leaf, subleaf;
	uint8_t subleaf_specific;
	uint8_t always_override;
	uint16_t reserved;
	struct {
		uint32_t value, mask;
	} result[4]; /* EAX, EBX, ECX, EDX */
	uint32_t reserved1;
};
_Static_assert(sizeof(struct hv_intercept_result_input) == 64, "layout");

#define HV_TRANSLATE_READ      0x1ull
#define HV_TRANSLATE_WRITE     0x2ull
#define HV_TRANSLATE_EXECUTE   0x4ull
#define HV_TRANSLATE_AS_KERNEL 0x8ull

struct hv_translate_input {
	uint64_t partition_id;
	uint32_t vp_index;
	uint32_t reserved;
	uint64_t flags;
	uint64_t gva_page;
};

enum hv_translate_result {
	HV_TRANSLATE_SUCCESS,
	HV_TRANSLATE_NOT_PRESENT,
	HV_TRANSLATE_PRIVILEGE,
	HV_TRANSLATE_BAD_FLAGS,
	HV_TRANSLATE_GPA_UNMAPPED,
};

struct hv_translate_output {
	uint64_t result; /* enum hv_translate_result */
	uint64_t gpa_page;
};

#define HV_INTERRUPT_LEVEL   (1ull << 32)
#define HV_INTERRUPT_LOGICAL (1ull << 33)

struct hv_assert_interrupt_input {
	uint64_t partition_id;
	uint64_t control; /* 31:0 delivery mode as in the ICR, HV_INTERRUPT_* */
	uint64_t destination;
	uint32_t vector;
	uint32_t reserved;
};

#define HV_DISPATCH_CLEAR_INTERCEPT 0x1u

/* Short enough for a fast call. The output is in the VP's intercept page (hv/intercept.h). */
struct hv_dispatch_input {
	uint64_t partition_id;
	uint32_t vp_index;
	uint32_t flags;
};

enum hv_dispatch_state { HV_DISPATCH_BLOCKED = 1, HV_DISPATCH_READY = 2 };
enum hv_dispatch_event { HV_DISPATCH_NONE, HV_DISPATCH_SUSPENDED, HV_DISPATCH_INTERCEPT };

struct hv_dispatch_output {
	uint32_t state;
	uint32_t event;
	/*
	 * Of a blocked VP: the caller's TSC at which a timer of it runs out, or ~0. The hypervisor
	 * keeps no timers for VPs that are not dispatched.
	 */
	uint64_t wake_tsc;
};

enum hv_state_page { HV_STATE_PAGE_REGISTERS, HV_STATE_PAGE_INTERCEPT };

struct hv_map_state_page_input {
	uint64_t partition_id;
	uint32_t vp_index;
	uint32_t type; /* enum hv_state_page */
};

enum hv_vp_state {
	HV_VP_STATE_LAPIC,
	HV_VP_STATE_XSAVE,
	HV_VP_STATE_SIMP,
	HV_VP_STATE_SIEFP,
	HV_VP_STATE_TIMERS,
};

/* Get and set: reps are page numbers of the caller's memory for the state; get tells its size. */
struct hv_vp_state_input {
	uint64_t partition_id;
	uint32_t vp_index;
	uint32_t type; /* enum hv_vp_state */
	uint64_t size; /* set only */
};

struct hv_post_message_direct_input {
	uint64_t partition_id;
	uint32_t vp_index;
	uint32_t level;
	uint32_t sint;
	uint8_t message[HV_MESSAGE_SIZE]; /* struct hv_message, at offset 20 */
	uint32_t reserved;
};
_Static_assert(sizeof(struct hv_post_message_direct_input) == 280, "layout");

struct hv_signal_event_direct_input {
	uint64_t partition_id;
	uint32_t vp_index;
	uint8_t level;
	uint8_t sint;
	uint16_t flag;
};

struct hv_signal_event_direct_output {
	uint8_t newly_signaled;
	uint8_t reserved[7];
};

/* HvCallPostMessage, of guests. */
struct hv_post_message_input {
	uint32_t connection;
	uint32_t reserved;
	uint32_t type;
	uint32_t size;
	uint8_t payload[HV_MESSAGE_PAYLOAD];
};
_Static_assert(sizeof(struct hv_post_message_input) == 256, "TLFS 11.11.1");

/* What a saved local APIC and saved timers look like (HvCallGet/SetVpState). */
struct hv_lapic_state {
	uint32_t version; /* 1 */
	uint32_t id, svr, tpr, ldr, dfr, esr, icr_low, icr_high;
	uint32_t lvt[7]; /* CMCI, timer, thermal, performance, LINT0, LINT1, error */
	uint32_t timer_initial, timer_current, timer_divide;
	uint32_t extint; /* pending vector, or 0xffffffff */
	uint32_t isr[8], tmr[8], irr[8];
	uint64_t base, tsc_deadline;
};

struct hv_timers_state {
	uint32_t version;     /* 1 */
	uint32_t undelivered; /* messages that found their slot full: one bit each */
	struct {
		uint64_t config, count, expiration;
	} timer[HV_TIMER_COUNT];
};

#endif
