/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of calls, one per file that serves some; hypercall.c searches them in this order. */
#ifndef CORE_CALLS_H
#define CORE_CALLS_H

#include "core/hypercall.h"

extern const struct hypercall_kind keelson_calls[];

#endif
