/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * printf for a freestanding program: %c %s %d %u %x with l, ll, width and 0, and %%.
 * No floating point, no locale. Always terminates the buffer; returns the length written.
 */
#pragma once

#include <stdarg.h>

#include "core/types.h"

size_t format_va(char *buffer, size_t size, const char *format, va_list args);
size_t format_text(char *buffer, size_t size, const char *format, ...) printf_like(3, 4);

/* What the compiler may call, and we use: memcpy, memset, memmove, memcmp, strlen, strcmp. */
#ifndef KEELSON_HOSTED
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *p, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
#else
#include <string.h>
#endif
