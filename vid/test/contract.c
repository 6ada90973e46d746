/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See contract.h. */
#include "contract.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "expect.h"
#include "vid/memory.h"

#define SIZE                     (UINT64_C(2) << 20)
#define REG_RBX                  0x00020003u /* TLFS 7.2 */
#define REG_STAR                 0x00080008u
#define REG_INTERNAL_ACTIVITY    0x00000004u
#define REG_PENDING_INTERRUPTION 0x00010002u
#define REG_INTERRUPT_STATE      0x00010003u
#define REG_PENDING_EVENT0       0x00010004u
#define REG_PENDING_EVENT1       0x00010005u

static const struct contract_backend *backend;
static struct vid_partition *partition;
static struct vid_memory *memory;
static struct vid_vp *vp;
static uint8_t *host;

static void set_up(void)
{
	EXPECT_EQ(backend->create(&partition), 0);
	EXPECT_EQ(vid_memory_create("contract", SIZE, &memory), 0);
	host = vid_memory_host(memory);
	EXPECT_EQ(vid_partition_map(partition, 0, memory, 0, SIZE, VID_ACCESS_ALL), 0);
	EXPECT_EQ(vid_vp_create(partition, 3, &vp), 0);
}

static void tear_down(void)
{
	vid_vp_destroy(vp);
	vid_partition_destroy(partition);
	vid_memory_destroy(memory);
}

static void vps_have_an_index(void)
{
	struct vid_vp *other;

	EXPECT_EQ(vid_vp_index(vp), 3);
	EXPECT_EQ(vid_vp_create(partition, 64, &other), -EINVAL);
	EXPECT_EQ(vid_vp_create(partition, 4, &other), 0);
	vid_vp_destroy(other);
	vid_vp_destroy(NULL);
}

static void memory_has_a_place(void)
{
	char word[8] = "";
	size_t size;

	EXPECT_EQ(vid_partition_map(partition, 0x1000, memory, 0, 0x1000, VID_ACCESS_ALL), -EEXIST);
	EXPECT_EQ(vid_partition_map(partition, SIZE + 1, memory, 0, 0x1000, VID_ACCESS_ALL),
		  -EINVAL);
	EXPECT_EQ(vid_partition_map(partition, SIZE, memory, SIZE, 0x1000, VID_ACCESS_ALL),
		  -EINVAL);
	EXPECT_EQ(vid_partition_map(partition, SIZE, memory, 0, 0x1000, 0), -EINVAL);
	EXPECT_EQ(vid_partition_unmap(partition, 0x1000, 0x1000), -ENOENT);
	EXPECT_EQ(vid_partition_map(partition, SIZE * 4, memory, 0x3000, 0x2000, VID_ACCESS_READ),
		  0);
	EXPECT_EQ(vid_gpa_write(partition, 0x3ffe, "abcd", 4), 0);
	EXPECT_EQ(vid_gpa_read(partition, SIZE * 4 + 0xffe, word, 4), 0);
	EXPECT_EQ(memcmp(word, "abcd", 4), 0);
	EXPECT_EQ(vid_gpa_write(partition, SIZE * 4, "x", 1), -EFAULT);
	EXPECT_EQ(vid_gpa_read(partition, SIZE * 4 + 0x1ffd, word, 4), -EFAULT);
	EXPECT_EQ(vid_gpa_read(partition, UINT64_MAX, word, 2), -EFAULT);
	EXPECT(vid_gpa_host(partition, 0x3000, 0x10, VID_ACCESS_WRITE, &size) == host + 0x3000);
	EXPECT_EQ(size, 0x10);
	EXPECT(!vid_gpa_host(partition, SIZE * 4, 1, VID_ACCESS_WRITE, &size));
	EXPECT_EQ(vid_partition_unmap(partition, SIZE * 4, 0x2000), 0);
	EXPECT_EQ(vid_gpa_read(partition, SIZE * 4, word, 1), -EFAULT);
}

