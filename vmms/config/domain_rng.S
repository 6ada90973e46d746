/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain.rng inside the program, so that schema and program cannot come apart.
 */
	.section .rodata
	.globl domain_rng_start, domain_rng_end
domain_rng_start:
	.incbin "domain.rng"
domain_rng_end:
	.byte 0
	.section .note.GNU-stack, "", @progbits
