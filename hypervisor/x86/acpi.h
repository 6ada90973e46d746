/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few ACPI facts the hypervisor needs: which processors there are, where the power-management
 * timer is. Everything else is the root's business.
 */
#pragma once

#include "core/types.h"

struct acpi_facts {
	u32 cpu_count;
	u32 cpus_left_out; /* more than there is room for */
	u32 apic_id[256];  /* of enabled processors, in MADT order */
	u16 pm_timer_port; /* 0: none */
	u64 rsdp;          /* where the root can find it */
};

extern struct acpi_facts acpi_facts;

/* 0, or why the tables could not be used. */
const char *acpi_read(void);

/*
 * Marks processors in the MADT as not usable, those of whose local APIC `used` says no: the root
 * would wait for each of them. Before the root runs.
 */
void acpi_disable_cpus(bool (*used)(u32 apic_id));
