/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * void native_jump(const struct linux_entry *e): into the kernel on the bare machine. Lies in
 * .boot, whose addresses are physical: it goes on running when CR3 is the kernel's identity map.
 */
#include "x86/linux_offsets.h"

	.section .boot, "awx", @progbits
	.code64
	.globl native_jump
native_jump:
	cli
	mov ENTRY_RIP(%rdi), %rax
	mov ENTRY_PARAMS(%rdi), %rsi
	mov ENTRY_CR3(%rdi), %rcx
	mov ENTRY_GDT(%rdi), %rdx
	movzwl ENTRY_GDT_LIMIT(%rdi), %ebx
	mov $(native_stack_top), %rsp
	sub $16, %rsp
	mov %bx, (%rsp)
	mov %rdx, 2(%rsp)
	mov %cr4, %rbx
	and $0x20, %rbx /* PAE alone, as at the entry from firmware */
	mov %rbx, %cr4
	mov %rcx, %cr3
	lgdt (%rsp)
	mov $0x18, %ecx
	mov %ecx, %ds
	mov %ecx, %es
	mov %ecx, %ss
	mov %ecx, %fs
	mov %ecx, %gs
	push $0x10
	push %rax
	xor %ebp, %ebp
	xor %ebx, %ebx
	xor %edi, %edi
	lretq
	.balign 16
	.skip 64
native_stack_top:
	.section .note.GNU-stack, "", @progbits
