// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Children: interrupts of every origin, time, several VPs, and how memory comes and goes. Their
 * functions run on processor blocks of their own (child.h) and say in `said` what they found.
 */
#include "apic.h"
#include "check.h"
#include "child.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv.h"
#include "hv/keelson.h"
#include "hv/msr.h"
#include "hv/reference_tsc.h"
#include "hv/synic.h"
#include "x86/asm.h"

#define PORT        0x1f0
#define PAGES       64
#define VECTOR_1    0x51
#define VECTOR_2    0x61
#define VECTOR_PIC  0x30
#define VECTOR_LOW  0x41 /* of a lower class */
#define XAPIC       0xfee00000ull
#define HOLE        0x40000000ull /* where the child has a page of its own */
#define APIC_X2     0xc00ull      /* MSR_APIC_BASE: on, x2APIC */
#define ROOT_SINT   4
#define ROOT_VECTOR 0x71

static struct child c;
static struct child_vp *v;

static struct {
	u64 value[8];
	u32 step; /* atomic: how far it is */
	u64 count;
} said;

static u8 slots[CHILD_VPS][PAGE_SIZE] aligned_to(PAGE_SIZE);
static u8 flags[CHILD_VPS][PAGE_SIZE] aligned_to(PAGE_SIZE);
static struct hv_reference_tsc reference aligned_to(PAGE_SIZE);

static void start(void (*f)(void *))
{
	memset(&said, 0, sizeof(said));
	memset(slots, 0, sizeof(slots));
	memset(flags, 0, sizeof(flags));
	child_new(&c, PAGES);
	child_add_vp(&c, 0);
	child_map_image(&c);
	v = &c.vp[0];
	child_load(v, f, NULL);
}

static void start_second(void (*f)(void *))
{
	child_add_vp(&c, 1);
	child_load(&c.vp[1], f, NULL);
}

static bool stops(const char *name, u32 type)
{
	u32 found = child_run(v);

	return check(found == type, name, "expected %x, found %x, rip %lx", type, found,
		     v->regs->rip);
}

static void finish(const char *name)
{
	if (stops(name, HV_MESSAGE_IO_PORT))
		check_equal(name, v->stop->io.port, CHILD_DONE_PORT);
	check_equal(name, child_end(&c), 0);
}

static void interrupt(u32 delivery, u32 vector, u64 destination, u64 more)
{
	const struct hv_assert_interrupt_input in = {c.id, delivery | more, destination, vector, 0};

	check_equal("child-assert-interrupt",
		    child_call(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, &in, sizeof(in), NULL, 0), 0);
}

static u64 taken(u8 vector)
{
	return load(this_cpu()->irq_count[vector]);
}

/* Interrupt handlers are the root's too; `this_cpu()` tells who is asked. */
static void x2apic_on(void)
{
	wrmsr(MSR_APIC_BASE, XAPIC | APIC_X2 | (rdmsr(MSR_APIC_BASE) & BIT(8)));
	apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
}

static u32 xapic_read(u32 reg)
{
	return *(volatile u32 *)(XAPIC + reg * 16);
}

static void xapic_write(u32 reg, u32 value)
{
	*(volatile u32 *)(XAPIC + reg * 16) = value;
}

static void xapic_eoi(u8 vector)
{
	xapic_write(APIC_EOI, 0);
}

static void do_lapic(void *arg)
{
	interrupt_set(VECTOR_1, xapic_eoi);
	xapic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
	said.value[0] = xapic_read(APIC_VERSION);
	xapic_write(APIC_ICR, APIC_TO_SELF | APIC_ASSERT | VECTOR_1);
	irq_window();
	said.value[1] = taken(VECTOR_1);
	interrupt_set(VECTOR_1, NULL);
	x2apic_on();
	said.value[2] = apic_read(APIC_ID);
	apic_write(APIC_SELF_IPI, VECTOR_1);
	said.value[3] = apic_bit(APIC_IRR, VECTOR_1);
	irq_window();
	said.value[4] = taken(VECTOR_1);
	__asm__ volatile("mov %0, %%cr8" ::"r"(8ull)); /* holds off what is below 0x90 */
	apic_write(APIC_SELF_IPI, VECTOR_1);
	irq_window();
	said.value[5] = taken(VECTOR_1);
	__asm__ volatile("mov %0, %%cr8" ::"r"(0ull) : "memory");
	irq_window();
	said.value[6] = taken(VECTOR_1);
	/* One-shot timer: HLT until it comes. */
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, VECTOR_2);
	apic_write(APIC_TIMER_INITIAL, 100000);
	while (!taken(VECTOR_2))
		__asm__ volatile("sti; hlt; cli");
	apic_write(APIC_LVT_TIMER, APIC_TIMER_DEADLINE | VECTOR_2);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 1000000);
	while (taken(VECTOR_2) < 2)
		__asm__ volatile("sti; hlt; cli");
	said.value[7] = taken(VECTOR_2);
}

static void test_lapic_of_child(void)
{
	static const struct {
		const char *name;
		u64 expected;
	} values[] = {
		{"child-xapic-version", 0x60015}, {"child-xapic-self-ipi", 1},
		{"child-x2apic-id", 0},           {"child-x2apic-irr", 1},
		{"child-x2apic-self-ipi", 2},     {"child-cr8-holds-off", 2},
		{"child-cr8-lets-in", 3},         {"child-lapic-timer", 2},
	};

	start(do_lapic);
	finish("child-lapic-end");
	for (u32 i = 1; i < ARRAY_SIZE(values); i++)
		check_equal(values[i].name, said.value[i], values[i].expected);
	check_equal(values[0].name, said.value[0] & 0xf0, 0x10);
}

static void do_halt(void *arg)
{
	x2apic_on();
	while (!taken(VECTOR_1))
		__asm__ volatile("sti; hlt; cli");
	said.value[0] = this_cpu()->nmi_count;
	out8(PORT, 1);
	__asm__ volatile("hlt"); /* interrupts are off: the worker's */
	said.value[1] = this_cpu()->nmi_count;
}

/* A blocked VP knocks at the root when something comes for it. */
static void test_halt(void)
{
	const u32 sint = HV_MSR_SINT0 + ROOT_SINT;
	static u8 root_flags[PAGE_SIZE] aligned_to(PAGE_SIZE);
	struct hv_keelson_wake_flag_input w = {.sint = ROOT_SINT, .flag = 70};
	u64 knocks = taken(ROOT_VECTOR);

	wrmsr(HV_MSR_SCONTROL, HV_SCONTROL_ENABLE);
	wrmsr(HV_MSR_SIEFP, (u64)root_flags | HV_MSR_PAGE_ENABLE);
	wrmsr(sint, ROOT_VECTOR);
	start(do_halt);
	w.partition_id = c.id;
	check_equal("child-wake-flag",
		    child_call(HV_CALL_KEELSON_SET_WAKE_FLAG, &w, sizeof(w), NULL, 0), 0);
	stops("child-halt-blocks", CHILD_BLOCKED);
	interrupt(0, VECTOR_1, 0, 0);
	irq_window();
	check(taken(ROOT_VECTOR) == knocks + 1 &&
		      root_flags[ROOT_SINT * 256 + 70 / 8] == 1 << 70 % 8,
	      "child-knocks", "%lu interrupts, flag byte %x", taken(ROOT_VECTOR) - knocks,
	      root_flags[ROOT_SINT * 256 + 70 / 8]);
	stops("child-interrupt-wakes", HV_MESSAGE_IO_PORT);
	/* An NMI, and one more while its handler runs, are two. */
	interrupt(APIC_MODE_NMI >> 8, 0, 0, 0);
	child_answer(v, 0);
	stops("child-halt-interrupts-off", HV_MESSAGE_HALT);
	interrupt(APIC_MODE_NMI >> 8, 0, 0, 0);
	finish("child-halt-end");
	check(!said.value[0] && said.value[1] == 2, "child-nmis", "%lu, then %lu", said.value[0],
	      said.value[1]);
	wrmsr(sint, HV_SINT_MASKED);
	wrmsr(HV_MSR_SIEFP, 0);
	wrmsr(HV_MSR_SCONTROL, 0);
}

