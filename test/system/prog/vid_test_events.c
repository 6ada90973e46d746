// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of vid_test: what comes from outside, and what does not stop a VP. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keelson_vid.h"
#include "vid_guest.h"
#include "vid_test.h"

static void signal_eventfd(int fd)
{
	const uint64_t one = 1;

	EXPECT_EQ(write(fd, &one, sizeof(one)), sizeof(one));
}

/* ---- kicks, signals, waiting ---- */

/* Kicked, or wanted by the kernel. */
static void *run_until_interrupted(void *argument)
{
	struct guest *g = argument;
	struct vid_exit ended;

	EXPECT_EQ(vid_vp_run(g->vp[0], &ended), 0);
	EXPECT_EQ(ended.kind, VID_EXIT_INTERRUPTED);
	return NULL;
}

void test_kick_ends_a_run(void)
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

void test_signal_ends_a_run(void)
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

/* ---- interrupts ---- */

static atomic_int runner; /* the thread's id */
static atomic_bool has_waited;

static void *run_until_it_has_waited(void *argument)
{
	atomic_store(&runner, gettid());
	while (!atomic_load(&has_waited))
		run_until_interrupted(argument);
	return NULL;
}

/* The thread sleeps, and it has nothing to sleep for but its VP, which waits. */
static void wait_until_it_waits(void)
{
	char name[64], state = 0;
	int id;

	while ((id = atomic_load(&runner)) == 0)
		sched_yield();
	snprintf(name, sizeof(name), "/proc/self/task/%d/stat", id);
	while (state != 'S') {
		FILE *stat = fopen(name, "re");

		EXPECT(stat);
		EXPECT_EQ(fscanf(stat, "%*d (%*[^)]) %c", &state), 1);
		fclose(stat);
		sched_yield();
	}
}

/* Runs VP 0 until it waits, and ends that run. */
static void let_it_wait(struct guest *g)
{
	pthread_t thread;

	atomic_store(&runner, 0);
	atomic_store(&has_waited, false);
	EXPECT_EQ(pthread_create(&thread, NULL, run_until_it_has_waited, g), 0);
	wait_until_it_waits();
	atomic_store(&has_waited, true);
	vid_vp_kick(g->vp[0]);
	EXPECT_EQ(pthread_join(thread, NULL), 0);
}

/* in $0x70, %al; iret */
static const uint8_t in_port[] = {0xe4, 0x70, 0xcf};

/* Of vector `vector`, in real mode. */
static void set_handler(struct guest *g, unsigned int vector, const uint8_t *code, size_t size)
{
	const uint8_t entry[] = {0x00, 0x30, 0x00, 0x00};

	memcpy(g->host + 0x3000, code, size);
	memcpy(g->host + vector * 4, entry, sizeof(entry));
}

/* Software-enabled, by its saved state. */
static void enable_lapic(struct guest *g)
{
	struct hv_lapic_state s;
	size_t size;

	EXPECT_EQ(vid_vp_get_state(g->vp[0], VID_VP_STATE_LAPIC, &s, sizeof(s), &size), 0);
	s.svr |= 0x100;
	EXPECT_EQ(vid_vp_set_state(g->vp[0], VID_VP_STATE_LAPIC, &s, size), 0);
}

/* VP 0 waits with interrupts on, and again after each. */
static void load_waiting(struct guest *g)
{
	guest_load(g, 0xfb, 0xf4, /* sti; hlt */
		   0xeb, 0xfc);   /* jmp to it */
	set_handler(g, 0x40, in_port, sizeof(in_port));
	enable_lapic(g);
}

/* An interrupt from outside ends HLT, in the interrupt handler. */
void test_interrupt_wakes(void)
{
	const struct vid_interrupt interrupt = {.vector = 0x40};
	struct guest g;

	guest_init(&g, 1);
	load_waiting(&g);
	let_it_wait(&g);
	EXPECT_EQ(vid_partition_interrupt(g.partition, &interrupt), 0);
	guest_run(&g, VID_EXIT_IO);
	EXPECT_EQ(g.exit.io.port, 0x70);
	guest_fini(&g);
}

