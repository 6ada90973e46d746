/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fuzzer's bytes, taken one piece after the other; zeros when they run out. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <string.h>

#include "core/types.h"

struct input {
	const u8 *data;
	size_t left;
};

static inline void take(struct input *in, void *to, size_t size)
{
	size_t n = min_u64(size, in->left);

	memset(to, 0, size);
	memcpy(to, in->data, n);
	in->data += n;
	in->left -= n;
}

static inline u8 take_u8(struct input *in)
{
	u8 v;

	take(in, &v, sizeof(v));
	return v;
}

static inline u32 take_u32(struct input *in)
{
	u32 v;

	take(in, &v, sizeof(v));
	return v;
}

static inline u64 take_u64(struct input *in)
{
	u64 v;

	take(in, &v, sizeof(v));
	return v;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif
