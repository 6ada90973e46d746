/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decodes the plain stores that guests ring doorbells with: MOV of a register or a constant to
 * memory. Knows no kernel, so that a test on the host reaches it.
 */
#ifndef VID_MMIO_WRITE_H
#define VID_MMIO_WRITE_H

#include "hv/types.h"

struct mmio_write {
	unsigned int length; /* of the instruction */
	unsigned int size;   /* of what is written, 1, 2, 4, 8 */
	uint64_t value;
};

/*
 * `bytes` are `count` of the guest's code, in 64-bit or 32-bit mode; `gpr` its registers in encoding
 * order. 0: it is such a store. -1: it is something else, or the bytes do not hold all of it.
 */
int mmio_write_decode(const uint8_t *bytes, unsigned int count, int is_64_bit,
		      const uint64_t gpr[16], struct mmio_write *ret);

#endif