/* HLT is told once if interrupts are off; then the VP waits for what can still end it. */
void test_halt_waits_for_an_nmi(void)
{
	const struct vid_interrupt nmi = {.mode = VID_DELIVER_NMI};
	struct guest g;

	guest_init(&g, 1);
	guest_load(&g, 0xfa, 0xf4, 0xe4, 0x71); /* cli; hlt; in $0x71, %al */
	set_handler(&g, 2, in_port, sizeof(in_port));
	guest_run(&g, VID_EXIT_HALT);
	let_it_wait(&g);
	EXPECT_EQ(vid_partition_interrupt(g.partition, &nmi), 0);
	guest_run(&g, VID_EXIT_IO);
	EXPECT_EQ(g.exit.io.port, 0x70);
	guest_step_over(&g);
	guest_run(&g, VID_EXIT_IO);
	EXPECT_EQ(g.exit.io.port, 0x71);
	guest_fini(&g);
}

/* Nobody but the timer of a VP that waits, and is not dispatched. */
void test_timer_wakes(void)
{
	const uint64_t config = HV_TIMER_ENABLE | HV_TIMER_DIRECT | 0x40 << HV_TIMER_VECTOR_SHIFT;
	struct guest g;
	uint64_t now;

	guest_init(&g, 1);
	load_waiting(&g);
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(vid_partition_get_time(g.partition, &now), 0);
		guest_set_register(&g, 0, HV_REGISTER_STIMER0_CONFIG + 1, now + 300000);
		guest_set_register(&g, 0, HV_REGISTER_STIMER0_CONFIG, config);
		guest_begin(&g, 0);
		enable_lapic(&g);
		guest_run(&g, VID_EXIT_IO);
		EXPECT_EQ(g.exit.io.port, 0x70);
		EXPECT_EQ(vid_partition_get_time(g.partition, &now), 0);
		guest_set_register(&g, 0, HV_REGISTER_STIMER0_CONFIG, 0);
		/* What the handler owes. */
		struct hv_lapic_state s;
		size_t size;
		EXPECT_EQ(vid_vp_get_state(g.vp[0], VID_VP_STATE_LAPIC, &s, sizeof(s), &size), 0);
		memset(s.isr, 0, sizeof(s.isr));
		EXPECT_EQ(vid_vp_set_state(g.vp[0], VID_VP_STATE_LAPIC, &s, size), 0);
	}
	guest_fini(&g);
}

void test_extint(void)
{
	struct guest g;

	guest_init(&g, 1);
	guest_load(&g, 0x90, 0xfb, 0x90, 0xeb, 0xfe); /* nop; sti; nop; jmp . */
	set_handler(&g, 0x20, in_port, sizeof(in_port));
	EXPECT(!vid_vp_extint_ready(g.vp[0]));
	EXPECT_EQ(vid_vp_extint(g.vp[0], 0x20), -EAGAIN);
	guest_run(&g, VID_EXIT_EXTINT_WINDOW);
	EXPECT(vid_vp_extint_ready(g.vp[0]));
	EXPECT_EQ(vid_vp_extint(g.vp[0], 0x20), 0);
	guest_run(&g, VID_EXIT_IO);
	EXPECT_EQ(g.exit.io.port, 0x70);
	EXPECT(!vid_vp_extint_ready(g.vp[0]));
	guest_fini(&g);
}

