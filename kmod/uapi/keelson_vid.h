/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * The ioctls of vid.ko: /dev/vid gives partitions, a partition's descriptor gives VPs, a VP's
 * descriptor runs it. Each descriptor reaches its own object and nothing else; it may be passed to
 * another process. A partition ends, with all that it holds, when the last copy of its descriptor
 * and of its VPs' descriptors is closed, by whatever way.
 *
 * Errors of all: -EINVAL a reserved field or flag is set, or a value is out of range; -EFAULT;
 * -ENOTTY; -ENODEV the partition is gone; -ENOMEM no memory for it, here or for the hypervisor.
 * -EDQUOT a quota is used up, the partition's or its user's (doc/vid.md has them): give something
 * back. -ENOSPC the machine has no more of it, whoever has it.
 */
#ifndef KEELSON_VID_H
#define KEELSON_VID_H

#include "hv/intercept.h"
#include "hv/partition.h"

#ifdef __KERNEL__
#include <linux/ioctl.h>
#else
#include <sys/ioctl.h>
#endif

#define VID_DEVICE              "/dev/vid"
#define VID_IOCTL_TYPE          0xb8
#define VID_IOCTL_VERSION_VALUE 1

/* ---- /dev/vid ---- */

/* Returns VID_IOCTL_VERSION_VALUE: these structs. */
#define VID_IOCTL_VERSION       _IO(VID_IOCTL_TYPE, 0x00)

struct vid_ioctl_create_partition {
	uint64_t flags; /* 0 */
};

/* Returns the descriptor of a new, empty partition. -EDQUOT: the user's; -ENOSPC: the machine's. */
#define VID_IOCTL_CREATE_PARTITION _IOW(VID_IOCTL_TYPE, 0x01, struct vid_ioctl_create_partition)

/* ---- a partition ---- */

struct vid_ioctl_create_vp {
	uint32_t index; /* and APIC id */
	uint32_t flags; /* 0 */
};

/*
 * Returns the VP's descriptor. -EEXIST: this index is taken. -EDQUOT: the partition's VPs, or its or
 * its user's event flags; -ENOSPC: the machine's event flags.
 */
#define VID_IOCTL_CREATE_VP   _IOW(VID_IOCTL_TYPE, 0x10, struct vid_ioctl_create_vp)

#define VID_IOCTL_MAP_READ    0x1u
#define VID_IOCTL_MAP_WRITE   0x2u
#define VID_IOCTL_MAP_EXECUTE 0x4u

struct vid_ioctl_map {
	int32_t fd;      /* a memfd with F_SEAL_GROW and F_SEAL_SHRINK, open for writing */
	uint32_t access; /* VID_IOCTL_MAP_*, READ among them */
	uint64_t offset; /* in the file; this and the rest in whole pages */
	uint64_t size;
	uint64_t gpa;
};

/*
 * Pins that piece of the file and shows it to the guest, in 2 MiB pieces where the file's pages,
 * offset and address allow. Counts as locked memory of the caller: -EPERM, RLIMIT_MEMLOCK forbids
 * it. -EEXIST: overlaps a mapping. -EBADF: not such a file. -EDQUOT: the partition has too many pieces.
 * -ESTALE: what was found is not the file's, because another thread changed the process's mappings, or
 * the file, meanwhile.
 */
#define VID_IOCTL_MAP _IOW(VID_IOCTL_TYPE, 0x11, struct vid_ioctl_map)

struct vid_ioctl_unmap {
	uint64_t gpa, size;
};

/* Takes away exactly one earlier mapping: -ENOENT. */
#define VID_IOCTL_UNMAP             _IOW(VID_IOCTL_TYPE, 0x12, struct vid_ioctl_unmap)

#define VID_IOCTL_INTERRUPT_LEVEL   0x1u
#define VID_IOCTL_INTERRUPT_LOGICAL 0x2u

struct vid_ioctl_interrupt {
	uint32_t vector;
	uint32_t mode; /* as in the ICR (SDM 3A 11.6.1) */
	uint32_t flags;
	uint32_t destination;
};

