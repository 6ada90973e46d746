// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * doc/msr.md against child_msr.c: the numbers in the first column of its three tables, and in the second
 * one the column "Keelson": R0, Rn (another constant), W–, W0, GP for reading and writing.
 */
#include <stdio.h>
#include <stdlib.h>
#include "child.h"
#include "core/child_msr.h"
#include "core/msr.h"

#define CELL 256

enum table { NONE, HAS, COMPATIBLE, STAYS_GP };

static struct {
	u32 first, last;
	enum table table;
	char policy[CELL];
} rows[256];
static u32 row_count;

static struct vp *vp;

static enum table table_of(const char *heading)
{
	if (strstr(heading, "for compatibility"))
		return COMPATIBLE;
	if (strstr(heading, "stays #GP"))
		return STAYS_GP;
	return strstr(heading, "What a child has") ? HAS : NONE;
}

/* "88–8A", or "C0010140–41" with the last digits only. */
static void add_range(const char *text, enum table table, const char *policy)
{
	char *end;
	u32 first = (u32)strtoul(text, &end, 16), last = first, digits = 0;
	char *dash = strstr(end, "–");

	ck_assert_msg(end != text, "'%s' is no number", text);
	if (dash) {
		const char *start = dash + strlen("–");

		last = (u32)strtoul(start, &end, 16);
		digits = (u32)(end - start) * 4;
		if (digits < 32)
			last |= first >> digits << digits;
	}
	ck_assert_msg(last >= first && row_count < ARRAY_SIZE(rows), "%s", text);
	rows[row_count].first = first;
	rows[row_count].last = last;
	rows[row_count].table = table;
	snprintf(rows[row_count++].policy, CELL, "%s", policy);
}

static void read_row(char *line, enum table table)
{
	char *rest, *numbers = strtok_r(line, "|", &rest), *policy = NULL, *more;

	(void)strtok_r(NULL, "|", &rest);
	policy = strtok_r(NULL, "|", &rest);
	ck_assert(numbers && policy);
	for (char *n = strtok_r(numbers, ", ", &more); n; n = strtok_r(NULL, ", ", &more))
		add_range(n, table, policy);
}

static void read_doc(void)
{
	FILE *f = fopen(MSR_DOC, "r");
	enum table table = NONE;
	char line[4096];

	ck_assert_msg(f, "%s cannot be read", MSR_DOC);
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#')
			table = table_of(line);
		else if (table != NONE && line[0] == '|' && line[1] == ' ' &&
			 strncmp(line, "| MSR ", 6))
			read_row(line, table);
	}
	fclose(f);
	ck_assert_uint_gt(row_count, 60);
}

static const struct msr_range *range_of(u32 msr)
{
	for (size_t i = 0; i < child_msr_range_count; i++)
		if (msr >= child_msr_ranges[i].first && msr <= child_msr_ranges[i].last)
			return &child_msr_ranges[i];
	return NULL;
}

static void check_policy(u32 msr, const char *policy)
{
	const struct msr_range *r = range_of(msr);
	const char *read, *write;
	u64 value = 0;

	if (!r->read(vp, msr, &value))
		read = "GP";
	else
		read = value ? "Rn" : "R0";
	if (r->write(vp, msr, 1))
		write = "W–";
	else
		write = r->write(vp, msr, 0) ? "W0" : "GP";
	ck_assert_msg(strstr(policy, read) == policy + 1, "MSR %x: %s, the document says%s", msr,
		      read, policy);
	ck_assert_msg(strstr(policy + 1 + strlen(read), write), "MSR %x: %s, the document says%s",
		      msr, write, policy);
}

static void prepare(void)
{
	static struct child c;

	row_count = 0;
	read_doc();
	child_machine();
	c = child_new(40);
	child_add_vp(&c, 0);
	vp = child_vp(&c, 0);
}

START_TEST(document_is_code)
{
	prepare();
	for (u32 i = 0; i < row_count; i++) {
		for (u32 msr = rows[i].first; msr <= rows[i].last; msr++) {
			ck_assert_msg(!range_of(msr) == (rows[i].table == STAYS_GP),
				      "MSR %x is as no document says", msr);
			if (rows[i].table == COMPATIBLE)
				check_policy(msr, rows[i].policy);
		}
	}
}
END_TEST

static bool is_written_down(u32 msr)
{
	for (u32 i = 0; i < row_count; i++)
		if (msr >= rows[i].first && msr <= rows[i].last)
			return true;
	return false;
}

START_TEST(code_is_in_document)
{
	prepare();
	for (size_t i = 0; i < child_msr_range_count; i++)
		for (u32 msr = child_msr_ranges[i].first; msr <= child_msr_ranges[i].last; msr++)
			ck_assert_msg(is_written_down(msr), "MSR %x is not in the document", msr);
}
END_TEST

TEST_MAIN("msr_doc", document_is_code, code_is_in_document)
