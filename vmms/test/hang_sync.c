/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into the daemon: a disk that does not answer. While the file $HANG_SYNC exists, what
 * writes files back does not return; that it is so, $HANG_SYNC.hangs tells.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int fdatasync(int fd);
int fsync(int fd);

static void hang(void)
{
	const char *path = getenv("HANG_SYNC");
	char sign[512];

	snprintf(sign, sizeof(sign), "%s.hangs", path ? path : "");
	while (path && access(path, F_OK) == 0) {
		close(open(sign, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		usleep(10000);
	}
}

int fdatasync(int fd)
{
	hang();
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	hang();
	return (int)syscall(SYS_fsync, fd);
}
