/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A partition: a guest physical address space, virtual processors, interrupts. Opening the device
 * gives nothing but the right to make one; the partition's descriptor gives access to that
 * partition alone, and closing its last copy tears it down.
 *
 * Threads: everything here may be called from any thread, unless said otherwise. Errors are -errno.
 */
#ifndef VID_PARTITION_H
#define VID_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct vid_memory;
struct vid_partition;

/* NULL is allowed. Destroy all VPs first; memory objects stay the caller's. */
void vid_partition_destroy(struct vid_partition *partition);

/* The descriptor to pass on; -1 where there is none (fake). Stays owned by the partition. */
int vid_partition_fd(const struct vid_partition *partition);

/* ---- guest physical address space ---- */

#define VID_ACCESS_READ    BIT(0)
#define VID_ACCESS_WRITE   BIT(1)
#define VID_ACCESS_EXECUTE BIT(2)
#define VID_ACCESS_ALL     (VID_ACCESS_READ | VID_ACCESS_WRITE | VID_ACCESS_EXECUTE)

/*
 * Shows `size` bytes of `memory`, from `offset` on, at guest physical address `gpa`. Everything is
 * a multiple of VID_PAGE_SIZE. What the access rights or the absence of a mapping forbid stops the
 * VP with VID_EXIT_MMIO. -EEXIST: overlaps a mapping; -EINVAL: alignment or beyond the memory.
 */
int must_check vid_partition_map(struct vid_partition *partition, uint64_t gpa,
				 const struct vid_memory *memory, uint64_t offset, uint64_t size,
				 unsigned int access);

/* Takes away exactly one earlier mapping. -ENOENT: there is none with this address and size. */
int must_check vid_partition_unmap(struct vid_partition *partition, uint64_t gpa, uint64_t size);

/*
 * Copies between guest memory and `buffer`. All of the range must be mapped (by any number of
 * mappings, with the access right for the direction), else -EFAULT and nothing was written. This is
 * how devices do DMA: the guest may change what was read at any time, so read once and judge the copy.
 */
int must_check vid_gpa_read(struct vid_partition *partition, uint64_t gpa, void *buffer,
			    size_t size);
int must_check vid_gpa_write(struct vid_partition *partition, uint64_t gpa, const void *buffer,
			     size_t size);

/*
 * The host address of guest address `gpa`, with *ret_size (at most `size`) bytes of contiguous
 * mapping behind it, or NULL if `access` is not allowed there or size is 0. The pointer stays
 * readable and writable until the vid_memory is destroyed, whatever the guest's map becomes.
 */
void *vid_gpa_host(struct vid_partition *partition, uint64_t gpa, size_t size, unsigned int access,
		   size_t *ret_size);

/* ---- interrupts ---- */

enum vid_delivery_mode { /* the encoding of the local APIC's ICR (SDM 3A 11.6.1) */
			 VID_DELIVER_FIXED = 0,
			 VID_DELIVER_LOWEST = 1,
			 VID_DELIVER_SMI = 2,
			 VID_DELIVER_NMI = 4,
			 VID_DELIVER_INIT = 5,
			 VID_DELIVER_EXTINT = 7,
};

struct vid_interrupt {
	uint8_t vector;
	uint8_t mode; /* enum vid_delivery_mode */
	bool logical; /* destination mode */
	bool level;   /* an EOI of this vector comes back as VID_EXIT_EOI, or rings its doorbell */
	uint32_t destination;
};

/* Posts an interrupt message (from an IOAPIC or an MSI) to the local APICs it addresses. */
int must_check vid_partition_interrupt(struct vid_partition *partition,
				       const struct vid_interrupt *interrupt);

/* The interrupt that a write of `data` to the MSI address `address` stands for (SDM 3A 11.11). */
struct vid_interrupt vid_interrupt_from_msi(uint64_t address, uint32_t data);

/* ---- what does not stop in this process ---- */

