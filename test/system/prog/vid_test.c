// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vid.ko through libvid, with guests of a dozen opcode bytes. Each test is a function of its own
 * partition; `vid_test NAME…` runs some of them, without names all.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vid_guest.h"

/* ---- what stops a VP ---- */

static void ports(void)
{
	struct guest g;

	guest_init(&g, 1);
	guest_load(&g, 0xb0, 0x42, /* mov $0x42, %al */
		   0xe6, 0x80,     /* out %al, $0x80 */
		   0xed,           /* in (%dx), %ax */
		   0xa2, 0, 0x20,  /* mov %al, 0x2000 */
		   0xf4);          /* hlt */
	guest_set_register(&g, 0, HV_REGISTER_RAX + 2, 0x1f0);
	guest_run(&g, VID_EXIT_IO);
	EXPECT_EQ(g.exit.io.port, 0x80);
	EXPECT_EQ(g.exit.io.size, 1);
	EXPECT(g.exit.io.write && !g.exit.io.string);
	EXPECT_EQ(g.exit.io.value, 0x42);
	guest_step_over(&g);
	guest_run(&g, VID_EXIT_IO);
	EXPECT_EQ(g.exit.io.port, 0x1f0);
	EXPECT_EQ(g.exit.io.size, 2);
	EXPECT(!g.exit.io.write);
	vid_vp_regs(g.vp[0], VID_REGS_GPR)->gpr[VID_RAX] = 0x77;
	guest_step_over(&g);
	guest_run(&g, VID_EXIT_HALT);
	EXPECT_EQ(g.host[0x2000], 0x77);
	guest_fini(&g);
}

static void memory_that_is_not_there(void)
{
	struct guest g;

	guest_init(&g, 1);
	guest_load(&g, 0x48, 0x89, 0x07, /* mov %rax, (%rdi) */
		   0xf4);
	guest_begin_64(&g, 0);
	guest_set_register(&g, 0, HV_REGISTER_RAX + 7, 0x3ff00008);
	guest_run(&g, VID_EXIT_MMIO);
	EXPECT_EQ(g.exit.mmio.gpa, 0x3ff00008);
	EXPECT_EQ(g.exit.mmio.access, VID_ACCESS_WRITE);
	EXPECT(g.exit.instruction.byte_count >= 4);
	EXPECT_EQ(g.exit.instruction.bytes[0], 0x48);
	guest_fini(&g);
}

static void memory_comes_and_goes(void)
{
	struct vid_memory *more;
	struct guest g;

	guest_init(&g, 1);
	EXPECT_EQ(vid_memory_create("more", 3 * VID_PAGE_SIZE, &more), 0);
	EXPECT_EQ(vid_partition_map(g.partition, 0x400000, more, VID_PAGE_SIZE, VID_PAGE_SIZE,
				    VID_ACCESS_READ),
		  0);
	strcpy((char *)vid_memory_host(more) + VID_PAGE_SIZE, "shared");
	guest_load(&g, 0x8a, 0x07, /* mov (%rdi), %al */
		   0x88, 0x07,     /* mov %al, (%rdi) */
		   0xf4);
	guest_begin_64(&g, 0);
	guest_set_register(&g, 0, HV_REGISTER_RAX + 7, 0x400000);
	guest_run(&g, VID_EXIT_MMIO);
	EXPECT_EQ(g.exit.mmio.access, VID_ACCESS_WRITE);
	EXPECT_EQ(vid_vp_regs(g.vp[0], 0)->gpr[VID_RAX] & 0xff, 's');
	EXPECT_EQ(vid_partition_unmap(g.partition, 0x400000, VID_PAGE_SIZE), 0);
	guest_begin_64(&g, 0);
	guest_run(&g, VID_EXIT_MMIO);
	EXPECT_EQ(g.exit.mmio.access, VID_ACCESS_READ);
	guest_fini(&g);
	vid_memory_destroy(more);
}

static void triple_fault(void)
{
	struct guest g;

	guest_init(&g, 1);
	guest_load(&g, 0x0f, 0x0b); /* ud2 */
	guest_begin_64(&g, 0);      /* with an IDT of nothing */
	const struct vid_register idtr = {.name = HV_REGISTER_IDTR};
	EXPECT_EQ(vid_vp_set_registers(g.vp[0], &idtr, 1), 0);
	guest_run(&g, VID_EXIT_SHUTDOWN);
	guest_fini(&g);
}

