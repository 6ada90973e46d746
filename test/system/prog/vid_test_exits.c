// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of vid_test: what stops a VP, and what it is given. */
#include <errno.h>
#include <string.h>

#include "keelson_vid.h"
#include "vid_guest.h"
#include "vid_test.h"

/* ---- what stops a VP ---- */

void test_ports(void)
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

void test_memory_that_is_not_there(void)
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

void test_memory_comes_and_goes(void)
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

void test_triple_fault(void)
{
	const struct vid_register idtr = {.name = HV_REGISTER_IDTR};
	struct guest g;

	guest_init(&g, 1);
	guest_load(&g, 0x0f, 0x0b); /* ud2 */
	guest_begin_64(&g, 0);      /* with an IDT of nothing */
	EXPECT_EQ(vid_vp_set_registers(g.vp[0], &idtr, 1), 0);
	guest_run(&g, VID_EXIT_SHUTDOWN);
	guest_fini(&g);
}

/* Where the file's pages are huge, the guest's are, and need no tables: seen by the deposit. */
void test_memory_is_large(void)
{
	const uint64_t size = UINT64_C(64) << 20;
	struct hv_memory_balance before, after;
	struct vid_memory *more;
	struct guest g;

	guest_init(&g, 1);
	EXPECT_EQ(vid_memory_create("large", size, &more), 0);
	EXPECT_EQ(ioctl(vid_partition_fd(g.partition), VID_IOCTL_GET_BALANCE, &before), 0);
	EXPECT_EQ(vid_partition_map(g.partition, 0x40000000, more, 0, size, VID_ACCESS_ALL), 0);
	EXPECT_EQ(ioctl(vid_partition_fd(g.partition), VID_IOCTL_GET_BALANCE, &after), 0);
	EXPECT(after.in_use - before.in_use < 8);
	EXPECT_EQ(vid_partition_unmap(g.partition, 0x40000000, size), 0);
	/* The same at an address that fits no large page. */
	EXPECT_EQ(vid_partition_map(g.partition, 0x40001000, more, 0, size, VID_ACCESS_ALL), 0);
	EXPECT_EQ(ioctl(vid_partition_fd(g.partition), VID_IOCTL_GET_BALANCE, &after), 0);
	EXPECT(after.in_use - before.in_use >= 32);
	guest_load(&g, 0x88, 0x07); /* mov %al, (%rdi) */
	guest_begin_64(&g, 0);
	guest_set_register(&g, 0, HV_REGISTER_RAX, 0x5a);
	guest_set_register(&g, 0, HV_REGISTER_RAX + 7, 0x3fffffff);
	guest_run(&g, VID_EXIT_MMIO);
	EXPECT_EQ(g.exit.mmio.gpa, 0x3fffffff);
	EXPECT_EQ(vid_partition_unmap(g.partition, 0x40001000, size), 0);
	guest_fini(&g);
	vid_memory_destroy(more);
}

void test_registers(void)
{
	struct vid_register many[150] = {{0}}, unknown = {.name = 0xdeadbeef};
	struct guest g;

	guest_init(&g, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct vid_register){HV_REGISTER_RAX + i % 4, i, 0};
	EXPECT_EQ(vid_vp_set_registers(g.vp[0], many, ARRAY_SIZE(many)), 0);
	EXPECT_EQ(vid_vp_get_registers(g.vp[0], many, ARRAY_SIZE(many)), 0);
	EXPECT_EQ(many[0].low, 148);
	EXPECT_EQ(many[149].low, 149);
	EXPECT_EQ(vid_vp_get_registers(g.vp[0], &unknown, 1), -EINVAL);
	EXPECT_EQ(vid_vp_set_registers(g.vp[0], &unknown, 1), -EINVAL);
	/* The guest sees what was put into DR0 to DR3, and the other way round. */
	for (unsigned int i = 0; i < 4; i++)
		guest_set_register(&g, 0, HV_REGISTER_DR0 + i, 0x1110 + i);
	guest_load(&g, 0x0f, 0x21, 0xd8,    /* mov %dr3, %eax */
		   0x66, 0xff, 0xc0,        /* inc %eax */
		   0x0f, 0x23, 0xc8, 0xf4); /* mov %eax, %dr1; hlt */
	guest_run(&g, VID_EXIT_HALT);
	EXPECT_EQ(vid_vp_regs(g.vp[0], 0)->gpr[VID_RAX], 0x1114);
	EXPECT_EQ(guest_register(&g, 0, HV_REGISTER_DR0), 0x1110);
	EXPECT_EQ(guest_register(&g, 0, HV_REGISTER_DR0 + 1), 0x1114);
	EXPECT_EQ(guest_register(&g, 0, HV_REGISTER_DR0 + 2), 0x1112);
	guest_fini(&g);
}

