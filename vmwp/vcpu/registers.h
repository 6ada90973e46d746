/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of registers (TLFS 7.2, HV_REGISTER_NAME) that the worker sets or reads beyond those in the
 * shared page, and the layouts of their 128 bits.
 */
#ifndef VMWP_REGISTERS_H
#define VMWP_REGISTERS_H

#include <stdint.h>

#include "vid/vp.h"

enum {
	REGISTER_INTERRUPT_STATE = 0x00010003,
	REGISTER_PENDING_EVENT0 = 0x00010004,
	REGISTER_RAX = 0x00020000,
	REGISTER_RBX = 0x00020003,
	REGISTER_RSI = 0x00020006,
	REGISTER_RIP = 0x00020010,
	REGISTER_RFLAGS = 0x00020011,
	REGISTER_CR0 = 0x00040000,
	REGISTER_CR3 = 0x00040002,
	REGISTER_CR4 = 0x00040003,
	REGISTER_ES = 0x00060000,
	REGISTER_CS = 0x00060001,
	REGISTER_SS = 0x00060002,
	REGISTER_DS = 0x00060003,
	REGISTER_FS = 0x00060004,
	REGISTER_GS = 0x00060005,
	REGISTER_LDTR = 0x00060006,
	REGISTER_TR = 0x00060007,
	REGISTER_IDTR = 0x00070000,
	REGISTER_GDTR = 0x00070001,
	REGISTER_EFER = 0x00080001,
};

/* HV_X64_SEGMENT_REGISTER */
static inline struct vid_register register_segment(uint32_t name, uint16_t selector, uint32_t limit,
						   uint16_t attributes)
{
	return (struct vid_register){name, 0,
				     limit | (uint64_t)selector << 32 | (uint64_t)attributes << 48};
}

/* HV_X64_TABLE_REGISTER */
static inline struct vid_register register_table(uint32_t name, uint64_t base, uint16_t limit)
{
	return (struct vid_register){name, (uint64_t)limit << 48, base};
}

/* HV_X64_PENDING_EXCEPTION_EVENT (TLFS 7.9.3) */
static inline struct vid_register register_exception(uint8_t vector, bool has_error_code,
						     uint32_t error_code, uint64_t parameter)
{
	return (struct vid_register){REGISTER_PENDING_EVENT0,
				     1u | (uint64_t)has_error_code << 8 | (uint64_t)vector << 16 |
					     (uint64_t)error_code << 32,
				     parameter};
}

#endif
