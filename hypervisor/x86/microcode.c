/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See microcode.h. The container is a list of sections, of which the first says who is who. */
#include "x86/microcode.h"
#include "core/format.h"
#include "core/log.h"
#include "x86/asm.h"

#define CPIO_MAGIC       "070701"
#define CPIO_HEADER      110
#define CPIO_FILE_SIZE   54
#define CPIO_NAME_SIZE   94
#define FILE_NAME        "kernel/x86/microcode/AuthenticAMD.bin"

#define CONTAINER_MAGIC  0x00414d44 /* "DMA" */
#define SECTION_NAMES    0
#define SECTION_PATCH    1
#define NAME_ENTRY       16
#define NAME_ID          12
#define PATCH_REVISION   4
#define PATCH_ID         24
#define PATCH_HEADER     64

#define MSR_PATCH_LEVEL  0x8b
#define MSR_PATCH_LOADER 0xc0010020
#define PATCH_MAX        (8 * PAGE_SIZE)

static u8 patch[PATCH_MAX] aligned_to(PAGE_SIZE);
static u32 patch_revision; /* 0: there is none */

static u32 word(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Eight hexadecimal digits; anything else makes a number that is too large. */
static u64 hex(const u8 *digits)
{
	u64 v = 0;

	for (u32 i = 0; i < 8; i++) {
		u8 c = digits[i] | 0x20;

		if (digits[i] >= '0' && digits[i] <= '9')
			v = v << 4 | (u64)(digits[i] - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (u64)(c - 'a' + 10);
		else
			return ~0u;
	}
	return v;
}

/* The file in the archive, or NULL. */
static const u8 *find_file(const u8 *archive, u64 size, u64 *ret_size)
{
	u64 at = 0, name_size, file_size, data;

	while (size - at >= CPIO_HEADER && !memcmp(archive + at, CPIO_MAGIC, 6)) {
		file_size = hex(archive + at + CPIO_FILE_SIZE);
		name_size = hex(archive + at + CPIO_NAME_SIZE);
		data = align_up(at + CPIO_HEADER + name_size, 4);
		if (data > size || file_size > size - data)
			return NULL;
		*ret_size = file_size;
		if (name_size == sizeof(FILE_NAME) &&
		    !memcmp(archive + at + CPIO_HEADER, FILE_NAME, sizeof(FILE_NAME)))
			return archive + data;
		at = min_u64(align_up(data + file_size, 4), size);
	}
	return NULL;
}

/* What patches call a processor with this signature; 0: it is not listed. */
static u16 id_of(const u8 *names, u64 size, u32 signature)
{
	u16 id = 0;

	for (; size >= NAME_ENTRY; names += NAME_ENTRY, size -= NAME_ENTRY)
		if (word(names) == signature && !id)
			memcpy(&id, names + NAME_ID, sizeof(id));
	return id;
}

static bool is_for(const u8 *section, u32 size, u16 id)
{
	return size >= PATCH_HEADER && size <= PATCH_MAX && id &&
	       !memcmp(section + PATCH_ID, &id, sizeof(id));
}

const u8 *microcode_find(const u8 *archive, u64 size, u32 signature, u32 revision, u32 *ret_size)
{
	const u8 *best = NULL, *p, *end;
	u64 left;
	u16 id = 0;

	p = find_file(archive, size, &left);
	if (!p)
		return NULL;
	for (end = p + left; end - p >= 8; p += left) {
		if (word(p) == CONTAINER_MAGIC) {
			left = 4;
			continue;
		}
		left = word(p + 4);
		if (left > (u64)(end - p) - 8)
			break;
		if (word(p) == SECTION_NAMES) {
			id = id_of(p + 8, left, signature);
		} else if (word(p) == SECTION_PATCH && is_for(p + 8, (u32)left, id) &&
			   word(p + 8 + PATCH_REVISION) > revision) {
			best = p + 8;
			revision = word(best + PATCH_REVISION);
			*ret_size = (u32)left;
		}
		left += 8;
	}
	return best;
}

static u32 current_revision(void)
{
	u64 v;

	return rdmsr_safe(MSR_PATCH_LEVEL, &v) ? ~0u : (u32)v;
}

void microcode_init(const u8 *initrd, u64 size)
{
	const u8 *found;
	u32 leaf[4], patch_size;

	cpuid(0, 0, leaf);
	if (leaf[2] != 0x444d4163) /* Authenti-cAMD */
		return;
	cpuid(1, 0, leaf);
	found = microcode_find(initrd, size, leaf[0], current_revision(), &patch_size);
	if (!found)
		return;
	memcpy(patch, found, patch_size);
	patch_revision = word(patch + PATCH_REVISION);
	log_info("microcode: %x is to become %x", current_revision(), patch_revision);
}

void microcode_load(void)
{
	if (!patch_revision || current_revision() >= patch_revision)
		return;
	if (wrmsr_safe(MSR_PATCH_LOADER, (u64)patch) || current_revision() != patch_revision)
		log_warning("microcode: a processor does not take %x and stays at %x",
			    patch_revision, current_revision());
}
