/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * What a stopped VP tells its parent: the intercept message page and the register page
 * (TLFS 7.8, 9.7). RIP still points at the instruction unless a message says otherwise.
 */
#ifndef HV_INTERCEPT_H
#define HV_INTERCEPT_H

#include "hv/partition.h"
#include "hv/register.h"
#include "hv/synic.h"

enum hv_intercept_access { HV_INTERCEPT_READ, HV_INTERCEPT_WRITE, HV_INTERCEPT_EXECUTE };

struct hv_intercept_header {
	uint32_t vp_index;
	uint8_t length_cr8;       /* instruction length 3:0 (0: not known), CR8 7:4 */
	uint8_t access;           /* enum hv_intercept_access */
	uint16_t execution_state; /* CPL 1:0, CR0.PE 2, CR0.AM 3, EFER.LMA 4 */
	struct hv_segment cs;
	uint64_t rip;
	uint64_t rflags;
};
_Static_assert(sizeof(struct hv_intercept_header) == 40, "TLFS 9.7");

#define HV_IO_SIZE   0x07u
#define HV_IO_STRING 0x08u
#define HV_IO_REP    0x10u

struct hv_io_intercept {
	struct hv_intercept_header header;
	uint16_t port;
	uint8_t info; /* HV_IO_* */
	uint8_t byte_count;
	uint32_t reserved;
	uint64_t rax;
	uint8_t bytes[16];
	struct hv_segment ds, es;
	uint64_t rcx, rsi, rdi;
};

#define HV_MEMORY_GVA_VALID 0x1u

struct hv_memory_intercept {
	struct hv_intercept_header header;
	uint32_t cache_type;
	uint8_t byte_count; /* of bytes[]; 0: they could not be fetched */
	uint8_t info;       /* HV_MEMORY_* */
	uint8_t tpr;
	uint8_t reserved;
	uint64_t gva;
	uint64_t gpa;
	uint8_t bytes[16];
};

struct hv_msr_intercept {
	struct hv_intercept_header header;
	uint32_t msr;
	uint32_t reserved;
	uint64_t rdx;
	uint64_t rax;
};

struct hv_cpuid_intercept {
	struct hv_intercept_header header;
	uint64_t rax, rcx, rdx, rbx;
	uint64_t default_rax, default_rcx, default_rdx, default_rbx;
};

struct hv_eoi_intercept { /* RIP is behind the instruction */
	uint32_t vp_index;
	uint32_t vector;
};

/*
 * HvCallPostMessage or HvCallSignalEvent. RIP is behind the instruction and RAX holds
 * INVALID_CONNECTION_ID: whoever knows the connection changes it.
 */
struct hv_hypercall_intercept {
	struct hv_intercept_header header;
	uint16_t code;
	uint16_t flag; /* of the event */
	uint32_t connection;
	uint32_t type; /* of the message */
	uint32_t size;
	uint8_t payload[HV_MESSAGE_PAYLOAD];
};

struct hv_message_free_intercept { /* RIP is behind the instruction */
	uint32_t vp_index;
	uint32_t sints; /* one bit for each */
};

struct hv_crash_intercept { /* RIP is behind the instruction */
	uint32_t vp_index;
	uint32_t reserved;
	uint64_t control;
	uint64_t parameter[5];
};

/*
 * Doorbells, which the parent fills in: what the guest does so sets event flag `flag`, of the SINT
 * that wakes the VP, on another of the parent's VPs than the one that runs this; or on that one, if no
 * other takes it. The guest does not stop. Only if there is no such entry, or nobody takes the flag,
 * it stops with the record.
 *
 * An entry lies in the bucket of its key and value. One that asks for the value comes first; without
 * HV_DOORBELL_MATCH the value is 0. The key is written last, and 0 before an entry is changed.
 */
struct hv_doorbell {
	uint64_t key; /* 0: none */
	uint32_t value;
	uint16_t flag;
	uint16_t reserved;
};

#define HV_DOORBELLS                   128u
#define HV_DOORBELL_BUCKET             2u
#define HV_DOORBELL_MATCH              (1ull << 63)
#define HV_DOORBELL_PORT(port, size)   ((uint64_t)(size) << 32 | (port))
#define HV_DOORBELL_SIGNAL(connection) (8ull << 32 | (connection)) /* value: the flag */

static inline uint32_t hv_doorbell_bucket(uint64_t key, uint32_t value)
{
	uint32_t hash = (uint32_t)key + value;

	return (hash ^ hash >> 5) * HV_DOORBELL_BUCKET % HV_DOORBELLS;
}

/*
 * The intercept page: type and size as in a SynIC message, then the record of that type; doorbells;
 * and at its end, what the last dispatch said.
 */
struct hv_intercept_page {
	uint32_t type; /* enum hv_message_type */
	uint32_t size;
	uint64_t sender; /* partition id */
	union {
		struct hv_intercept_header header;
		struct hv_io_intercept io;
		struct hv_memory_intercept memory;
		struct hv_msr_intercept msr;
		struct hv_cpuid_intercept cpuid;
		struct hv_eoi_intercept eoi;
		struct hv_hypercall_intercept hypercall;
		struct hv_message_free_intercept message_free;
		struct hv_crash_intercept crash;
		uint8_t bytes[2016];
	};
	struct hv_doorbell doorbell[HV_DOORBELLS];
	struct hv_dispatch_output dispatch;
};
_Static_assert(sizeof(struct hv_intercept_page) == 4096, "one page");

#define HV_REGISTER_PAGE_VERSION 1u
#define HV_DIRTY_GENERAL         0x01u
#define HV_DIRTY_RIP             0x02u
#define HV_DIRTY_SEGMENT         0x08u
#define HV_DIRTY_RFLAGS          0x10u

/*
 * Written at each stop; what `dirty` names is loaded at the next dispatch. A new RIP here says that the
 * instruction which stopped has been carried out: its interrupt shadow and RFLAGS.RF end, and with
 * RFLAGS.TF the single-step trap follows. To move RIP without that, there is HvCallSetVpRegisters.
 */
struct hv_register_page {
	uint16_t version;
	uint8_t valid;
	uint8_t reserved;
	uint32_t dirty;
	uint64_t gpr[16]; /* in encoding order */
	uint64_t rip;
	uint64_t rflags;
	uint64_t reserved1;
	uint64_t xmm[6][2];                     /* not filled in */
	struct hv_segment segment[6];           /* ES CS SS DS FS GS */
	uint64_t cr0, cr3, cr4, cr8, efer, dr7; /* read only from here */
	uint64_t pending_interruption;          /* as the register of that name */
	uint64_t interrupt_state;               /* HV_INTERRUPT_STATE_* */
};

#endif
