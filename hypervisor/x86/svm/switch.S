/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world switch.
 *
 *   void svm_switch(struct vp *vp, u64 guest_vmcb, u64 host_vmcb, u64 shadow);
 *
 * Called with IF = 0 and GIF = 0, returns so. IF is set around VMRUN only: it is the mask of
 * physical interrupts while the guest runs (APM 15.21.1). RAX and RSP live in the VMCB. VMLOAD and
 * VMSAVE carry FS, GS, TR, LDTR and the system-call MSRs. The processor itself restores nothing
 * of the general registers: guest values that the C code below has no use for are cleared, so
 * that they cannot steer speculation.
 *
 * What the guest taught the predictors is of no use to it behind the exit: where returns may follow
 * it, they are thrown away (IBPB); and the return stack gets 32 entries that lead nowhere before the
 * first RET. There is no branch before that but the one around IBPB, and LFENCE holds back what
 * would run behind it on a guess. Before the entry, where the part needs it, VERW empties the
 * buffers that hold our data.
 *
 * The processor takes the guest's interrupt shadow from the VMCB. QEMU (7.2) does not: there it is
 * our own, that of an STI right before VMRUN, which lasts into the guest. So there is such an STI
 * if and only if the guest is to have a shadow; on hardware it makes no difference.
 *
 * 103 instructions from entry to return.
 */
#include "x86/layout.h"

#define SPECULATION_EXIT_BARRIER  0
#define SPECULATION_CLEAR_BUFFERS 1
#define MSR_PRED_CMD              0x49
#define RETURN_STACK_SIZE         32

	.text
	.globl svm_switch
	.type svm_switch, @function
svm_switch:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdx
	push %rdi

	cmpb $0, speculation + SPECULATION_CLEAR_BUFFERS(%rip)
	je 1f
	verw data_selector(%rip)
1:
	test %rcx, %rcx /* no instruction up to the jump changes the flags */
	mov %rsi, %rax
	mov 8*1(%rdi), %rcx
	mov 8*2(%rdi), %rdx
	mov 8*3(%rdi), %rbx
	mov 8*5(%rdi), %rbp
	mov 8*6(%rdi), %rsi
	mov 8*8(%rdi), %r8
	mov 8*9(%rdi), %r9
	mov 8*10(%rdi), %r10
	mov 8*11(%rdi), %r11
	mov 8*12(%rdi), %r12
	mov 8*13(%rdi), %r13
	mov 8*14(%rdi), %r14
	mov 8*15(%rdi), %r15
	mov 8*7(%rdi), %rdi

	sti
	vmload
	jz 1f
	sti
1:	vmrun
	cli
	vmsave

	mov (%rsp), %rax
	mov %rcx, 8*1(%rax)
	mov %rdx, 8*2(%rax)
	mov %rbx, 8*3(%rax)
	mov %rbp, 8*5(%rax)
	mov %rsi, 8*6(%rax)
	mov %rdi, 8*7(%rax)
	mov %r8, 8*8(%rax)
	mov %r9, 8*9(%rax)
	mov %r10, 8*10(%rax)
	mov %r11, 8*11(%rax)
	mov %r12, 8*12(%rax)
	mov %r13, 8*13(%rax)
	mov %r14, 8*14(%rax)
	mov %r15, 8*15(%rax)

	mov 8(%rsp), %rax
	vmload
	cmpb $0, speculation + SPECULATION_EXIT_BARRIER(%rip)
	je 1f
	mov $MSR_PRED_CMD, %ecx
	mov $1, %eax
	xor %edx, %edx
	wrmsr
1:	lfence
	.rept RETURN_STACK_SIZE
	call 1f
	int3
1:
	.endr
	add $(16 + 8 * RETURN_STACK_SIZE), %rsp
	xor %ecx, %ecx
	xor %edx, %edx
	xor %esi, %esi
	xor %edi, %edi
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	int3
data_selector:
	.word SEL_DATA
	.section .note.GNU-stack, "", @progbits
