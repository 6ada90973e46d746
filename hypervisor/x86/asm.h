/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single instructions as functions. */
#pragma once

#include "core/types.h"

static inline void out8(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}

static inline u8 in8(u16 port)
{
	u8 v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline u32 in32(u16 port)
{
	u32 v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

static inline void cpuid(u32 leaf, u32 sub, u32 out[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "a"(leaf), "c"(sub));
}

#define READ_CR(n)                                                          \
	static inline u64 read_cr##n(void)                                  \
	{                                                                   \
		u64 v;                                                      \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v)::"memory"); \
		return v;                                                   \
	}
#define WRITE_CR(n)                                                      \
	static inline void write_cr##n(u64 v)                            \
	{                                                                \
		__asm__ volatile("mov %0, %%cr" #n ::"r"(v) : "memory"); \
	}
READ_CR(0)
READ_CR(2)
READ_CR(3)
READ_CR(4)
WRITE_CR(0)
WRITE_CR(2)
WRITE_CR(3)
WRITE_CR(4)

static inline void xsetbv(u32 index, u64 v)
{
	__asm__ volatile("xsetbv" ::"c"(index), "a"((u32)v), "d"((u32)(v >> 32)));
}

static inline u64 xgetbv(u32 index)
{
	u32 lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(index));
	return (u64)hi << 32 | lo;
}

static inline void wbinvd(void)
{
	__asm__ volatile("wbinvd" ::: "memory");
}

static inline void clgi(void)
{
	__asm__ volatile("clgi" ::: "memory");
}

static inline void stgi(void)
{
	__asm__ volatile("stgi" ::: "memory");
}

static inline _Noreturn void halt_forever(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" ::: "memory");
}

/* MSR accesses that may fault: 0, or -1 after #GP. */
int rdmsr_safe(u32 msr, u64 *ret_value);
int wrmsr_safe(u32 msr, u64 value);

#define CR0_PE         BIT(0)
#define CR0_WP         BIT(16)
#define CR0_PG         BIT(31)
#define CR4_PAE        BIT(5)
#define CR4_MCE        BIT(6)
#define CR4_PGE        BIT(7)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMM      BIT(10)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)

#define MSR_TSC        0x10
#define MSR_TSC_ADJUST 0x3b
#define MSR_EFER       0xc0000080
#define MSR_PAT        0x277
#define MSR_SPEC_CTRL  0x48
#define MSR_PRED_CMD   0x49
#define MSR_GS_BASE    0xc0000101
#define MSR_VM_CR      0xc0010114
#define MSR_VM_HSAVE   0xc0010117
#define EFER_LME       BIT(8)
#define EFER_LMA       BIT(10)
#define EFER_NXE       BIT(11)
#define EFER_SVME      BIT(12)
#define EFER_AIBRSE    BIT(21)
#define VM_CR_SVMDIS   BIT(4)
#define VM_CR_LOCK     BIT(3)

#define RFLAGS_TF      BIT(8)
#define RFLAGS_IF      BIT(9)
#define RFLAGS_NT      BIT(14)
#define RFLAGS_RF      BIT(16)
#define RFLAGS_VM      BIT(17)

#define DR7_GD         BIT(13)

/* Exceptions that push an error code (APM 2 8.4). */
static inline bool vector_has_error(u8 vector)
{
	return vector < 32 && (0x60227d00u >> vector & 1);
}

enum vector {
	VECTOR_DB = 1,
	VECTOR_NMI = 2,
	VECTOR_UD = 6,
	VECTOR_DF = 8,
	VECTOR_GP = 13,
	VECTOR_PF = 14,
	VECTOR_AC = 17,
	VECTOR_MC = 18,
	/* The hypervisor's own, above every device vector of the root. */
	VECTOR_TIMER = 0xf8,
	VECTOR_KICK = 0xf9,
	VECTOR_SPURIOUS = 0xff,
};