static void do_nmis(void *arg)
{
	u32 leaf[4];

	wrmsr(MSR_APIC_BASE, XAPIC | BIT(8));
	cpuid(1, 0, leaf);
	said.value[0] = leaf[3] >> 9 & 1;
	wrmsr(MSR_APIC_BASE, XAPIC | BIT(11) | BIT(8));
	cpuid(1, 0, leaf);
	said.value[1] = leaf[3] >> 9 & 1;
	for (u32 i = 0; i < 3; i++) {
		said.value[2 + i] = load(this_cpu()->nmi_count);
		out8(PORT, 1);
		said.value[2 + i] = load(this_cpu()->nmi_count) - said.value[2 + i];
	}
}

/* NMIs that are sent while none runs: two are two, and so are three. */
static void test_nmis(void)
{
	start(do_nmis);
	for (u32 senders = 1; senders <= 3; senders++) {
		stops("child-nmis-ready", HV_MESSAGE_IO_PORT);
		for (u32 i = 0; i < senders; i++)
			interrupt(APIC_MODE_NMI >> 8, 0, 0, 0);
		child_answer(v, 0);
	}
	finish("child-nmis-end");
	check(said.value[2] == 1 && said.value[3] == 2 && said.value[4] == 2, "child-nmis-sent",
	      "of 1, 2 and 3: %lu, %lu and %lu", said.value[2], said.value[3], said.value[4]);
	check(!said.value[0] && said.value[1], "child-cpuid-apic", "off: %lu, on: %lu",
	      said.value[0], said.value[1]);
}

static void pic_handler(u8 vector)
{
	said.count++;
}

static void do_pic(void *arg)
{
	interrupt_set(VECTOR_PIC, pic_handler);
	out8(PORT, 1);
	said.value[0] = said.count; /* interrupts are off */
	irq_window();
	said.value[1] = said.count;
	out8(PORT, 2);
	irq_window();
	interrupt_set(VECTOR_PIC, NULL);
}

/* The 8259's interrupts: injected when the window opens, or announced then. */
static void test_extint(void)
{
	start(do_pic);
	stops("child-extint-off", HV_MESSAGE_IO_PORT);
	interrupt(APIC_MODE_EXTINT >> 8, VECTOR_PIC, 0, 0);
	child_answer(v, 0);
	stops("child-extint-in", HV_MESSAGE_IO_PORT);
	check(said.value[0] == 0 && said.value[1] == 1, "child-extint-taken", "%lu, then %lu",
	      said.value[0], said.value[1]);
	child_set(v, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS, HV_NOTIFY_INTERRUPT);
	child_answer(v, 0);
	stops("child-extint-window", HV_MESSAGE_INTERRUPTION_DELIVERABLE);
	check(v->regs->rflags & RFLAGS_IF, "child-extint-window-if", "rflags %lx", v->regs->rflags);
	interrupt(APIC_MODE_EXTINT >> 8, VECTOR_PIC, 0, 0);
	finish("child-extint-end");
	check_equal("child-extint-twice", said.count, 2);
}

static void do_level(void *arg)
{
	x2apic_on();
	out8(PORT, 1);
	irq_window();
}

static void test_level(void)
{
	start(do_level);
	stops("child-level-ready", HV_MESSAGE_IO_PORT);
	interrupt(0, VECTOR_1, 0, HV_INTERRUPT_LEVEL);
	child_answer(v, 0);
	stops("child-level-eoi", HV_MESSAGE_APIC_EOI);
	check_equal("child-level-vector", v->stop->eoi.vector, VECTOR_1);
	finish("child-level-end");
}

