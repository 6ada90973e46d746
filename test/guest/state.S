/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All general registers but RSP through one exit.
 *
 *   void state_pass(u64 regs[15], u32 kind)
 *
 * Loads RAX RCX RDX RBX RBP RSI RDI R8 … R15 from regs, makes the exit, stores them back.
 */
	.text
	.globl state_pass
state_pass:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi
	mov %esi, %eax
	lea kinds(,%rax,8), %rax
	push (%rax)
	mov %rdi, %rax
	mov 8*1(%rax), %rcx
	mov 8*2(%rax), %rdx
	mov 8*3(%rax), %rbx
	mov 8*4(%rax), %rbp
	mov 8*5(%rax), %rsi
	mov 8*6(%rax), %rdi
	mov 8*7(%rax), %r8
	mov 8*8(%rax), %r9
	mov 8*9(%rax), %r10
	mov 8*10(%rax), %r11
	mov 8*11(%rax), %r12
	mov 8*12(%rax), %r13
	mov 8*13(%rax), %r14
	mov 8*14(%rax), %r15
	mov (%rax), %rax
	ret /* to the kind */

	.macro kind name, code:vararg
\name:	\code
	jmp store
	.endm
	kind by_cpuid, cpuid
	kind by_rdmsr, rdmsr
	kind by_wrmsr, wrmsr
	kind by_hypercall, vmmcall
	kind by_memory, movb $0, (%rdi)
by_interrupt:
	wrmsr
	sti
	nop
	cli

store:
	push %rax
	mov 8(%rsp), %rax
	pop (%rax)
	mov %rcx, 8*1(%rax)
	mov %rdx, 8*2(%rax)
	mov %rbx, 8*3(%rax)
	mov %rbp, 8*4(%rax)
	mov %rsi, 8*5(%rax)
	mov %rdi, 8*6(%rax)
	mov %r8, 8*7(%rax)
	mov %r9, 8*8(%rax)
	mov %r10, 8*9(%rax)
	mov %r11, 8*10(%rax)
	mov %r12, 8*11(%rax)
	mov %r13, 8*12(%rax)
	mov %r14, 8*13(%rax)
	mov %r15, 8*14(%rax)
	pop %rdi
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

	.section .rodata, "a", @progbits
	.balign 8
kinds:
	.quad by_cpuid, by_rdmsr, by_wrmsr, by_hypercall, by_memory, by_interrupt
	.section .note.GNU-stack, "", @progbits
