/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One contiguous image: file offset minus physical address is the same everywhere, because
 * multiboot1 loaders read it as a flat file. The symbol table comes last so that adding it (after
 * a first link) moves nothing.
 */
#include "x86/layout.h"

OUTPUT_FORMAT(elf64-x86-64)
ENTRY(start)

PHDRS
{
	boot PT_LOAD FLAGS(5);
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
	stack PT_GNU_STACK FLAGS(6);
}

SECTIONS
{
	. = IMAGE_PHYS;
	image_start_phys = .;
	.boot : { *(.boot) } : boot
	. = ALIGN(4096);
	. += IMAGE_BASE;

	image_text_start = .;
	.text : AT(ADDR(.text) - IMAGE_BASE) { *(.text .text.*) . = ALIGN(4096); } : text
	image_text_end = .;

	.rodata : AT(ADDR(.rodata) - IMAGE_BASE) {
		*(.rodata .rodata.*)
		. = ALIGN(8);
		extable_start = .;
		*(.extable)
		extable_end = .;
		*(.build_id .note.gnu.build-id)
		. = ALIGN(4096);
	} : rodata
	image_rodata_end = .;

	.data : AT(ADDR(.data) - IMAGE_BASE) { *(.data .data.*) . = ALIGN(4096); } : data
	.symbols : AT(ADDR(.symbols) - IMAGE_BASE) { *(.symbols) . = ALIGN(4096); } : data
	image_load_end_phys = . - IMAGE_BASE;
	.bss (NOLOAD) : AT(ADDR(.bss) - IMAGE_BASE) { *(.bss .bss.* COMMON) . = ALIGN(4096); } : data
	image_end = .;
	image_end_phys = . - IMAGE_BASE;

	/DISCARD/ : { *(.comment .eh_frame .eh_frame_hdr .note.* .gnu.*) }
}
