/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File steps, their text in the journal, and carrying them out.
 */
#include "daemon/file_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

const char file_plan_prepare[] = "prepare";
const char file_plan_publish[] = "publish";
const char file_plan_unlink[] = "unlink";

static const char *const kind_names[FILE_STEP_KIND_COUNT] = {
	[FILE_STEP_EMPTY] = "empty",   [FILE_STEP_COPY] = "copy",     [FILE_STEP_TEXT] = "text",
	[FILE_STEP_LIST] = "list",     [FILE_STEP_FOLDER] = "folder", [FILE_STEP_REMOVE] = "remove",
	[FILE_STEP_FORCED] = "forced",
};

/* ── building ──────────────────────────────────────────────────────────────────────────────── */

static void free_step(struct file_step *step)
{
	free(step->source);
	free(step->text);
	free(step->temporary);
	free(step->final);
}

void file_plan_free(struct file_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		free_step(&plan->steps[i]);
	free(plan->steps);
	*plan = (struct file_plan){0};
}

/* Takes over the strings of `step`. */
static int add(struct file_plan *plan, struct file_step step)
{
	struct file_step *steps = realloc(plan->steps, (plan->count + 1) * sizeof(*steps));

	if (!steps) {
		free_step(&step);
		return -ENOMEM;
	}
	plan->steps = steps;
	plan->steps[plan->count++] = step;
	return 0;
}

/* Nobody else's, not even another job's for the same final name. */
static char *temporary_name(const char *final)
{
	uint32_t number = 0;
	char *name;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number) ||
	    asprintf(&name, "%s.%08" PRIx32 ".keelson-new", final, number) < 0)
		return NULL;
	return name;
}

static int add_made(struct file_plan *plan, enum file_step_kind kind, const char *source,
		    const char *final, uint64_t size)
{
	struct file_step step = {.kind = kind,
				 .source = source ? strdup(source) : NULL,
				 .temporary = temporary_name(final),
				 .final = strdup(final),
				 .size = size};

	if (!step.temporary || !step.final || (source && !step.source)) {
		free_step(&step);
		return -ENOMEM;
	}
	return add(plan, step);
}

int file_plan_add_empty(struct file_plan *plan, const char *final, uint64_t size)
{
	return add_made(plan, FILE_STEP_EMPTY, NULL, final, size);
}

int file_plan_add_copy(struct file_plan *plan, const char *source, const char *final)
{
	return add_made(plan, FILE_STEP_COPY, source, final, 0);
}

int file_plan_add_folder(struct file_plan *plan, const char *final)
{
	return add_made(plan, FILE_STEP_FOLDER, NULL, final, 0);
}

int file_plan_add_remove(struct file_plan *plan, const char *final, bool forced,
			 const struct file_birth *birth)
{
	struct file_step step = {.kind = forced ? FILE_STEP_FORCED : FILE_STEP_REMOVE,
				 .final = strdup(final)};

	if (!step.final)
		return -ENOMEM;
	if (birth)
		step.birth = *birth;
	return add(plan, step);
}

static const struct file_step *last_folder(const struct file_plan *plan)
{
	size_t i = plan->count;

	while (i > 0 && plan->steps[i - 1].kind != FILE_STEP_FOLDER)
		i--;
	return i > 0 ? &plan->steps[i - 1] : NULL;
}

int file_plan_add_inside(struct file_plan *plan, enum file_step_kind kind, const char *name,
			 const char *content)
{
	const struct file_step *folder = last_folder(plan);
	struct file_step step = {.kind = kind};

	CHECK(folder);
	if (asprintf(&step.temporary, "%s/%s", folder->temporary, name) < 0)
		step.temporary = NULL;
	if (kind == FILE_STEP_COPY)
		step.source = strdup(content);
	else
		step.text = strdup(content);
	if (!step.temporary || (!step.source && !step.text)) {
		free_step(&step);
		return -ENOMEM;
	}
	return add(plan, step);
}

/* ── the journal's text ────────────────────────────────────────────────────────────────────── */

/* Six lines a step. Paths hold no newline: the XML schema and the file operations see to that. */
static void print_step(FILE *out, const struct file_step *step)
{
	char birth[FILE_BIRTH_TEXT];

	file_birth_print(&step->birth, birth);
	fprintf(out, "%s\n%s\n%s\n%s\n%" PRIu64 "\n%s\n", kind_names[step->kind],
		step->source ? step->source : "", step->temporary ? step->temporary : "",
		step->final ? step->final : "", step->size, birth);
}

char *file_plan_print(const struct file_plan *plan)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "%s\n", plan->phase);
	for (size_t i = 0; i < plan->count; i++)
		print_step(out, &plan->steps[i]);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Cuts the next line off *text; NULL at the end. */
static char *next_line(char **text)
{
	char *line = *text, *end = line ? strchr(line, '\n') : NULL;

	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line;
}

static const char *known_phase(const char *name)
{
	if (name && strcmp(name, file_plan_prepare) == 0)
		return file_plan_prepare;
	if (name && strcmp(name, file_plan_publish) == 0)
		return file_plan_publish;
	if (name && strcmp(name, file_plan_unlink) == 0)
		return file_plan_unlink;
	return NULL;
}

