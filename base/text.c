/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UTF-8 (RFC 3629), and what of it is fit to be shown.
 */
#include "base/text.h"

#include <string.h>

static bool is_noncharacter(uint32_t code)
{
	return (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe;
}

/* How many bytes follow a first byte; *ret_bits: what of it belongs to the code. -1: none does. */
static int followers(unsigned char first, uint32_t *ret_bits)
{
	if (first < 0x80) {
		*ret_bits = first;
		return 0;
	}
	if (first >= 0xc2 && first < 0xe0) {
		*ret_bits = first & 0x1f;
		return 1;
	}
	if (first >= 0xe0 && first < 0xf0) {
		*ret_bits = first & 0x0f;
		return 2;
	}
	*ret_bits = first & 0x07;
	return first >= 0xf0 && first < 0xf5 ? 3 : -1;
}

size_t text_character(const char *text, uint32_t *ret_code)
{
	static const uint32_t least[] = {1, 0x80, 0x800, 0x10000};
	uint32_t code;
	int count = followers((unsigned char)text[0], &code);

	for (int i = 1; i <= count; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0; /* the terminating zero ends here as well */
		code = code << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (count < 0 || code < least[count] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff) || is_noncharacter(code))
		return 0;
	*ret_code = code;
	return (size_t)count + 1;
}

bool text_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

static bool fits(uint32_t code, const char *allowed)
{
	return !text_is_control(code) || (code < 0x80 && strchr(allowed, (int)code));
}

bool text_is_safe(const char *text, const char *allowed)
{
	uint32_t code;

	while (*text) {
		size_t length = text_character(text, &code);

		if (length == 0 || !fits(code, allowed))
			return false;
		text += length;
	}
	return true;
}

void text_make_safe(const char *from, char *to, size_t size, const char *allowed)
{
	uint32_t code = 0;

	while (*from) {
		size_t length = text_character(from, &code);
		bool good = length > 0 && fits(code, allowed);
		size_t out = good ? length : 1;

		if (out >= size)
			break;
		if (good)
			memmove(to, from, length);
		else
			*to = '?';
		from += length > 0 ? length : 1;
		to += out;
		size -= out;
	}
	*to = '\0';
}