/* ---- kicks, signals, waiting ---- */

static void *run_until_interrupted(void *argument)
{
	struct guest *g = argument;
	struct vid_exit ended;

	EXPECT_EQ(vid_vp_run(g->vp[0], &ended), 0);
	EXPECT_EQ(ended.kind, VID_EXIT_INTERRUPTED);
	return NULL;
}

static void kick_ends_a_run(void)
{
	struct guest g;
	struct vid_exit ended;
	pthread_t thread;

	guest_init(&g, 1);
	guest_load(&g, 0xeb, 0xfe); /* jmp . */
	vid_vp_kick(g.vp[0]);
	EXPECT_EQ(vid_vp_run(g.vp[0], &ended), 0);
	EXPECT_EQ(ended.kind, VID_EXIT_INTERRUPTED);
	for (int i = 0; i < 200; i++) {
		EXPECT_EQ(pthread_create(&thread, NULL, run_until_interrupted, &g), 0);
		if (i % 2)
			usleep(i * 10);
		vid_vp_kick(g.vp[0]);
		EXPECT_EQ(pthread_join(thread, NULL), 0);
	}
	guest_fini(&g);
}

static void ignore(int number)
{
}

static void signal_ends_a_run(void)
{
	const struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
	struct guest g;
	pthread_t thread;

	guest_init(&g, 1);
	guest_load(&g, 0xeb, 0xfe); /* jmp . */
	EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	EXPECT_EQ(pthread_create(&thread, NULL, run_until_interrupted, &g), 0);
	while (pthread_tryjoin_np(thread, NULL) == EBUSY)
		pthread_kill(thread, SIGUSR1);
	guest_fini(&g);
}

/* An interrupt from outside ends HLT, in the interrupt handler. */
static void interrupt_wakes(void)
{
	const struct vid_interrupt interrupt = {.vector = 0x40};
	struct guest g;
	pthread_t thread;

	guest_init(&g, 1);
	guest_load(&g, 0xfb, 0xf4, /* sti; hlt */
		   0xeb, 0xfc);    /* jmp to it */
	/* The handler of vector 0x40: in $0x70, %al; iret. The APIC needs no EOI for a test. */
	memcpy(g.host + 0x3000, (uint8_t[]){0xe4, 0x70, 0xcf}, 3);
	memcpy(g.host + 0x40 * 4, (uint8_t[]){0x00, 0x30, 0x00, 0x00}, 4);
	/* Software-enabled, by its saved state. */
	uint32_t lapic[256];
	size_t size;
	EXPECT_EQ(vid_vp_get_state(g.vp[0], VID_VP_STATE_LAPIC, lapic, sizeof(lapic), &size), 0);
	lapic[2] |= 0x100; /* SVR */
	EXPECT_EQ(vid_vp_set_state(g.vp[0], VID_VP_STATE_LAPIC, lapic, size), 0);
	EXPECT_EQ(pthread_create(&thread, NULL, run_until_interrupted, &g), 0);
	usleep(20000);
	vid_vp_kick(g.vp[0]);
	EXPECT_EQ(pthread_join(thread, NULL), 0);
	EXPECT_EQ(vid_partition_interrupt(g.partition, &interrupt), 0);
	guest_run(&g, VID_EXIT_IO);
	EXPECT_EQ(g.exit.io.port, 0x70);
	guest_fini(&g);
}

static const struct test {
	const char *name;
	void (*run)(void);
} tests[] = {
	{"ports", ports},
	{"memory_that_is_not_there", memory_that_is_not_there},
	{"memory_comes_and_goes", memory_comes_and_goes},
	{"triple_fault", triple_fault},
	{"kick_ends_a_run", kick_ends_a_run},
	{"signal_ends_a_run", signal_ends_a_run},
	{"interrupt_wakes", interrupt_wakes},
};

static bool is_wanted(const char *name, int count, char **names)
{
	for (int i = 1; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return count == 1;
}

int main(int count, char **names)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!is_wanted(tests[i].name, count, names))
			continue;
		printf("%s\n", tests[i].name);
		tests[i].run();
	}
	printf("all well\n");
	return EXIT_SUCCESS;
}
