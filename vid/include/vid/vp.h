/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A virtual processor. One thread owns it: it alone calls vid_vp_run() and looks at registers, and
 * only between two runs. vid_vp_kick() is the one call for other threads.
 */
#ifndef VID_VP_H
#define VID_VP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct vid_partition;
struct vid_vp;

int must_check vid_vp_create(struct vid_partition *partition, uint32_t index,
			     struct vid_vp **ret_vp);
void vid_vp_destroy(struct vid_vp *vp); /* NULL is allowed */
uint32_t vid_vp_index(const struct vid_vp *vp);

/* ---- exits ---- */

enum vid_exit_kind {
	VID_EXIT_INTERRUPTED, /* a kick, a signal, or the kernel wants the thread: run again */
	VID_EXIT_IO,          /* IN, OUT, INS, OUTS */
	VID_EXIT_MMIO,        /* access to a GPA without mapping or right */
	VID_EXIT_MSR,         /* RDMSR, WRMSR that the hypervisor does not answer itself */
	VID_EXIT_CPUID,       /* as told to by an intercept */
	VID_EXIT_HALT, /* HLT with interrupts off: it can only be an NMI or a reset that ends it */
	VID_EXIT_EOI,  /* EOI of a level-triggered vector */
	VID_EXIT_EXTINT_WINDOW, /* as asked for by vid_vp_extint() */
	VID_EXIT_MESSAGE,       /* the guest posted a message to a connection */
	VID_EXIT_MESSAGE_FREE,  /* a full SIM slot was emptied */
	VID_EXIT_CRASH,         /* the guest reported its crash in the crash MSRs */
	VID_EXIT_SHUTDOWN,      /* triple fault */
	VID_EXIT_INVALID_STATE, /* the processor refuses these registers */
};

#define VID_INSTRUCTION_MAX 16

/* The instruction that stopped. RIP still points to it; `length` 0: not known, decode `bytes`. */
struct vid_exit_instruction {
	uint8_t length;
	uint8_t byte_count; /* valid in bytes[]; 0: fetch them through RIP */
	uint8_t bytes[VID_INSTRUCTION_MAX];
};

struct vid_exit_io {
	uint16_t port;
	uint8_t size; /* 1, 2, 4 */
	bool write;
	bool string; /* INS or OUTS: the worker emulates it, by RSI or RDI and, if `rep`, RCX */
	bool rep;
	uint32_t value; /* OUT: what is written */
};

struct vid_exit_mmio {
	uint64_t gpa;
	uint64_t gva; /* valid if gva_valid */
	bool gva_valid;
	uint8_t access; /* one of VID_ACCESS_* */
};

struct vid_exit_msr {
	uint32_t msr;
	bool write;
	uint64_t value;
};

struct vid_exit_cpuid {
	uint32_t eax, ecx;        /* as asked */
	uint32_t default_leaf[4]; /* EAX, EBX, ECX, EDX that the hypervisor would give */
};

struct vid_exit_message {
	uint32_t connection;
	uint32_t type;
	uint32_t size;
	uint8_t payload[240];
};

struct vid_exit {
	enum vid_exit_kind kind;
	struct vid_exit_instruction instruction; /* IO, MMIO, MSR, CPUID */
	union {
		struct vid_exit_io io;
		struct vid_exit_mmio mmio;
		struct vid_exit_msr msr;
		struct vid_exit_cpuid cpuid;
		struct vid_exit_message message;
		uint8_t eoi_vector;
		struct {
			uint64_t crash[5]; /* P0 to P4 */
			bool crash_text;   /* P3 is the address of a text, P4 its length */
		};
	};
};

/*
 * Runs the VP until something is for the worker to do; *ret_exit says what. A wait (HLT with
 * interrupts on, wait for SIPI) stays inside. Errors: -ENODEV the partition is gone, -EIO.
 */
int must_check vid_vp_run(struct vid_vp *vp, struct vid_exit *ret_exit);

/* Makes the present or, if there is none, the next vid_vp_run() return INTERRUPTED. Any thread. */
void vid_vp_kick(struct vid_vp *vp);

