/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head of a small 32-bit kernel, in one of four forms: KIND_MULTIBOOT, KIND_MULTIBOOT2 (ELF),
 * KIND_FLAT (multiboot with addresses), KIND_LINUX (a bzImage without a 64-bit entry). Each ends in
 * kernel_main(EAX, EBX, ESI), on a stack of its own.
 */
	.section .head, "ax"
	.code32

#ifdef KIND_LINUX
	.org 0x1f1 /* Documentation/arch/x86/boot.rst, protocol 2.10 */
	.byte 1
	.word 0
	.long image_paragraphs
	.word 0, 0, 0
	.word 0xaa55
	.byte 0xeb, 0x264 - 0x202
	.ascii "HdrS"
	.word 0x020a
	.long 0, 0
	.byte 0, 1
	.word 0
	.long 0x100000, 0, 0, 0
	.word 0
	.byte 0, 0
	.long 0, 0x37ffffff, 0x1000
	.byte 0, 0
	.word 0
	.long 255, 0
	.quad 0
	.long 0, 0
	.quad 0
	.quad 0x100000
	.long 0x100000
	.org 0x400
#endif
	.globl entry
entry: /* of a bzImage: the first byte that is loaded */
	mov $stack_end, %esp
	push %esi
	push %ebx
	push %eax
	call kernel_main
1:	hlt
	jmp 1b

#ifdef KIND_MULTIBOOT
	.balign 4
	.long 0x1badb002, 3, -(0x1badb002 + 3)
#endif
#ifdef KIND_FLAT
	.balign 4
header:
	.long 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
	.long header, entry, image_end, bss_end, entry
#endif
#ifdef KIND_MULTIBOOT2
	.balign 8
header:
	.long 0xe85250d6, 0, header_end - header, -(0xe85250d6 + header_end - header)
	.word 1, 0 /* the command line is needed */
	.long 12, 1
	.balign 8
	.word 0, 0
	.long 8
header_end:
#endif

	/* IRQ 4, with the 8259's vectors from 20h on. */
	.globl on_com1
on_com1:
	pusha
	call com1_interrupt
	popa
	iret

	/* Nothing else comes. */
	.globl on_other
on_other:
	hlt
	jmp on_other

	.bss
	.balign 16
	.skip 0x4000
stack_end:

	.section .note.GNU-stack, "", @progbits