#define SINT 2
static void synic_handler(u8 vector)
{
	struct hv_message *m = (struct hv_message *)slots[0] + SINT;

	said.count++;
	if (m->type) {
		said.value[1] = m->type;
		said.value[2] = m->payload[0];
		store(m->type, 0);
		if (m->flags & HV_MESSAGE_PENDING)
			wrmsr(HV_MSR_EOM, 0);
	}
	apic_write(APIC_EOI, 0);
}

static void synic_on(u8 vector)
{
	x2apic_on();
	wrmsr(HV_MSR_SIMP, (u64)slots[0] | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_MSR_SIEFP, (u64)flags[0] | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_MSR_SINT0 + SINT, vector);
	wrmsr(HV_MSR_SCONTROL, HV_SCONTROL_ENABLE);
}

static void do_synic(void *arg)
{
	interrupt_set(VECTOR_1, synic_handler);
	synic_on(VECTOR_1);
	out8(PORT, 0);
	irq_window();
	out8(PORT, 1);
	irq_window();
	said.value[3] = flags[0][SINT * 256 + 9];
	interrupt_set(VECTOR_1, NULL);
}

static void test_synic(void)
{
	struct hv_post_message_direct_input post = {.sint = SINT};
	struct hv_signal_event_direct_input signal = {.sint = SINT, .flag = 77};
	const struct hv_message m = {.type = 5, .payload_size = 1, .payload = {0x42}};
	struct hv_signal_event_direct_output out;

	start(do_synic);
	post.partition_id = signal.partition_id = c.id;
	memcpy(post.message, &m, sizeof(m));
	stops("child-synic-ready", HV_MESSAGE_IO_PORT);
	check_equal("child-post",
		    child_call(HV_CALL_POST_MESSAGE_DIRECT, &post, sizeof(post), NULL, 0), 0);
	child_answer(v, 0);
	stops("child-message-taken", HV_MESSAGE_IO_PORT);
	check(said.count == 1 && said.value[1] == 5 && said.value[2] == 0x42, "child-message",
	      "%lu interrupts, type %lx, payload %lx", said.count, said.value[1], said.value[2]);
	check_equal(
		"child-signal",
		child_call(HV_CALL_SIGNAL_EVENT_DIRECT, &signal, sizeof(signal), &out, sizeof(out)),
		0);
	check_equal("child-signal-new", out.newly_signaled, 1);
	child_call(HV_CALL_SIGNAL_EVENT_DIRECT, &signal, sizeof(signal), &out, sizeof(out));
	check_equal("child-signal-again", out.newly_signaled, 0);
	child_answer(v, 0);
	finish("child-synic-end");
	check(said.count == 2 && said.value[3] == 1 << 77 % 8, "child-event-flag",
	      "%lu interrupts, byte %lx", said.count, said.value[3]);
}

#define AUTO_EOIS 5

/* Ends its message, and writes no EOI. */
static void auto_eoi_handler(u8 vector)
{
	said.count++;
	said.value[0] |= apic_bit(APIC_ISR, vector) | apic_read(APIC_PPR);
	store(((struct hv_message *)slots[0] + SINT)->type, 0);
	wrmsr(HV_MSR_EOM, 0);
}

