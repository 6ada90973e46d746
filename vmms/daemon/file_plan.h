/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an operation does with files, as it stands in the journal, so that the next daemon can
 * finish or undo it.
 *
 * New files come into being under a temporary name. While the phase is "prepare" the temporaries
 * are to be removed; from "publish" on they are to be renamed to what they shall be called; in
 * "unlink" the final names are to be removed. Every step may be repeated.
 */
#ifndef VMMS_DAEMON_FILE_PLAN_H
#define VMMS_DAEMON_FILE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/error.h"

struct file_step {
	char *source;    /* to copy from; NULL: none, the file is made of zeroes, or removed */
	char *temporary; /* NULL for files to be removed */
	char *final;
	uint64_t size; /* of a file without a source */
};

struct file_plan {
	const char *phase; /* one of the three */
	size_t count;
	struct file_step *steps;
};

extern const char file_plan_prepare[], file_plan_publish[], file_plan_unlink[];

/* Adds a step; a temporary name is made from `final` unless it is to be removed. -ENOMEM. */
int must_check file_plan_add(struct file_plan *plan, const char *source, const char *final,
			     uint64_t size);
void file_plan_free(struct file_plan *plan);

/* For the journal, and from it. NULL, -EBADMSG or -ENOMEM. */
char *file_plan_print(const struct file_plan *plan);
int must_check file_plan_parse(const char *text, struct file_plan *ret);

/* Removes the temporaries; what is not there is fine. */
void file_plan_undo(const struct file_plan *plan);

/* Renames what is not renamed yet, never over anything. */
int must_check file_plan_publish_all(const struct file_plan *plan, struct vm_error *err);

/* Every final name must be free, every directory there. */
int must_check file_plan_check(const struct file_plan *plan, struct vm_error *err);

#endif