#define VID_IOCTL_ASSERT_INTERRUPT _IOW(VID_IOCTL_TYPE, 0x13, struct vid_ioctl_interrupt)
/* Takes back an ExtINT that no VP has acknowledged. */
#define VID_IOCTL_CLEAR_INTERRUPT  _IO(VID_IOCTL_TYPE, 0x14)

enum vid_ioctl_doorbell_kind {
	VID_IOCTL_DOORBELL_PORT,   /* address: port; size 1, 2, 4 */
	VID_IOCTL_DOORBELL_MMIO,   /* address: GPA; size 1, 2, 4, 8 */
	VID_IOCTL_DOORBELL_SIGNAL, /* address: connection id of HvCallSignalEvent; size 0 */
	VID_IOCTL_DOORBELL_EOI,    /* address: a vector that was sent as level-triggered; size 0 */
};

#define VID_IOCTL_DOORBELL_MATCH  0x1u /* only writes of `value`; signals: of this flag */
#define VID_IOCTL_DOORBELL_REMOVE 0x2u /* the one with the same description; eventfd is not used */

struct vid_ioctl_doorbell {
	uint32_t kind;
	uint32_t size;
	uint64_t address;
	uint64_t value; /* 0 without MATCH */
	uint32_t flags;
	int32_t eventfd;
};

/*
 * A matching write, or EOI, signals the eventfd and does not stop RUN. Where the processors are several, this
 * comes a little later than the write, and writes that follow each other closely may count as one.
 * -EEXIST, -ENOENT. -EDQUOT: the partition has too many. One for which there is no event flag stops RUN
 * in the driver and goes on from there.
 */
#define VID_IOCTL_DOORBELL _IOW(VID_IOCTL_TYPE, 0x15, struct vid_ioctl_doorbell)

struct vid_ioctl_event_flag {
	uint32_t vp_index;
	uint32_t sint;
	uint32_t flag;
	uint32_t reserved;
};

#define VID_IOCTL_IRQFD_REMOVE     0x1u
#define VID_IOCTL_IRQFD_EVENT_FLAG 0x2u /* event_flag, not interrupt */

struct vid_ioctl_irqfd {
	int32_t eventfd;
	uint32_t flags;
	union {
		struct vid_ioctl_interrupt interrupt;
		struct vid_ioctl_event_flag event_flag;
	};
};

/*
 * Each time the eventfd becomes readable, it is reset and this is sent. Whoever has a line that is
 * still raised signals again when the vector's doorbell tells its EOI. -EEXIST, -ENOENT,
 * -EDQUOT.
 */
#define VID_IOCTL_IRQFD _IOW(VID_IOCTL_TYPE, 0x16, struct vid_ioctl_irqfd)

struct vid_ioctl_message {
	uint32_t vp_index;
	uint32_t sint;
	uint32_t type; /* not 0 */
	uint32_t size;
	uint8_t payload[HV_MESSAGE_PAYLOAD];
};

/* -EAGAIN: the slot is full; RUN stops with MESSAGE_FREE when the guest emptied it. */
#define VID_IOCTL_POST_MESSAGE _IOW(VID_IOCTL_TYPE, 0x17, struct vid_ioctl_message)
/* -EINVAL, too, if the SINT is masked or off. */
#define VID_IOCTL_SIGNAL_EVENT _IOW(VID_IOCTL_TYPE, 0x18, struct vid_ioctl_event_flag)

struct vid_ioctl_property {
	uint32_t code; /* HV_PROPERTY_TIME_FREEZE, HV_PROPERTY_REFERENCE_TIME */
	uint32_t reserved;
	uint64_t value;
};

#define VID_IOCTL_GET_PROPERTY _IOWR(VID_IOCTL_TYPE, 0x19, struct vid_ioctl_property)
/* -EBUSY: a VP runs. */
#define VID_IOCTL_SET_PROPERTY _IOW(VID_IOCTL_TYPE, 0x1a, struct vid_ioctl_property)

struct vid_ioctl_intercept {
	uint32_t type;   /* HV_INTERCEPT_MSR: those that are not known; HV_INTERCEPT_CPUID */
	uint32_t access; /* bits as of HvCallInstallIntercept; 0 removes it */
	uint64_t parameter;
};

#define VID_IOCTL_INTERCEPT _IOW(VID_IOCTL_TYPE, 0x1b, struct vid_ioctl_intercept)

