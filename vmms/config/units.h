/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes with units, as libvirt's XML and people on a command line write them.
 */
#ifndef VMMS_CONFIG_UNITS_H
#define VMMS_CONFIG_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* number × unit in bytes; false for an unknown unit or more than 2^64. Units as in libvirt's XML. */
bool units_scale(uint64_t number, const char *unit, uint64_t *ret_bytes);

/* "2GiB", "512M", "1.5G", "4096" (bytes). M, MiB: 2^20; MB: 10^6; and so on. */
bool units_parse_size(const char *text, uint64_t *ret_bytes);

/* "1.5 GiB"; at most three significant digits for people. */
void units_format_size(uint64_t bytes, char *buffer, size_t size);

#endif
