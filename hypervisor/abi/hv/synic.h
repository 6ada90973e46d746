/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/* Synthetic interrupt controller and timers: register fields, messages, event flags (TLFS 11, 12.3). */
#ifndef HV_SYNIC_H
#define HV_SYNIC_H

#include "hv/types.h"

#define HV_SINT_COUNT         16u
#define HV_EVENT_FLAGS        2048u /* per SINT */
#define HV_EVENT_FLAGS_SIZE   256u
#define HV_MESSAGE_SIZE       256u
#define HV_MESSAGE_PAYLOAD    240u
#define HV_SYNIC_VERSION      1u

#define HV_SCONTROL_ENABLE    0x1ull

/* SINT registers (TLFS 11.8.4). */
#define HV_SINT_VECTOR        0x000ffull
#define HV_SINT_MASKED        0x10000ull
#define HV_SINT_AUTO_EOI      0x20000ull
#define HV_SINT_POLLING       0x40000ull

/* Timer configuration (TLFS 12.3.1). */
#define HV_TIMER_COUNT        4u
#define HV_TIMER_ENABLE       0x01ull
#define HV_TIMER_PERIODIC     0x02ull
#define HV_TIMER_LAZY         0x04ull
#define HV_TIMER_AUTO_ENABLE  0x08ull
#define HV_TIMER_VECTOR_SHIFT 4
#define HV_TIMER_DIRECT       0x1000ull
#define HV_TIMER_SINT_SHIFT   16
#define HV_TIMER_CONFIG_BITS  0x000f1fffull

struct hv_message {
	uint32_t type; /* 0: the slot is free */
	uint8_t payload_size;
	uint8_t flags; /* HV_MESSAGE_PENDING */
	uint16_t reserved;
	uint64_t sender;
	uint8_t payload[HV_MESSAGE_PAYLOAD];
};
_Static_assert(sizeof(struct hv_message) == HV_MESSAGE_SIZE, "TLFS 11.10");

#define HV_MESSAGE_PENDING 0x1u

struct hv_timer_expired {
	uint32_t timer;
	uint32_t reserved;
	uint64_t expiration_time;
	uint64_t delivery_time;
};

enum hv_message_type {
	HV_MESSAGE_NONE = 0,
	HV_MESSAGE_UNMAPPED_GPA = 0x80000000,
	HV_MESSAGE_GPA_INTERCEPT = 0x80000001,
	HV_MESSAGE_TIMER_EXPIRED = 0x80000010,
	HV_MESSAGE_INVALID_VP_REGISTER = 0x80000020,
	HV_MESSAGE_UNRECOVERABLE_EXCEPTION = 0x80000021,
	HV_MESSAGE_IO_PORT = 0x80010000,
	HV_MESSAGE_MSR = 0x80010001,
	HV_MESSAGE_CPUID = 0x80010002,
	HV_MESSAGE_EXCEPTION = 0x80010003,
	HV_MESSAGE_APIC_EOI = 0x80010004,
	HV_MESSAGE_HALT = 0x80010007,
	HV_MESSAGE_INTERRUPTION_DELIVERABLE = 0x80010008,
	/* Keelson's own */
	HV_MESSAGE_KEELSON_HYPERCALL = 0x8fff0000,    /* the guest posts a message or signals */
	HV_MESSAGE_KEELSON_MESSAGE_FREE = 0x8fff0001, /* a slot that was full is free */
	HV_MESSAGE_KEELSON_CRASH = 0x8fff0002,
};

#endif
