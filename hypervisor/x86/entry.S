/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt and exception entry. 256 stubs push the vector (and a zero where the processor pushes
 * no error code); one path saves all registers for exceptions, a shorter one the caller-saved
 * registers for interrupts.
 */
#include "x86/layout.h"

	.text

	.globl idt_stubs
	.balign 16
idt_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21)
	.elseif (vector == 29) || (vector == 30)
	.else
	push $0
	.endif
	push $vector
	.if vector < 32
	jmp exception_common
	.else
	jmp interrupt_common
	.endif
	.set vector, vector + 1
	.endr

/* struct trap_frame of trap.h, from the bottom up. */
exception_common:
	cld
	push %rax
	push %rcx
	push %rdx
	push %rbx
	push %rbp
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %rdi
	call trap_handle
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rbp
	pop %rbx
	pop %rdx
	pop %rcx
	pop %rax
	add $16, %rsp
	iretq

interrupt_common:
	cld
	push %rax
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	mov 9*8(%rsp), %rdi
	call intr_handle
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rax
	add $16, %rsp
	iretq

/* int rdmsr_safe(u32 msr, u64 *ret_value) */
	.globl rdmsr_safe
rdmsr_safe:
	mov %edi, %ecx
1:	rdmsr
	shl $32, %rdx
	mov %eax, %eax
	or %rdx, %rax
	mov %rax, (%rsi)
	xor %eax, %eax
	ret
/* int wrmsr_safe(u32 msr, u64 value) */
	.globl wrmsr_safe
wrmsr_safe:
	mov %edi, %ecx
	mov %rsi, %rdx
	shr $32, %rdx
	mov %esi, %eax
2:	wrmsr
	xor %eax, %eax
	ret
3:	mov $-1, %eax
	ret

	.section .extable, "a", @progbits
	.quad 1b, 3b
	.quad 2b, 3b
	.section .note.GNU-stack, "", @progbits
