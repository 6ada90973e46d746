/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list is by purpose. io_uring needs io_uring_enter alone: the ring is made before. clone3()
 * answers ENOSYS, so that the C library makes threads by clone(), whose flags a filter can see.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define VID_IOCTL_TYPE 0xb8 /* vid.ko's, as that of the kernel's own mshv */

/* --- descriptors --- */

static int compare(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int close_between(unsigned int first, unsigned int last)
{
	return first <= last && close_range(first, last, 0) < 0 ? -errno : 0;
}

int sandbox_close_others(const int *keep, size_t count)
{
	int *sorted = calloc(count + 1, sizeof *sorted);
	unsigned int next = 3;
	int r = 0;

	if (!sorted)
		return -ENOMEM;
	if (count)
		memcpy(sorted, keep, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, compare);
	for (size_t i = 0; i < count && r == 0; i++) {
		if (sorted[i] < (int)next)
			continue;
		r = close_between(next, (unsigned int)sorted[i] - 1);
		next = (unsigned int)sorted[i] + 1;
	}
	if (r == 0)
		r = close_between(next, UINT32_MAX);
	free(sorted);
	return r;
}

/* --- privileges --- */

static int drop_capabilities(void)
{
	cap_t none = cap_init();
	int r = 0;

	if (!none)
		return -errno;
	if (cap_set_proc(none) < 0)
		r = -errno;
	cap_free(none);
	return r;
}

static int set_limits(void)
{
	static const struct rlimit zero = {0, 0};

	if (setrlimit(RLIMIT_CORE, &zero) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* --- system calls --- */

static const int allowed[] = {
	/* data: disks, consoles, control socket, events */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(preadv),
	SCMP_SYS(pwritev),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fallocate),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(close),
	SCMP_SYS(fcntl),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(accept4),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt),
	SCMP_SYS(io_uring_enter),
	/* the loop */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(timerfd_settime),
	/* VMBus: made with the machine, which is made inside */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(eventfd2),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(restart_syscall),
	/* threads */
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_yield),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(gettid),
	SCMP_SYS(getpid),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(sched_getaffinity),
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(memfd_create),
	SCMP_SYS(ftruncate),
	SCMP_SYS(getrandom),
	/* how much memory is free, for an error message */
	SCMP_SYS(sysinfo),
};

static int allow_some_memory(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	return r < 0 ? r
		     : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static int allow_threads(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));

	return r < 0 ? r : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* fstat() is newfstatat() with an empty path. */
static int allow_stat(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
				SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH, 0));
}

static int allow_ioctls(scmp_filter_ctx filter)
{
	/* Of block devices; and to give a terminal back as it was. */
	static const uint64_t requests[] = {BLKGETSIZE64, BLKSSZGET, TCSETS};
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				 SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff00, VID_IOCTL_TYPE << 8));

	for (size_t i = 0; i < ARRAY_SIZE(requests) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				     SCMP_A1(SCMP_CMP_EQ, requests[i], 0));
	return r;
}

static int add_rules(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(allowed) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	if (r == 0)
		r = allow_some_memory(filter);
	if (r == 0)
		r = allow_threads(filter);
	if (r == 0)
		r = allow_stat(filter);
	return r < 0 ? r : allow_ioctls(filter);
}

static int filter_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	r = add_rules(filter);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

int sandbox_give_up_privileges(void)
{
	int r = drop_capabilities();

	return r < 0 ? r : set_limits();
}

int sandbox_enter(void)
{
	int r = sandbox_give_up_privileges();

	return r < 0 ? r : filter_calls();
}
