// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vid.ko through libvid, with guests of a dozen opcode bytes. `vid_test NAME…` runs some tests,
 * without names all.
 */
#include <string.h>

#include "vid_guest.h"
#include "vid_test.h"

#define TEST(name)                 \
	{                          \
#name, test_##name \
	}

static const struct test {
	const char *name;
	void (*run)(void);
} tests[] = {
	TEST(ports),
	TEST(memory_that_is_not_there),
	TEST(memory_comes_and_goes),
	TEST(memory_is_large),
	TEST(triple_fault),
	TEST(registers),
	TEST(addresses),
	TEST(states),
	TEST(cpuid_and_msrs),
	TEST(time),
	TEST(kick_ends_a_run),
	TEST(signal_ends_a_run),
	TEST(interrupt_wakes),
	TEST(halt_waits_for_an_nmi),
	TEST(timer_wakes),
	TEST(extint),
	TEST(level_interrupt_tells_its_end),
	TEST(irqfds),
	TEST(doorbells),
	TEST(signals_are_doorbells),
	TEST(messages),
	TEST(event_flags),
	TEST(wrong_arguments),
	TEST(descriptors),
	TEST(pages_of_a_vp),
	TEST(vps_come_and_go),
	TEST(another_process_goes_on),
	TEST(locked_memory_is_limited),
	TEST(many_partitions),
	TEST(quotas_of_a_partition),
	TEST(quotas_of_a_user),
	TEST(memory_is_the_files),
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
