/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/* Names and values of VP registers for HvCallGet/SetVpRegisters (TLFS 7.2). */
#ifndef HV_REGISTER_H
#define HV_REGISTER_H

#include "hv/types.h"

enum hv_register_name {
	HV_REGISTER_EXPLICIT_SUSPEND = 0x00000000,
	HV_REGISTER_INTERCEPT_SUSPEND = 0x00000001,
	HV_REGISTER_INTERNAL_ACTIVITY = 0x00000004,
	HV_REGISTER_CRASH_P0 = 0x00000210,
	HV_REGISTER_CRASH_P4 = 0x00000214,

	HV_REGISTER_PENDING_INTERRUPTION = 0x00010002,
	HV_REGISTER_INTERRUPT_STATE = 0x00010003,
	HV_REGISTER_PENDING_EVENT0 = 0x00010004,
	HV_REGISTER_PENDING_EVENT1 = 0x00010005,
	HV_REGISTER_DELIVERABILITY_NOTIFICATIONS = 0x00010006,

	HV_REGISTER_RAX = 0x00020000, /* … R15: 0x0002000f, in encoding order */
	HV_REGISTER_R15 = 0x0002000f,
	HV_REGISTER_RIP = 0x00020010,
	HV_REGISTER_RFLAGS = 0x00020011,

	HV_REGISTER_CR0 = 0x00040000,
	HV_REGISTER_CR2 = 0x00040001,
	HV_REGISTER_CR3 = 0x00040002,
	HV_REGISTER_CR4 = 0x00040003,
	HV_REGISTER_CR8 = 0x00040004,
	HV_REGISTER_XFEM = 0x00040005,

	HV_REGISTER_DR0 = 0x00050000, /* to DR3 */
	HV_REGISTER_DR6 = 0x00050004,
	HV_REGISTER_DR7 = 0x00050005,

	HV_REGISTER_ES = 0x00060000, /* ES CS SS DS FS GS LDTR TR */
	HV_REGISTER_TR = 0x00060007,
	HV_REGISTER_IDTR = 0x00070000,
	HV_REGISTER_GDTR = 0x00070001,

	HV_REGISTER_TSC = 0x00080000,
	HV_REGISTER_EFER = 0x00080001,
	HV_REGISTER_KERNEL_GS_BASE = 0x00080002,
	HV_REGISTER_APIC_BASE = 0x00080003,
	HV_REGISTER_PAT = 0x00080004,
	HV_REGISTER_SYSENTER_CS = 0x00080005,
	HV_REGISTER_SYSENTER_EIP = 0x00080006,
	HV_REGISTER_SYSENTER_ESP = 0x00080007,
	HV_REGISTER_STAR = 0x00080008,
	HV_REGISTER_LSTAR = 0x00080009,
	HV_REGISTER_CSTAR = 0x0008000a,
	HV_REGISTER_SFMASK = 0x0008000b,
	HV_REGISTER_SPEC_CTRL = 0x00080084,

	HV_REGISTER_GUEST_OS_ID = 0x00090002,
	HV_REGISTER_HYPERCALL = 0x00090001,
	HV_REGISTER_VP_INDEX = 0x00090003,
	HV_REGISTER_VP_ASSIST = 0x00090013,
	HV_REGISTER_REFERENCE_TSC = 0x00090017,

	HV_REGISTER_SINT0 = 0x000a0000,
	HV_REGISTER_SINT15 = 0x000a000f,
	HV_REGISTER_SCONTROL = 0x000a0010,
	HV_REGISTER_SVERSION = 0x000a0011,
	HV_REGISTER_SIEFP = 0x000a0012,
	HV_REGISTER_SIMP = 0x000a0013,

	HV_REGISTER_STIMER0_CONFIG = 0x000b0000, /* CONFIG, COUNT of four timers */
	HV_REGISTER_STIMER3_COUNT = 0x000b0007,
};

/* Attributes: type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, DB 14, G 15. */
struct hv_segment {
	uint64_t base;
	uint32_t limit;
	uint16_t selector;
	uint16_t attributes;
};

struct hv_table {
	uint16_t reserved[3];
	uint16_t limit;
	uint64_t base;
};

union hv_register_value {
	uint64_t word[2];
	struct hv_segment segment;
	struct hv_table table;
};
_Static_assert(sizeof(union hv_register_value) == 16, "TLFS 7.2");

#define HV_SUSPENDED                  0x1ull
#define HV_NOTIFY_INTERRUPT           0x2ull /* deliverability: an ExtINT could be taken */
#define HV_INTERRUPT_STATE_SHADOW     0x1ull
#define HV_INTERRUPT_STATE_NMI_MASKED 0x2ull
#define HV_INTERRUPT_STATE_BITS       0x3ull

/*
 * Internal activity: why the VP waits, at most one of the first two. No VP of Keelson's is idle: that
 * bit reads 0 and is refused.
 */
#define HV_ACTIVITY_STARTUP_SUSPEND   0x1ull /* for SIPI */
#define HV_ACTIVITY_HALT_SUSPEND      0x2ull /* for an interrupt, in HLT */
#define HV_ACTIVITY_IDLE_SUSPEND      0x4ull

