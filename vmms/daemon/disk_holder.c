/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Searching /proc and /sys for the users of a block device or file.
 */
#include "daemon/disk_holder.h"

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Process 1 sees what the sandbox of the service hides, file systems below /home, say. */
const struct disk_holder_sources disk_holder_host = {
	.mountinfo = "/proc/1/mountinfo",
	.own_mountinfo = "/proc/self/mountinfo",
	.swaps = "/proc/swaps",
	.sys = "/sys",
};

struct search {
	const struct disk_holder_sources *sources;
	const struct stat *file; /* of the regular file that is looked for; NULL: a device */
	dev_t device;
	const char *subject; /* "it" or "its partition sda1" */
	char *text;
};

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* As snprintf(). A text may be cut; a path that had to be is none of the kernel's, and is not found. */
printf_like(3, 4) static int put(char *buffer, size_t size, const char *format, ...)
{
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(buffer, size, format, ap);
	va_end(ap);
	return length;
}

static bool found(const struct search *search, const char *what)
{
	put(search->text, DISK_HOLDER_TEXT, "%s %s", search->subject, what);
	return true;
}

/* "\040" and the like become what they stand for. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		unsigned int code;

		if (from[0] == '\\' && sscanf(from + 1, "%3o", &code) == 1) {
			*to = (char)code;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static bool names_it(const struct search *search, const char *path)
{
	struct stat st;

	if (path[0] != '/' || stat(path, &st) < 0)
		return false;
	if (search->file)
		return st.st_dev == search->file->st_dev && st.st_ino == search->file->st_ino;
	return S_ISBLK(st.st_mode) && st.st_rdev == search->device;
}

/* ── mounts and swap ───────────────────────────────────────────────────────────────────────── */

/* The number of a file system on several devices is none of theirs: its source is looked at, too. */
static bool is_mount(const struct search *search, char *line)
{
	unsigned int major, minor;
	char *point, *source, *save = NULL, *separator = strstr(line, " - ");
	char what[DISK_HOLDER_TEXT];

	if (!separator || sscanf(line, "%*d %*d %u:%u", &major, &minor) != 2)
		return false;
	*separator = '\0';
	strtok_r(line, " ", &save);
	for (int i = 0; i < 3; i++)
		strtok_r(NULL, " ", &save);
	point = strtok_r(NULL, " ", &save);
	strtok_r(separator + 3, " ", &save);
	source = strtok_r(NULL, " ", &save);
	if (!point || !source)
		return false;
	unescape(point);
	unescape(source);
	if (makedev(major, minor) != search->device && !names_it(search, source))
		return false;
	put(what, sizeof(what), "is mounted on %s", point);
	return found(search, what);
}

static bool in_mountinfo(const struct search *search, const char *path, bool *ret_found)
{
	_cleanup_(close_file) FILE *file = path ? fopen(path, "re") : NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		if (is_mount(search, line)) {
			*ret_found = true;
			return true;
		}
	}
	return file != NULL;
}

static bool is_mounted(const struct search *search)
{
	bool mounted = false;

	if (search->file) /* a file is mounted by a loop device, which is looked for elsewhere */
		return false;
	if (!in_mountinfo(search, search->sources->mountinfo, &mounted) || !mounted)
		in_mountinfo(search, search->sources->own_mountinfo, &mounted);
	return mounted;
}

static bool is_swap(const struct search *search)
{
	_cleanup_(close_file) FILE *file = fopen(search->sources->swaps, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		line[strcspn(line, " \t\n")] = '\0';
		unescape(line);
		if (names_it(search, line))
			return found(search, "is used as swap");
	}
	return false;
}

/* ── devices made of it ────────────────────────────────────────────────────────────────────── */

static void read_line(const char *path, char *buffer, int size)
{
	_cleanup_(close_file) FILE *file = fopen(path, "re");

	buffer[0] = '\0';
	if (file && fgets(buffer, size, file))
		buffer[strcspn(buffer, "\n")] = '\0';
}

/* "is part of the LVM volume vg-root (dm-0)" */
static bool describe_holder(const struct search *search, const char *holder)
{
	char path[PATH_MAX], name[128], uuid[128], what[DISK_HOLDER_TEXT];
	const char *kind = "device";

	put(path, sizeof(path), "%s/block/%s/dm/name", search->sources->sys, holder);
	read_line(path, name, sizeof(name));
	put(path, sizeof(path), "%s/block/%s/dm/uuid", search->sources->sys, holder);
	read_line(path, uuid, sizeof(uuid));
	if (strncmp(uuid, "LVM-", 4) == 0)
		kind = "LVM volume";
	else if (strncmp(uuid, "CRYPT-", 6) == 0)
		kind = "encrypted volume";
	else if (name[0])
		kind = "device-mapper volume";
	else if (strncmp(holder, "md", 2) == 0)
		kind = "RAID";
	if (name[0])
		put(what, sizeof(what), "is part of the %s %s (%s)", kind, name, holder);
	else
		put(what, sizeof(what), "is part of the %s %s", kind, holder);
	return found(search, what);
}

