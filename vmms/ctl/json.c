/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON, tables and lists.
 */
#include "ctl/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

void json_begin(struct json *json, FILE *out)
{
	*json = (struct json){.out = out};
}

void json_end(struct json *json)
{
	CHECK(json->depth == 0);
	fputc('\n', json->out);
}

/* Bytes above ASCII pass: the daemon sends UTF-8 only, D-Bus sees to that. */
static void print_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c < ' ' || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void begin_value(struct json *json, const char *key)
{
	if (json->filled[json->depth])
		fputc(',', json->out);
	json->filled[json->depth] = true;
	if (!key)
		return;
	print_string(json->out, key);
	fputc(':', json->out);
}

void json_open(struct json *json, const char *key, char bracket)
{
	begin_value(json, key);
	fputc(bracket, json->out);
	CHECK(++json->depth < (int)ARRAY_SIZE(json->filled));
	json->filled[json->depth] = false;
}

void json_close(struct json *json, char bracket)
{
	CHECK(json->depth-- > 0);
	fputc(bracket, json->out);
}

void json_string(struct json *json, const char *key, const char *value)
{
	begin_value(json, key);
	print_string(json->out, value);
}

void json_number(struct json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_fraction(struct json *json, const char *key, double value)
{
	begin_value(json, key);
	fprintf(json->out, "%.3f", value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin_value(json, key);
	fputs(value ? "true" : "false", json->out);
}

/* ── tables ────────────────────────────────────────────────────────────────────────────────── */

void table_begin(struct table *table, size_t columns, const char *const headings[])
{
	*table = (struct table){.columns = columns};
	table_row(table, headings);
}

void table_row(struct table *table, const char *const cells[])
{
	if (table->rows == table->space) {
		table->space = table->space ? 2 * table->space : 32;
		table->cells =
			realloc(table->cells, table->space * table->columns * sizeof(char *));
		CHECK(table->cells);
	}
	for (size_t i = 0; i < table->columns; i++) {
		char *copy = strdup(cells[i]);

		CHECK(copy);
		table->cells[table->rows * table->columns + i] = copy;
	}
	table->rows++;
}

/* Characters, not bytes, of UTF-8. */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t width = 0;

	for (size_t row = 0; row < table->rows; row++)
		width = MAX(width, text_width(table->cells[row * table->columns + column]));
	return width;
}

void table_end(struct table *table)
{
	size_t widths[16];

	CHECK(table->columns <= ARRAY_SIZE(widths));
	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (size_t row = 0; row < table->rows; row++) {
		for (size_t i = 0; i < table->columns; i++) {
			char *cell = table->cells[row * table->columns + i];
			size_t pad = i + 1 < table->columns ? widths[i] - text_width(cell) + 2 : 0;

			printf("%s%*s", cell, (int)pad, "");
			free(cell);
		}
		printf("\n");
	}
	free(table->cells);
}

/* ── lists ─────────────────────────────────────────────────────────────────────────────────── */

void listing_begin(struct listing *listing, bool as_json, size_t columns,
		   const char *const headings[])
{
	listing->as_json = as_json;
	if (!as_json) {
		table_begin(&listing->table, columns, headings);
		return;
	}
	json_begin(&listing->json, stdout);
	json_open(&listing->json, NULL, '[');
}

void listing_end(struct listing *listing)
{
	if (!listing->as_json) {
		table_end(&listing->table);
		return;
	}
	json_close(&listing->json, ']');
	json_end(&listing->json);
}
