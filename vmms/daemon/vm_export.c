/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copying a machine to a folder that is complete and can be moved: its disks, CDs and boot files,
 * its XML with the files named as in the folder, and what the XML does not hold. The folder gets
 * its name when all of it is on the disk, by one rename.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/export_folder.h"
#include "daemon/file_work.h"

static int out_of_memory(struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
}

/* A copy of *path called `name` in the folder; *path becomes what the exported XML says. */
static int take_file(struct file_plan *plan, char **path, const char *name)
{
	char *placed;

	if (!*path)
		return 0;
	if (file_plan_add_inside(plan, FILE_STEP_COPY, name, *path) < 0 ||
	    asprintf(&placed, EXPORT_PLACE "%s", name) < 0)
		return -ENOMEM;
	free(*path);
	*path = placed;
	return 0;
}

static int take_disk(struct file_plan *plan, struct domain_disk *disk)
{
	char name[16];

	snprintf(name, sizeof(name), "%s.%s", disk->target,
		 disk->kind == DOMAIN_DISK_CDROM ? "iso" : "raw");
	disk->block = false; /* of a device the folder gets a file */
	return take_file(plan, &disk->source, name);
}

/* A definition that is damaged goes as it is, for somebody to mend. */
static int take_texts(struct file_plan *plan, const struct vm *vm, const struct domain *moved)
{
	_cleanup_free_ char *xml = vm->damage ? strdup(vm->xml) : domain_print(moved);
	_cleanup_free_ char *text = export_options_print(&vm->options);

	if (!xml || !text || file_plan_add_inside(plan, FILE_STEP_TEXT, EXPORT_XML, xml) < 0)
		return -ENOMEM;
	return file_plan_add_inside(plan, FILE_STEP_LIST, EXPORT_OPTIONS, text);
}

static int plan_export(struct file_work *work, const struct vm *vm, const char *directory,
		       struct vm_error *err)
{
	_cleanup_domain_ struct domain *moved = domain_copy(vm->config);
	_cleanup_free_ char *folder = NULL;
	int r = 0;

	if (!moved || asprintf(&folder, "%s/%s", directory, moved->name) < 0) {
		folder = NULL;
		return out_of_memory(err);
	}
	r = file_plan_add_folder(&work->plan, folder);
	for (size_t i = 0; r == 0 && i < moved->disk_count; i++)
		r = take_disk(&work->plan, &moved->disks[i]);
	if (r == 0)
		r = take_file(&work->plan, &moved->kernel, EXPORT_KERNEL);
	if (r == 0)
		r = take_file(&work->plan, &moved->initrd, EXPORT_INITRD);
	if (r == 0)
		r = take_texts(&work->plan, vm, moved);
	return r < 0 ? out_of_memory(err) : 0;
}

int vm_export(struct vm *vm, const char *directory, vm_job_fn *done, void *data,
	      struct vm_error *err)
{
	struct file_work *work;
	int r = vm_check(vm, VM_OPERATION_EXPORT, err);

	if (r < 0)
		return r;
	if (directory[0] != '/' || strchr(directory, '\n'))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "'%s' is not an absolute path in one line", directory);
	work = file_work_new(vm->manager, err);
	if (!work)
		return -ENOMEM;
	r = plan_export(work, vm, directory, err);
	if (r < 0) {
		file_work_free(work);
		return r;
	}
	return file_work_begin(work, vm, vm->config, vm_operation_name(VM_OPERATION_EXPORT), done,
			       data, err);
}
