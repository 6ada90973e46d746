/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processors of the machine: descriptor tables, traps, and work for each. Everything runs
 * identity-mapped, writable, executable and open to CPL 3.
 *
 * A processor's structure is written by itself, except `work` (by who gives it some) and what a
 * test says.
 */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include "core/types.h"
#include "cpu_layout.h"

#define MAX_CPUS    8
#define VECTOR_WAKE 0x21 /* of idle processors */

struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, iopb;
} __attribute__((packed));

/* What a caught exception was. */
struct fault {
	bool taken;
	u8 vector;
	u64 error, rip, cr2, cs, rax, rflags;
};

struct cpu {
	u32 index; /* = local APIC id */
	bool online;
	u64 catch; /* where an exception goes back to; 0: it is fatal */
	struct fault fault;
	u64 gdt[7];
	struct tss tss;
	void (*work)(void *);
	void *work_arg;
	void (*nmi)(void);           /* called by the NMI handler */
	void (*machine_check)(void); /* called for #MC */
	bool (*debug)(struct trap_frame *f);
	u64 nmi_count;
	u64 irq_count[256];
};

extern u32 cpu_count;

static inline struct cpu *this_cpu(void)
{
	u64 sp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	return (struct cpu *)((sp - 1) & ~(u64)(CPU_BLOCK_SIZE - 1));
}

struct cpu *cpu_of(u32 index);

/* Page tables, descriptor tables and local APIC of the boot processor; interrupts stay off. */
void cpu_init_boot(void);
/* Starts all others by INIT and SIPI; false: not all came. */
bool cpu_start_others(void);
/* INIT and SIPI for one; it comes back idle. False: it did not come. */
bool cpu_restart(u32 index);

/* Tables and extended state for the VP of a child, in a block that no processor uses. */
void cpu_init_child(u32 index);

/* Runs f(arg) on another processor, not waiting; then waits for it. cpu_run() does both. */
void cpu_begin(u32 index, void (*f)(void *), void *arg);
bool must_check cpu_wait(u32 index);
bool must_check cpu_run(u32 index, void (*f)(void *), void *arg);
/* On all processors at once, the calling one too. False: one did not come to the end. */
bool must_check cpu_run_all(void (*f)(void *), void *arg);

/* Handler of an interrupt vector, on all processors. The default counts and writes EOI. */
typedef void interrupt_handler(u8 vector);
void interrupt_set(u8 vector, interrupt_handler *handler);

/* Calls f(arg); an exception in it comes back here. Returns what it was (taken: false if none). */
struct fault try_call(void (*f)(void *), void *arg);
/* The same at CPL 3. The function's return is fault.vector = 3. */
struct fault try_user(void (*f)(void *), void *arg);
/* RDMSR, WRMSR; false: #GP. Any other exception is fatal. */
bool must_check msr_get(u32 msr, u64 *ret_value);
bool must_check msr_set(u32 msr, u64 value);

static inline u64 read_dr6(void)
{
	u64 v;

	__asm__ volatile("mov %%dr6, %0" : "=r"(v));
	return v;
}

static inline void write_dr6(u64 v)
{
	__asm__ volatile("mov %0, %%dr6" ::"r"(v));
}

static inline void irq_on(void)
{
	__asm__ volatile("sti; nop" ::: "memory");
}

static inline void irq_off(void)
{
	__asm__ volatile("cli" ::: "memory");
}

/* Interrupts that are pending come in. */
static inline void irq_window(void)
{
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
}

static inline void cpu_pause(void)
{
	__builtin_ia32_pause();
}

/* True when the condition holds, false when it has not come true in many seconds. */
bool deadline_passed(u64 start);
u64 deadline_start(void);
#define wait_until(condition)                                    \
	({                                                       \
		u64 start_ = deadline_start();                   \
		while (!(condition) && !deadline_passed(start_)) \
			cpu_pause();                             \
		(condition);                                     \
	})

#define load(p)     __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define store(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

#endif