enum vid_doorbell_kind {
	VID_DOORBELL_PORT,   /* address: port, size 1, 2, 4 */
	VID_DOORBELL_MMIO,   /* address: GPA, size 1, 2, 4, 8 */
	VID_DOORBELL_SIGNAL, /* address: connection id of HvCallSignalEvent; size 0 */
	VID_DOORBELL_EOI, /* address: a vector that was sent as level-triggered; size 0, no match */
};

struct vid_doorbell {
	enum vid_doorbell_kind kind;
	uint64_t address;
	unsigned int size;
	bool match; /* only writes of `value` (for a signal: this event flag number) */
	uint64_t value;
};

/*
 * A matching write by the guest, or its EOI, signals `eventfd`, soon, and does not stop the VP;
 * several may count as one. -EEXIST, -EINVAL.
 */
int must_check vid_doorbell_set(struct vid_partition *partition,
				const struct vid_doorbell *doorbell, int eventfd);
/* Removes what was set with the same description. -ENOENT. */
int must_check vid_doorbell_clear(struct vid_partition *partition,
				  const struct vid_doorbell *doorbell);

struct vid_event_flag {
	uint32_t vp_index;
	unsigned int sint; /* 0 to 15 */
	unsigned int flag; /* 0 to 2047 */
};

/*
 * Each time `eventfd` becomes readable, the driver resets it and posts `interrupt`, or sets the flag.
 * A level-triggered line that is still raised at its EOI (a doorbell tells) is signalled again by
 * whoever has it. -EEXIST.
 */
int must_check vid_irqfd_set(struct vid_partition *partition, int eventfd,
			     const struct vid_interrupt *interrupt);
int must_check vid_irqfd_set_flag(struct vid_partition *partition, int eventfd,
				  const struct vid_event_flag *flag);
int must_check vid_irqfd_clear(struct vid_partition *partition, int eventfd);

/* ---- SynIC ---- */

#define VID_MESSAGE_PAYLOAD 240u

/*
 * Puts a message into slot `sint` of a VP's SIM page. -EAGAIN: the slot is full; VID_EXIT_MESSAGE_FREE
 * comes when the guest emptied it. -EINVAL: size.
 */
int must_check vid_message_post(struct vid_partition *partition, uint32_t vp_index,
				unsigned int sint, uint32_t type, const void *payload, size_t size);

/* Sets event flag `flag` (0–2047) of `sint` on a VP. -EINVAL: the SINT is masked or off. */
int must_check vid_event_flag_set(struct vid_partition *partition, uint32_t vp_index,
				  unsigned int sint, unsigned int flag);

/* ---- what the processors are to the guest ---- */

struct vid_cpuid_result {
	uint32_t leaf, subleaf;
	bool subleaf_specific;
	uint32_t value[4], mask[4]; /* EAX, EBX, ECX, EDX: bits of the mask read as in value */
};

/* Before the first run. -ENOSPC, -ENOMEM: there are too many. */
int must_check vid_partition_set_cpuid(struct vid_partition *partition,
				       const struct vid_cpuid_result *result);

/* With `on`, accesses to MSRs that the hypervisor does not know stop with VID_EXIT_MSR; else #GP. */
int must_check vid_partition_intercept_msrs(struct vid_partition *partition, bool on);
/* With `on`, CPUID of this leaf stops with VID_EXIT_CPUID. */
int must_check vid_partition_intercept_cpuid(struct vid_partition *partition, uint32_t leaf,
					     bool on);

/* ---- time ---- */

/* Stops or starts the guest's reference time and TSC; all VPs must be stopped. */
int must_check vid_partition_freeze_time(struct vid_partition *partition, bool freeze);
/* Reference time in units of 100 ns since creation (TLFS 12.4). */
int must_check vid_partition_get_time(struct vid_partition *partition, uint64_t *ret_time);
int must_check vid_partition_set_time(struct vid_partition *partition, uint64_t time);

/* ---- memory of the root's that the hypervisor has for the partition, in pages ---- */

int must_check vid_partition_get_balance(struct vid_partition *partition, uint64_t *ret_free,
					 uint64_t *ret_used);

#endif
