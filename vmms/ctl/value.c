/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/value.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "config/units.h"
#include "ctl/ctl.h"

enum unit { UNIT_NONE, UNIT_KIB, UNIT_BYTES, UNIT_NSEC, UNIT_USEC, UNIT_SEC, UNIT_DATE };

static const struct {
	const char *suffix;
	enum unit unit;
	bool drop; /* not a part of the label */
} suffixes[] = {{"KiB", UNIT_KIB, true},     {"Bytes", UNIT_BYTES, false},
		{"NSec", UNIT_NSEC, true},   {"USec", UNIT_USEC, true},
		{"At", UNIT_DATE, false},    {"Delay", UNIT_SEC, false},
		{"Timeout", UNIT_SEC, false}};

static enum unit unit_of(const char *key, int *ret_label_length)
{
	size_t length = strlen(key);

	*ret_label_length = (int)length;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t tail = strlen(suffixes[i].suffix);

		if (length <= tail || strcmp(key + length - tail, suffixes[i].suffix) != 0)
			continue;
		if (suffixes[i].drop)
			*ret_label_length = (int)(length - tail);
		return suffixes[i].unit;
	}
	return UNIT_NONE;
}

int value_label_length(const char *key)
{
	int length;

	unit_of(key, &length);
	return length;
}

/* "12 µs", "1.5 ms", "3 min 20 s", "2 d 3 h": two parts of it at most. */
static void format_duration(uint64_t us, char *buffer, size_t size)
{
	uint64_t seconds = us / 1000000;

	if (us < 1000)
		snprintf(buffer, size, "%" PRIu64 " µs", us);
	else if (us < 1000000)
		snprintf(buffer, size, "%.6g ms", (double)us / 1e3);
	else if (seconds < 60)
		snprintf(buffer, size, "%.4g s", (double)us / 1e6);
	else if (seconds < 3600)
		snprintf(buffer, size, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
	else if (seconds < 86400)
		snprintf(buffer, size, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600,
			 seconds / 60 % 60);
	else
		snprintf(buffer, size, "%" PRIu64 " d %" PRIu64 " h", seconds / 86400,
			 seconds / 3600 % 24);
}

void value_format(const char *key, uint64_t number, char *buffer, size_t size)
{
	int length;

	switch (unit_of(key, &length)) {
	case UNIT_KIB:
		units_format_size(number * 1024, buffer, size);
		break;
	case UNIT_BYTES:
		units_format_size(number, buffer, size);
		break;
	case UNIT_NSEC:
		format_duration(number / 1000, buffer, size);
		break;
	case UNIT_USEC:
		format_duration(number, buffer, size);
		break;
	case UNIT_SEC:
		snprintf(buffer, size, "%" PRIu64 " s", number);
		break;
	case UNIT_DATE:
		ctl_format_time(number, buffer, size);
		break;
	case UNIT_NONE:
		snprintf(buffer, size, "%" PRIu64, number);
		break;
	}
}

void value_format_setting(const char *key, const char *value, char *buffer, size_t size)
{
	char *end;
	uint64_t number = strtoull(value, &end, 10);

	if (strcmp(key, "memory") == 0 && strcmp(end, "KiB") == 0)
		units_format_size(number * 1024, buffer, size);
	else if ((strcmp(key, "cpu-period") == 0 || strcmp(key, "cpu-quota") == 0) && end > value &&
		 !*end)
		number ? format_duration(number, buffer, size)
		       : (void)snprintf(buffer, size, "default");
	else
		snprintf(buffer, size, "%s", value);
}
