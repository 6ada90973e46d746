/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root partition: all the machine but the hypervisor's memory, one VP per processor. */
#pragma once

#include "x86/linux.h"

/* Creates the partition and its VPs. After cpu_enumerate(); before smp_start(). */
void root_create(void);

/* Puts VP 0 at the kernel's entry. */
void root_enter_linux(const struct linux_entry *entry);

/* Runs this processor's root VP, for ever. */
_Noreturn void root_run_cpu(void);