/*
 * Offers the vector of an 8259 pair to the VP's LINT0 line. 0: taken over, it will be injected.
 * -EAGAIN: the VP cannot take it now, and VID_EXIT_EXTINT_WINDOW comes when it can. Acknowledge the
 * 8259 only when `vid_vp_extint_ready()` says true, so that the vector is the one of that moment.
 */
int must_check vid_vp_extint(struct vid_vp *vp, uint8_t vector);
bool vid_vp_extint_ready(struct vid_vp *vp);

/* ---- registers ---- */

enum vid_gpr {
	VID_RAX,
	VID_RCX,
	VID_RDX,
	VID_RBX,
	VID_RSP,
	VID_RBP,
	VID_RSI,
	VID_RDI,
	VID_R8,
	VID_R9,
	VID_R10,
	VID_R11,
	VID_R12,
	VID_R13,
	VID_R14,
	VID_R15,
};

enum vid_segment_index { VID_ES, VID_CS, VID_SS, VID_DS, VID_FS, VID_GS };

struct vid_segment {
	uint64_t base;
	uint32_t limit;
	uint16_t selector;
	uint16_t attributes; /* type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, DB 14, G 15 */
};

/* What emulation of an instruction needs, kept in memory shared with the hypervisor. */
struct vid_regs {
	uint64_t gpr[16]; /* enum vid_gpr */
	uint64_t rip;
	uint64_t rflags;
	uint64_t reserved[13];
	struct vid_segment segment[6];     /* enum vid_segment_index */
	uint64_t cr0, cr3, cr4, cr8, efer; /* read only from here */
	uint64_t dr7;
	uint64_t
		pending_interruption; /* the TLFS's register of that name; VID_PENDING: there is one */
	uint64_t interrupt_state;     /* the same */
};

#define VID_PENDING      BIT(0)

#define VID_REGS_GPR     BIT(0)
#define VID_REGS_RIP     BIT(1)
#define VID_REGS_RFLAGS  BIT(2)
#define VID_REGS_SEGMENT BIT(3)

/*
 * The registers as of the last exit. The parts named in `dirty` may be changed through the pointer
 * and are loaded at the next run. Valid until then. Never fails and makes no system call.
 *
 * VID_REGS_RIP says that the instruction which stopped, or an iteration of it, has been carried out, even
 * if RIP is the same: its interrupt shadow ends, and with RFLAGS.TF its trap follows. To move RIP
 * otherwise, set the register.
 */
struct vid_regs *vid_vp_regs(struct vid_vp *vp, unsigned int dirty);

/*
 * Any register, by its TLFS name (TLFS 7.2: HvX64Register…), 128 bits each, little-endian halves. The
 * calls refuse with -EINVAL a name that there is not (hv/register.h), and a value that it cannot have.
 */
struct vid_register {
	uint32_t name;
	uint64_t low, high;
};

int must_check vid_vp_get_registers(struct vid_vp *vp, struct vid_register *registers,
				    size_t count);
int must_check vid_vp_set_registers(struct vid_vp *vp, const struct vid_register *registers,
				    size_t count);

/* Guest virtual → physical, with the rights of `access` (VID_ACCESS_*). -EFAULT: it would fault. */
int must_check vid_vp_translate(struct vid_vp *vp, uint64_t gva, unsigned int access,
				uint64_t *ret_gpa);

/* ---- state that is saved in one piece ---- */

enum vid_vp_state {
	VID_VP_STATE_LAPIC,
	VID_VP_STATE_XSAVE,
	VID_VP_STATE_SIM_PAGE,
	VID_VP_STATE_SIEF_PAGE,
	VID_VP_STATE_TIMERS,
};

#define VID_VP_STATE_MAX 65536u

/* *ret_size: bytes of state; -ENOSPC if `size` is too small for them. */
int must_check vid_vp_get_state(struct vid_vp *vp, enum vid_vp_state state, void *buffer,
				size_t size, size_t *ret_size);
int must_check vid_vp_set_state(struct vid_vp *vp, enum vid_vp_state state, const void *buffer,
				size_t size);

#endif
