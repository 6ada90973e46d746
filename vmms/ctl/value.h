/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values for people: properties and settings bear their unit in their name (MemoryKiB, UptimeUSec) or
 * in the documentation (cpu-quota, µs); a person reads "2 GiB" and "50 ms". JSON keeps the numbers.
 */
#ifndef VMMS_CTL_VALUE_H
#define VMMS_CTL_VALUE_H

#include <stddef.h>
#include <stdint.h>

/* How many characters of `key` are its name without the unit. */
int value_label_length(const char *key);

/* A property's number, by the unit in its name. */
void value_format(const char *key, uint64_t number, char *buffer, size_t size);

/* A setting's value, as GetVMValues and DiffVM have it. */
void value_format_setting(const char *key, const char *value, char *buffer, size_t size);

#endif