static void do_auto_eoi(void *arg)
{
	interrupt_set(VECTOR_1, auto_eoi_handler);
	synic_on(VECTOR_1);
	wrmsr(HV_MSR_SINT0 + SINT, HV_SINT_AUTO_EOI | VECTOR_1);
	wrmsr(HV_MSR_STIMER0_CONFIG, (u64)SINT << HV_TIMER_SINT_SHIFT | HV_TIMER_AUTO_ENABLE);
	said.value[2] = taken(VECTOR_LOW);
	for (u32 i = 0; i < AUTO_EOIS; i++) {
		wrmsr(HV_MSR_STIMER0_CONFIG + 1, rdmsr(HV_MSR_TIME_REF_COUNT) + 100);
		while (said.count == i)
			__asm__ volatile("sti; hlt; cli");
		said.value[0] |= apic_bit(APIC_ISR, VECTOR_1) | apic_read(APIC_PPR);
		apic_write(APIC_SELF_IPI, VECTOR_LOW);
		irq_window();
	}
	said.value[1] = taken(VECTOR_LOW) - said.value[2];
	/* The same source without it is in service until EOI. */
	wrmsr(HV_MSR_SINT0 + SINT, VECTOR_1);
	said.value[3] = said.value[0];
	wrmsr(HV_MSR_STIMER0_CONFIG + 1, 1);
	irq_window();
	said.value[3] |= apic_bit(APIC_ISR, VECTOR_1) << 8;
	apic_write(APIC_EOI, 0);
	interrupt_set(VECTOR_1, NULL);
}

/* An auto-EOI source never is in service: it comes again and again, and lower ones beside it. */
static void test_auto_eoi(void)
{
	start(do_auto_eoi);
	finish("child-auto-eoi-end");
	check_equal("child-auto-eoi", said.count, AUTO_EOIS + 1);
	check_equal("child-auto-eoi-lower-class", said.value[1], AUTO_EOIS);
	check_equal("child-auto-eoi-in-service", said.value[3], 1 << 8);
}

#define STIMER_DIRECT(n, vector)                                                        \
	wrmsr(HV_MSR_STIMER0_CONFIG + 2 * (n), HV_TIMER_DIRECT | HV_TIMER_AUTO_ENABLE | \
						       HV_TIMER_ENABLE |                \
						       (u64)(vector) << HV_TIMER_VECTOR_SHIFT)

static void do_timers(void *arg)
{
	u64 before, page, after;

	interrupt_set(VECTOR_1, synic_handler);
	synic_on(VECTOR_1);
	/* By message, 1 ms from now, waiting in HLT. */
	wrmsr(HV_MSR_STIMER0_CONFIG, (u64)SINT << HV_TIMER_SINT_SHIFT | HV_TIMER_AUTO_ENABLE);
	wrmsr(HV_MSR_STIMER0_CONFIG + 1, rdmsr(HV_MSR_TIME_REF_COUNT) + 10000);
	while (!said.count)
		__asm__ volatile("sti; hlt; cli");
	said.value[3] = said.value[1];
	/* Direct, spinning. */
	STIMER_DIRECT(1, VECTOR_2);
	wrmsr(HV_MSR_STIMER0_CONFIG + 3, rdmsr(HV_MSR_TIME_REF_COUNT) + 10000);
	irq_on();
	while (!taken(VECTOR_2))
		cpu_pause();
	irq_off();
	wrmsr(HV_MSR_REFERENCE_TSC, (u64)&reference | HV_MSR_PAGE_ENABLE);
	before = rdmsr(HV_MSR_TIME_REF_COUNT);
	page = (u64)((unsigned __int128)rdtsc() * reference.scale >> 64) + (u64)reference.offset;
	after = rdmsr(HV_MSR_TIME_REF_COUNT);
	said.value[4] = reference.sequence && before <= page && page <= after;
	interrupt_set(VECTOR_1, NULL);
}

static void test_timers(void)
{
	start(do_timers);
	finish("child-timers-end");
	check_equal("child-stimer-message", said.value[3], HV_MESSAGE_TIMER_EXPIRED);
	check_equal("child-reference-page", said.value[4], 1);
}

/* ---- two VPs ---- */

/* out %al, $0x91; hlt */
static const u8 sipi_code[] = {0xe6, 0x91, 0xf4};

