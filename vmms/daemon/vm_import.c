/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking a machine from a folder that an export made, on this host or another: its files are used
 * where they are, or copied to the disks of this host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/domain_xml.h"
#include "daemon/errand.h"
#include "daemon/export_folder.h"
#include "daemon/file_work.h"

enum { IMPORT_TEXT_MAX = 1 << 20 };

/* What the folder says, read on a thread before the job is begun. */
struct import {
	struct errand errand;
	char *folder, *name; /* name: NULL for the machine's own */
	unsigned int flags;
	struct domain *config;
	struct vm_options *options;
	vm_job_fn *done;
	void *data;
};

static int out_of_memory(struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
}

static void import_free(struct import *import)
{
	if (import->options)
		free(import->options->notes);
	free(import->options);
	free(import->folder);
	free(import->name);
	domain_free(import->config);
	free(import);
}

/* ── on the thread ─────────────────────────────────────────────────────────────────────────── */

static int read_text(const char *folder, const char *name, char **ret, struct vm_error *err)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return out_of_memory(err);
	}
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, errno,
					  "%s, which a folder of 'vmctl export' has", path);
	if (!S_ISREG(st.st_mode) || st.st_size > IMPORT_TEXT_MAX)
		return vm_error_set(err, VM_ERROR_FILE, "%s is not a file of an exported machine",
				    path);
	text = calloc(1, (size_t)st.st_size + 1);
	if (!text)
		return out_of_memory(err);
	r = fd_read_full(fd, text, (size_t)st.st_size);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, -r, "%s", path);
	*ret = TAKE_PTR(text);
	return 0;
}

static int run_import(struct errand *errand, struct vm_error *err)
{
	struct import *import = (struct import *)errand; /* its first member */
	_cleanup_free_ char *options = NULL, *xml = NULL;
	int r = read_text(import->folder, EXPORT_XML, &xml, err);

	if (r == 0)
		r = domain_parse(xml, &import->config, err);
	domain_xml_forget_schema();
	if (r == 0)
		r = read_text(import->folder, EXPORT_OPTIONS, &options, err);
	if (r == 0)
		r = export_sizes_check(import->folder, options, err);
	return r == 0 ? export_options_parse(options, import->options, err) : r;
}

/* ── in the loop ───────────────────────────────────────────────────────────────────────────── */

/* The file's name in the folder; NULL: it is not one of the folder's. */
static const char *name_in_folder(const char *path)
{
	if (!path || strncmp(path, EXPORT_PLACE, strlen(EXPORT_PLACE)) != 0)
		return NULL;
	return path + strlen(EXPORT_PLACE);
}

/* Nothing outside of the folder is taken for one of its files. */
static bool name_is_plain(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/') && !strchr(name, '\n');
}

/* 1: a copy will be made; 0: it is used where it is. */
static int place_file(struct file_work *work, const struct import *import, char **path,
		      struct vm_error *err)
{
	const char *name = name_in_folder(*path);
	_cleanup_free_ char *source = NULL, *target = NULL;

	if (!name)
		return 0;
	if (!name_is_plain(name))
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "'%s' is not the name of a file in the folder %s", name,
				    import->folder);
	if (asprintf(&source, "%s/%s", import->folder, name) < 0 ||
	    asprintf(&target, "%s/disks/%s-%s", work->manager->settings.state_dir,
		     work->config->name, name) < 0)
		return out_of_memory(err);
	if (import->flags & VM_IMPORT_COPY && file_plan_add_copy(&work->plan, source, target) < 0)
		return out_of_memory(err);
	free(*path);
	*path = import->flags & VM_IMPORT_COPY ? TAKE_PTR(target) : TAKE_PTR(source);
	return import->flags & VM_IMPORT_COPY ? 1 : 0;
}

static int place_files(struct file_work *work, const struct import *import, struct vm_error *err)
{
	struct domain *config = work->config;
	int r = 0;

	work->check.boot_files = !(import->flags & VM_IMPORT_COPY);
	for (size_t i = 0; r >= 0 && i < config->disk_count; i++) {
		r = place_file(work, import, &config->disks[i].source, err);
		if (r > 0)
			work->check.kinds[i] = DISK_CHECK_MADE;
	}
	if (r >= 0)
		r = place_file(work, import, &config->kernel, err);
	if (r >= 0)
		r = place_file(work, import, &config->initrd, err);
	return r < 0 ? r : domain_check(config, err);
}

static int set_identity(struct domain *config, const struct import *import, struct vm_error *err)
{
	if (import->name) {
		free(config->name);
		config->name = strdup(import->name);
		if (!config->name)
			return out_of_memory(err);
	}
	if (import->flags & VM_IMPORT_NEW_ID) {
		domain_make_uuid(config->uuid);
		for (size_t i = 0; i < config->interface_count; i++)
			domain_make_mac(config->interfaces[i].mac);
	}
	return 0;
}

static int prepare_machine(struct file_work *work, const struct import *import,
			   struct vm_error *err)
{
	struct vm_error why = {0};
	int r = vm_prepare_new(work->manager, work->config, &work->uid, &why);

	if (r < 0 && why.code == VM_ERROR_VM_EXISTS)
		return vm_error_set(err, why.code,
				    "%.900s. 'vmctl import --name NAME --new-id' takes it as "
				    "another machine",
				    why.text);
	if (r < 0)
		*err = why;
	return r;
}

/* Takes the options and the configuration over. */
static int begin_import(struct manager *manager, struct import *import, struct vm_error *err)
{
	struct file_work *work = file_work_new(manager, err);
	int r;

	if (!work)
		return -ENOMEM;
	work->options = TAKE_PTR(import->options);
	work->config = TAKE_PTR(import->config);
	r = set_identity(work->config, import, err);
	if (r == 0)
		r = place_files(work, import, err);
	if (r == 0)
		r = prepare_machine(work, import, err);
	if (r == 0)
		r = file_work_reserve(work, "imported", err);
	if (r < 0) {
		file_work_free(work);
		return r;
	}
	return file_work_begin(work, NULL, work->check.config, "import", import->done, import->data,
			       err);
}

static void on_read(struct errand *errand, const struct vm_error *refused)
{
	struct import *import = (struct import *)errand; /* its first member */
	struct vm_error err = {0};

	if (!refused && begin_import(errand->manager, import, &err) < 0)
		refused = &err;
	if (refused)
		import->done(import->data, NULL, refused);
	import_free(import);
}

int vm_import(struct manager *manager, const char *folder, const char *name, unsigned int flags,
	      vm_job_fn *done, void *data, struct vm_error *err)
{
	struct import *import;
	int r;

	if (folder[0] != '/' || strchr(folder, '\n'))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "'%s' is not an absolute path in one line", folder);
	import = calloc(1, sizeof(*import));
	if (!import)
		return out_of_memory(err);
	import->folder = strdup(folder);
	import->name = *name ? strdup(name) : NULL;
	import->options = calloc(1, sizeof(*import->options));
	import->flags = flags;
	import->done = done;
	import->data = data;
	import->errand.run = run_import;
	import->errand.done = on_read;
	if (!import->folder || !import->options || (*name && !import->name))
		r = out_of_memory(err);
	else
		r = errand_start(&import->errand, manager, err);
	if (r < 0)
		import_free(import);
	return r;
}
