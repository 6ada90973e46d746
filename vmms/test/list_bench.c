/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a command N times, one after the other, and prints how long one took: the least, the
 * median and the most. list_bench.sh uses it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"

static double run_once(char **argv)
{
	struct timespec from, to;
	int status = -1;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &from);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (status != 0)
		exit(EXIT_FAILURE);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[1]) : 0;
	double *ms;

	if (rounds < 1) {
		fprintf(stderr, "Usage: %s ROUNDS COMMAND…\n", argv[0]);
		return EXIT_FAILURE;
	}
	ms = calloc((size_t)rounds, sizeof(*ms));
	CHECK(ms);
	for (int i = 0; i < rounds; i++)
		ms[i] = run_once(argv + 2);
	qsort(ms, (size_t)rounds, sizeof(*ms), compare);
	printf("%.1f ms least, %.1f ms median, %.1f ms most of %d\n", ms[0], ms[rounds / 2],
	       ms[rounds - 1], rounds);
	free(ms);
	return EXIT_SUCCESS;
}
