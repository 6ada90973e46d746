/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Little- and big-endian numbers in byte buffers, at any alignment.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BASE_BYTES_DEFINE(order, bits)                                             \
	static inline uint##bits##_t bytes_get_##order##bits(const void *from)     \
	{                                                                          \
		uint##bits##_t raw;                                                \
		memcpy(&raw, from, sizeof(raw));                                   \
		return order##bits##toh(raw);                                      \
	}                                                                          \
	static inline void bytes_put_##order##bits(void *to, uint##bits##_t value) \
	{                                                                          \
		uint##bits##_t raw = hto##order##bits(value);                      \
		memcpy(to, &raw, sizeof(raw));                                     \
	}

BASE_BYTES_DEFINE(le, 16)
BASE_BYTES_DEFINE(le, 32)
BASE_BYTES_DEFINE(le, 64)
BASE_BYTES_DEFINE(be, 16)
BASE_BYTES_DEFINE(be, 32)
BASE_BYTES_DEFINE(be, 64)

#endif
