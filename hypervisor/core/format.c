/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text formatting. What does not fit is dropped by put(); the length never passes the buffer. */
#include "core/format.h"

struct output {
	char *buffer;
	size_t size;
	size_t length;
};

struct conversion {
	unsigned int width;
	bool zero, wide; /* wide: 64 bits */
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->buffer[out->length++] = c;
}

static void put_padded(struct output *out, const struct conversion *conv, const char *text,
		       size_t length)
{
	size_t fill = conv->width > length ? conv->width - length : 0;

	/* The sign comes before zeros, behind blanks. */
	if (conv->zero && length && *text == '-') {
		put(out, '-');
		text++;
		length--;
	}
	for (size_t i = 0; i < fill; i++)
		put(out, conv->zero ? '0' : ' ');
	for (size_t i = 0; i < length; i++)
		put(out, text[i]);
}

static void put_number(struct output *out, const struct conversion *conv, u64 value, unsigned base,
		       bool negative)
{
	char digits[24];
	char *p = digits + sizeof(digits);

	do {
		*--p = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative)
		*--p = '-';
	put_padded(out, conv, p, (size_t)(digits + sizeof(digits) - p));
}

static u64 take_unsigned(const struct conversion *conv, va_list *args)
{
	return conv->wide ? va_arg(*args, unsigned long) : va_arg(*args, unsigned int);
}

static s64 take_signed(const struct conversion *conv, va_list *args)
{
	return conv->wide ? va_arg(*args, long) : va_arg(*args, int);
}

static const char *parse_conversion(const char *f, struct conversion *conv)
{
	*conv = (struct conversion){.zero = *f == '0'};
	for (; *f >= '0' && *f <= '9'; f++)
		conv->width = conv->width * 10 + (unsigned int)(*f - '0');
	for (; *f == 'l'; f++)
		conv->wide = true;
	return f;
}

static void convert(struct output *out, const struct conversion *conv, char kind, va_list *args)
{
	const char *text;
	s64 number;
	char c;

	switch (kind) {
	case 'c':
		c = (char)va_arg(*args, int);
		put_padded(out, conv, &c, 1);
		break;
	case 's':
		text = va_arg(*args, const char *);
		text = text ? text : "(null)";
		put_padded(out, conv, text, strlen(text));
		break;
	case 'd':
		number = take_signed(conv, args);
		put_number(out, conv, number < 0 ? 0 - (u64)number : (u64)number, 10, number < 0);
		break;
	case 'u':
		put_number(out, conv, take_unsigned(conv, args), 10, false);
		break;
	case 'x':
		put_number(out, conv, take_unsigned(conv, args), 16, false);
		break;
	default: /* includes %% */
		put(out, kind);
	}
}

size_t format_va(char *buffer, size_t size, const char *format, va_list args)
{
	struct output out = {.buffer = buffer, .size = size};
	struct conversion conv;
	va_list list;

	va_copy(list, args);
	for (; *format; format++) {
		if (*format != '%') {
			put(&out, *format);
			continue;
		}
		format = parse_conversion(format + 1, &conv);
		if (!*format)
			break;
		convert(&out, &conv, *format, &list);
	}
	va_end(list);
	if (size)
		buffer[out.length] = '\0';
	return out.length;
}

size_t format_text(char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	size_t length;

	va_start(args, format);
	length = format_va(buffer, size, format, args);
	va_end(args);
	return length;
}