void test_level_interrupt_tells_its_end(void)
{
	static const uint8_t handler[] = {
		0x66, 0xb9, 0x70, 0, 0, 0x40, /* mov $HV_MSR_EOI, %ecx */
		0x66, 0x31, 0xc0,             /* xor %eax, %eax */
		0x66, 0x31, 0xd2,             /* xor %edx, %edx */
		0x0f, 0x30,                   /* wrmsr */
		0xe4, 0x70, 0xcf,             /* in $0x70, %al; iret */
	};
	const struct vid_interrupt level = {.vector = 0x50, .level = true};
	const struct vid_doorbell end = {.kind = VID_DOORBELL_EOI, .address = 0x50};
	_cleanup_close_ int line = eventfd(0, EFD_NONBLOCK), ended = eventfd(0, EFD_NONBLOCK);
	struct guest g;

	guest_init(&g, 1);
	load_waiting(&g);
	set_handler(&g, 0x50, handler, sizeof(handler));
	EXPECT_EQ(vid_partition_interrupt(g.partition, &level), 0);
	guest_run(&g, VID_EXIT_EOI);
	EXPECT_EQ(g.exit.eoi_vector, 0x50);
	guest_run(&g, VID_EXIT_IO);
	guest_step_over(&g);
	/* A device's eventfd sends it, and another one hears of its end: the worker sees neither. */
	EXPECT_EQ(vid_doorbell_set(g.partition, &end, ended), 0);
	EXPECT_EQ(vid_irqfd_set(g.partition, line, &level), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(eventfd_take(ended), 0);
		signal_eventfd(line);
		guest_run(&g, VID_EXIT_IO);
		EXPECT_EQ(g.exit.io.port, 0x70);
		EXPECT_EQ(eventfd_take(ended), 1);
		guest_step_over(&g);
	}
	EXPECT_EQ(vid_doorbell_clear(g.partition, &end), 0);
	signal_eventfd(line);
	guest_run(&g, VID_EXIT_EOI);
	guest_fini(&g);
}

void test_irqfds(void)
{
	const struct vid_interrupt interrupt = {.vector = 0x40};
	_cleanup_close_ int fd = eventfd(1, EFD_NONBLOCK);
	struct guest g;

	guest_init(&g, 1);
	load_waiting(&g);
	/* It was signalled before it was set. */
	EXPECT_EQ(vid_irqfd_set(g.partition, fd, &interrupt), 0);
	EXPECT_EQ(vid_irqfd_set(g.partition, fd, &interrupt), -EEXIST);
	EXPECT_EQ(eventfd_take(fd), 0);
	guest_run(&g, VID_EXIT_IO);
	EXPECT_EQ(g.exit.io.port, 0x70);
	load_waiting(&g);
	struct hv_lapic_state s;
	size_t size;
	EXPECT_EQ(vid_vp_get_state(g.vp[0], VID_VP_STATE_LAPIC, &s, sizeof(s), &size), 0);
	memset(s.isr, 0, sizeof(s.isr));
	EXPECT_EQ(vid_vp_set_state(g.vp[0], VID_VP_STATE_LAPIC, &s, size), 0);
	signal_eventfd(fd);
	EXPECT_EQ(eventfd_take(fd), 0);
	guest_run(&g, VID_EXIT_IO);
	EXPECT_EQ(vid_irqfd_clear(g.partition, fd), 0);
	EXPECT_EQ(vid_irqfd_clear(g.partition, fd), -ENOENT);
	signal_eventfd(fd);
	EXPECT_EQ(eventfd_take(fd), 1);
	/* One that is closed before the partition is. */
	EXPECT_EQ(vid_irqfd_set(g.partition, fd, &interrupt), 0);
	fd = fd_close(fd);
	guest_fini(&g);
}

/* ---- doorbells ---- */

