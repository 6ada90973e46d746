/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Function names by address for stack traces. The table is made from the first link's symbols by
 * symbols.awk and put into .symbols at the second.
 */
#pragma once

#include "core/types.h"

/* Name of the function around `address` and the offset in it; "?" if there is none. */
const char *symbols_lookup(u64 address, u64 *ret_offset);
