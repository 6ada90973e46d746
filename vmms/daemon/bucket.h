/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A token bucket: how often something that a guest or a worker can bring about may cost something.
 */
#ifndef VMMS_DAEMON_BUCKET_H
#define VMMS_DAEMON_BUCKET_H

#include <stdbool.h>

#include "base/macros.h"

/* Zeroed memory is a full bucket. */
struct bucket {
	double used; /* tokens taken and not given back yet */
	double at;   /* when that was so, in seconds */
	unsigned int refused;
};

/*
 * Takes a token where there is one. There are `burst` of them, and `rate` come back each second.
 * `refused` counts those that were not there; the caller sets it back.
 */
static inline bool bucket_take(struct bucket *bucket, double now, double rate, double burst)
{
	double back = (now - bucket->at) * rate;

	bucket->used = back < bucket->used ? bucket->used - back : 0;
	bucket->at = now;
	if (bucket->used + 1 > burst) {
		bucket->refused++;
		return false;
	}
	bucket->used++;
	return true;
}

#endif
