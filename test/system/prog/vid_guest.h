/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests of a dozen opcode bytes, for tests of vid.ko through libvid: 2 MiB of memory at 0, code at
 * GUEST_CODE in real mode, VPs that begin there.
 */
#ifndef VID_GUEST_H
#define VID_GUEST_H

#include "expect.h"
#include "hv/register.h"
#include "vid/driver.h"
#include "vid/memory.h"
#include "vid/vp.h"

#define GUEST_CODE 0x1000u
#define GUEST_SIZE (UINT64_C(2) << 20)
#define GUEST_VPS  4u

struct guest {
	struct vid_partition *partition;
	struct vid_memory *memory;
	uint8_t *host;
	struct vid_vp *vp[GUEST_VPS];
	struct vid_exit exit;
};

/* A guest with `vps` VPs, all about to run the same code. */
void guest_init(struct guest *g, unsigned int vps);
void guest_fini(struct guest *g);

/* Writes code to GUEST_CODE and lets VP 0 begin there. */
#define guest_load(g, ...)                                    \
	do {                                                  \
		static const uint8_t code_[] = {__VA_ARGS__}; \
		guest_load_bytes(g, code_, sizeof(code_));    \
	} while (0)
void guest_load_bytes(struct guest *g, const uint8_t *code, size_t size);
void guest_begin(struct guest *g, unsigned int vp);
/* The same in flat 64-bit mode, with 2 MiB of page tables' worth mapped one to one. */
void guest_begin_64(struct guest *g, unsigned int vp);

/* Runs VP 0 until it stops for something else than an interruption, which must be `kind`. */
void guest_run(struct guest *g, enum vid_exit_kind kind);

/* RIP of VP 0 goes behind the instruction that stopped it. */
void guest_step_over(struct guest *g);

uint64_t guest_register(struct guest *g, unsigned int vp, uint32_t name);
void guest_set_register(struct guest *g, unsigned int vp, uint32_t name, uint64_t value);

#endif
