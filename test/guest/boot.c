// SPDX-License-Identifier: GPL-2.0-or-later
/* See boot.h. Offsets are those of struct boot_params. */
#include "boot.h"
#include "core/format.h"

#define OFFSET_RSDP    0x070
#define OFFSET_COUNT   0x1e8
#define OFFSET_CMDLINE 0x228
#define OFFSET_E820    0x2d0

struct boot boot;

void boot_read(const struct boot_params *params)
{
	const u8 *p = (const u8 *)params;
	u32 words;

	memcpy(&boot.rsdp, p + OFFSET_RSDP, sizeof(boot.rsdp));
	memcpy(&words, p + OFFSET_CMDLINE, sizeof(words));
	format_text(boot.words, sizeof(boot.words), "%s", (const char *)(u64)words);
	boot.range_count = (u32)min_u64(p[OFFSET_COUNT], ARRAY_SIZE(boot.range));
	memcpy(boot.range, p + OFFSET_E820, boot.range_count * sizeof(boot.range[0]));
}