static void do_startup(void *arg)
{
	x2apic_on();
	apic_send(1, APIC_ASSERT | APIC_MODE_INIT);
	apic_send(1, APIC_ASSERT | APIC_MODE_STARTUP | 0x12);
}

static void test_startup(void)
{
	u64 page;

	start(do_startup);
	child_add_vp(&c, 1);
	page = child_page();
	memcpy((void *)page, sipi_code, sizeof(sipi_code));
	child_map(&c, 0x12, page, 1, CHILD_RWX);
	v = &c.vp[1];
	stops("child-waits-for-sipi", CHILD_BLOCKED);
	v = &c.vp[0];
	stops("child-sends-sipi", HV_MESSAGE_IO_PORT);
	v = &c.vp[1];
	stops("child-started", HV_MESSAGE_IO_PORT);
	check(v->stop->io.port == 0x91 && v->stop->io.header.cs.selector == 0x1200 &&
		      v->stop->io.header.rip == 0,
	      "child-start-address", "port %x, cs %x, rip %lx", v->stop->io.port,
	      v->stop->io.header.cs.selector, v->stop->io.header.rip);
	check_equal("child-startup-end", child_end(&c), 0);
}

#define PINGS 200

/* Each answers the other's IPI with one; VP 0 begins. */
static void pong(u8 vector)
{
	u32 other = MAX_CPUS - 1 == this_cpu()->index ? 1 : 0;

	apic_write(APIC_EOI, 0);
	if (taken(vector) <= PINGS)
		apic_send(other, APIC_ASSERT | vector);
}

static void do_pings(void *arg)
{
	x2apic_on();
	__atomic_add_fetch(&said.step, 1, __ATOMIC_SEQ_CST);
	while (load(said.step) < 2)
		cpu_pause();
	if (this_cpu()->index == MAX_CPUS - 1)
		apic_send(1, APIC_ASSERT | VECTOR_2);
	while (taken(VECTOR_2) < PINGS)
		__asm__ volatile("sti; hlt; cli");
}

static u32 second_stop;

/* The other processor's part: a VP that is blocked waits for what the first one sends. */
static void run_second(void *arg)
{
	while (!(second_stop = child_run(&c.vp[1])))
		cpu_pause();
}

static void test_pings(void)
{
	u32 found;

	if (cpu_count < 2)
		return;
	interrupt_set(VECTOR_2, pong);
	start(do_pings);
	start_second(do_pings);
	cpu_begin(1, run_second, NULL);
	while (!(found = child_run(v)))
		cpu_pause();
	check(cpu_wait(1) && found == HV_MESSAGE_IO_PORT && second_stop == found, "child-pings",
	      "stopped by %x and %x", found, second_stop);
	check_equal("child-pings-end", child_end(&c), 0);
	interrupt_set(VECTOR_2, NULL);
}

/* ---- memory ---- */

static void do_touch(void *arg)
{
	store(said.step, 1);
	for (;;)
		said.value[0] = *(volatile u64 *)HOLE;
}

static void touch_elsewhere(void *arg)
{
	second_stop = child_run(v);
}

/* What is unmapped is gone at once, on whatever processor the VP is. */
static void test_unmap(void)
{
	struct hv_map_gpa_input in = {0, HOLE >> PAGE_SHIFT, 0, 0};
	u64 page = child_page();

	start(do_touch);
	child_map(&c, HOLE >> PAGE_SHIFT, page, 1, CHILD_RWX);
	in.partition_id = c.id;
	if (cpu_count > 1) {
		cpu_begin(1, touch_elsewhere, NULL);
		check(wait_until(load(said.step)), "child-touches", "it does not run");
		child_call(HV_CALL_UNMAP_GPA_PAGES | REPS(1), &in, sizeof(in), NULL, 0);
		check(cpu_wait(1) && second_stop == HV_MESSAGE_UNMAPPED_GPA, "child-unmapped",
		      "stop %x", second_stop);
		check_equal("child-unmapped-gpa", v->stop->memory.gpa, HOLE);
		/* And it goes on here, where it never was. */
		child_map(&c, HOLE >> PAGE_SHIFT, page, 1, CHILD_RWX);
	}
	apic_write(APIC_LVT_TIMER, ROOT_VECTOR);
	apic_write(APIC_TIMER_INITIAL, 100000);
	child_call(HV_CALL_UNMAP_GPA_PAGES | REPS(1), &in, sizeof(in), NULL, 0);
	stops("child-unmapped-here", HV_MESSAGE_UNMAPPED_GPA);
	apic_write(APIC_TIMER_INITIAL, 0);
	check_equal("child-unmap-end", child_end(&c), 0);
}

