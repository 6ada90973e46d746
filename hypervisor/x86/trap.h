/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions and interrupts taken by the hypervisor itself. */
#pragma once

#include "core/types.h"

/* As entry.S and the processor push it. */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/* Fills the IDT that all processors share. */
void trap_init(void);
/* Loads it on this processor. */
void trap_load(void);

/* From entry.S. */
void trap_handle(struct trap_frame *f);

/* Once GS and the local APIC work: panics may look at the processor and stop the others. */
void panic_cpu_ready(void);

/* panic.c: as panic(), with the registers of a trap. */
_Noreturn void panic_trap(const struct trap_frame *f);
/* In an NMI: another processor panics, this one stops for good. */
bool panic_in_progress(void);
