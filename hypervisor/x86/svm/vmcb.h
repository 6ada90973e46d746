/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual machine control block and its constants: AMD APM 2, appendix B and C (rev. 3.41). */
#pragma once

#include "core/virt.h"

struct vmcb {
	u16 intercept_cr_read, intercept_cr_write;
	u16 intercept_dr_read, intercept_dr_write;
	u32 intercept_exception;
	u32 intercept1, intercept2, intercept3; /* INTERCEPT1_*, INTERCEPT2_* */
	u8 reserved_018[0x3c - 0x18];
	u16 pause_threshold, pause_count;
	u64 iopm, msrpm;
	u64 tsc_offset;
	u32 asid;
	u8 tlb_control, reserved_05d[3];
	u64 vintr; /* VINTR_* */
	u64 interrupt_shadow;
	u64 exit_code, exit_info1, exit_info2, exit_int_info;
	u64 nested_control; /* bit 0: nested paging */
	u64 avic_bar, ghcb;
	u64 event_inject; /* EVENT_* */
	u64 nested_cr3;
	u64 lbr_control;
	u64 clean;
	u64 next_rip;
	u8 fetched_count, fetched[15];
	u8 reserved_0e0[0x400 - 0xe0];

	struct segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved_4a0[0x4cb - 0x4a0];
	u8 cpl;
	u32 reserved_4cc;
	u64 efer;
	u8 reserved_4d8[0x548 - 0x4d8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 reserved_580[0x5d8 - 0x580];
	u64 rsp;
	u8 reserved_5e0[0x5f8 - 0x5e0];
	u64 rax;
	u64 star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp, sysenter_eip;
	u64 cr2;
	u8 reserved_648[0x668 - 0x648];
	u64 pat, debug_control, br_from, br_to, int_from, int_to;
	u8 reserved_698[0x6e0 - 0x698];
	u64 spec_ctrl; /* where the processor virtualizes it; else ignored */
	u8 reserved_6e8[0x1000 - 0x6e8];
};

#define VMCB_AT(field, offset) \
	_Static_assert(offsetof(struct vmcb, field) == offset, "VMCB " #field)
VMCB_AT(iopm, 0x040);
VMCB_AT(vintr, 0x060);
VMCB_AT(event_inject, 0x0a8);
VMCB_AT(next_rip, 0x0c8);
VMCB_AT(es, 0x400);
VMCB_AT(cpl, 0x4cb);
VMCB_AT(cr4, 0x548);
VMCB_AT(rsp, 0x5d8);
VMCB_AT(pat, 0x668);
VMCB_AT(spec_ctrl, 0x6e0);
_Static_assert(sizeof(struct vmcb) == 4096, "VMCB is one page");

enum intercept1 {
	INTERCEPT_CR8 = 1 << 8, /* of intercept_cr_write */
	INTERCEPT1_INTR = 1 << 0,
	INTERCEPT1_NMI = 1 << 1,
	INTERCEPT1_VINTR = 1 << 4,
	INTERCEPT1_RDPMC = 1 << 15,
	INTERCEPT1_CPUID = 1 << 18,
	INTERCEPT1_RSM = 1 << 19,
	INTERCEPT1_IRET = 1 << 20,
	INTERCEPT1_INVD = 1 << 22,
	INTERCEPT1_HLT = 1 << 24,
	INTERCEPT1_INVLPGA = 1 << 26,
	INTERCEPT1_IOIO = 1 << 27,
	INTERCEPT1_MSR = 1 << 28,
	INTERCEPT1_SHUTDOWN = 1u << 31,
};

enum intercept2 {
	INTERCEPT2_VMRUN = 1 << 0,
	INTERCEPT2_VMMCALL = 1 << 1,
	INTERCEPT2_VMLOAD = 1 << 2,
	INTERCEPT2_VMSAVE = 1 << 3,
	INTERCEPT2_STGI = 1 << 4,
	INTERCEPT2_CLGI = 1 << 5,
	INTERCEPT2_SKINIT = 1 << 6,
	INTERCEPT2_RDTSCP = 1 << 7,
	INTERCEPT2_WBINVD = 1 << 9,
	INTERCEPT2_MONITOR = 1 << 10,
	INTERCEPT2_MWAIT = 1 << 11,
	INTERCEPT2_XSETBV = 1 << 13,
	INTERCEPT2_RDPRU = 1 << 14,
};

/* Intercepts of MOV from and to debug registers: one bit each. */
#define INTERCEPT_DR0_TO_DR3 0x0f
#define INTERCEPT_DR5_DR7    0xa0

enum vmexit {
	VMEXIT_CR8_WRITE = 0x18,
	VMEXIT_DR_FIRST = 0x20,
	VMEXIT_DR_LAST = 0x3f,
	VMEXIT_EXCP = 0x40, /* + vector */
	VMEXIT_INTR = 0x60,
	VMEXIT_NMI = 0x61,
	VMEXIT_VINTR = 0x64,
	VMEXIT_RDPMC = 0x6f,
	VMEXIT_CPUID = 0x72,
	VMEXIT_RSM = 0x73,
	VMEXIT_IRET = 0x74,
	VMEXIT_INVD = 0x76,
	VMEXIT_HLT = 0x78,
	VMEXIT_INVLPGA = 0x7a,
	VMEXIT_IOIO = 0x7b,
	VMEXIT_MSR = 0x7c,
	VMEXIT_SHUTDOWN = 0x7f,
	VMEXIT_VMRUN = 0x80,
	VMEXIT_VMMCALL = 0x81,
	VMEXIT_VMLOAD = 0x82,
	VMEXIT_SKINIT = 0x86, /* VMSAVE, STGI and CLGI in between */
	VMEXIT_RDTSCP = 0x87,
	VMEXIT_WBINVD = 0x89,
	VMEXIT_MONITOR = 0x8a,
	VMEXIT_MWAIT = 0x8b,
	VMEXIT_XSETBV = 0x8d,
	VMEXIT_RDPRU = 0x8e,
	VMEXIT_NPF = 0x400,
};

#define VINTR_IRQ              BIT(8)
#define VINTR_PRIO_SHIFT       16
#define VINTR_IGNORE_TPR       BIT(20)
#define VINTR_MASKING          BIT(24)
#define VINTR_VECTOR_SHIFT     32

/* EVENTINJ and EXITINTINFO (APM 15.20) */
#define EVENT_VECTOR(e)        ((u8)(e))
#define EVENT_TYPE(e)          ((e) >> 8 & 7)
#define EVENT_TYPE_SHIFT       8
#define EVENT_INTR             (0ull << 8)
#define EVENT_NMI              (2ull << 8)
#define EVENT_EXCEPTION        (3ull << 8)
#define EVENT_TYPE_INTR        0
#define EVENT_TYPE_NMI         2
#define EVENT_TYPE_EXCEPTION   3
#define EVENT_TYPE_SOFT        4
#define EVENT_HAS_ERROR        BIT(11)
#define EVENT_VALID            BIT(31)

/* EXITINFO1 of a nested page fault (APM 15.25.6) */
#define NPF_WRITE              BIT(1)
#define NPF_FETCH              BIT(4)
#define NPF_WALK               BIT(33)

/* EXITINFO1 of an I/O exit (APM 15.10.2) */
#define IOIO_IN                BIT(0)
#define IOIO_STRING            BIT(2)
#define IOIO_REP               BIT(3)

#define TLB_CONTROL_NONE       0
#define TLB_CONTROL_FLUSH_ALL  1
#define TLB_CONTROL_FLUSH_ASID 3

#define NESTED_PAGING          BIT(0)
