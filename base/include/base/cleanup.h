/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scope-bound release: `_cleanup_free_ char *name = …;`, `_cleanup_close_ int fd = …;`. A value
 * that leaves the scope alive is taken out with TAKE_PTR() or TAKE_FD().
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>

#include "base/fd.h"

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Defines `name`, the clean-up function of a variable of pointer type `type` that `destroy` ends. */
#define DEFINE_CLEANUP(type, destroy, name)     \
	static inline void name(type *variable) \
	{                                       \
		if (*variable)                  \
			destroy(*variable);     \
	}                                       \
	struct name##_takes_a_semicolon

static inline void cleanup_free(void *variable)
{
	free(*(void **)variable);
}

static inline void cleanup_close(int *fd)
{
	fd_close(*fd);
}

#define _cleanup_free_  _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)

#define TAKE_PTR(variable)                                \
	({                                                \
		__typeof__(variable) taken_ = (variable); \
		(variable) = NULL;                        \
		taken_;                                   \
	})

#define TAKE_FD(variable)                \
	({                               \
		int taken_ = (variable); \
		(variable) = -1;         \
		taken_;                  \
	})

#endif
