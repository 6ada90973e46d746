/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI configuration space and QEMU's "edu" devices (docs/specs/edu), which interrupt on request. */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include "core/types.h"

#define EDU_MAX 2

struct edu {
	volatile u8 *bar;
	u32 config; /* address of its configuration space */
	u8 line;    /* IOAPIC input of its INTA on the "pc" machine */
};

/* All edu devices, in the order of their slots; enabled. Returns how many. */
u32 edu_find(struct edu ret_devices[EDU_MAX]);
void edu_raise(const struct edu *e);
void edu_acknowledge(const struct edu *e);
/* From now on by MSI; false: it has none. Turned off by vector 0. */
bool edu_use_msi(const struct edu *e, u32 apic_id, u8 vector);

#endif
