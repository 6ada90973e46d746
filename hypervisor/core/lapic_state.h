/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC's state as it is saved (hv/partition.h). The VP is stopped. */
#pragma once

#include "core/lapic.h"
#include "hv/partition.h"

void lapic_get_state(const struct lapic *l, struct hv_lapic_state *ret_state);

/* False: not a state that this APIC could be in; nothing changed. */
bool must_check lapic_set_state(struct lapic *l, const struct hv_lapic_state *state);
