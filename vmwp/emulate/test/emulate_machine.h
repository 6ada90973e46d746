/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine for the emulator's tests: 4 MiB of RAM at 0, one device of 64 KiB at DEVICE_GPA whose
 * registers are plain memory, ports that count, and page tables at the end of RAM.
 */
#ifndef EMULATE_MACHINE_H
#define EMULATE_MACHINE_H

#include "emulate/emulate.h"

#define RAM_SIZE    0x400000ull
#define DEVICE_GPA  0xf0000000ull
#define DEVICE_SIZE 0x10000ull
#define TABLES_GPA  0x300000ull /* page tables are allocated from here */

/* The last accesses to the device or the ports, for checks of width and order. */
struct machine_access {
	char kind; /* 'r', 'w', 'i', 'o' */
	uint8_t size;
	uint64_t address;
	uint64_t value;
};

struct machine {
	uint8_t *ram;
	uint8_t *device;
	uint8_t vector[16][32];
	uint64_t tables_next;
	unsigned accesses; /* counted on beyond the size of the log */
	struct machine_access log[64];
	uint32_t port_value; /* what the next IN gives; counts up */
	int fail;            /* error of every access to a device, if not 0 */
	struct emulate_regs regs;
	struct emulate_exception exception;
};

void machine_init(struct machine *m);
void machine_fini(struct machine *m);

/* Register set-ups: flat 64-bit with 4-level paging, flat 32-bit without paging, real mode. */
void machine_enter_long(struct machine *m);
void machine_enter_protected(struct machine *m);
void machine_enter_real(struct machine *m);

/* 4-level paging: one 4 KiB page; flags are the bits of the last entry (others allow all). */
void machine_map_page(struct machine *m, uint64_t linear, uint64_t gpa, uint64_t flags);

/* Puts code at a guest-physical address of RAM. */
void machine_put(struct machine *m, uint64_t gpa, const void *bytes, size_t len);

/* emulate_instruction() with the bytes fetched from guest memory. */
int machine_step(struct machine *m);

extern const struct emulate_vcpu_ops machine_ops;

#endif