void test_doorbells(void)
{
	_cleanup_close_ int any = eventfd(0, EFD_NONBLOCK), seven = eventfd(0, EFD_NONBLOCK);
	struct vid_doorbell port = {VID_DOORBELL_PORT, 0x510, 1, false, 0};
	struct vid_doorbell port_seven = {VID_DOORBELL_PORT, 0x510, 1, true, 7};
	struct vid_doorbell mmio = {VID_DOORBELL_MMIO, 0x3ff00000, 4, false, 0};
	struct guest g;

	guest_init(&g, 1);
	EXPECT_EQ(vid_doorbell_set(g.partition, &port, any), 0);
	EXPECT_EQ(vid_doorbell_set(g.partition, &port, any), -EEXIST);
	EXPECT_EQ(vid_doorbell_set(g.partition, &port_seven, seven), 0);
	EXPECT_EQ(vid_doorbell_set(g.partition, &mmio, any), 0);
	guest_load(&g, 0xee,         /* out %al, (%dx) */
		   0xb0, 0x07, 0xee, /* mov $7, %al; out */
		   0x66, 0xef,       /* out %ax, (%dx): another size */
		   0x89, 0x07,       /* mov %eax, (%rdi) */
		   0x88, 0x07);      /* mov %al, (%rdi): another size */
	guest_begin_64(&g, 0);
	guest_set_register(&g, 0, HV_REGISTER_RAX, 3);
	guest_set_register(&g, 0, HV_REGISTER_RAX + 2, 0x510);
	guest_set_register(&g, 0, HV_REGISTER_RAX + 7, 0x3ff00000);
	guest_run(&g, VID_EXIT_IO);
	EXPECT_EQ(g.exit.io.size, 2);
	EXPECT_EQ(eventfd_await(any), 1);
	EXPECT_EQ(eventfd_await(seven), 1);
	guest_step_over(&g);
	guest_run(&g, VID_EXIT_MMIO);
	EXPECT_EQ(g.exit.instruction.bytes[0], 0x88);
	EXPECT_EQ(eventfd_await(any), 1);
	EXPECT_EQ(vid_doorbell_clear(g.partition, &port), 0);
	EXPECT_EQ(vid_doorbell_clear(g.partition, &port), -ENOENT);
	guest_begin_64(&g, 0);
	guest_run(&g, VID_EXIT_IO);
	EXPECT_EQ(eventfd_take(any), 0);
	guest_fini(&g);
}

void test_signals_are_doorbells(void)
{
	_cleanup_close_ int fd = eventfd(0, EFD_NONBLOCK);
	struct vid_doorbell d = {VID_DOORBELL_SIGNAL, 77, 0, false, 0};
	struct guest g;

	guest_init(&g, 1);
	EXPECT_EQ(vid_doorbell_set(g.partition, &d, fd), 0);
	guest_load(&g, 0x0f, 0x01, 0xd9, /* vmmcall */
		   0xf4);
	guest_begin_64(&g, 0);
	guest_set_register(&g, 0, HV_REGISTER_GUEST_OS_ID, 1);
	guest_set_register(&g, 0, HV_REGISTER_RAX + 1, 0x1005d); /* fast HvCallSignalEvent */
	guest_set_register(&g, 0, HV_REGISTER_RAX + 2, 77);
	guest_run(&g, VID_EXIT_HALT);
	EXPECT_EQ(vid_vp_regs(g.vp[0], 0)->gpr[VID_RAX], 0);
	EXPECT_EQ(eventfd_await(fd), 1);
	guest_begin_64(&g, 0);
	guest_set_register(&g, 0, HV_REGISTER_RAX + 2, 78);
	guest_run(&g, VID_EXIT_HALT);
	EXPECT_EQ(vid_vp_regs(g.vp[0], 0)->gpr[VID_RAX], 0x12); /* INVALID_CONNECTION_ID */
	EXPECT_EQ(eventfd_take(fd), 0);
	guest_fini(&g);
}

/* ---- SynIC ---- */

static void start_synic(struct guest *g)
{
	guest_set_register(g, 0, HV_REGISTER_SCONTROL, HV_SCONTROL_ENABLE);
	guest_set_register(g, 0, HV_REGISTER_SIMP, 0x4000 | 1);
	guest_set_register(g, 0, HV_REGISTER_SIEFP, 0x5000 | 1);
	guest_set_register(g, 0, HV_REGISTER_SINT0 + 2, 0x40);
}

