/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head of a guest that both worlds can start: by the 64-bit boot protocol of Linux (the file is
 * a bzImage of one setup sector), and by multiboot 1, in 32-bit mode. Either way it ends in
 * child_main(), in 64-bit mode with the first 4 GiB mapped one to one, with Linux's boot parameters
 * or NULL.
 */
#define BASE         0x100000 /* of what follows the two sectors */
#define HEADER_MAGIC 0x1badb002
#define HEADER_FLAGS 0x10000 /* addresses are given here */

	.section .head, "ax"
	.code32
	/* Two sectors that no guest runs: the header of a bzImage, Documentation/arch/x86/boot.rst. */
	.org 0x1f1
	.byte 1            /* setup_sects */
	.word 0            /* root_flags */
	.long image_paras  /* syssize */
	.word 0, 0, 0
	.word 0xaa55
	.byte 0xeb, 0x66   /* jump over the header */
	.ascii "HdrS"
	.word 0x020c       /* version */
	.long 0, 0
	.byte 0, 1         /* loadflags: LOADED_HIGH */
	.word 0
	.long BASE, 0, 0, 0
	.word 0
	.byte 0, 0
	.long 0, 0x7fffffff, 0x1000
	.byte 0, 0
	.word 1            /* xloadflags: it has a 64-bit entry */
	.long 255, 0
	.quad 0
	.long 0, 0
	.quad 0
	.quad BASE         /* pref_address */
	.long 0x100000     /* init_size */
	.org 0x400

	/* BASE */
	.balign 4
multiboot:
	.long HEADER_MAGIC, HEADER_FLAGS, -(HEADER_MAGIC + HEADER_FLAGS)
	.long multiboot, BASE, image_end, bss_end, entry_32
entry_32:
	mov $tables + 0x1000 + 3, %eax
	mov %eax, tables
	mov $tables + 0x2000 + 3, %eax
	xor %ecx, %ecx
1:	mov %eax, tables + 0x1000(, %ecx, 8)
	add $0x1000, %eax
	inc %ecx
	cmp $4, %ecx
	jne 1b
	mov $0x83, %eax
	xor %ecx, %ecx
2:	mov %eax, tables + 0x2000(, %ecx, 8)
	add $0x200000, %eax
	inc %ecx
	cmp $2048, %ecx
	jne 2b
	mov $tables, %eax
	mov %eax, %cr3
	mov $0x20, %eax
	mov %eax, %cr4
	mov $0xc0000080, %ecx
	rdmsr
	or $0x100, %eax
	wrmsr
	mov %cr0, %eax
	or $0x80000001, %eax
	mov %eax, %cr0
	lgdt gdt_pointer
	xor %esi, %esi
	ljmp $8, $entry_64

	.org 0x600
	.code64
	.globl entry_64
entry_64: /* BASE + 0x200 */
	lgdt gdt_pointer
	lea stack_end(%rip), %rsp
	push $8
	lea 3f(%rip), %rax
	push %rax
	lretq
3:	xor %eax, %eax
	mov %eax, %ss
	mov %eax, %ds
	mov %eax, %es
	mov %rsi, %rdi
	call child_main
4:	hlt
	jmp 4b

	/* The vector of the IPI to itself: EOI by x2APIC. */
	.globl on_ipi
on_ipi:
	push %rax
	push %rcx
	push %rdx
	mov $0x80b, %ecx
	xor %eax, %eax
	xor %edx, %edx
	wrmsr
	incl ipi_count(%rip)
	pop %rdx
	pop %rcx
	pop %rax
	iretq

	.balign 8
gdt:
	.quad 0, 0x00af9b000000ffff
gdt_pointer:
	.word 15
	.quad gdt

	.bss
	.balign 4096
tables:
	.skip 0x6000
	.skip 0x4000
stack_end:

	.section .note.GNU-stack, "", @progbits
