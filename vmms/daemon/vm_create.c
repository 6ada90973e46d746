/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines that come with new disks: create and clone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/file_work.h"

static int out_of_memory(struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
}

/* ── create ────────────────────────────────────────────────────────────────────────────────── */

static int plan_new_disk(struct file_work *work, const struct new_disk *disk, struct vm_error *err)
{
	const struct domain *config = work->config;
	bool used = false;

	for (size_t d = 0; d < config->disk_count; d++) {
		if (config->disks[d].source && strcmp(config->disks[d].source, disk->path) == 0) {
			work->check.kinds[d] = DISK_CHECK_MADE;
			used = true;
		}
	}
	if (!used)
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "%s is to be made, but is no disk of machine %s", disk->path,
				    config->name);
	if (disk->size == 0 || disk->size % 512 != 0)
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "The size of %s, %llu bytes, is not whole sectors of 512",
				    disk->path, (unsigned long long)disk->size);
	return file_plan_add_empty(&work->plan, disk->path, disk->size) < 0 ? out_of_memory(err)
									    : 0;
}

static int plan_create(struct file_work *work, const struct domain *config,
		       const struct new_disk *disks, size_t count, struct vm_error *err)
{
	int r = 0;

	work->config = domain_copy(config);
	if (!work->config)
		return out_of_memory(err);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = plan_new_disk(work, &disks[i], err);
	return r == 0 ? file_work_reserve(work, "created", err) : r;
}

int vm_create_with_disks(struct manager *manager, struct domain *config,
			 const struct new_disk *disks, size_t count, vm_job_fn *done, void *data,
			 struct vm_error *err)
{
	struct file_work *work = file_work_new(manager, err);
	int r;

	if (!work)
		return -ENOMEM;
	work->check.boot_files = true;
	r = vm_prepare_new(manager, config, &work->uid, err);
	if (r == 0)
		r = plan_create(work, config, disks, count, err);
	if (r < 0) {
		file_work_free(work);
		return r;
	}
	r = file_work_begin(work, NULL, config, "create", done, data, err);
	if (r == 0)
		domain_free(config);
	return r;
}

/* ── clone ─────────────────────────────────────────────────────────────────────────────────── */

/* "/dir/web-hda.raw" for machine web2 becomes "/dir/web2-hda.raw"; free() it. */
static char *clone_path(const char *path, const char *name, const char *target)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
	char *result;

	if (!dot || dot < slash)
		dot = ".raw";
	if (asprintf(&result, "%.*s/%s-%s%s", (int)(slash - path), path, name, target, dot) < 0)
		return NULL;
	return result;
}

static int plan_clone_disk(struct file_work *work, size_t index, struct vm_error *err)
{
	struct domain_disk *disk = &work->config->disks[index];
	char *path;

	work->check.kinds[index] = DISK_CHECK_KNOWN;
	if (disk->readonly || !disk->source)
		return 0; /* shared */
	if (disk->block)
		return vm_error_set(err, VM_ERROR_NOT_SUPPORTED,
				    "Disk %s is the block device %s, which is not copied; a clone "
				    "would share it",
				    disk->target, disk->source);
	work->check.kinds[index] = DISK_CHECK_MADE;
	path = clone_path(disk->source, work->config->name, disk->target);
	if (!path || file_plan_add_copy(&work->plan, disk->source, path) < 0) {
		free(path);
		return out_of_memory(err);
	}
	free(disk->source);
	disk->source = path;
	return 0;
}

/* The same machine under another name, with its own UUID, addresses and disks. */
static int plan_clone(struct file_work *work, const char *name, struct vm_error *err)
{
	struct domain *config = work->config;
	int r = 0;

	free(config->name);
	config->name = strdup(name);
	if (!config->name)
		return out_of_memory(err);
	domain_make_uuid(config->uuid);
	for (size_t i = 0; i < config->interface_count; i++)
		domain_make_mac(config->interfaces[i].mac);
	for (size_t i = 0; r == 0 && i < config->disk_count; i++)
		r = plan_clone_disk(work, i, err);
	return r == 0 ? domain_check(config, err) : r;
}

int vm_clone(struct vm *vm, const char *name, vm_job_fn *done, void *data, struct vm_error *err)
{
	struct file_work *work;
	int r = vm_check(vm, VM_OPERATION_CLONE, err);

	if (r < 0)
		return r;
	if (!domain_name_valid(name))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "'%s' cannot be a machine's name", name);
	work = file_work_new(vm->manager, err);
	if (!work)
		return -ENOMEM;
	work->config = domain_copy(vm->config);
	r = work->config ? plan_clone(work, name, err) : out_of_memory(err);
	if (r == 0)
		r = vm_prepare_new(vm->manager, work->config, &work->uid, err);
	if (r == 0)
		r = file_work_reserve(work, "cloned", err);
	if (r < 0) {
		file_work_free(work);
		return r;
	}
	return file_work_begin(work, vm, vm->config, vm_operation_name(VM_OPERATION_CLONE), done,
			       data, err);
}
