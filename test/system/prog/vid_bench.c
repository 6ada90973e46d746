// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ticks of one exit, by kind, from the guest's instruction to the next one, with a worker that does
 * nothing but answer. In a machine where instructions are the time, a tick is an instruction.
 */
#include <sys/eventfd.h>
#include <unistd.h>
#include <x86intrin.h>

#include "vid_guest.h"

#define ROUNDS 50u
#define RINGS  2000u /* of a doorbell, so that what leaves the guest now and then is in it */
#define TRIES  40u   /* of which the best one counts: the others met something of the root's */

static struct guest g;

/* Runs until ROUNDS exits of this kind came; `step` bytes belong to the instruction. */
static void serve(enum vid_exit_kind kind, unsigned int step)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct vid_regs *regs;

		guest_run(&g, kind);
		regs = vid_vp_regs(g.vp[0], VID_REGS_GPR | VID_REGS_RIP);
		regs->gpr[VID_RAX] = i;
		regs->rip += step;
	}
}

/* Code that loops over one instruction, and ends with a HLT. */
static void load_loop(const uint8_t *instruction, unsigned int length, unsigned int rounds)
{
	uint8_t code[32] = {0};

	for (unsigned int i = 0; i < length; i++)
		code[i] = instruction[i];
	code[length] = 0xff; /* dec %ebx */
	code[length + 1] = 0xcb;
	code[length + 2] = 0x75; /* jnz */
	code[length + 3] = (uint8_t) - (length + 4);
	code[length + 4] = 0xf4; /* hlt */
	guest_load_bytes(&g, code, length + 5);
	guest_begin_64(&g, 0);
	guest_set_register(&g, 0, HV_REGISTER_RAX + 3, rounds);
	guest_set_register(&g, 0, HV_REGISTER_RAX + 7, 0x3ff00000);
}

static void measure_rounds(const char *name, const uint8_t *instruction, unsigned int length,
			   enum vid_exit_kind kind, unsigned int rounds)
{
	uint64_t start, ticks, best = UINT64_MAX;

	for (unsigned int i = 0; i < TRIES; i++) {
		load_loop(instruction, length, rounds);
		start = __rdtsc();
		if (kind != VID_EXIT_HALT)
			serve(kind, length);
		guest_run(&g, VID_EXIT_HALT);
		ticks = __rdtsc() - start;
		best = MIN(best, ticks);
	}
	printf("%s %llu\n", name, (unsigned long long)best / rounds);
}

static void measure(const char *name, const uint8_t *instruction, unsigned int length,
		    enum vid_exit_kind kind)
{
	measure_rounds(name, instruction, length, kind, ROUNDS);
}

/* What of it is the ioctl alone: twice, to kick and to run into the kick. */
static void measure_ioctl(void)
{
	struct vid_exit ended;
	uint64_t start = __rdtsc();

	for (unsigned int i = 0; i < ROUNDS; i++) {
		vid_vp_kick(g.vp[0]);
		EXPECT_EQ(vid_vp_run(g.vp[0], &ended), 0);
	}
	printf("two-ioctls %llu\n", (unsigned long long)(__rdtsc() - start) / ROUNDS);
}

int main(void)
{
	static const uint8_t nothing[] = {0x90}, cpuid[] = {0x53, 0x0f, 0xa2, 0x5b},
			     in[] = {0xe4, 0x70}, load[] = {0x8b, 0x07}, out[] = {0xe6, 0x80},
			     store[] = {0x89, 0x07};
	const struct vid_doorbell port = {VID_DOORBELL_PORT, 0x80, 1, false, 0};
	const struct vid_doorbell mmio = {VID_DOORBELL_MMIO, 0x3ff00000, 4, false, 0};
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t count;

	guest_init(&g, 1);
	EXPECT_EQ(vid_doorbell_set(g.partition, &port, fd), 0);
	EXPECT_EQ(vid_doorbell_set(g.partition, &mmio, fd), 0);
	measure("nothing", nothing, sizeof(nothing), VID_EXIT_HALT);
	measure("cpuid", cpuid, sizeof(cpuid), VID_EXIT_HALT);
	measure("port-read", in, sizeof(in), VID_EXIT_IO);
	measure("mmio-read", load, sizeof(load), VID_EXIT_MMIO);
	measure_rounds("port-doorbell", out, sizeof(out), VID_EXIT_HALT, RINGS);
	measure("mmio-doorbell", store, sizeof(store), VID_EXIT_HALT);
	/* Each write to memory counts; those to the port may count as fewer. */
	EXPECT_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	EXPECT(count > ROUNDS * TRIES && count <= (ROUNDS + RINGS) * TRIES);
	measure_ioctl();
	guest_fini(&g);
	return EXIT_SUCCESS;
}
