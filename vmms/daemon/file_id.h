/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which file a path means, whatever its spelling: links, "..", hard links and several mounts of one
 * file system lead to the same identity. A path with nothing at its end has the identity of its
 * place, the directory and the name in it.
 *
 * Every function asks the file system and so may wait for it: not for the event loop.
 */
#ifndef VMMS_DAEMON_FILE_ID_H
#define VMMS_DAEMON_FILE_ID_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/macros.h"

struct file_id {
	dev_t device; /* of a block device its own number, with inode 0 */
	ino_t inode;
	char name[NAME_MAX + 1]; /* of a place where nothing is; "" for what is there */
};

/* -errno when not even the directory can be reached. */
int must_check file_id_get(const char *path, struct file_id *ret);
struct file_id file_id_of(const struct stat *st);
bool file_id_equal(const struct file_id *a, const struct file_id *b);

/*
 * What tells a file from all others that its file system ever holds: inode numbers are used again,
 * but not with the same time of birth. Nothing here depends on the device's number, which may
 * change with a reboot.
 */
struct file_birth {
	uint64_t inode; /* 0: not known */
	int64_t seconds;
	uint32_t nanoseconds; /* both 0 where the file system does not keep it */
};

int must_check file_birth_get(int fd, struct file_birth *ret);
bool file_birth_equal(const struct file_birth *a, const struct file_birth *b);

enum { FILE_BIRTH_TEXT = 64 };
void file_birth_print(const struct file_birth *birth, char text[static FILE_BIRTH_TEXT]);
bool file_birth_parse(const char *text, struct file_birth *ret);

#endif
