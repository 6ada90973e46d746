/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where things lie in the hypervisor's address space. Also read by the assembler and the linker
 * script: numbers only.
 *
 *   IMAGE_BASE   the image, at IMAGE_BASE + physical address: text RX, rodata R, data RW
 *   DIRECT_BASE  RAM but the image, RW, never executable: see paging.h
 *   STACK_BASE   stacks, one slot per processor, unmapped pages between them
 *   APIC_WINDOW  the physical local APIC's page, uncached
 */
#pragma once

#define IMAGE_PHYS      0x200000
#define IMAGE_BASE      0xffffffff80000000
#define DIRECT_BASE     0xffff800000000000
#define STACK_BASE      0xffffc00000000000
#define APIC_WINDOW     0xffffd00000000000

/* A stack slot: guard, 4 pages of stack, then guard + 1 page each for #DF, NMI and #MC. */
#define STACK_PAGES     4
#define STACK_SLOT_SIZE 0x10000

/* Fields of struct cpu that starting processors read. */
#define CPU_APIC_ID     12
#define CPU_CR3         16
#define CPU_STACK       24

#define SEL_CODE        0x08
#define SEL_DATA        0x10
#define SEL_TSS         0x18
