// SPDX-License-Identifier: GPL-2.0-or-later
/* See flag_numbers.h. */
#include "flag_numbers.h"

int flag_numbers_take(struct flag_numbers *n, unsigned int first)
{
	unsigned int word = first / 64;
	uint64_t free;

	for (; word < FLAG_WORDS; word++) {
		free = ~n->taken[word];
		if (word == first / 64)
			free &= ~0ull << first % 64;
		if (free) {
			n->taken[word] |= free & -free;
			return (int)(word * 64) + __builtin_ctzll(free);
		}
	}
	return -1;
}

void flag_numbers_retire(struct flag_numbers *n, unsigned int number)
{
	n->retired[number / 64] |= 1ull << number % 64;
}

int flag_numbers_begin_cleaning(struct flag_numbers *n)
{
	uint64_t any = 0;
	unsigned int word;

	for (word = 0; word < FLAG_WORDS; word++) {
		n->cleaning[word] |= n->retired[word];
		n->retired[word] = 0;
		any |= n->cleaning[word];
	}
	return any != 0;
}

void flag_numbers_end_cleaning(struct flag_numbers *n)
{
	unsigned int word;

	for (word = 0; word < FLAG_WORDS; word++) {
		n->taken[word] &= ~n->cleaning[word];
		n->cleaning[word] = 0;
	}
}
