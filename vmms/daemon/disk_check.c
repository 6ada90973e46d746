/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking at disks before they become a machine's.
 */
#include "daemon/disk_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/disk_format.h"
#include "daemon/disk_open.h"
#include "daemon/errand.h"
#include "daemon/file_id.h"

void disk_check_fini(struct disk_check *check)
{
	domain_free(check->config);
	disk_uses_free(&check->others);
	*check = (struct disk_check){0};
}

/* ── what it is ────────────────────────────────────────────────────────────────────────────── */

/* 'it'\''s' for a shell. */
static void quote(FILE *out, const char *text, int length)
{
	fputc('\'', out);
	for (int i = 0; i < length; i++) {
		if (text[i] == '\'')
			fputs("'\\''", out);
		else
			fputc(text[i], out);
	}
}

/* The command that makes a raw disk of it, under the same name with another ending. */
static char *conversion(const struct disk_format *format, const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
	bool ending = dot && dot > slash + 1 && strcmp(dot, ".raw") != 0;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "qemu-img convert -f %s -O raw ", format->qemu);
	quote(out, path, (int)strlen(path));
	fputs("' ", out);
	quote(out, path, (int)(ending ? dot - path : (ptrdiff_t)strlen(path)));
	fputs(".raw'", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int check_format(const struct disk_check *check, const struct domain_disk *disk, int fd,
			struct vm_error *err)
{
	const struct disk_format *format = NULL;
	_cleanup_free_ char *command = NULL;
	off_t size = lseek(fd, 0, SEEK_END);
	int r = size < 0 ? -errno : disk_format_probe(fd, (uint64_t)size, &format);

	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, -r,
					  "Machine %s: disk %s (%s) cannot be read",
					  check->config->name, disk->target, disk->source);
	if (!format)
		return 0;
	command = conversion(format, disk->source);
	return vm_error_set(
		err, VM_ERROR_NOT_SUPPORTED,
		"Machine %s: disk %s (%s) is a %s image, and only raw ones are supported. Convert "
		"it with: %s (or, if it is a raw disk that only looks like one, say so in its XML "
		"with <driver type='raw'/>)",
		check->config->name, disk->target, disk->source, format->name,
		command ? command : "qemu-img convert");
}

static int check_there(const struct disk_check *check, const struct domain_disk *disk,
		       struct vm_error *err)
{
	const char *what = disk->kind == DOMAIN_DISK_CDROM ? "CD image" : "disk";
	_cleanup_close_ int fd = -1;
	int r = disk_open(check->config->name, what, disk->source, false, &fd, err);

	if (r == 0 && disk->format_unknown)
		r = check_format(check, disk, fd, err);
	if (r == 0 && !disk->readonly)
		r = disk_unused(check->config->name, what, disk->source, fd, err);
	return r;
}

/* ── whose it is ───────────────────────────────────────────────────────────────────────────── */

struct known_id {
	bool known;
	struct file_id id;
};

static int taken(const struct disk_check *check, const struct domain_disk *disk, const char *user,
		 const char *path, struct vm_error *err)
{
	bool same_name = strcmp(path, disk->source) == 0;

	return vm_error_set(err, VM_ERROR_FILE,
			    "Machine %s: disk %s (%s) is in use by %s%s%s. Two machines can share "
			    "a file only if both have it <readonly/>",
			    check->config->name, disk->target, disk->source, user,
			    same_name ? "" : ", where it is called ", same_name ? "" : path);
}

static int compare_with_own(const struct disk_check *check, size_t index, const struct file_id *ids,
			    const bool *known, struct vm_error *err)
{
	const struct domain_disk *disks = check->config->disks;

	for (size_t i = 0; i < index; i++) {
		if (known[i] && known[index] && file_id_equal(&ids[i], &ids[index]) &&
		    !(disks[i].readonly && disks[index].readonly))
			return vm_error_set(err, VM_ERROR_DEVICE_EXISTS,
					    "Machine %s: disks %s (%s) and %s (%s) are the same "
					    "file, and not both are read-only",
					    check->config->name, disks[i].target, disks[i].source,
					    disks[index].target, disks[index].source);
	}
	return 0;
}