struct vid_ioctl_cpuid_result {
	uint32_t leaf, subleaf;
	uint32_t subleaf_specific; /* 0, 1 */
	uint32_t reserved;
	uint32_t value[4], mask[4]; /* EAX, EBX, ECX, EDX: bits of the mask read as in value */
};

#define VID_IOCTL_CPUID_RESULT _IOW(VID_IOCTL_TYPE, 0x1c, struct vid_ioctl_cpuid_result)

/* Pages that were deposited for this partition. */
#define VID_IOCTL_GET_BALANCE  _IOR(VID_IOCTL_TYPE, 0x1d, struct hv_memory_balance)

/* ---- a VP ---- */

/* What mmap() of a VP's descriptor shows, one page each. */
#define VID_MMAP_REGISTERS     0x0000u /* struct hv_register_page, readable and writable */
#define VID_MMAP_INTERCEPT     0x1000u /* struct hv_intercept_page, readable only */

/*
 * Runs the VP. 0: it stopped, the intercept page says why; what the register page names as dirty is
 * loaded by the next call. -EINTR: a signal, VID_IOCTL_KICK, or what else the kernel wants of the
 * thread in user space. -EBUSY: another thread runs it, or time is frozen. -ECANCELED: it is
 * suspended by register.
 */
#define VID_IOCTL_RUN          _IO(VID_IOCTL_TYPE, 0x20)

/* Makes the present or, if there is none, the next RUN return -EINTR. Any thread. */
#define VID_IOCTL_KICK         _IO(VID_IOCTL_TYPE, 0x21)

struct vid_ioctl_register {
	uint32_t name; /* HV_REGISTER_* */
	uint32_t reserved;
	uint64_t low, high;
};

#define VID_IOCTL_REGISTERS_MAX 64u

struct vid_ioctl_registers {
	uint64_t registers; /* pointer to struct vid_ioctl_register */
	uint32_t count;     /* 1 to VID_IOCTL_REGISTERS_MAX */
	uint32_t reserved;
};

/* These, and the rest: -EBUSY while the VP runs. */
#define VID_IOCTL_GET_REGISTERS _IOW(VID_IOCTL_TYPE, 0x22, struct vid_ioctl_registers)
#define VID_IOCTL_SET_REGISTERS _IOW(VID_IOCTL_TYPE, 0x23, struct vid_ioctl_registers)

struct vid_ioctl_translate {
	uint64_t gva;
	uint64_t flags;  /* HV_TRANSLATE_* */
	uint64_t result; /* out: enum hv_translate_result */
	uint64_t gpa;    /* out */
};

#define VID_IOCTL_TRANSLATE _IOWR(VID_IOCTL_TYPE, 0x24, struct vid_ioctl_translate)

#define VID_IOCTL_STATE_MAX 65536u

struct vid_ioctl_state {
	uint32_t type; /* enum hv_vp_state */
	uint32_t reserved;
	uint64_t size;   /* of the buffer; get: comes back as the size of the state */
	uint64_t buffer; /* pointer */
};

/* Get: -ENOSPC, the buffer is too small for it. */
#define VID_IOCTL_GET_STATE _IOWR(VID_IOCTL_TYPE, 0x25, struct vid_ioctl_state)
#define VID_IOCTL_SET_STATE _IOW(VID_IOCTL_TYPE, 0x26, struct vid_ioctl_state)

_Static_assert(sizeof(struct vid_ioctl_map) == 32, "no holes");
_Static_assert(sizeof(struct vid_ioctl_doorbell) == 32, "no holes");
_Static_assert(sizeof(struct vid_ioctl_irqfd) == 24, "no holes");
_Static_assert(sizeof(struct vid_ioctl_message) == 256, "no holes");
_Static_assert(sizeof(struct vid_ioctl_property) == 16, "no holes");
_Static_assert(sizeof(struct vid_ioctl_cpuid_result) == 48, "no holes");
_Static_assert(sizeof(struct vid_ioctl_register) == 24, "no holes");
_Static_assert(sizeof(struct vid_ioctl_translate) == 32, "no holes");
_Static_assert(sizeof(struct vid_ioctl_state) == 24, "no holes");

#endif
