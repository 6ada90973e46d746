/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes with units.
 */
#include "config/units.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

static const struct {
	const char *name;
	uint64_t bytes;
} units[] = {
	{"b", 1},
	{"bytes", 1},
	{"KB", 1000},
	{"k", 1 << 10},
	{"KiB", 1 << 10},
	{"K", 1 << 10},
	{"MB", 1000000},
	{"M", 1 << 20},
	{"MiB", 1 << 20},
	{"GB", 1000000000},
	{"G", 1 << 30},
	{"GiB", 1 << 30},
	{"TB", UINT64_C(1000000000000)},
	{"T", UINT64_C(1) << 40},
	{"TiB", UINT64_C(1) << 40},
};

static uint64_t unit_bytes(const char *unit)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(units[i].name, unit) == 0)
			return units[i].bytes;
	}
	return 0;
}

bool units_scale(uint64_t number, const char *unit, uint64_t *ret_bytes)
{
	uint64_t bytes = unit_bytes(unit);

	return bytes && !__builtin_mul_overflow(number, bytes, ret_bytes);
}

/* The digits behind the point at `text`, as a fraction of `bytes`, rounded down. */
static uint64_t parse_fraction(const char *text, uint64_t bytes)
{
	unsigned __int128 digits = 0, scale = 1;

	for (text++; isdigit((unsigned char)*text); text++) {
		digits = digits * 10 + (unsigned int)(*text - '0');
		scale *= 10;
	}
	return (uint64_t)(bytes * digits / scale);
}

bool units_parse_size(const char *text, uint64_t *ret_bytes)
{
	const char *fraction, *unit;
	uint64_t number, bytes, whole;
	char *end;

	if (!isdigit((unsigned char)*text) || strlen(text) > 18)
		return false;
	number = strtoull(text, &end, 10);
	fraction = end;
	unit = end + (*end == '.');
	while (*end == '.' && isdigit((unsigned char)*unit))
		unit++;
	while (*unit == ' ')
		unit++;
	bytes = *unit ? unit_bytes(unit) : 1;
	if (!bytes || __builtin_mul_overflow(number, bytes, &whole))
		return false;
	if (*fraction == '.')
		whole += parse_fraction(fraction, bytes);
	*ret_bytes = whole;
	return true;
}

void units_format_size(uint64_t bytes, char *buffer, size_t size)
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t tenths;
	unsigned int unit = 0;

	for (tenths = bytes; tenths >= 1024 && unit + 1 < ARRAY_SIZE(names); tenths /= 1024)
		unit++;
	tenths = unit ? (bytes >> (10 * (unit - 1))) * 10 / 1024 : bytes * 10;
	if (tenths % 10 == 0 || tenths >= 1000)
		snprintf(buffer, size, "%llu %s", (unsigned long long)tenths / 10, names[unit]);
	else
		snprintf(buffer, size, "%llu.%llu %s", (unsigned long long)tenths / 10,
			 (unsigned long long)tenths % 10, names[unit]);
}
