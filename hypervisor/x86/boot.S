/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the boot loader to C: multiboot1 and multiboot2 headers, 32-bit entry, the first page
 * tables, and the trampoline that brings application processors from real mode to 64 bits.
 *
 * The first page tables map the low 4 GiB three times – identically, at DIRECT_BASE and (2 GiB of
 * it) at IMAGE_BASE – writable and executable; paging.c replaces them before anything runs that
 * is not ours.
 */
#include "x86/layout.h"

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003 /* page-aligned modules, memory map, addresses below are valid */
#define MB2_MAGIC 0xe85250d6

#define CR0_PE   (1 << 0)
#define CR0_MP   (1 << 1)
#define CR0_NE   (1 << 5)
#define CR0_WP   (1 << 16)
#define CR0_PG   (1 << 31)
#define CR4_PAE  (1 << 5)
#define MSR_EFER 0xc0000080
#define EFER_LME (1 << 8)
#define EFER_NXE (1 << 11)
#define MSR_APIC_BASE    0x1b
#define MSR_X2APIC_ID    0x802
#define APIC_BASE_X2APIC (1 << 10)
#define APIC_PHYS_ID     0xfee00020

	.section .boot, "awx", @progbits
	.code32

	.balign 8
mb1_header:
	.long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
	.long mb1_header, image_start_phys, image_load_end_phys, image_end_phys, start

	.balign 8
mb2_header:
	.long MB2_MAGIC, 0, mb2_end - mb2_header, -(MB2_MAGIC + 0 + (mb2_end - mb2_header))
	.balign 8
	.word 1, 0 /* information request: command line, modules, memory map */
	.long 8 + 3 * 4, 1, 3, 6
	.balign 8
	.word 6, 0 /* modules on page boundaries */
	.long 8
	.balign 8
	.word 0, 0
	.long 8
mb2_end:

	.globl start
start:
	cld
	cli
	mov %eax, %edi /* loader's magic and info pointer become C's arguments */
	mov %ebx, %esi
	mov $boot_stack_top_phys, %esp

	/* Four page directories of 2 MiB pages: the low 4 GiB. */
	mov $boot_pd_phys, %ebx
	mov $0x83, %eax
	xor %edx, %edx
	mov $2048, %ecx
1:	mov %eax, (%ebx)
	mov %edx, 4(%ebx)
	add $0x200000, %eax
	add $8, %ebx
	loop 1b

	/* One PDPT serves all three views: entries 0–3 and, for the image, 510 and 511. */
	mov $boot_pdpt_phys, %ebx
	mov $(boot_pd_phys + 3), %eax
	mov $4, %ecx
2:	mov %eax, (%ebx)
	add $0x1000, %eax
	add $8, %ebx
	loop 2b
	movl $(boot_pd_phys + 3), boot_pdpt_phys + 510 * 8
	movl $(boot_pd_phys + 0x1003), boot_pdpt_phys + 511 * 8

	movl $(boot_pdpt_phys + 3), boot_pml4_phys
	movl $(boot_pdpt_phys + 3), boot_pml4_phys + 256 * 8
	movl $(boot_pdpt_phys + 3), boot_pml4_phys + 511 * 8

	mov %cr4, %eax
	or $CR4_PAE, %eax
	mov %eax, %cr4
	mov $boot_pml4_phys, %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	rdmsr
	or $(EFER_LME | EFER_NXE), %eax
	wrmsr
	mov %cr0, %eax
	or $(CR0_PG | CR0_PE | CR0_MP | CR0_NE | CR0_WP), %eax
	and $~0x6000000c, %eax /* CD, NW, TS, EM off */
	mov %eax, %cr0
	lgdt boot_gdt_ptr
	ljmp $0x08, $start64

	.code64
start64:
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	mov $boot_stack_top, %rsp
	xor %ebp, %ebp
	mov %edi, %edi
	mov %esi, %esi
	mov $x86_main, %rax
	call *%rax
1:	hlt
	jmp 1b

	.balign 16
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff /* 64-bit code */
	.quad 0x00cf93000000ffff /* data */
boot_gdt_ptr:
	.word . - boot_gdt - 1
	.quad boot_gdt

/*
 * The application processors' way in. smp.c copies [trampoline, trampoline_end) to a page below
 * 1 MiB and writes the page's address into the fields at the end.
 */
	.globl trampoline, trampoline_end, trampoline_gdt, trampoline_gdt_ptr, trampoline_jump
	.globl trampoline_cr3
	.code16
	.balign 16
trampoline:
	cli
	cld
	mov %cs, %ax
	mov %ax, %ds
	lgdtl trampoline_gdt_ptr - trampoline
	mov %cr4, %eax
	or $CR4_PAE, %eax
	mov %eax, %cr4
	mov trampoline_cr3 - trampoline, %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	rdmsr
	or $(EFER_LME | EFER_NXE), %eax
	wrmsr
	mov $(CR0_PG | CR0_PE | CR0_MP | CR0_NE | CR0_WP), %eax
	mov %eax, %cr0
	ljmpl *(trampoline_jump - trampoline)

	.balign 8
trampoline_gdt:
	.quad 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
trampoline_gdt_ptr:
	.word . - trampoline_gdt - 1
	.long 0 /* address of the GDT's copy */
	.balign 4
trampoline_jump:
	.long ap_start64 /* in the image, identity-mapped by the first page tables */
	.word 0x08
	.balign 4
trampoline_cr3:
	.long boot_pml4_phys
trampoline_end:

	.code64
ap_start64:
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	xor %ebp, %ebp
	/*
	 * Its own structure, by the id of its local APIC: one that comes when nobody waits for it any
	 * more finds its own stack all the same. One that is not used (any more) stays here.
	 */
	mov $MSR_APIC_BASE, %ecx
	rdmsr
	test $APIC_BASE_X2APIC, %eax
	jz 1f
	mov $MSR_X2APIC_ID, %ecx
	rdmsr
	jmp 2f
1:	mov $APIC_PHYS_ID, %eax
	mov (%rax), %eax
	shr $24, %eax
2:	mov $cpus, %rsi
	mov cpu_count, %ecx
3:	mov (%rsi), %rdi
	cmp %eax, CPU_APIC_ID(%rdi)
	je 5f
	add $8, %rsi
	loop 3b
4:	hlt
	jmp 4b
5:	mov CPU_CR3(%rdi), %rcx
	mov CPU_STACK(%rdi), %rsp
	mov $ap_high, %rdx
	jmp *%rdx

	.section .text, "ax", @progbits
ap_high:
	mov %rcx, %cr3
	call ap_main
1:	hlt
	jmp 1b

	.section .bss.boot, "aw", @nobits
	.balign 4096
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pd:
	.skip 4096 * 4
	.globl boot_stack
boot_stack:
	.skip 16384
boot_stack_top:

	.set boot_pml4_phys, boot_pml4 - IMAGE_BASE
	.globl boot_pml4_phys
	.set boot_pdpt_phys, boot_pdpt - IMAGE_BASE
	.set boot_pd_phys, boot_pd - IMAGE_BASE
	.set boot_stack_top_phys, boot_stack_top - IMAGE_BASE