/* To the guest, which empties the slot; and from the guest. */
void test_messages(void)
{
	struct hv_message *slot;
	struct guest g;

	guest_init(&g, 1);
	EXPECT_EQ(vid_message_post(g.partition, 0, 2, 1, "hello", 5), -EINVAL);
	start_synic(&g);
	slot = (struct hv_message *)(g.host + 0x4000) + 2;
	EXPECT_EQ(vid_message_post(g.partition, 0, 2, 1, "hello", 5), 0);
	EXPECT_EQ(slot->type, 1);
	EXPECT_EQ(memcmp(slot->payload, "hello", 6), 0);
	EXPECT_EQ(vid_message_post(g.partition, 0, 2, 1, "again", 5), -EAGAIN);
	EXPECT_EQ(slot->flags, HV_MESSAGE_PENDING);
	guest_load(&g, 0x66, 0xc7, 0x06, 0, 0x42, 0, 0, 0, 0, /* movl $0, 0x4200 */
		   0x66, 0xb9, 0x84, 0, 0, 0x40,              /* mov $HV_MSR_EOM, %ecx */
		   0x66, 0x31, 0xc0, 0x66, 0x31, 0xd2,        /* xor %eax, %eax; %edx, %edx */
		   0x0f, 0x30, 0xf4);                         /* wrmsr; hlt */
	guest_run(&g, VID_EXIT_MESSAGE_FREE);
	guest_run(&g, VID_EXIT_HALT);
	guest_load(&g, 0x0f, 0x01, 0xd9, 0xf4); /* vmmcall; hlt */
	guest_begin_64(&g, 0);
	guest_set_register(&g, 0, HV_REGISTER_GUEST_OS_ID, 1);
	guest_set_register(&g, 0, HV_REGISTER_RAX + 1, 0x5c);
	guest_set_register(&g, 0, HV_REGISTER_RAX + 2, 0x6000);
	struct hv_post_message_input in = {.connection = 4, .type = 1, .size = 3};
	memcpy(in.payload, "abc", 3);
	memcpy(g.host + 0x6000, &in, sizeof(in));
	guest_run(&g, VID_EXIT_MESSAGE);
	EXPECT_EQ(g.exit.message.connection, 4);
	EXPECT_EQ(g.exit.message.size, 3);
	EXPECT_EQ(memcmp(g.exit.message.payload, "abc", 3), 0);
	vid_vp_regs(g.vp[0], VID_REGS_GPR)->gpr[VID_RAX] = 0;
	guest_run(&g, VID_EXIT_HALT);
	EXPECT_EQ(vid_vp_regs(g.vp[0], 0)->gpr[VID_RAX], 0);
	guest_fini(&g);
}

/* By call and by eventfd; the interrupt comes with the first. */
void test_event_flags(void)
{
	_cleanup_close_ int fd = eventfd(0, EFD_NONBLOCK);
	const struct vid_event_flag flag = {.sint = 2, .flag = 9};
	struct guest g;

	guest_init(&g, 1);
	EXPECT_EQ(vid_event_flag_set(g.partition, 0, 2, 17), -EINVAL);
	start_synic(&g);
	load_waiting(&g);
	EXPECT_EQ(vid_irqfd_set_flag(g.partition, fd, &flag), 0);
	EXPECT_EQ(vid_event_flag_set(g.partition, 0, 2, 17), 0);
	EXPECT_EQ(vid_event_flag_set(g.partition, 1, 2, 17), -ENOENT);
	EXPECT_EQ(g.host[0x5000 + 2 * 256 + 2], 1 << 1);
	signal_eventfd(fd);
	EXPECT_EQ(g.host[0x5000 + 2 * 256 + 1], 1 << 1);
	EXPECT_EQ(eventfd_take(fd), 0);
	guest_run(&g, VID_EXIT_IO);
	EXPECT_EQ(g.exit.io.port, 0x70);
	guest_fini(&g);
}
