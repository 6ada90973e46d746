/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into the daemon: systemd's journal. Each entry becomes a line of $JOURNAL_SPY, its fields
 * separated by tabs.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

int sd_journal_sendv(const struct iovec *fields, int count);

/* Not compound literals: those end with the block that they stand in, before they are written. */
static char tab[] = "\t", newline[] = "\n";

int sd_journal_sendv(const struct iovec *fields, int count)
{
	struct iovec line[64];
	int used = 0,
	    fd = open(getenv("JOURNAL_SPY"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	ssize_t written;

	for (int i = 0; i < count && used + 2 < 64; i++) {
		line[used++] = fields[i];
		line[used++] = (struct iovec){.iov_base = tab, .iov_len = 1};
	}
	line[used++] = (struct iovec){.iov_base = newline, .iov_len = 1};
	written = writev(fd, line, used);
	close(fd);
	return written < 0 ? -1 : 0;
}
