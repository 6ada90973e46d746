/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File steps, their text in the journal, and carrying them out.
 */
#include "daemon/file_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

const char file_plan_prepare[] = "prepare";
const char file_plan_publish[] = "publish";
const char file_plan_unlink[] = "unlink";

void file_plan_free(struct file_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->steps[i].source);
		free(plan->steps[i].temporary);
		free(plan->steps[i].final);
	}
	free(plan->steps);
	*plan = (struct file_plan){0};
}

static char *copy_or_null(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

static int add(struct file_plan *plan, const char *source, const char *temporary, const char *final,
	       uint64_t size)
{
	struct file_step *steps = realloc(plan->steps, (plan->count + 1) * sizeof(*steps));
	struct file_step step = {.source = copy_or_null(source),
				 .temporary = copy_or_null(temporary),
				 .final = strdup(final),
				 .size = size};

	if (steps)
		plan->steps = steps;
	if (!steps || !step.final || (source && *source && !step.source) ||
	    (temporary && *temporary && !step.temporary)) {
		free(step.source);
		free(step.temporary);
		free(step.final);
		return -ENOMEM;
	}
	plan->steps[plan->count++] = step;
	return 0;
}

int file_plan_add(struct file_plan *plan, const char *source, const char *final, uint64_t size)
{
	_cleanup_free_ char *temporary = NULL;

	if (plan->phase == file_plan_unlink)
		return add(plan, NULL, NULL, final, 0);
	if (asprintf(&temporary, "%s.keelson-new", final) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	return add(plan, source, temporary, final, size);
}

/* Four lines a step. Paths hold no newline: the XML schema and vm_files.c see to that. */
char *file_plan_print(const struct file_plan *plan)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "%s\n", plan->phase);
	for (size_t i = 0; i < plan->count; i++) {
		const struct file_step *step = &plan->steps[i];

		fprintf(out, "%s\n%s\n%s\n%llu\n", step->source ? step->source : "",
			step->temporary ? step->temporary : "", step->final,
			(unsigned long long)step->size);
	}
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
	static const char *const phases[] = {file_plan_prepare, file_plan_publish,
					     file_plan_unlink};

	for (size_t i = 0; name && i < ARRAY_SIZE(phases); i++) {
		if (strcmp(phases[i], name) == 0)
			return phases[i];
	}
	return NULL;
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
	while (r == 0 && *at) {
		const char *source = next_line(&at), *temporary = next_line(&at);
		const char *final = next_line(&at), *size = next_line(&at);

		r = size ? add(&plan, source, temporary, final, strtoull(size, NULL, 10))
			 : -EBADMSG;
	}
	if (r < 0) {
		file_plan_free(&plan);
		return r;
	}
	*ret = plan;
	return 0;
}

void file_plan_undo(const struct file_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].temporary)
			unlink(plan->steps[i].temporary);
	}
}

static int publish(const struct file_step *step, struct vm_error *err)
{
	_cleanup_free_ char *copy = strdup(step->final);
	_cleanup_close_ int dir = -1;

	if (!copy)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	if (renameat2(AT_FDCWD, step->temporary, AT_FDCWD, step->final, RENAME_NOREPLACE) < 0) {
		if (errno == ENOENT && access(step->final, F_OK) == 0)
			return 0; /* done before */
		return vm_error_set_errno(err, VM_ERROR_FILE, errno, "%s cannot be renamed to %s",
					  step->temporary, step->final);
	}
	dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, errno, "Directory of %s",
					  step->final);
	return 0;
}

int file_plan_publish_all(const struct file_plan *plan, struct vm_error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		int r = publish(&plan->steps[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int check_step(const struct file_step *step, struct vm_error *err)
{
	_cleanup_free_ char *copy = strdup(step->final);
	struct stat st;
	const char *directory;

	if (!copy)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	if (step->final[0] != '/' || strchr(step->final, '\n'))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "'%s' is not an absolute path in one line", step->final);
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
	for (size_t i = 0; i < plan->count; i++) {
		int r = check_step(&plan->steps[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}
