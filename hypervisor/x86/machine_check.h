/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine checks that a processor takes while a child runs (APM 2, chapter 9). A memory error in the
 * child's own pages ends the child; all else is the machine's, that is, the root's.
 */
#pragma once

#include "core/types.h"

/*
 * The processor's banks are read. True: what is in them is an error that only what ran just now
 * suffers from. It is acknowledged then (MCG_STATUS); the banks keep it for the root, which looks
 * into them now and then.
 */
bool must_check machine_check_is_guests(void);

/* Whether what a machine check interrupted in the hypervisor may go on: RIPV. */
bool must_check machine_check_can_return(void);
