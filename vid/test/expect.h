/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tests that are programs of their own, in the root partition or not, have in place of check. */
#ifndef VID_TEST_EXPECT_H
#define VID_TEST_EXPECT_H

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Ends the test program, and says where, unless `condition` holds. */
#define EXPECT(condition)                                                               \
	do {                                                                            \
		if (!(condition)) {                                                     \
			printf("%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, \
			       #condition);                                             \
			exit(EXIT_FAILURE);                                             \
		}                                                                       \
	} while (0)

#define EXPECT_EQ(value, wanted)                                                                 \
	do {                                                                                     \
		long long value_ = (long long)(value), wanted_ = (long long)(wanted);            \
		if (value_ != wanted_) {                                                         \
			printf("%s:%d: %s: %s is %lld (0x%llx), not %lld\n", __FILE__, __LINE__, \
			       __func__, #value, value_, (unsigned long long)value_, wanted_);   \
			exit(EXIT_FAILURE);                                                      \
		}                                                                                \
	} while (0)

/* An eventfd's count, which is 0 then. It does not block. */
static inline uint64_t eventfd_take(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/* The same when it may come a little later, from another processor. */
static inline uint64_t eventfd_await(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	EXPECT_EQ(poll(&p, 1, 10000), 1);
	return eventfd_take(fd);
}

#endif
