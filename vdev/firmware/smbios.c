/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBIOS structures: a header {type, length, handle}, formatted bytes, then strings, then a 0. String
 * numbers count from 1.
 */
#include "smbios.h"

#include <string.h>

#include "base/bytes.h"
#include "base/macros.h"

#define TYPE_BIOS      0
#define TYPE_SYSTEM    1
#define TYPE_ENCLOSURE 3
#define TYPE_END       127

struct writer {
	struct smbios *smbios;
	uint16_t count; /* of structures */
	uint16_t longest;
};

/* A structure of `length` formatted bytes, with `strings` (each ended by 0, the list by another). */
static uint8_t *add(struct writer *w, uint8_t type, uint8_t length, const char *strings)
{
	struct smbios *s = w->smbios;
	uint8_t *at = s->tables + s->size;
	size_t strings_size = 0, total;

	while (strings[strings_size])
		strings_size += strlen(strings + strings_size) + 1;
	total = length + MAX(strings_size, 1) + 1;
	CHECK(s->size + total <= SMBIOS_TABLES_MAX);
	at[0] = type;
	at[1] = length;
	bytes_put_le16(at + 2, (uint16_t)(w->count << 8));
	memcpy(at + length, strings, strings_size);
	s->size += total;
	w->count++;
	w->longest = MAX(w->longest, (uint16_t)total);
	return at;
}

static void add_bios(struct writer *w)
{
	uint8_t *at = add(w, TYPE_BIOS, 0x18,
			  "Keelson\0"
			  "1\0"
			  "01/01/2024\0");

	at[4] = 1; /* vendor, version */
	at[5] = 2;
	bytes_put_le16(at + 6, 0xe800);
	at[8] = 3;              /* date */
	at[10] = 0x08;          /* characteristics are not supported */
	at[19] = 0x10;          /* a virtual machine */
	at[20] = 1;             /* release 1.0 */
	at[22] = at[23] = 0xff; /* no embedded controller */
}

static void add_system(struct writer *w, const uint8_t uuid[16], const char *name)
{
	static const char fixed[] = "Keelson\0"
				    "Virtual Machine\0"
				    "1\0";
	char strings[sizeof(fixed) + SMBIOS_NAME_MAX + 2] = {0};
	uint8_t *at;

	memcpy(strings, fixed, sizeof(fixed) - 1);
	memcpy(strings + sizeof(fixed) - 1, name, strlen(name));
	at = add(w, TYPE_SYSTEM, 0x1b, strings);
	at[4] = 1; /* manufacturer, product, version, serial number */
	at[5] = 2;
	at[6] = 3;
	at[7] = *name ? 4 : 0;
	memcpy(at + 8, uuid, 16);
	at[24] = 0x06; /* woken by the power switch */
}

static void add_enclosure(struct writer *w)
{
	uint8_t *at = add(w, TYPE_ENCLOSURE, 0x15, "Keelson\0");

	at[4] = 1;
	at[5] = 0x01;                   /* other */
	at[9] = at[10] = at[11] = 0x03; /* boot-up, power supply and thermal state are safe */
	at[12] = 0x02;                  /* security: unknown */
}

static uint8_t sum(const uint8_t *data, size_t size)
{
	uint8_t total = 0;

	while (size-- > 0)
		total += *data++;
	return total;
}

/* Of the intermediate anchor, and of the whole (SMBIOS 5.2.1). */
static void sum_up(uint8_t *anchor)
{
	anchor[21] -= sum(anchor + 16, 15);
	anchor[4] -= sum(anchor, SMBIOS_ANCHOR_SIZE);
}

void smbios_set_address(struct smbios *smbios, uint32_t tables)
{
	bytes_put_le32(smbios->anchor + 24, tables);
	sum_up(smbios->anchor);
}

static void make_anchor(struct writer *w)
{
	uint8_t *anchor = w->smbios->anchor;

	memcpy(anchor, "_SM_", 4);
	anchor[5] = SMBIOS_ANCHOR_SIZE;
	anchor[6] = 2;
	anchor[7] = 8;
	bytes_put_le16(anchor + 8, w->longest);
	memcpy(anchor + 16, "_DMI_", 5);
	bytes_put_le16(anchor + 22, (uint16_t)w->smbios->size);
	bytes_put_le16(anchor + 28, w->count);
	anchor[30] = 0x28;
	sum_up(anchor);
}

void smbios_build(struct smbios *smbios, const uint8_t uuid[16], const char *name)
{
	struct writer w = {.smbios = smbios};

	CHECK(strlen(name) <= SMBIOS_NAME_MAX);
	memset(smbios, 0, sizeof(*smbios));
	add_bios(&w);
	add_system(&w, uuid, name);
	add_enclosure(&w);
	add(&w, TYPE_END, 4, "");
	make_anchor(&w);
}
