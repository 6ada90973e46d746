/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The few macros that all user space shares: attributes, sizes, alignment, CHECK().
 */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>
#include <stdint.h>

#define must_check               __attribute__((warn_unused_result))
#define printf_like(f, a)        __attribute__((format(printf, f, a)))
#define likely(x)                __builtin_expect(!!(x), 1)
#define unlikely(x)              __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(array)        (sizeof(array) / sizeof((array)[0]))
#define BIT(n)                   (1u << (n))
#define BIT64(n)                 (UINT64_C(1) << (n))
#define KIB(n)                   ((uint64_t)(n) << 10)
#define MIB(n)                   ((uint64_t)(n) << 20)
#define GIB(n)                   ((uint64_t)(n) << 30)
#define MIN(a, b)                ((a) < (b) ? (a) : (b))
#define MAX(a, b)                ((a) > (b) ? (a) : (b))

/* `align` is a power of two. */
#define ALIGN_DOWN(value, align) ((value) & ~((__typeof__(value))(align)-1))
#define ALIGN_UP(value, align)   ALIGN_DOWN((value) + (__typeof__(value))(align)-1, align)
#define IS_ALIGNED(value, align) (((value) & ((__typeof__(value))(align)-1)) == 0)

#define container_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/*
 * An invariant of our own code, checked in every build. Never for what a guest, a file or a user
 * can get wrong: those are errors.
 */
#define CHECK(expression)                                                   \
	do {                                                                \
		if (unlikely(!(expression)))                                \
			base_check_failed(#expression, __FILE__, __LINE__); \
	} while (0)

/* Says which invariant broke where, on standard error, and aborts. */
_Noreturn void base_check_failed(const char *expression, const char *file, int line);

#endif
