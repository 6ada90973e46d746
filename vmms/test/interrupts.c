/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into the daemon: while the file $INTERRUPTS is there, each wait with ppoll() – in libsystemd,
 * for an answer of the bus – is ended by a signal, unless signals are blocked.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	struct timespec left = timeout ? *timeout : (struct timespec){0};
	sigset_t blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	if (access(getenv("INTERRUPTS"), F_OK) == 0 && !sigismember(&blocked, SIGCHLD)) {
		errno = EINTR;
		return -1;
	}
	return (int)syscall(SYS_ppoll, fds, count, timeout ? &left : NULL, mask, _NSIG / 8);
}
