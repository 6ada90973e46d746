/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identities from stat(2) and statx(2).
 */
#include "daemon/file_id.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

struct file_id file_id_of(const struct stat *st)
{
	if (S_ISBLK(st->st_mode))
		return (struct file_id){.device = st->st_rdev};
	return (struct file_id){.device = st->st_dev, .inode = st->st_ino};
}

/* The place that `path` names, in its directory. */
static int place_of(const char *path, struct file_id *ret)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *directory = NULL;
	struct stat st;

	if (!slash || strlen(slash + 1) > NAME_MAX)
		return -EINVAL;
	directory = strndup(path, (size_t)MAX(slash - path, 1));
	if (!directory)
		return -ENOMEM;
	if (stat(directory, &st) < 0)
		return -errno;
	*ret = file_id_of(&st);
	strcpy(ret->name, slash + 1);
	return 0;
}

int file_id_get(const char *path, struct file_id *ret)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? place_of(path, ret) : -errno;
	*ret = file_id_of(&st);
	return 0;
}

bool file_id_equal(const struct file_id *a, const struct file_id *b)
{
	return a->device == b->device && a->inode == b->inode && strcmp(a->name, b->name) == 0;
}

int file_birth_get(int fd, struct file_birth *ret)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) < 0)
		return -errno;
	*ret = (struct file_birth){.inode = st.stx_ino};
	if (st.stx_mask & STATX_BTIME) {
		ret->seconds = st.stx_btime.tv_sec;
		ret->nanoseconds = st.stx_btime.tv_nsec;
	}
	return 0;
}

bool file_birth_equal(const struct file_birth *a, const struct file_birth *b)
{
	return a->inode != 0 && a->inode == b->inode && a->seconds == b->seconds &&
	       a->nanoseconds == b->nanoseconds;
}

void file_birth_print(const struct file_birth *birth, char text[static FILE_BIRTH_TEXT])
{
	snprintf(text, FILE_BIRTH_TEXT, "%" PRIu64 " %" PRId64 " %" PRIu32, birth->inode,
		 birth->seconds, birth->nanoseconds);
}

bool file_birth_parse(const char *text, struct file_birth *ret)
{
	return sscanf(text, "%" SCNu64 " %" SCNd64 " %" SCNu32, &ret->inode, &ret->seconds,
		      &ret->nanoseconds) == 3;
}
