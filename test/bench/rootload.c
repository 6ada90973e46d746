// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rootload: what a hypervisor under an operating system costs it. Prints one line per load: its
 * name, the nanoseconds of one operation, the time stamp counter's ticks of one, how many there
 * were. Each load does a fixed amount of work. In a machine that counts instructions as time
 * (./demo --icount) a tick is an instruction.
 */
#include <fcntl.h>
#include <linux/membarrier.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cpuid.h>
#include <x86intrin.h>

#define MSR_X2APIC_ID 0x802
#define MSR_LSTAR     0xc0000082

static volatile uint64_t sink;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof cpus, &cpus))
		fail("sched_setaffinity");
}

static void compute(uint64_t n)
{
	uint64_t x = 88172645463325252;
	double y = 1;

	for (uint64_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		y = y * 1.0000001 + 1e-9;
	}
	sink = x + (uint64_t)y;
}

/* Reads all over 64 MiB: what a second level of page tables would show in. */
static void memory(uint64_t n)
{
	size_t words = 64 << 20 >> 3;
	static uint64_t *area; /* filled before the measured run */
	uint64_t x = 1, sum = 0;

	if (!area)
		area = mmap(NULL, words * 8, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (area == MAP_FAILED)
		fail("mmap");
	for (uint64_t i = 0; i < n; i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		sum += area[(x >> 33) % words];
	}
	sink = sum;
}

static void syscalls(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		syscall(SYS_getppid);
}

static void page_faults(uint64_t n)
{
	size_t size = n * 4096;
	char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED || madvise(area, size, MADV_NOHUGEPAGE))
		fail("mmap");
	for (size_t i = 0; i < size; i += 4096)
		area[i] = 1;
	munmap(area, size);
}

/* A byte goes to and fro between two processes on the given processors. */
static void ping_pong(uint64_t n, int cpu_a, int cpu_b)
{
	int to[2], fro[2];
	char byte = 0;
	pid_t child = -1;

	if (pipe(to) || pipe(fro) || (child = fork()) < 0)
		fail("fork");
	if (child == 0) {
		pin(cpu_b);
		for (uint64_t i = 0; i < n; i++)
			if (read(to[0], &byte, 1) != 1 || write(fro[1], &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	pin(cpu_a);
	for (uint64_t i = 0; i < n; i++)
		if (write(to[1], &byte, 1) != 1 || read(fro[0], &byte, 1) != 1)
			fail("pipe");
	waitpid(child, NULL, 0);
	close(to[0]);
	close(to[1]);
	close(fro[0]);
	close(fro[1]);
	pin(0);
}

static void switches(uint64_t n)
{
	ping_pong(n, 0, 0);
}

static void wakeups(uint64_t n)
{
	ping_pong(n, 0, 1);
}

static atomic_bool spinning, spin_ends;

static void *spin_on_1(void *arg)
{
	pin(1);
	spinning = true;
	while (!spin_ends)
		;
	return NULL;
}

/* Interrupts from processor 0 to processor 1, which is busy, each waited for. */
static void ipis(uint64_t n)
{
	pthread_t thread;

	spinning = spin_ends = false;
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) ||
	    pthread_create(&thread, NULL, spin_on_1, NULL))
		fail("membarrier");
	while (!spinning)
		;
	for (uint64_t i = 0; i < n; i++)
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	spin_ends = true;
	pthread_join(thread, NULL);
}

static void timers(uint64_t n)
{
	struct timespec t = {.tv_nsec = 1000};

	for (uint64_t i = 0; i < n; i++)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static void cpuids(uint64_t n)
{
	uint32_t a, b, c, d;

	for (uint64_t i = 0; i < n; i++)
		__cpuid(1, a, b, c, d);
}

/* By the kernel's msr driver; the difference of two registers' costs is that of an exit. */
static void read_msr(uint64_t n, uint32_t msr)
{
	int fd = open("/dev/cpu/0/msr", O_RDONLY);
	uint64_t value;

	if (fd < 0)
		fail("/dev/cpu/0/msr");
	for (uint64_t i = 0; i < n; i++)
		if (pread(fd, &value, sizeof value, msr) != sizeof value)
			fail("rdmsr");
	close(fd);
}

static void msr_without_exit(uint64_t n)
{
	read_msr(n, MSR_LSTAR);
}

static void msr_of_apic(uint64_t n)
{
	read_msr(n, MSR_X2APIC_ID);
}

static const struct {
	const char *name;
	void (*run)(uint64_t n);
	uint64_t n;
	bool needs_x2apic, needs_two_cpus;
} loads[] = {
	{.name = "compute", .run = compute, .n = 50000000},
	{.name = "memory", .run = memory, .n = 2000000},
	{.name = "syscall", .run = syscalls, .n = 300000},
	{.name = "page-fault", .run = page_faults, .n = 20000},
	{.name = "switch", .run = switches, .n = 20000},
	{.name = "wakeup", .run = wakeups, .n = 2000, .needs_two_cpus = true},
	{.name = "ipi", .run = ipis, .n = 10000, .needs_two_cpus = true},
	{.name = "timer", .run = timers, .n = 1000},
	{.name = "cpuid", .run = cpuids, .n = 20000},
	{.name = "rdmsr", .run = msr_without_exit, .n = 20000},
	{.name = "rdmsr-apic", .run = msr_of_apic, .n = 20000, .needs_x2apic = true},
};

static bool x2apic_enabled(void)
{
	uint64_t apic_base;
	int fd = open("/dev/cpu/0/msr", O_RDONLY);
	bool enabled = fd >= 0 && pread(fd, &apic_base, 8, 0x1b) == 8 && apic_base & 1 << 10;

	if (fd >= 0)
		close(fd);
	return enabled;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int main(void)
{
	bool x2apic = x2apic_enabled(), two_cpus = sysconf(_SC_NPROCESSORS_ONLN) >= 2;

	pin(0);
	for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
		uint64_t n = loads[i].n, ns, ticks;

		if ((loads[i].needs_x2apic && !x2apic) || (loads[i].needs_two_cpus && !two_cpus))
			continue;
		loads[i].run(n / 100 + 1);
		ns = now();
		ticks = __rdtsc();
		loads[i].run(n);
		ticks = __rdtsc() - ticks;
		ns = now() - ns;
		printf("%s %.2f %.2f %ju\n", loads[i].name, (double)ns / (double)n,
		       (double)ticks / (double)n, (uintmax_t)n);
		fflush(stdout);
	}
	return 0;
}
