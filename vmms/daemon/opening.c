/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread for each, with a machine and a manager of its own that hold nothing but what it may see.
 */
#include "daemon/opening.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/task.h"
#include "net/network.h"

struct opening {
	struct opening *next; /* in the manager's list */
	struct task task;
	struct vm *vm; /* NULL: abandoned */
	struct manager *manager;
	struct manager seen_manager; /* settings, networks */
	struct vm seen;              /* configuration */
	/* all files */
	struct vm_files *files;
	void (*done)(struct vm *vm, struct vm_files *files, const struct vm_error *err);
	/* or a medium */
	char *path;
	int fd;
	void (*medium_done)(void *data, struct vm *vm, int fd, const struct vm_error *err);
	void *data;
};

static void opening_free(struct opening *opening)
{
	vm_files_close(opening->files);
	fd_close(opening->fd);
	domain_free(opening->seen.config);
	network_free_copies(opening->seen_manager.networks);
	free(opening->path);
	free(opening);
}

static struct opening *opening_new(struct vm *vm)
{
	struct opening *opening = calloc(1, sizeof(*opening));

	if (!opening)
		return NULL;
	opening->vm = vm;
	opening->manager = vm->manager;
	opening->fd = -1;
	opening->seen_manager.settings = vm->manager->settings;
	opening->seen.manager = &opening->seen_manager;
	opening->seen.config = domain_copy(vm->config);
	if (!opening->seen.config ||
	    network_copy_all(vm->manager, &opening->seen_manager.networks) < 0) {
		opening_free(opening);
		return NULL;
	}
	return opening;
}

static int run(struct task *task)
{
	struct opening *opening = task->data;

	if (opening->path)
		return vm_open_medium(&opening->seen, opening->path, &opening->fd, &task->err);
	return vm_files_open(&opening->seen, &opening->files, &task->err);
}

static void no_progress(struct task *task, unsigned int permille)
{
}

static void delist(struct opening *opening)
{
	struct opening **at = &opening->manager->openings;

	while (*at != opening)
		at = &(*at)->next;
	*at = opening->next;
}

static void on_opened(struct task *task)
{
	struct opening *opening = task->data;
	const struct vm_error *err = task->result < 0 ? &task->err : NULL;

	delist(opening);
	if (opening->path)
		opening->medium_done(opening->data,
				     vm_by_uuid(opening->manager, opening->seen.config->uuid),
				     TAKE_FD(opening->fd), err);
	else if (opening->vm)
		opening->done(opening->vm, TAKE_PTR(opening->files), err);
	opening_free(opening);
}

static int start(struct opening *opening)
{
	int r;

	opening->task.run = run;
	opening->task.progress = no_progress;
	opening->task.done = on_opened;
	opening->task.data = opening;
	r = task_start(&opening->task, opening->manager->loop);
	if (r < 0) {
		opening_free(opening);
		return r;
	}
	opening->next = opening->manager->openings;
	opening->manager->openings = opening;
	return 0;
}

int opening_begin(struct vm *vm,
		  void (*done)(struct vm *vm, struct vm_files *files, const struct vm_error *err),
		  struct opening **ret)
{
	struct opening *opening = opening_new(vm);
	int r;

	if (!opening)
		return -ENOMEM;
	opening->done = done;
	r = start(opening);
	if (r == 0)
		*ret = opening;
	return r;
}

int opening_begin_medium(struct vm *vm, const char *path,
			 void (*done)(void *data, struct vm *vm, int fd,
				      const struct vm_error *err),
			 void *data)
{
	struct opening *opening = opening_new(vm);

	if (!opening)
		return -ENOMEM;
	opening->path = strdup(path);
	if (!opening->path) {
		opening_free(opening);
		return -ENOMEM;
	}
	opening->medium_done = done;
	opening->data = data;
	return start(opening);
}

struct opening *opening_abandon(struct opening *opening)
{
	if (opening)
		opening->vm = NULL;
	return NULL;
}

bool opening_end_all(struct manager *manager, const struct timespec *until)
{
	bool all = true;

	while (manager->openings) {
		struct opening *opening = manager->openings;

		delist(opening);
		if (task_abandon_until(&opening->task, until))
			opening_free(opening);
		else
			all = false;
	}
	return all;
}