static void doorbells_have_a_description(void)
{
	_cleanup_close_ int fd = eventfd(0, EFD_NONBLOCK);
	struct vid_doorbell seven = {VID_DOORBELL_PORT, 0x51, 1, true, 7};
	const struct vid_doorbell eoi = {.kind = VID_DOORBELL_EOI, .address = 0x50};
	const struct vid_doorbell bad[] = {
		{VID_DOORBELL_PORT, 0x10000, 2, false, 0}, {VID_DOORBELL_PORT, 0x51, 3, false, 0},
		{VID_DOORBELL_PORT, 0x51, 8, false, 0},    {VID_DOORBELL_MMIO, 0x51, 0, false, 0},
		{VID_DOORBELL_SIGNAL, 1, 4, false, 0},     {VID_DOORBELL_EOI, 0x100, 0, false, 0},
		{VID_DOORBELL_EOI, 0x50, 0, true, 0},      {VID_DOORBELL_EOI, 0x50, 1, false, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(vid_doorbell_set(partition, &bad[i], fd), -EINVAL);
	EXPECT_EQ(vid_doorbell_set(partition, &seven, -1), -EINVAL);
	EXPECT_EQ(vid_doorbell_set(partition, &eoi, fd), 0);
	EXPECT_EQ(vid_doorbell_set(partition, &eoi, fd), -EEXIST);
	EXPECT_EQ(vid_doorbell_set(partition, &seven, fd), 0);
	EXPECT_EQ(vid_doorbell_set(partition, &seven, fd), -EEXIST);
	seven.value = 8;
	EXPECT_EQ(vid_doorbell_clear(partition, &seven), -ENOENT);
	seven.value = 7;
	EXPECT(!backend->out(partition, vp, host, 0x51, 8));
	EXPECT(!backend->out(partition, vp, host, 0x50, 7));
	EXPECT_EQ(eventfd_take(fd), 0);
	EXPECT(backend->out(partition, vp, host, 0x51, 7));
	EXPECT_EQ(eventfd_await(fd), 1);
	EXPECT_EQ(vid_doorbell_clear(partition, &seven), 0);
	EXPECT(!backend->out(partition, vp, host, 0x51, 7));
	EXPECT_EQ(vid_doorbell_clear(partition, &eoi), 0);
	EXPECT_EQ(vid_doorbell_clear(partition, &eoi), -ENOENT);
}

static void irqfds_come_and_go(void)
{
	_cleanup_close_ int fd = eventfd(0, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);
	const struct vid_interrupt edge = {.vector = 0x44}, level = {.vector = 0x45, .level = true};
	const struct vid_event_flag flag = {.vp_index = 3, .sint = 2, .flag = 9};
	const struct vid_event_flag bad[] = {{3, 16, 0}, {3, 2, 2048}};

	EXPECT_EQ(vid_irqfd_set(partition, -1, &edge), -EINVAL);
	EXPECT_EQ(vid_irqfd_set(partition, fd, &edge), 0);
	EXPECT_EQ(vid_irqfd_set(partition, fd, &level), -EEXIST);
	EXPECT_EQ(vid_irqfd_set_flag(partition, fd, &flag), -EEXIST);
	EXPECT_EQ(vid_irqfd_clear(partition, other), -ENOENT);
	EXPECT_EQ(vid_irqfd_clear(partition, fd), 0);
	EXPECT_EQ(vid_irqfd_clear(partition, fd), -ENOENT);
	EXPECT_EQ(vid_irqfd_set(partition, fd, &level), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(vid_irqfd_set_flag(partition, other, &bad[i]), -EINVAL);
	EXPECT_EQ(vid_irqfd_set_flag(partition, other, &flag), 0);
	EXPECT_EQ(vid_irqfd_clear(partition, other), 0);
	EXPECT_EQ(vid_irqfd_clear(partition, fd), 0);
}

static void messages_and_flags_are_bounded(void)
{
	char payload[VID_MESSAGE_PAYLOAD + 1] = "hello";

	EXPECT_EQ(vid_message_post(partition, 3, 16, 1, payload, 5), -EINVAL);
	EXPECT_EQ(vid_message_post(partition, 3, 2, 1, payload, sizeof(payload)), -EINVAL);
	EXPECT_EQ(vid_message_post(partition, 3, 2, 0, payload, 5), -EINVAL);
	EXPECT_EQ(vid_event_flag_set(partition, 3, 2, 2048), -EINVAL);
	EXPECT_EQ(vid_event_flag_set(partition, 3, 16, 0), -EINVAL);
}

static void what_the_processor_is(void)
{
	const struct vid_cpuid_result result = {.leaf = 0x1234, .value = {7}, .mask = {15}};

	EXPECT_EQ(vid_partition_set_cpuid(partition, &result), 0);
	EXPECT_EQ(vid_partition_intercept_msrs(partition, true), 0);
	EXPECT_EQ(vid_partition_intercept_msrs(partition, false), 0);
	EXPECT_EQ(vid_partition_intercept_cpuid(partition, 0x1234, true), 0);
	EXPECT_EQ(vid_partition_intercept_cpuid(partition, 0x1234, false), 0);
}

static void time_is_frozen_once(void)
{
	uint64_t before, after;

	EXPECT_EQ(vid_partition_freeze_time(partition, true), 0);
	EXPECT_EQ(vid_partition_freeze_time(partition, true), -EALREADY);
	EXPECT_EQ(vid_partition_set_time(partition, 123456789), 0);
	EXPECT_EQ(vid_partition_get_time(partition, &before), 0);
	EXPECT_EQ(vid_partition_get_time(partition, &after), 0);
	EXPECT_EQ(before, 123456789);
	EXPECT_EQ(after, 123456789);
	EXPECT_EQ(vid_partition_freeze_time(partition, false), 0);
	EXPECT_EQ(vid_partition_freeze_time(partition, false), -EALREADY);
}

static void registers_and_state_come_back(void)
{
	static uint8_t state[VID_VP_STATE_MAX], again[VID_VP_STATE_MAX];
	struct vid_register r[] = {{REG_RBX, 10, 0}, {REG_STAR, 0x0013000800000000, 0}};
	size_t size, size_again;

	EXPECT_EQ(vid_vp_set_registers(vp, r, 2), 0);
	r[0].low = r[1].low = 0;
	EXPECT_EQ(vid_vp_get_registers(vp, r, 2), 0);
	EXPECT_EQ(r[0].low, 10);
	EXPECT_EQ(r[1].low, 0x0013000800000000);
	EXPECT_EQ(vid_vp_get_state(vp, VID_VP_STATE_LAPIC, state, sizeof(state), &size), 0);
	if (size == 0) /* the fake's state is what it was given */
		EXPECT_EQ(vid_vp_set_state(vp, VID_VP_STATE_LAPIC, state, size = 512), 0);
	EXPECT_EQ(vid_vp_get_state(vp, VID_VP_STATE_LAPIC, again, 1, &size_again), -ENOSPC);
	EXPECT_EQ(vid_vp_set_state(vp, VID_VP_STATE_LAPIC, state, size), 0);
	EXPECT_EQ(vid_vp_get_state(vp, VID_VP_STATE_LAPIC, again, sizeof(again), &size_again), 0);
	EXPECT_EQ(size_again, size);
	EXPECT_EQ(memcmp(state, again, size), 0);
	EXPECT_EQ(vid_vp_set_state(vp, VID_VP_STATE_LAPIC, state, VID_VP_STATE_MAX + 1), -EINVAL);
}

static const uint32_t no_registers[] = {2,       3,       5,          0x20f,     0x215,
					0x10001, 0x10007, 0x20012,    0x40006,   0x50006,
					0x60008, 0x70002, 0x8000c,    0x90000,   0x90004,
					0xa0014, 0xb0008, 0x99999999, UINT32_MAX};

static void only_registers_that_there_are(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(no_registers); i++) {
		struct vid_register r = {no_registers[i], 0, 0};

		EXPECT_EQ(vid_vp_get_registers(vp, &r, 1), -EINVAL);
		EXPECT_EQ(vid_vp_set_registers(vp, &r, 1), -EINVAL);
	}
}

/* The layouts of the TLFS: what can be, and comes back; and what cannot. */
static const struct {
	uint32_t name;
	uint64_t low, high;
	bool valid;
} events[] = {
	{REG_PENDING_EVENT0, 1 | 1 << 8 | 14 << 16 | UINT64_C(6) << 32, 0xdeadbeef, true}, /* #PF */
	{REG_PENDING_EVENT0, 1 | 1 << 8 | 13 << 16, 0, true},                              /* #GP */
	{REG_PENDING_EVENT0, 1 | 1 << 8 | 12 << 16, 0, true},                              /* #SS */
	{REG_PENDING_EVENT0, 1 | 6 << 16, 0, true},                                        /* #UD */
	{REG_PENDING_EVENT0, 1 | 1 << 16, 0x4000, true},                                   /* #DB */
	{REG_PENDING_EVENT0, 0, 0, true},
	{REG_PENDING_EVENT0, 1 | 2 << 16, 0, false},
	{REG_PENDING_EVENT0, 1 | 32 << 16, 0, false},
	{REG_PENDING_EVENT0, 1 | 1 << 1 | 13 << 16, 0, false},
	{REG_PENDING_EVENT0, 1 | 1 << 9 | 13 << 16, 0, false},
	{REG_PENDING_EVENT1, 0, 0, true},
	{REG_PENDING_EVENT1, 1 | 13 << 16, 0, false},
	{REG_PENDING_INTERRUPTION, 1 | 0 << 1 | 0x41 << 16, 0, true},
	{REG_PENDING_INTERRUPTION, 1 | 2 << 1 | 2 << 16, 0, true},
	{REG_PENDING_INTERRUPTION, 1 | 3 << 1 | 1 << 4 | 13 << 16 | UINT64_C(0x18) << 32, 0, true},
	{REG_PENDING_INTERRUPTION, 0, 0, true},
	{REG_PENDING_INTERRUPTION, 1 | 4 << 1 | 0x80 << 16, 0, false},
	{REG_PENDING_INTERRUPTION, 1 | 2 << 1 | 3 << 16, 0, false},
	{REG_INTERRUPT_STATE, 1, 0, true},
	{REG_INTERRUPT_STATE, 2, 0, true},
	{REG_INTERRUPT_STATE, 0, 0, true},
	{REG_INTERRUPT_STATE, 4, 0, false},
	{REG_INTERNAL_ACTIVITY, 1, 0, true},
	{REG_INTERNAL_ACTIVITY, 2, 0, true},
	{REG_INTERNAL_ACTIVITY, 0, 0, true},
	{REG_INTERNAL_ACTIVITY, 3, 0, false},
	{REG_INTERNAL_ACTIVITY, 4, 0, false},
};

static void events_come_back(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct vid_register r = {events[i].name, events[i].low, events[i].high};

		EXPECT_EQ(vid_vp_set_registers(vp, &r, 1), events[i].valid ? 0 : -EINVAL);
		if (!events[i].valid)
			continue;
		r.low = r.high = ~UINT64_C(0);
		EXPECT_EQ(vid_vp_get_registers(vp, &r, 1), 0);
		EXPECT_EQ(r.low, events[i].low);
		EXPECT_EQ(r.high, events[i].high);
	}
}

static void *kick(void *argument)
{
	vid_vp_kick(vp);
	return NULL;
}

/* One before the run, and one from another thread at any time. */
static void kicks_end_runs(void)
{
	struct vid_exit ended;
	pthread_t thread;

	host[CONTRACT_CODE] = 0xeb; /* jmp . */
	host[CONTRACT_CODE + 1] = 0xfe;
	vid_vp_kick(vp);
	EXPECT_EQ(vid_vp_run(vp, &ended), 0);
	EXPECT_EQ(ended.kind, VID_EXIT_INTERRUPTED);
	backend->out(partition, vp, host, 0x60, 0);
	host[CONTRACT_CODE + 4] = 0xeb;
	host[CONTRACT_CODE + 5] = 0xfe;
	EXPECT_EQ(pthread_create(&thread, NULL, kick, NULL), 0);
	vid_vp_regs(vp, VID_REGS_RIP)->rip = CONTRACT_CODE + 4;
	EXPECT_EQ(vid_vp_run(vp, &ended), 0);
	EXPECT_EQ(ended.kind, VID_EXIT_INTERRUPTED);
	EXPECT_EQ(pthread_join(thread, NULL), 0);
}

void contract_run(const struct contract_backend *of)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {
		{"VPs have an index", vps_have_an_index},
		{"memory has a place", memory_has_a_place},
		{"doorbells have a description", doorbells_have_a_description},
		{"irqfds come and go", irqfds_come_and_go},
		{"messages and flags are bounded", messages_and_flags_are_bounded},
		{"what the processor is", what_the_processor_is},
		{"time is frozen once", time_is_frozen_once},
		{"registers and state come back", registers_and_state_come_back},
		{"only registers that there are", only_registers_that_there_are},
		{"events come back", events_come_back},
		{"kicks end runs", kicks_end_runs},
	};

	backend = of;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		printf("%s\n", parts[i].name);
		set_up();
		parts[i].run();
		tear_down();
	}
}
