/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Indirect branches by way of a return (retpolines): the return stack predicts a RET, and its top is
 * the CALL right before it, so what a guest taught the branch predictor is not asked. Speculation
 * goes round the loop of 2: until the RET is carried out. The compiler makes each indirect call and
 * jump of C a jump to the thunk of a register; the build looks that none is left (branches.cmake).
 * See doc/speculation.md.
 */
	.text
	.macro thunk register
	.balign 32
	.globl __x86_indirect_thunk_\register
	.type __x86_indirect_thunk_\register, @function
__x86_indirect_thunk_\register:
	call 1f
2:	pause
	lfence
	jmp 2b
1:	mov %\register, (%rsp)
	ret
	int3
	.endm

	.irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	thunk \register
	.endr
	.section .note.GNU-stack, "", @progbits