static bool has_holders(const struct search *search, const char *base)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_(close_directory) DIR *holders = NULL;
	const struct dirent *entry;

	if (asprintf(&path, "%s/holders", base) < 0) {
		path = NULL;
		return false;
	}
	holders = opendir(path);
	while (holders && (entry = readdir(holders))) {
		if (entry->d_name[0] != '.')
			return describe_holder(search, entry->d_name);
	}
	return false;
}

static bool is_used(const struct search *search, const char *base)
{
	return is_mounted(search) || is_swap(search) || has_holders(search, base);
}

static bool read_number(const char *base, dev_t *ret)
{
	char path[PATH_MAX], line[64];
	unsigned int major, minor;

	put(path, sizeof(path), "%s/dev", base);
	read_line(path, line, sizeof(line));
	if (sscanf(line, "%u:%u", &major, &minor) != 2)
		return false;
	*ret = makedev(major, minor);
	return true;
}

/* A part of a disk in use is a disk in use. */
static bool partition_used(const struct search *whole, const char *base)
{
	_cleanup_(close_directory) DIR *directory = opendir(base);
	const struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		char part[PATH_MAX], mark[PATH_MAX], subject[300];
		struct search search = *whole;

		put(part, sizeof(part), "%s/%s", base, entry->d_name);
		if (put(mark, sizeof(mark), "%s/partition", part) >= (int)sizeof(mark) ||
		    entry->d_name[0] == '.' || access(mark, F_OK) < 0 ||
		    !read_number(part, &search.device))
			continue;
		put(subject, sizeof(subject), "its partition %s", entry->d_name);
		search.subject = subject;
		if (is_used(&search, part))
			return true;
	}
	return false;
}

/* So is a partition of a disk that is used as a whole. */
static bool whole_used(const struct search *part, const char *base)
{
	struct search search = *part;
	char path[PATH_MAX];

	put(path, sizeof(path), "%s/partition", base);
	if (access(path, F_OK) < 0)
		return false;
	put(path, sizeof(path), "%s/..", base);
	search.subject = "the disk that it is a partition of";
	return read_number(path, &search.device) && is_used(&search, path);
}

static bool device_used(const struct search *search)
{
	char base[PATH_MAX];

	put(base, sizeof(base), "%s/dev/block/%u:%u", search->sources->sys, major(search->device),
	    minor(search->device));
	return is_used(search, base) || partition_used(search, base) || whole_used(search, base);
}

/* ── files ─────────────────────────────────────────────────────────────────────────────────── */

static bool is_loop(const struct search *search, const char *loop)
{
	char path[PATH_MAX], file[PATH_MAX], what[DISK_HOLDER_TEXT];

	put(path, sizeof(path), "%s/block/%s/ro", search->sources->sys, loop);
	read_line(path, file, sizeof(file));
	if (strcmp(file, "1") == 0) /* it only reads */
		return false;
	put(path, sizeof(path), "%s/block/%s/loop/backing_file", search->sources->sys, loop);
	read_line(path, file, sizeof(file));
	if (!names_it(search, file))
		return false;
	put(what, sizeof(what), "is attached to /dev/%s ('losetup -d' ends that)", loop);
	return found(search, what);
}

static bool file_used(const struct search *search)
{
	_cleanup_(close_directory) DIR *blocks = NULL;
	const struct dirent *entry;
	char path[PATH_MAX];

	if (is_swap(search))
		return true;
	put(path, sizeof(path), "%s/block", search->sources->sys);
	blocks = opendir(path);
	while (blocks && (entry = readdir(blocks))) {
		if (strncmp(entry->d_name, "loop", 4) == 0 && is_loop(search, entry->d_name))
			return true;
	}
	return false;
}

bool disk_holder_find(const struct disk_holder_sources *sources, const struct stat *st,
		      char text[static DISK_HOLDER_TEXT])
{
	struct search search = {
		.sources = sources,
		.file = S_ISBLK(st->st_mode) ? NULL : st,
		.device = S_ISBLK(st->st_mode) ? st->st_rdev : 0,
		.subject = "it",
		.text = text,
	};

	return search.file ? file_used(&search) : device_used(&search);
}
