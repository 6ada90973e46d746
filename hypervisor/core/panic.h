/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of the line for our own broken invariants. Never reached by what a guest or a user
 * does: those get an error. The x86 part prints registers, a stack trace and the last exits; the
 * fake prints and aborts.
 */
#pragma once

#include "core/types.h"

_Noreturn void panic(const char *format, ...) printf_like(1, 2);

/* Always compiled in. */
#define CHECK(cond)                                                           \
	do {                                                                  \
		if (unlikely(!(cond)))                                        \
			panic("%s:%d: CHECK(%s)", __FILE__, __LINE__, #cond); \
	} while (0)
