/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands in for x86/layout.h: where the local APIC's page of a test is. */
#pragma once

#include "core/types.h"

extern u8 apic_window[];

#define APIC_WINDOW ((u64)apic_window)
