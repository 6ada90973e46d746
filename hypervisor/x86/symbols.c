// SPDX-License-Identifier: GPL-2.0-or-later
/* A sorted array, searched from the front: only a panic looks. */
#include "x86/symbols.h"
#include "x86/image.h"

struct symbol {
	u32 address; /* low half: the upper one is all ones */
	u32 name;    /* offset in the names */
};

/* Weak: absent in the first link. */
extern const struct symbol symbol_table[] __attribute__((weak));
extern const u32 symbol_count __attribute__((weak));
extern const char symbol_names[] __attribute__((weak));

const char *symbols_lookup(u64 address, u64 *ret_offset)
{
	const struct symbol *best = NULL;
	u32 count = &symbol_count ? symbol_count : 0;

	*ret_offset = 0;
	if (address < (u64)image_text_start || address >= (u64)image_text_end)
		return "?";
	for (u32 i = 0; i < count && symbol_table[i].address <= (u32)address; i++)
		best = &symbol_table[i];
	if (!best)
		return "?";
	*ret_offset = (u32)address - best->address;
	return symbol_names + best->name;
}
