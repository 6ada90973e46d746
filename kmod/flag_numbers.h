/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which event flags are taken. A number that is given back is not given out again before it has been
 * cleaned: until then the flag may still be on its way to its former owner. Knows no kernel, so that
 * a test on the host reaches it; the caller has a lock.
 */
#ifndef VID_FLAG_NUMBERS_H
#define VID_FLAG_NUMBERS_H

#include "hv/synic.h"
#include "hv/types.h"

#define FLAG_WORDS (HV_EVENT_FLAGS / 64)

struct flag_numbers {
	uint64_t taken[FLAG_WORDS];    /* also those below */
	uint64_t retired[FLAG_WORDS];  /* given back since the last cleaning began */
	uint64_t cleaning[FLAG_WORDS]; /* given back before that */
};

/* The lowest free number from `first` on, which is taken now; -1: there is none. */
int flag_numbers_take(struct flag_numbers *n, unsigned int first);
void flag_numbers_retire(struct flag_numbers *n, unsigned int number);

/*
 * What has been given back so far is to be cleaned (`cleaning` says which), and has been. 0: there is
 * nothing to be cleaned.
 */
int flag_numbers_begin_cleaning(struct flag_numbers *n);
void flag_numbers_end_cleaning(struct flag_numbers *n);

#endif