/*
 * Pending interruption: what was on its way into the guest when the VP stopped, and goes in again, first
 * of all, at the next run. Pending 0, type 3:1, with an error code 4, instruction length 8:5, nested 9,
 * vector 31:16, error code 63:32. Types 4 to 6 are never shown and are refused: RIP points at the
 * instruction, which does it anew.
 */
#define HV_PENDING                    0x1ull
#define HV_PENDING_TYPE(v)            ((uint32_t)((v) >> 1 & 7))
#define HV_PENDING_VECTOR(v)          ((uint32_t)((v) >> 16 & 0xffff))
#define HV_PENDING_ERROR(v)           ((uint32_t)((v) >> 32))
#define HV_INTERRUPTION_HAS_ERROR     0x10ull
#define HV_INTERRUPTION_RESERVED      0xffe0ull /* length and nested: 0 for types 0, 2 and 3 */

enum hv_interruption_type {
	HV_INTERRUPTION_INTERRUPT = 0,
	HV_INTERRUPTION_NMI = 2,
	HV_INTERRUPTION_EXCEPTION = 3,
};

/*
 * Pending event 0: what the VP takes before its next instruction. Pending 0, type 3:1. An exception: with
 * an error code 8, vector 31:16, error code 63:32; the second word is its parameter: CR2 of #PF, and of
 * #DB what it reports in DR6 (B0 to B3, BD, BS, BT; BLD and RTM as 1 where DR6 will have 0). It is shown
 * until it is taken. An ExtINT: vector 15:8; it is the local APIC's from then on. Pending event 1 is for
 * events that no VP of Keelson's has: it reads 0 and takes 0.
 */
#define HV_EVENT_HAS_ERROR         0x100ull
#define HV_EVENT_RESERVED          0xfef0ull
#define HV_EVENT_EXT_INT_VECTOR(v) ((uint32_t)((v) >> 8 & 0xff))
#define HV_EVENT_EXT_INT_RESERVED  (~0xffffull | 0xf0)

enum hv_event_type {
	HV_EVENT_EXCEPTION = 0,
	HV_EVENT_EXT_INT = 5,
};

/* Exceptions that there are: not NMI, nor what is reserved (SDM 3A 6.3.1). */
static inline int hv_is_exception(uint32_t vector)
{
	return vector < 32 && vector != 2 && vector != 15;
}

static inline int hv_pending_interruption_valid(uint64_t v)
{
	if (!(v & HV_PENDING))
		return !v;
	if (v & HV_INTERRUPTION_RESERVED)
		return 0;
	switch (HV_PENDING_TYPE(v)) {
	case HV_INTERRUPTION_INTERRUPT:
		return HV_PENDING_VECTOR(v) < 256 && !(v & HV_INTERRUPTION_HAS_ERROR);
	case HV_INTERRUPTION_NMI:
		return HV_PENDING_VECTOR(v) == 2 && !(v & HV_INTERRUPTION_HAS_ERROR);
	case HV_INTERRUPTION_EXCEPTION:
		return hv_is_exception(HV_PENDING_VECTOR(v));
	default:
		return 0;
	}
}

static inline int hv_pending_event_valid(uint64_t v)
{
	if (!(v & HV_PENDING))
		return !v;
	switch (HV_PENDING_TYPE(v)) {
	case HV_EVENT_EXCEPTION:
		return !(v & HV_EVENT_RESERVED) && hv_is_exception(HV_PENDING_VECTOR(v));
	case HV_EVENT_EXT_INT:
		return !(v & HV_EVENT_EXT_INT_RESERVED);
	default:
		return 0;
	}
}

static inline int hv_internal_activity_valid(uint64_t v)
{
	return !v || v == HV_ACTIVITY_STARTUP_SUSPEND || v == HV_ACTIVITY_HALT_SUSPEND;
}

/* The registers that there are; all others are refused, for get and set. */
static inline int hv_register_exists(uint32_t name)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{HV_REGISTER_EXPLICIT_SUSPEND, HV_REGISTER_INTERCEPT_SUSPEND},
		{HV_REGISTER_INTERNAL_ACTIVITY, HV_REGISTER_INTERNAL_ACTIVITY},
		{HV_REGISTER_CRASH_P0, HV_REGISTER_CRASH_P4},
		{HV_REGISTER_PENDING_INTERRUPTION, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS},
		{HV_REGISTER_RAX, HV_REGISTER_RFLAGS},
		{HV_REGISTER_CR0, HV_REGISTER_XFEM},
		{HV_REGISTER_DR0, HV_REGISTER_DR0 + 5},
		{HV_REGISTER_ES, HV_REGISTER_TR},
		{HV_REGISTER_IDTR, HV_REGISTER_GDTR},
		{HV_REGISTER_TSC, HV_REGISTER_SFMASK},
		{HV_REGISTER_HYPERCALL, HV_REGISTER_VP_INDEX},
		{HV_REGISTER_VP_ASSIST, HV_REGISTER_VP_ASSIST},
		{HV_REGISTER_REFERENCE_TSC, HV_REGISTER_REFERENCE_TSC},
		{HV_REGISTER_SINT0, HV_REGISTER_SIMP},
		{HV_REGISTER_STIMER0_CONFIG, HV_REGISTER_STIMER3_COUNT},
	};

	for (uint32_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (name - ranges[i].first <= ranges[i].last - ranges[i].first)
			return 1;
	return 0;
}

#endif
