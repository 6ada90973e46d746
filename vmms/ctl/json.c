/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON, tables and lists.
 */
#include "ctl/json.h"

#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
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
	*table = (struct table){.columns = columns, .scols = scols_new_table()};
	CHECK(table->scols);
	/* As wide as its contents, in a pipe and on a terminal alike. */
	CHECK(scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_NEVER) == 0);
	CHECK(scols_table_set_column_separator(table->scols, "  ") == 0);
	for (size_t i = 0; i < columns; i++)
		CHECK(scols_table_new_column(table->scols, headings[i], 0, 0));
}

void table_row(struct table *table, const char *const cells[])
{
	struct libscols_line *line = scols_table_new_line(table->scols, NULL);

	CHECK(line);
	for (size_t i = 0; i < table->columns; i++)
		CHECK(scols_line_set_data(line, i, cells[i]) == 0);
}

/* The library prints nothing of a table without rows; its headings tell that it is one. */
static void print_headings(const struct table *table)
{
	for (size_t i = 0; i < table->columns; i++) {
		struct libscols_column *column = scols_table_get_column(table->scols, i);

		printf("%s%s", i ? "  " : "", scols_cell_get_data(scols_column_get_header(column)));
	}
	printf("\n");
}

void table_end(struct table *table)
{
	if (scols_table_get_nlines(table->scols) == 0)
		print_headings(table);
	else
		CHECK(scols_print_table(table->scols) == 0);
	scols_unref_table(table->scols);
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
