/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integers, address types and the few macros that every hypervisor file uses.
 * An address type wraps one integer so that guest-physical, system-physical and guest-virtual
 * addresses cannot be mixed up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

typedef struct {
	u64 v;
} gpa_t;
typedef struct {
	u64 v;
} spa_t;
typedef struct {
	u64 v;
} gva_t;

#define GPA(x)                        ((gpa_t){(x)})
#define SPA(x)                        ((spa_t){(x)})
#define GVA(x)                        ((gva_t){(x)})

#define PAGE_SHIFT                    12
#define PAGE_SIZE                     4096ull
#define SIZE_2M                       (1ull << 21)
#define SIZE_1G                       (1ull << 30)

#define must_check                    __attribute__((warn_unused_result))
#define printf_like(f, a)             __attribute__((format(printf, f, a)))
#define maybe_unused                  __attribute__((unused))
#define never_inline                  __attribute__((noinline, cold))
#define aligned_to(n)                 __attribute__((aligned(n)))
#define likely(x)                     __builtin_expect(!!(x), 1)
#define unlikely(x)                   __builtin_expect(!!(x), 0)

#define BIT(n)                        (1ull << (n))
#define ARRAY_SIZE(a)                 (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
#define align_down(x, a)              ((x) & ~((u64)(a)-1))
#define align_up(x, a)                align_down((x) + (a)-1, (a))

static inline u64 min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}

static inline u64 max_u64(u64 a, u64 b)
{
	return a > b ? a : b;
}
