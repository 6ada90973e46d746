/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The patch in an initrd, found or not found, whatever the initrd is. */
#include <stdio.h>

#include "runner.h"
#include "x86/asm.h"
#include "x86/microcode.h"

#define SIGNATURE 0x00a20f12u
#define NAME      "kernel/x86/microcode/AuthenticAMD.bin"

static u8 archive[4096];
static size_t used;

/* Nothing here goes to a processor. */
int rdmsr_safe(u32 msr, u64 *ret_value)
{
	return -1;
}

int wrmsr_safe(u32 msr, u64 value)
{
	return -1;
}

static void add(const void *data, size_t size)
{
	ck_assert(used + size <= sizeof(archive));
	memcpy(archive + used, data, size);
	used += size;
}

static void add_word(u32 v)
{
	add(&v, sizeof(v));
}

static void pad(void)
{
	while (used % 4)
		add("", 1);
}

/* The header of a file; its size is put in by end_file(). */
static size_t begin_file(const char *name)
{
	size_t at = used;
	char text[111];

	snprintf(text, sizeof(text), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, (u32)strlen(name) + 1, 0);
	add(text, 110);
	add(name, strlen(name) + 1);
	pad();
	return at;
}

static void end_file(size_t at, size_t start)
{
	char text[9];

	snprintf(text, sizeof(text), "%08x", (u32)(used - start));
	memcpy(archive + at + 54, text, 8);
	pad();
}

static void add_names(u32 signature, u16 id)
{
	u8 entry[32] = {0};

	memcpy(entry, &signature, 4);
	memcpy(entry + 12, &id, 2);
	add_word(0x00414d44);
	add_word(0);
	add_word(sizeof(entry));
	add(entry, sizeof(entry));
}

static void add_patch(u32 revision, u16 id, u32 size)
{
	u8 header[256] = {0};

	memcpy(header + 4, &revision, 4);
	memcpy(header + 24, &id, 2);
	add_word(1);
	add_word(size);
	add(header, size);
}

/* Another file, two containers: one for another processor, one for this with three patches. */
static void build(void)
{
	size_t at, start;

	used = 0;
	at = begin_file("kernel/x86/microcode/.enuineIntel.align.0123456789abc");
	start = used;
	add("x", 1);
	end_file(at, start);
	at = begin_file(NAME);
	start = used;
	add_names(0x00800f12, 0x8012);
	add_patch(0x900, 0x8012, 64);
	add_names(SIGNATURE, 0xa212);
	add_patch(0x100, 0xa212, 128);
	add_patch(0x300, 0xa212, 200);
	add_patch(0x200, 0xa212, 64);
	add_patch(0x999, 0xa213, 64);
	end_file(at, start);
	at = begin_file("TRAILER!!!");
	end_file(at, used);
}

static u32 find(u32 signature, u32 revision)
{
	u32 size = 0, found;
	const u8 *p = microcode_find(archive, used, signature, revision, &size);

	if (!p)
		return 0;
	memcpy(&found, p + 4, 4);
	ck_assert_uint_eq(size, found == 0x300 ? 200 : 64);
	return found;
}

START_TEST(the_newest_of_ones_own)
{
	build();
	ck_assert_uint_eq(find(SIGNATURE, 0), 0x300);
	ck_assert_uint_eq(find(SIGNATURE, 0x2ff), 0x300);
	ck_assert_uint_eq(find(SIGNATURE, 0x300), 0);
	ck_assert_uint_eq(find(0x00800f12, 0x800), 0x900);
	ck_assert_uint_eq(find(0x00100f00, 0), 0);
	used = 0;
	ck_assert_uint_eq(find(SIGNATURE, 0), 0);
}
END_TEST

/* Cut at each length, and with each byte changed: nothing is read that is not there (ASan). */
START_TEST(anything_may_be_in_it)
{
	size_t full;

	build();
	full = used;
	for (size_t size = 0; size < full; size++) {
		u8 *copy = malloc(size + !size);
		u32 patch_size;

		memcpy(copy, archive, size);
		(void)microcode_find(copy, size, SIGNATURE, 0, &patch_size);
		free(copy);
	}
	for (size_t at = 0; at < full; at++) {
		u8 *copy = malloc(full);
		u32 patch_size = 0;
		const u8 *p;

		memcpy(copy, archive, full);
		copy[at] ^= 0xff;
		p = microcode_find(copy, full, SIGNATURE, 0, &patch_size);
		ck_assert(!p || (p >= copy && p + patch_size <= copy + full));
		free(copy);
	}
}
END_TEST

TEST_MAIN("microcode", the_newest_of_ones_own, anything_may_be_in_it)