static int compare_with_others(const struct disk_check *check, const struct file_id *ids,
			       const bool *known, struct vm_error *err)
{
	for (size_t o = 0; o < check->others.count; o++) {
		const struct disk_use *use = &check->others.items[o];
		struct file_id id;
		/* What cannot be reached cannot be compared; its machine does not start either. */
		bool reachable = file_id_get(use->path, &id) == 0;

		for (size_t i = 0; i < check->config->disk_count; i++) {
			const struct domain_disk *disk = &check->config->disks[i];

			if (check->kinds[i] == DISK_CHECK_NONE || !disk->source ||
			    (disk->readonly && use->readonly))
				continue;
			if ((reachable && known[i] && file_id_equal(&id, &ids[i])) ||
			    strcmp(use->path, disk->source) == 0)
				return taken(check, disk, use->user, use->path, err);
		}
	}
	return 0;
}

static int check_boot_files(const struct domain *config, struct vm_error *err)
{
	const char *paths[] = {config->kernel, config->initrd};
	static const char *const names[] = {"kernel", "initrd"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(paths); i++) {
		_cleanup_close_ int fd = -1;

		if (paths[i])
			r = disk_open(config->name, names[i], paths[i], false, &fd, err);
	}
	return r;
}

int disk_check_run(const struct disk_check *check, struct vm_error *err)
{
	struct file_id ids[DOMAIN_MAX_DISKS];
	bool known[DOMAIN_MAX_DISKS] = {false};
	int r = 0;

	for (size_t i = 0; r == 0 && i < check->config->disk_count; i++) {
		const struct domain_disk *disk = &check->config->disks[i];

		if (!disk->source)
			continue;
		known[i] = file_id_get(disk->source, &ids[i]) == 0;
		if (check->kinds[i] == DISK_CHECK_THERE)
			r = check_there(check, disk, err);
		if (r == 0)
			r = compare_with_own(check, i, ids, known, err);
	}
	if (r == 0)
		r = compare_with_others(check, ids, known, err);
	return r == 0 && check->boot_files ? check_boot_files(check->config, err) : r;
}

/* ── from the loop ─────────────────────────────────────────────────────────────────────────── */

struct disk_look {
	struct errand errand;
	struct disk_check check;
	struct reservation *reservation;
	struct domain *config; /* the caller's */
	vm_done_fn *done;
	void *data;
};

static void look_free(struct disk_look *look)
{
	disk_check_fini(&look->check);
	reservation_end(look->reservation);
	free(look);
}

static int run_look(struct errand *errand, struct vm_error *err)
{
	return disk_check_run(&((struct disk_look *)errand)->check, err);
}

static void on_looked(struct errand *errand, const struct vm_error *err)
{
	struct disk_look *look = (struct disk_look *)errand; /* its first member */

	for (size_t i = 0; !err && i < look->config->disk_count; i++)
		look->config->disks[i].format_unknown = false;
	/* What is defined in the answer is in the list of machines from then on. */
	look->reservation = reservation_end(look->reservation);
	look->done(look->data, err);
	look_free(look);
}

/* Does `vm` have this very disk? Then it was looked at when it was put there. */
static bool has_disk(const struct vm *vm, const struct domain_disk *disk)
{
	for (size_t i = 0; vm && i < vm->config->disk_count; i++) {
		const struct domain_disk *old = &vm->config->disks[i];

		if (old->source && disk->source && strcmp(old->source, disk->source) == 0 &&
		    old->readonly == disk->readonly)
			return true;
	}
	return false;
}

static int look_prepare(struct disk_look *look, struct manager *manager, const struct vm *vm)
{
	look->check.config = domain_copy(look->config);
	look->reservation = reserve(manager, look->config, 0, false, "configured");
	if (!look->check.config || !look->reservation)
		return -ENOMEM;
	for (size_t i = 0; i < look->config->disk_count; i++) {
		if (has_disk(vm, &look->config->disks[i]))
			look->check.kinds[i] = DISK_CHECK_NONE;
	}
	return disk_uses_of_others(manager, vm, look->reservation, &look->check.others);
}

int disk_check_begin(struct manager *manager, const struct vm *vm, struct domain *config,
		     vm_done_fn *done, void *data, struct vm_error *err)
{
	struct disk_look *look = calloc(1, sizeof(*look));
	int r;

	if (!look)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	look->config = config;
	look->done = done;
	look->data = data;
	look->errand.run = run_look;
	look->errand.done = on_looked;
	r = look_prepare(look, manager, vm);
	if (r < 0)
		(void)vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	else
		r = errand_start(&look->errand, manager, err);
	if (r < 0)
		look_free(look);
	return r;
}
