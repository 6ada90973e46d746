/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file's first kilobyte, which makes it a Linux bzImage (boot protocol 2.12, 64-bit entry, not
 * relocatable), the entry, and the trampoline that takes application processors from SIPI to C.
 */
#include "cpu_layout.h"

#define XLF_KERNEL_64 1
#define LOADED_HIGH   1
#define CR0_BITS      0x80010033 /* PG WP NE ET MP PE */
#define CR4_PAE       0x20
#define MSR_EFER      0xc0000080
#define MSR_X2APIC_ID 0x802
#define EFER_BITS     0x900 /* LME NXE */

	.section .setup, "a", @progbits
	.org 0x1f1
	.byte 1 /* setup_sects */
	.org 0x1fe
	.word 0xaa55
	.byte 0xeb, header_end - . - 1 /* jump; its distance is the header's length */
	.ascii "HdrS"
	.word 0x020c
	.org 0x211
	.byte LOADED_HIGH
	.org 0x230
	.long 0x200000 /* kernel_alignment */
	.byte 0, 21    /* relocatable_kernel, min_alignment */
	.word XLF_KERNEL_64
	.long 255 /* cmdline_size */
	.org 0x258
	.quad image_start /* pref_address */
	.long image_size  /* init_size: with .bss */
	.long 0
header_end:
	.org 0x400

	.section .head, "ax", @progbits
	.org 0x200
	.globl entry
entry:
	cli
	cld
	mov $bss_start, %edi
	mov $bss_end, %ecx
	sub %edi, %ecx
	xor %eax, %eax
	rep stosb
	mov $(cpu_blocks + CPU_BLOCK_SIZE), %esp
	xor %ebp, %ebp
	mov %rsi, %rdi
	call guest_main
1:	hlt
	jmp 1b

	.globl trampoline, trampoline_end, trampoline_cr3
	.code16
	.balign 16
trampoline:
	cli
	cld
	mov %cs, %ax
	mov %ax, %ds
	lgdtl trampoline_gdt_ptr - trampoline
	mov $CR4_PAE, %eax
	mov %eax, %cr4
	mov trampoline_cr3 - trampoline, %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	xor %edx, %edx
	mov $EFER_BITS, %eax
	wrmsr
	mov $CR0_BITS, %eax
	mov %eax, %cr0
	ljmpl $SEL_CODE, $ap_entry
	.balign 8
trampoline_gdt_ptr:
	.word 3 * 8 - 1
	.long boot_gdt
trampoline_cr3:
	.long 0
trampoline_end:

	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff

	.code64
ap_entry:
	mov $SEL_DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $MSR_X2APIC_ID, %ecx
	rdmsr
	mov %eax, %edi
	lea 1(%rax), %eax
	imul $CPU_BLOCK_SIZE, %eax, %eax
	lea cpu_blocks(%rax), %rsp
	xor %ebp, %ebp
	call ap_main
2:	hlt
	jmp 2b
	.section .note.GNU-stack, "", @progbits
