/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths of a configuration become descriptors, once, before anything of a guest or of a disk image
 * has been looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/fd.h"
#include "config.h"

static int *descriptor(struct config *config, enum config_file file)
{
	switch (file) {
	case CONFIG_PARTITION:
		return &config->partition_fd;
	case CONFIG_FIRMWARE:
		return &config->firmware_fd;
	case CONFIG_KERNEL:
		return &config->kernel_fd;
	case CONFIG_INITRD:
		return &config->initrd_fd;
	case CONFIG_DEBUG:
		return &config->debug_fd;
	default:
		return &config->drive[file - CONFIG_HDA].fd;
	}
}

static bool is_disk(const struct config *config, enum config_file file)
{
	return file >= CONFIG_HDA && config->drive[file - CONFIG_HDA].kind == CONFIG_DRIVE_DISK;
}

static bool is_written(const struct config *config, enum config_file file)
{
	return is_disk(config, file) && !config->drive[file - CONFIG_HDA].read_only;
}

static int open_flags(const struct config *config, enum config_file file)
{
	if (file == CONFIG_DEBUG)
		return O_WRONLY | O_CREAT | O_TRUNC;
	return file == CONFIG_PARTITION || is_written(config, file) ? O_RDWR : O_RDONLY;
}

/* What the user may do about it, where that is known. */
static const char *remedy(const struct config *config, enum config_file file, int error)
{
	if (file == CONFIG_PARTITION && (error == ENOENT || error == ENXIO || error == ENODEV))
		return "; it is there when Linux runs on the hypervisor and the module vid is "
		       "loaded";
	if (file == CONFIG_PARTITION && error == EACCES)
		return "; only members of the group keelson may use it";
	if (is_written(config, file) && (error == EACCES || error == EROFS || error == EPERM))
		return "; with \",ro\" behind it, it is only read";
	if (error == EWOULDBLOCK)
		return "; another machine or program has it";
	return "";
}

static int fail(const struct config *config, enum config_file file, int error,
		struct config_error *ret_error)
{
	snprintf(ret_error->text, sizeof ret_error->text, "%s: %s: %s%s", config_file_key(file),
		 config->path[file], error == EWOULDBLOCK ? "is in use" : strerror(error),
		 remedy(config, file, error));
	return -error;
}

/* The lock is the open file description's, so it ends with the worker, whatever way that is. */
static int lock(const struct config *config, enum config_file file, int fd)
{
	if (!is_disk(config, file))
		return 0;
	return flock(fd, (is_written(config, file) ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0 ? -errno : 0;
}

static int open_one(struct config *config, enum config_file file, struct config_error *ret_error)
{
	int fd = open(config->path[file],
		      open_flags(config, file) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	int r;

	if (fd < 0)
		return fail(config, file, errno, ret_error);
	*descriptor(config, file) = fd;
	r = fd_set_nonblock(fd, false); /* it was for a FIFO without a writer */
	if (r == 0)
		r = lock(config, file, fd);
	return r < 0 ? fail(config, file, -r, ret_error) : 0;
}

int config_open(struct config *config, struct config_error *ret_error)
{
	for (enum config_file file = 0; file < CONFIG_FILES; file++) {
		int r = *config->path[file] ? open_one(config, file, ret_error) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

void config_add_path(const struct config *config, const char *text, char *ret_text, size_t size)
{
	for (enum config_file file = 0; file < CONFIG_FILES; file++) {
		const char *key = config_file_key(file);
		size_t length = strlen(key);

		if (!*config->path[file] || strncmp(text, key, length) != 0 ||
		    strncmp(text + length, ": ", 2) != 0)
			continue;
		snprintf(ret_text, size, "%s: %s: %s", key, config->path[file], text + length + 2);
		return;
	}
	snprintf(ret_text, size, "%s", text);
}