/* Who is disturbed by a change of the map: nobody who does not run the child now. */
#define CHANGES 100

static u64 exits_of(u32 processor)
{
	const struct hv_keelson_statistics s = hv_statistics(processor);
	u64 sum = 0;

	for (u32 i = 0; i < HV_EXIT_KINDS; i++)
		sum += s.exits[i];
	return sum;
}

/* Reads the page in the hole each time that it is asked to. */
static void read_hole(void *arg)
{
	for (;;) {
		said.value[0] = *(volatile u64 *)HOLE;
		out8(PORT, 0);
	}
}

/* Takes the page away and shows another one, many times. */
static void change_hole(u64 page)
{
	const struct hv_map_gpa_input in = {c.id, HOLE >> PAGE_SHIFT, 0, 0};

	for (u32 i = 0; i < CHANGES; i++) {
		if (child_call(HV_CALL_UNMAP_GPA_PAGES | REPS(1), &in, sizeof(in), NULL, 0) !=
		    REPS(1))
			check_abort("the hole cannot be unmapped");
		child_map(&c, HOLE >> PAGE_SHIFT, page, 1, CHILD_RWX);
	}
}

static void test_undisturbed(void)
{
	u64 page[2] = {child_page(), child_page()}, before[MAX_CPUS];

	*(u64 *)page[0] = 0x1111;
	*(u64 *)page[1] = 0x2222;
	start(read_hole);
	child_map(&c, HOLE >> PAGE_SHIFT, page[0], 1, CHILD_RWX);
	/* It has run on the last processor, and is in the cache there; not on the others. */
	check(cpu_run(cpu_count - 1, touch_elsewhere, NULL) && second_stop == HV_MESSAGE_IO_PORT,
	      "child-undisturbed-start", "stopped by %x", second_stop);
	check_equal("child-undisturbed-first", said.value[0], 0x1111);
	for (u32 i = 1; i < cpu_count; i++)
		before[i] = exits_of(i);
	change_hole(page[1]);
	/* They may still have been on their way to sleep. */
	for (u32 i = 1; i < cpu_count; i++)
		check(exits_of(i) - before[i] <= CHANGES / 20, "child-undisturbed",
		      "%lu exits of processor %u for %u changes", exits_of(i) - before[i], i,
		      CHANGES);
	child_answer(v, 0);
	check(cpu_run(cpu_count - 1, touch_elsewhere, NULL) && second_stop == HV_MESSAGE_IO_PORT,
	      "child-undisturbed-again", "stopped by %x", second_stop);
	check_equal("child-undisturbed-second", said.value[0], 0x2222);
	check_equal("child-undisturbed-end", child_end(&c), 0);
}

static void do_spin(void *arg)
{
	for (;;)
		cpu_pause();
}

/* A timer of the root ends the stay of a child that never exits by itself. */
static void test_spin(void)
{
	struct hv_dispatch_input d = {0};
	const struct hv_dispatch_output *out;
	u64 before = taken(ROOT_VECTOR);

	start(do_spin);
	out = &v->stop->dispatch;
	d.partition_id = c.id;
	apic_write(APIC_LVT_TIMER, ROOT_VECTOR);
	apic_write(APIC_TIMER_INITIAL, 1000000);
	check_equal("child-spins", child_call(HV_CALL_DISPATCH_VP, &d, sizeof(d), NULL, 0), 0);
	irq_window();
	check(out->state == HV_DISPATCH_READY && out->event == HV_DISPATCH_NONE &&
		      taken(ROOT_VECTOR) == before + 1,
	      "child-interrupted", "state %u, event %u, %lu interrupts", out->state, out->event,
	      taken(ROOT_VECTOR) - before);
	check_equal("child-spin-end", child_end(&c), 0);
}

