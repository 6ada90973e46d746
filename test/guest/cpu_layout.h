/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers that the assembler needs too. A processor's block holds its structure at the bottom and
 * its stack growing down from the top, so any stack pointer in it leads to the structure.
 */
#ifndef GUEST_CPU_LAYOUT_H
#define GUEST_CPU_LAYOUT_H

#define CPU_BLOCK_SIZE 0x10000

#define SEL_CODE       0x08
#define SEL_DATA       0x10
#define SEL_USER_DATA  0x1b
#define SEL_USER_CODE  0x23
#define SEL_TSS        0x28

#endif