void test_addresses(void)
{
	struct guest g;
	uint64_t gpa;

	guest_init(&g, 1);
	guest_begin_64(&g, 0);
	EXPECT_EQ(vid_vp_translate(g.vp[0], 0x1234, VID_ACCESS_READ, &gpa), 0);
	EXPECT_EQ(gpa, 0x1234);
	EXPECT_EQ(vid_vp_translate(g.vp[0], UINT64_C(1) << 40, VID_ACCESS_READ, &gpa), -EFAULT);
	guest_fini(&g);
}

/* Every state can be read, put back, and read again as it was. */
void test_states(void)
{
	static uint8_t first[VID_VP_STATE_MAX], second[VID_VP_STATE_MAX];
	struct guest g;
	size_t size, again;

	guest_init(&g, 1);
	guest_set_register(&g, 0, HV_REGISTER_SCONTROL, 1);
	guest_set_register(&g, 0, HV_REGISTER_SIMP, 0x4000 | 1);
	guest_set_register(&g, 0, HV_REGISTER_SIEFP, 0x5000 | 1);
	for (int state = VID_VP_STATE_LAPIC; state <= VID_VP_STATE_TIMERS; state++) {
		EXPECT_EQ(vid_vp_get_state(g.vp[0], state, first, sizeof(first), &size), 0);
		EXPECT(size > 0 && size <= sizeof(first));
		EXPECT_EQ(vid_vp_set_state(g.vp[0], state, first, size), 0);
		EXPECT_EQ(vid_vp_get_state(g.vp[0], state, second, sizeof(second), &again), 0);
		EXPECT_EQ(again, size);
		EXPECT_EQ(memcmp(first, second, size), 0);
		EXPECT_EQ(vid_vp_get_state(g.vp[0], state, second, size - 1, &again), -ENOSPC);
		EXPECT_EQ(vid_vp_set_state(g.vp[0], state, first, size - 1), -EINVAL);
	}
	guest_fini(&g);
}

void test_cpuid_and_msrs(void)
{
	const struct vid_cpuid_result result = {
		.leaf = 0x1234,
		.value = {0xabcd},
		.mask = {0xffff},
	};
	struct guest g;

	guest_init(&g, 1);
	EXPECT_EQ(vid_partition_set_cpuid(g.partition, &result), 0);
	EXPECT_EQ(vid_partition_intercept_msrs(g.partition, true), 0);
	guest_load(&g, 0x66, 0xb8, 0x34, 0x12, 0, 0, /* mov $0x1234, %eax */
		   0x0f, 0xa2,                       /* cpuid */
		   0xa3, 0, 0x20,                    /* mov %ax, 0x2000 */
		   0x66, 0xb9, 0x45, 0x23, 1, 0,     /* mov $0x12345, %ecx */
		   0x0f, 0x32,                       /* rdmsr */
		   0xf4);                            /* hlt */
	guest_run(&g, VID_EXIT_MSR);
	EXPECT_EQ(g.host[0x2000] | g.host[0x2001] << 8, 0xabcd);
	EXPECT_EQ(g.exit.msr.msr, 0x12345);
	EXPECT(!g.exit.msr.write);
	guest_step_over(&g);
	guest_run(&g, VID_EXIT_HALT);
	guest_begin(&g, 0);
	EXPECT_EQ(vid_partition_intercept_cpuid(g.partition, 0x1234, true), 0);
	guest_run(&g, VID_EXIT_CPUID);
	EXPECT_EQ(g.exit.cpuid.eax, 0x1234);
	EXPECT_EQ(g.exit.cpuid.default_leaf[0] & 0xffff, 0xabcd);
	EXPECT_EQ(vid_partition_intercept_cpuid(g.partition, 0x1234, false), 0);
	guest_run(&g, VID_EXIT_MSR);
	guest_fini(&g);
}

void test_time(void)
{
	uint64_t before, after;
	struct guest g;

	guest_init(&g, 1);
	EXPECT_EQ(vid_partition_get_time(g.partition, &before), 0);
	EXPECT_EQ(vid_partition_freeze_time(g.partition, true), 0);
	EXPECT_EQ(vid_partition_freeze_time(g.partition, true), -EALREADY);
	EXPECT_EQ(vid_vp_run(g.vp[0], &g.exit), -EBUSY);
	EXPECT_EQ(vid_partition_set_time(g.partition, UINT64_C(1) << 40), 0);
	EXPECT_EQ(vid_partition_freeze_time(g.partition, false), 0);
	EXPECT_EQ(vid_partition_get_time(g.partition, &after), 0);
	EXPECT(before < after && after >= UINT64_C(1) << 40);
	guest_fini(&g);
}