/* Deposited pages are out of the root's sight, and whole again afterwards. */
static void test_deposits(void)
{
	u64 page = child_page(), list[2] = {HV_PARTITION_ID_SELF, page >> PAGE_SHIFT};
	volatile u64 *word = (volatile u64 *)page;

	*word = 0x1234;
	check_equal("child-deposit",
		    child_call(HV_CALL_DEPOSIT_MEMORY | REPS(1), list, sizeof(list), NULL, 0) &
			    0xffff,
		    0);
	check_equal("child-deposited-reads-ones", *word, ~0ull);
	*word = 5;
	check_equal("child-deposited-again",
		    child_call(HV_CALL_DEPOSIT_MEMORY | REPS(1), list, sizeof(list), NULL, 0) &
			    0xffff,
		    HV_STATUS_INVALID_PARAMETER);
	check_equal("child-balance", child_balance(HV_PARTITION_ID_SELF).available, 1);
	check_equal("child-withdrawn", child_withdraw(HV_PARTITION_ID_SELF), 1);
	check_equal("child-withdrawn-is-empty", *word, 0);
	*word = 7;
	check_equal("child-withdrawn-is-memory", *word, 7);
}

#define SCATTERED 180u
#define FIRST_2M  0x6000000ull

/* A page of each of many 2 MiB: all their large pages are split, and whole again afterwards. */
static void test_scattered(void)
{
	u64 list[1 + SCATTERED] = {HV_PARTITION_ID_SELF};
	u64 result;

	for (u32 i = 0; i < SCATTERED; i++)
		list[1 + i] = (FIRST_2M + i * SIZE_2M + 0x5000) >> PAGE_SHIFT;
	result = child_call(HV_CALL_DEPOSIT_MEMORY | REPS(SCATTERED), list, sizeof(list), NULL, 0);
	check(!(result & 0xffff), "child-deposit-scattered", "result %lx", result);
	check_equal("child-withdraw-scattered", child_withdraw(HV_PARTITION_ID_SELF), SCATTERED);
}

/* How much there is to a partition decides when its making fails; everything comes back each time. */
static void test_ends(void)
{
	u64 missing = 0, refused = 0, n;

	for (n = 1; n < 16; n++) {
		struct hv_create_vp_input in = {0};

		child_new(&c, (u32)n);
		in.partition_id = c.id;
		if (child_call(HV_CALL_CREATE_VP, &in, sizeof(in), NULL, 0) & 0xffff) {
			refused++;
		} else {
			const struct hv_vp_input d = {c.id, 0, 0};

			child_call(HV_CALL_DELETE_VP, &d, sizeof(d), NULL, 0);
			child_add_vp(&c, 0);
		}
		missing += child_end(&c);
	}
	check_equal("child-ends-missing", missing, 0);
	check(refused > 0 && refused < 14, "child-vp-pages", "%lu were not enough", refused);
}

void test_child_irq(void)
{
	u64 free = hv_statistics(0).pool_free;

	test_lapic_of_child();
	test_halt();
	test_nmis();
	test_extint();
	test_level();
	test_synic();
	test_auto_eoi();
	test_timers();
	test_startup();
	test_pings();
	test_unmap();
	if (cpu_count > 1)
		test_undisturbed();
	test_spin();
	test_deposits();
	test_scattered();
	test_ends();
	check_equal("child-irq-boot-pool", hv_statistics(0).pool_free, free);
}
