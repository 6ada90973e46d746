/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON on standard output, tables for people, and lists that are the one or the other.
 */
#ifndef VMMS_CTL_JSON_H
#define VMMS_CTL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Within an object every value has a key; within an array and at the top `key` is NULL. */
struct json {
	FILE *out;
	int depth;
	bool filled[16]; /* a value has been written at this depth */
};

void json_begin(struct json *json, FILE *out);
/* Ends the line; everything must be closed. */
void json_end(struct json *json);

void json_open(struct json *json, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *json, char bracket);                 /* '}' or ']' */
void json_string(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, uint64_t value);
void json_fraction(struct json *json, const char *key, double value);
void json_bool(struct json *json, const char *key, bool value);

struct libscols_table;

/*
 * Rows of text under headings, columns as wide as needed, by libsmartcols: what would move a
 * terminal's cursor, and what is no text, is shown as \\xHH.
 */
struct table {
	size_t columns;
	struct libscols_table *scols;
};

void table_begin(struct table *table, size_t columns, const char *const headings[]);
/* As many strings as columns. */
void table_row(struct table *table, const char *const cells[]);
/* Prints and frees. */
void table_end(struct table *table);

/* A list: an array of JSON, its objects the caller's, or a table, its rows the caller's. */
struct listing {
	bool as_json;
	struct json json;
	struct table table;
};

void listing_begin(struct listing *listing, bool as_json, size_t columns,
		   const char *const headings[]);
void listing_end(struct listing *listing);

#endif
