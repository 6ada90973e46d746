/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few ACPI facts the hypervisor needs: which processors there are, where the power-management
 * timer is. Everything else is the root's business.
 */
#pragma once

#include "core/types.h"

struct acpi_facts {
	u32 cpu_count;
	u32 apic_id[256];  /* of enabled processors, in MADT order */
	u16 pm_timer_port; /* 0: none */
	u64 rsdp;          /* where the root can find it */
};

extern struct acpi_facts acpi_facts;

/* 0, or why the tables could not be used. */
const char *acpi_read(void);
