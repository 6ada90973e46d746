/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The failing end of CHECK().
 */
#include "base/macros.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void base_check_failed(const char *expression, const char *file, int line)
{
	fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, expression);
	abort();
}
