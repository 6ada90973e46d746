/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * The hypercall convention and the call codes (TLFS chapter 3, appendix A).
 *
 * 64-bit callers: RCX control, RDX input and R8 output (GPAs, or two input words of a fast call);
 * RAX result. 32-bit callers: EDX:EAX control, EBX:ECX input, EDI:ESI output; EDX:EAX result.
 * Lists start 8-byte aligned and stay within their page. CPL > 0: #UD.
 */
#ifndef HV_HYPERCALL_H
#define HV_HYPERCALL_H

#include "hv/types.h"

/* Control word (TLFS 3.7). */
#define HV_CONTROL_CODE           0x000000000000ffffull
#define HV_CONTROL_FAST           0x0000000000010000ull
#define HV_CONTROL_VARIABLE_SHIFT 17 /* 10 bits: variable header, in 8-byte units */
#define HV_CONTROL_VARIABLE_MASK  0x3ffu
#define HV_CONTROL_NESTED         0x0000000080000000ull
#define HV_CONTROL_REPS_SHIFT     32
#define HV_CONTROL_START_SHIFT    48
#define HV_CONTROL_REP_MASK       0xfffu
#define HV_CONTROL_RESERVED       0xf000f00078000000ull

/* Result word: status in bits 15:0, reps completed (counted from 0, not from the start) in 43:32. */
#define HV_RESULT_STATUS          0xffffull
#define HV_RESULT_REPS_SHIFT      32

/* Those that are served; Keelson's own are in hv/keelson.h. */
enum hv_call_code {
	HV_CALL_CREATE_PARTITION = 0x40,
	HV_CALL_INITIALIZE_PARTITION = 0x41,
	HV_CALL_FINALIZE_PARTITION = 0x42,
	HV_CALL_DELETE_PARTITION = 0x43,
	HV_CALL_GET_PARTITION_PROPERTY = 0x44,
	HV_CALL_SET_PARTITION_PROPERTY = 0x45,
	HV_CALL_GET_NEXT_CHILD_PARTITION = 0x47,
	HV_CALL_DEPOSIT_MEMORY = 0x48,
	HV_CALL_WITHDRAW_MEMORY = 0x49,
	HV_CALL_GET_MEMORY_BALANCE = 0x4a,
	HV_CALL_MAP_GPA_PAGES = 0x4b,
	HV_CALL_UNMAP_GPA_PAGES = 0x4c,
	HV_CALL_INSTALL_INTERCEPT = 0x4d,
	HV_CALL_CREATE_VP = 0x4e,
	HV_CALL_DELETE_VP = 0x4f,
	HV_CALL_GET_VP_REGISTERS = 0x50,
	HV_CALL_SET_VP_REGISTERS = 0x51,
	HV_CALL_TRANSLATE_VIRTUAL_ADDRESS = 0x52,
	HV_CALL_CLEAR_VIRTUAL_INTERRUPT = 0x56,
	HV_CALL_POST_MESSAGE = 0x5c,
	HV_CALL_SIGNAL_EVENT = 0x5d,
	HV_CALL_REGISTER_INTERCEPT_RESULT = 0x91,
	HV_CALL_ASSERT_VIRTUAL_INTERRUPT = 0x94,
	HV_CALL_SIGNAL_EVENT_DIRECT = 0xc0,
	HV_CALL_POST_MESSAGE_DIRECT = 0xc1,
	HV_CALL_DISPATCH_VP = 0xc2,
	HV_CALL_MAP_VP_STATE_PAGE = 0xe1,
	HV_CALL_UNMAP_VP_STATE_PAGE = 0xe2,
	HV_CALL_GET_VP_STATE = 0xe3,
	HV_CALL_SET_VP_STATE = 0xe4,
};

#endif
