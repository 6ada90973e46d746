/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an operation does with files, as it stands in the journal, so that the next daemon can
 * finish or undo it.
 *
 * New files come into being under a temporary name that no other operation ever uses. While the
 * phase is "prepare" the temporaries are to be removed; from "publish" on they are to be renamed to
 * what they shall be called; in "unlink" the final names are to be removed. Every step may be
 * repeated. Files in a folder that is made, too, get their names with the folder, by one rename.
 */
#ifndef VMMS_DAEMON_FILE_PLAN_H
#define VMMS_DAEMON_FILE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "daemon/file_id.h"
#include "model/error.h"

enum file_step_kind {
	FILE_STEP_EMPTY,  /* made of zeroes */
	FILE_STEP_COPY,   /* of `source` */
	FILE_STEP_TEXT,   /* of `text` */
	FILE_STEP_LIST,   /* of `text`, and the sizes of the copies before it in the folder */
	FILE_STEP_FOLDER, /* before the files in it */
	FILE_STEP_REMOVE, /* if the daemon made it */
	FILE_STEP_FORCED, /* removed, whoever made it */
	FILE_STEP_KIND_COUNT,
};

struct file_step {
	enum file_step_kind kind;
	char *source;    /* NULL: none */
	char *text;      /* not in the journal; NULL: none */
	char *temporary; /* NULL for files to be removed */
	char *final;     /* NULL for a file in a folder */
	uint64_t size;   /* of an empty file; of any once it is made */
	/* Of what was made: a file of the final name is this one or another's. Zero before. */
	struct file_birth birth;
};

struct file_plan {
	const char *phase; /* one of the three */
	size_t count;
	struct file_step *steps;
};

extern const char file_plan_prepare[], file_plan_publish[], file_plan_unlink[];

/* Each adds a step. -ENOMEM. */
int must_check file_plan_add_empty(struct file_plan *plan, const char *final, uint64_t size);
int must_check file_plan_add_copy(struct file_plan *plan, const char *source, const char *final);
int must_check file_plan_add_folder(struct file_plan *plan, const char *final);
/* `birth`: of the file that the daemon made there; NULL: it made none. */
int must_check file_plan_add_remove(struct file_plan *plan, const char *final, bool forced,
				    const struct file_birth *birth);
/*
 * A file in the folder that was added last: a copy of `source`, or with `text`, behind which a list
 * has a line "Size.NAME=BYTES" for each copy before.
 */
int must_check file_plan_add_inside(struct file_plan *plan, enum file_step_kind kind,
				    const char *name, const char *content);
void file_plan_free(struct file_plan *plan);

/* For the journal, and from it. NULL, -EBADMSG or -ENOMEM. */
char *file_plan_print(const struct file_plan *plan);
int must_check file_plan_parse(const char *text, struct file_plan *ret);

/* ── these wait for the file system ────────────────────────────────────────────────────────── */

/* Every final name must be free, every directory there. */
int must_check file_plan_check(const struct file_plan *plan, struct vm_error *err);

/* Removes the temporaries; what is not there is fine. */
void file_plan_undo(const struct file_plan *plan);

/* Renames what is not renamed yet, never over anything. */
int must_check file_plan_publish_all(const struct file_plan *plan, struct vm_error *err);

/* After a file_plan_publish_all() that failed: removes what it has renamed, and the temporaries. */
void file_plan_withdraw(const struct file_plan *plan);

/* Makes the entries of the directory that `path` is in safe from a power cut. 0 or -errno. */
int must_check file_plan_sync_directory(const char *path);

#endif