static int parse_kind(const char *name)
{
	for (int i = 0; name && i < FILE_STEP_KIND_COUNT; i++) {
		if (strcmp(kind_names[i], name) == 0)
			return i;
	}
	return -1;
}

static char *copy_or_null(const char *text)
{
	return *text ? strdup(text) : NULL;
}

static int parse_step(char **at, struct file_plan *plan)
{
	int kind = parse_kind(next_line(at));
	const char *source = next_line(at), *temporary = next_line(at);
	const char *final = next_line(at), *size = next_line(at), *birth = next_line(at);
	struct file_step step = {.kind = (enum file_step_kind)kind};

	if (kind < 0 || !birth || !file_birth_parse(birth, &step.birth))
		return -EBADMSG;
	step.source = copy_or_null(source);
	step.temporary = copy_or_null(temporary);
	step.final = copy_or_null(final);
	step.size = strtoull(size, NULL, 10);
	if ((*source && !step.source) || (*temporary && !step.temporary) ||
	    (*final && !step.final)) {
		free_step(&step);
		return -ENOMEM;
	}
	return add(plan, step);
}

int file_plan_parse(const char *text, struct file_plan *ret)
{
	_cleanup_free_ char *copy = strdup(text);
	struct file_plan plan = {0};
	char *at = copy;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	plan.phase = known_phase(next_line(&at));
	if (!plan.phase)
		return -EBADMSG;
	while (r == 0 && *at)
		r = parse_step(&at, &plan);
	if (r < 0) {
		file_plan_free(&plan);
		return r;
	}
	*ret = plan;
	return 0;
}

/* ── carrying it out ───────────────────────────────────────────────────────────────────────── */

void file_plan_undo(const struct file_plan *plan)
{
	for (size_t i = plan->count; i > 0; i--) { /* what is in a folder before the folder */
		const struct file_step *step = &plan->steps[i - 1];

		if (!step->temporary)
			continue;
		if (step->kind == FILE_STEP_FOLDER)
			rmdir(step->temporary);
		else
			unlink(step->temporary);
	}
}

int file_plan_sync_directory(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int dir = -1;

	if (!copy)
		return -ENOMEM;
	dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 || fsync(dir) < 0 ? -errno : 0;
}

static bool is_published(const struct file_step *step)
{
	_cleanup_close_ int fd =
		open(step->final, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct file_birth birth;

	return fd >= 0 && file_birth_get(fd, &birth) == 0 && file_birth_equal(&birth, &step->birth);
}

/* Where the file system knows no rename that does not replace (NFS, some FUSE ones). */
static int rename_by_hand(const struct file_step *step)
{
	if (step->kind == FILE_STEP_FOLDER) {
		if (mkdir(step->final, 0700) < 0)
			return -errno;
		return rename(step->temporary, step->final) < 0 ? -errno : 0;
	}
	if (link(step->temporary, step->final) < 0)
		return -errno;
	return unlink(step->temporary) < 0 ? -errno : 0;
}

static int rename_step(const struct file_step *step)
{
	int r = renameat2(AT_FDCWD, step->temporary, AT_FDCWD, step->final, RENAME_NOREPLACE) < 0
			? -errno
			: 0;

	return r == -EINVAL ? rename_by_hand(step) : r;
}

static int publish(const struct file_step *step, struct vm_error *err)
{
	int r = rename_step(step);

	if ((r == -ENOENT || r == -EEXIST) && is_published(step)) { /* done before */
		unlink(step->temporary);
		r = 0;
	}
	if (r == -EEXIST)
		return vm_error_set(err, VM_ERROR_FILE,
				    "%s exists already and is not overwritten; somebody has made "
				    "it meanwhile",
				    step->final);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, -r, "%s cannot be renamed to %s",
					  step->temporary, step->final);
	r = file_plan_sync_directory(step->final);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, -r, "Directory of %s", step->final);
	return 0;
}

int file_plan_publish_all(const struct file_plan *plan, struct vm_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		if (plan->steps[i].temporary && plan->steps[i].final)
			r = publish(&plan->steps[i], err);
	}
	return r;
}

void file_plan_withdraw(const struct file_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct file_step *step = &plan->steps[i];

		if (!step->temporary || !step->final || !is_published(step))
			continue;
		if (step->kind != FILE_STEP_FOLDER)
			unlink(step->final);
		else if (rename(step->final, step->temporary) < 0)
			log_warning("%s cannot be removed: %s", step->final, strerror(errno));
	}
	file_plan_undo(plan);
}

static int check_step(const struct file_step *step, struct vm_error *err)
{
	_cleanup_free_ char *copy = strdup(step->final);
	const char *directory;
	struct stat st;

	if (!copy)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	if (lstat(step->final, &st) == 0)
		return vm_error_set(err, VM_ERROR_FILE, "%s exists already and is not overwritten",
				    step->final);
	directory = dirname(copy);
	if (stat(directory, &st) < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, errno, "Directory %s", directory);
	if (!S_ISDIR(st.st_mode))
		return vm_error_set(err, VM_ERROR_FILE, "%s is not a directory", directory);
	return 0;
}

int file_plan_check(const struct file_plan *plan, struct vm_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		if (plan->steps[i].temporary && plan->steps[i].final)
			r = check_step(&plan->steps[i], err);
	}
	return r;
}
