/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions and interrupts, one way for all 256 vectors; calls whose exceptions are caught; the
 * way to CPL 3 and hypercalls.
 */
#include "cpu_layout.h"

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
	jmp common
	.set vector, vector + 1
	.endr

common:
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

/*
 * bool try_enter(void (*f)(void *), void *arg, u64 *catch): calls f(arg); *catch is the stack
 * pointer that a trap goes back to, at try_landing. True: it did. Nests.
 */
	.globl try_enter, try_landing
try_enter:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	push (%rdx)
	push %rdx
	mov %rsp, (%rdx)
	mov %rdi, %rax
	mov %rsi, %rdi
	call *%rax
	xor %eax, %eax
	jmp 1f
try_landing:
	mov $1, %eax
1:	pop %rdx
	pop (%rdx)
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

/* void user_enter(void (*f)(void *), void *arg, u64 stack): to CPL 3; an exception ends it. */
	.globl user_enter
user_enter:
	movq $user_done, -8(%rdx)
	lea -8(%rdx), %rdx
	push $SEL_USER_DATA
	push %rdx
	push $0x202
	push $SEL_USER_CODE
	push %rdi
	mov %rsi, %rdi
	iretq
user_done:
	int3

/* u64 hypercall(u64 control, u64 input, u64 output) */
	.globl hypercall
hypercall:
	mov %rdi, %rcx
	mov %rdx, %r8
	mov %rsi, %rdx
	mov $hypercall_page, %eax
	jmp *%rax
	.section .note.GNU-stack, "", @progbits
