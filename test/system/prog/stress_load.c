// SPDX-License-Identifier: GPL-2.0-or-later
/* See stress.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

#define TIMER_PERIOD_NS 2000000
#define BLOCK           (64 * 1024)
#define DISK_BLOCKS     512
#define ECHO_BLOCK      (16 * 1024)

/* Not random, but different in each word of each block: @seed says which. */
static void fill(uint64_t *words, size_t size, uint64_t seed)
{
	for (size_t i = 0; i < size / sizeof *words; i++)
		words[i] = seed * 0x9e3779b97f4a7c15 + i;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

void *stress_timers(void *arg)
{
	struct stress_worker *worker = arg;
	struct timespec deadline, woken;

	while (!stress_ending) {
		clock_gettime(CLOCK_MONOTONIC, &deadline);
		deadline.tv_nsec += TIMER_PERIOD_NS;
		if (deadline.tv_nsec >= 1000000000) {
			deadline.tv_nsec -= 1000000000;
			deadline.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL);
		clock_gettime(CLOCK_MONOTONIC, &woken);
		if (is_before(&woken, &deadline))
			stress_fail("a timer came early");
		worker->count++;
	}
	return NULL;
}

void *stress_ipis(void *arg)
{
	struct stress_worker *worker = arg;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		stress_fail("no membarrier");
	while (!stress_ending) {
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
		worker->count++;
	}
	return NULL;
}

void *stress_disk(void *arg)
{
	struct stress_worker *worker = arg;
	uint64_t *wrote = aligned_alloc(4096, BLOCK), *got = aligned_alloc(4096, BLOCK);
	int fd = open(worker->argument, O_RDWR | O_CREAT | O_DIRECT | O_TRUNC, 0600);

	if (fd < 0 || !wrote || !got)
		stress_fail("cannot open the disk load's file");
	while (!stress_ending) {
		off_t where = (off_t)(worker->count * 7 % DISK_BLOCKS) * BLOCK;

		fill(wrote, BLOCK, worker->count);
		if (pwrite(fd, wrote, BLOCK, where) != BLOCK || fdatasync(fd))
			stress_fail("disk write");
		if (pread(fd, got, BLOCK, where) != BLOCK)
			stress_fail("disk read");
		if (memcmp(wrote, got, BLOCK))
			stress_fail("the disk gives back something else");
		worker->count++;
	}
	close(fd);
	free(wrote);
	free(got);
	return NULL;
}

static int connect_to(const char *address, const char *port)
{
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || inet_pton(AF_INET, address, &peer.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&peer, sizeof peer))
		stress_fail("cannot connect to the echo service");
	return fd;
}

static void echo_block(int fd, const uint8_t *sent, uint8_t *got)
{
	if (send(fd, sent, ECHO_BLOCK, MSG_NOSIGNAL) != ECHO_BLOCK)
		stress_fail("network write");
	if (recv(fd, got, ECHO_BLOCK, MSG_WAITALL) != ECHO_BLOCK)
		stress_fail("network read");
	if (memcmp(sent, got, ECHO_BLOCK))
		stress_fail("the network gives back something else");
}

void *stress_network(void *arg)
{
	struct stress_worker *worker = arg;
	static uint64_t sent[ECHO_BLOCK / sizeof(uint64_t)], got[ECHO_BLOCK / sizeof(uint64_t)];
	int fd = connect_to(worker->argument, worker->argument2);

	while (!stress_ending) {
		fill(sent, ECHO_BLOCK, worker->count);
		echo_block(fd, (const uint8_t *)sent, (uint8_t *)got);
		worker->count++;
	}
	close(fd);
	return NULL;
}
