// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions of one exit. For an emulator that counts (-icount shift=0): there one nanosecond of
 * the TSC is one instruction, and the figures are the same at every run. Elsewhere they are times.
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

#define ROUNDS      1000
#define VECTOR_SELF 0x40
#define CPUID_LIMIT 380  /* what CPUID may cost, in a child, too */
#define IPI_LIMIT   1500 /* a child's IPI to itself, until its handler is done */
#define PORT_LIMIT  1860 /* from a child's port access to its worker and back */
#define MMIO_LIMIT  2950 /* the same of a memory access */
#define RING_LIMIT  570  /* a doorbell that another processor hears */
#define PORT        0x1f0
#define BELL        0x1f2
#define BELL_SINT   4
#define BELL_FLAG   70
#define VECTOR_BELL 0x71
#define MMIO        0xd0000000ull
#define MAP_COUNT   500
#define MAP_GPA     SIZE_1G
#define MAP_LIMIT   500000  /* MAP_COUNT elements, and the interrupts in between */
#define FINI_LIMIT  4000000 /* DEPOSITS tables, of 512 entries each */
#define DEPOSITS    256
#define VECTOR_LATE 0x72
#define LATE_NS     10000
#define LATE_LIMIT  50000 /* no interrupt waits longer for a hypercall (TLFS 3.8) */

static u64 tsc_hz;

static void nothing(void)
{
	__asm__ volatile("" ::: "memory");
}

static void do_cpuid(void)
{
	u32 out[4];

	cpuid(1, 0, out);
}

static void do_rdmsr(void)
{
	(void)rdmsr(0x800 + APIC_TPR);
}

static void do_eoi(void)
{
	wrmsr(0x800 + APIC_EOI, 0);
}

static void do_deadline(void)
{
	wrmsr(0x6e0, ~0ull >> 1);
}

static void do_hypercall(void)
{
	(void)hypercall(0xffff, 0, 0); /* no such call: the way there and back */
}

static void do_self_ipi(void)
{
	wrmsr(0x83f, VECTOR_SELF);
	irq_window();
}

static u64 ticks_of(void (*volatile operation)(void))
{
	u64 start = rdtsc();

	for (u32 i = 0; i < ROUNDS; i++)
		operation();
	return rdtsc() - start;
}

static u64 per_round(u64 ticks)
{
	return ticks * (1000000000 / ROUNDS) / tsc_hz;
}

static u64 measure(const char *name, void (*operation)(void))
{
	u64 empty = ticks_of(nothing), full = ticks_of(operation), each = per_round(full - empty);

	print_line("bench %s %lu instructions", name, each);
	return each;
}

static void at_most(const char *name, u64 cost, u64 limit)
{
	check(cost <= limit, name, "%lu instructions, at most %lu", cost, limit);
}

/* ---- a child ---- */

static u64 child_ticks[3];

static void in_child(void *arg)
{
	u64 empty = ticks_of(nothing);
	u32 value;

	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00);
	apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
	child_ticks[0] = ticks_of(do_cpuid) - empty;
	child_ticks[1] = ticks_of(do_self_ipi) - empty;
	child_ticks[2] = ticks_of(do_rdmsr) - empty;
	for (u32 i = 0; i <= ROUNDS; i++)
		(void)in8(PORT);
	for (u32 i = 0; i <= ROUNDS; i++)
		__asm__ volatile("movl (%1), %0" : "=c"(value) : "a"(MMIO));
}

/* What a worker's loop costs beside the hypervisor is in it: a hypercall's input, two pages' words. */
static u64 rounds_of(struct child_vp *v, u32 type, u8 length)
{
	u64 start;
	u32 i;

	for (i = 0; child_run(v) == type && i <= ROUNDS; i++) {
		if (!i)
			start = rdtsc();
		v->regs->rip += length;
		v->regs->dirty = HV_DIRTY_GENERAL | HV_DIRTY_RIP;
		if (i == ROUNDS)
			return per_round(rdtsc() - start);
	}
	check_abort("the child stopped otherwise: %x", v->stop->type);
}

static void bench_child(void)
{
	struct child c;
	struct child_vp *v = &c.vp[0];
	u64 port, mmio;

	child_new(&c, 64);
	child_add_vp(&c, 0);
	child_map_image(&c);
	child_load(v, in_child, NULL);
	port = rounds_of(v, HV_MESSAGE_IO_PORT, 1);
	mmio = rounds_of(v, HV_MESSAGE_UNMAPPED_GPA, 2);
	check(child_run(v) == HV_MESSAGE_IO_PORT && child_end(&c) == 0, "bench-child-end",
	      "type %x", v->stop->type);
	print_line("bench child-cpuid %lu instructions", per_round(child_ticks[0]));
	print_line("bench child-rdmsr-x2apic %lu instructions", per_round(child_ticks[2]));
	print_line("bench child-self-ipi %lu instructions", per_round(child_ticks[1]));
	print_line("bench child-port-read %lu instructions", port);
	print_line("bench child-mmio-read %lu instructions", mmio);
	at_most("bench-child-cpuid", per_round(child_ticks[0]), CPUID_LIMIT);
	at_most("bench-child-self-ipi", per_round(child_ticks[1]), IPI_LIMIT);
	at_most("bench-child-port-read", port, PORT_LIMIT);
	at_most("bench-child-mmio-read", mmio, MMIO_LIMIT);
}

/* ---- a doorbell ---- */

static u8 flags[PAGE_SIZE] aligned_to(PAGE_SIZE); /* of processor 1, which the child sees too */
static u64 ring_ticks[2];

static void do_ring(void)
{
	out8(BELL, 0);
}

/* Longer than 20 us: then it is another processor's again. */
static void wait_longer(void)
{
	u32 count = 12000;

	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(count)::"cc");
}

static void do_take_and_ring(void)
{
	wait_longer();
	flags[BELL_SINT * HV_EVENT_FLAGS_SIZE + BELL_FLAG / 8] = 0;
	out8(BELL, 0);
}

static void ring_in_child(void *arg)
{
	u64 empty = ticks_of(nothing);

	do_ring();
	ring_ticks[0] = ticks_of(do_ring) - empty;
	ring_ticks[1] = ticks_of(do_take_and_ring) - ticks_of(wait_longer);
}

static void bell_on(void)
{
	wrmsr(HV_MSR_SIEFP, (u64)flags | HV_MSR_PAGE_ENABLE);
	wrmsr(HV_MSR_SINT0 + BELL_SINT, VECTOR_BELL);
	wrmsr(HV_MSR_SCONTROL, HV_SCONTROL_ENABLE);
}

static void bell_off(void)
{
	wrmsr(HV_MSR_SINT0 + BELL_SINT, HV_SINT_MASKED);
	wrmsr(HV_MSR_SCONTROL, 0);
	wrmsr(HV_MSR_SIEFP, 0);
}

/* With one processor only: the flag is its own, and it leaves the child to take it, now and then. */
static void take_flag(u8 vector)
{
	flags[BELL_SINT * HV_EVENT_FLAGS_SIZE + BELL_FLAG / 8] = 0;
	apic_write(APIC_EOI, 0);
}

/* It hears, but takes no interrupt meanwhile: its instructions would count as well. */
static void listen(void *arg)
{
	volatile bool *done = arg;

	bell_on();
	*done = true;
	irq_off();
	while (*done)
		__asm__ volatile("hlt");
	bell_off();
}

static void bench_doorbell(void)
{
	struct hv_keelson_wake_flag_input w = {.sint = BELL_SINT};
	static volatile bool listening;
	u64 key = HV_DOORBELL_PORT(BELL, 1);
	bool alone = cpu_count == 1;
	u64 stops;
	struct child_vp *v;
	struct child c;

	if (alone) {
		interrupt_set(VECTOR_BELL, take_flag);
		bell_on();
	} else {
		cpu_begin(1, listen, (void *)&listening);
		check(wait_until(listening), "bench-listener", "it does not start");
	}
	child_new(&c, 64);
	child_add_vp(&c, 0);
	child_map_image(&c);
	v = &c.vp[0];
	w.partition_id = c.id;
	check_equal("bench-wake-flag",
		    child_call(HV_CALL_KEELSON_SET_WAKE_FLAG, &w, sizeof(w), NULL, 0), 0);
	v->stop->doorbell[hv_doorbell_bucket(key, 0)] =
		(struct hv_doorbell){.key = key, .flag = BELL_FLAG};
	child_load(v, ring_in_child, NULL);
	check(child_run(v) == HV_MESSAGE_IO_PORT && v->stop->io.port == CHILD_DONE_PORT,
	      "bench-doorbell", "type %x, port %x", v->stop->type, v->stop->io.port);
	if (alone) {
		irq_window();
		stops = this_cpu()->irq_count[VECTOR_BELL];
		check(stops && stops < ROUNDS + ROUNDS / 10, "bench-doorbell-heard",
		      "%lu times for %u rings", stops, 2 * ROUNDS + 1);
		bell_off();
	} else {
		check(flags[BELL_SINT * HV_EVENT_FLAGS_SIZE + BELL_FLAG / 8] == 1 << BELL_FLAG % 8,
		      "bench-doorbell-flag", "it is not set");
		listening = false;
		apic_send(1, APIC_MODE_NMI | APIC_ASSERT);
		check(cpu_wait(1), "bench-listener-end", "it does not come back");
	}
	check_equal("bench-doorbell-end", child_end(&c), 0);
	print_line("bench child-doorbell-again %lu instructions", per_round(ring_ticks[0]));
	at_most("bench-child-doorbell-again", per_round(ring_ticks[0]), RING_LIMIT);
	if (alone)
		return;
	print_line("bench child-doorbell %lu instructions", per_round(ring_ticks[1]));
	at_most("bench-child-doorbell", per_round(ring_ticks[1]), RING_LIMIT);
}

/* ---- long hypercalls ---- */

/* A deadline follows the other while the call lasts; the longest wait for one. */
static u64 due, waited;

static void set_deadline(void)
{
	due = rdtsc() + LATE_NS * tsc_hz / 1000000000;
	wrmsr(0x6e0, due);
}

static void be_late(u8 vector)
{
	waited = max_u64(waited, rdtsc() - due);
	apic_write(APIC_EOI, 0);
	set_deadline();
}

static void call_long(const char *name, u64 control, const u64 *list, u64 limit)
{
	u64 start, result, ticks;

	interrupt_set(VECTOR_LATE, be_late);
	wrmsr(0x800 + APIC_LVT_TIMER, 2 << 17 | VECTOR_LATE); /* TSC-deadline */
	waited = 0;
	set_deadline();
	irq_on();
	start = rdtsc();
	result = hypercall(control, (u64)list, 0);
	ticks = rdtsc() - start;
	irq_off();
	wrmsr(0x6e0, 0);
	check_equal(name, result & 0xffff, 0);
	ticks = ticks * 1000000000 / tsc_hz;
	print_line("bench %s %lu instructions, an interrupt waits %lu", name, ticks,
		   waited * 1000000000 / tsc_hz);
	at_most(name, ticks, limit);
	at_most(name, waited * 1000000000 / tsc_hz, LATE_LIMIT);
}

static void bench_map(void)
{
	static u64 list[PAGE_SIZE / 8] aligned_to(PAGE_SIZE);
	struct hv_map_gpa_input *in = (void *)list;
	u64 page = child_pages(SIZE_2M / PAGE_SIZE);
	struct child c;

	child_new(&c, 64);
	*in = (struct hv_map_gpa_input){c.id, MAP_GPA >> PAGE_SHIFT, CHILD_RWX | HV_MAP_LARGE_PAGE,
					0};
	for (u32 i = 0; i < MAP_COUNT; i++)
		list[3 + i] = page >> PAGE_SHIFT;
	call_long("map-500-large", HV_CALL_MAP_GPA_PAGES | REPS(MAP_COUNT), list, MAP_LIMIT);
	in->flags = HV_MAP_LARGE_PAGE;
	call_long("unmap-500-large", HV_CALL_UNMAP_GPA_PAGES | REPS(MAP_COUNT), list, MAP_LIMIT);
	/* Pages that do not follow each other, one table for each 2 MiB of them. */
	list[0] = c.id;
	for (u32 i = 0; i < DEPOSITS; i++)
		list[1 + i] = child_pages(i % 16 ? 2 : 1) >> PAGE_SHIFT;
	call_long("deposit-256", HV_CALL_DEPOSIT_MEMORY | REPS(DEPOSITS), list, MAP_LIMIT);
	c.deposited += DEPOSITS;
	/* 256 tables and 512 leaves in each of them. */
	for (u32 i = 0; i < DEPOSITS; i++)
		child_map(&c, MAP_GPA / PAGE_SIZE + i * 512, page, 1, CHILD_RWX);
	list[0] = c.id;
	call_long("finalize", HV_CALL_FINALIZE_PARTITION, list, FINI_LIMIT);
	check_equal("bench-map-end", child_end(&c), 0);
}

void test_bench(void)
{
	u64 cost;

	check(msr_get(HV_MSR_TSC_FREQUENCY, &tsc_hz) && tsc_hz, "bench-frequency", "no frequency");
	cost = measure("cpuid", do_cpuid);
	at_most("bench-cpuid", cost, CPUID_LIMIT);
	measure("rdmsr-x2apic", do_rdmsr);
	measure("wrmsr-eoi", do_eoi);
	wrmsr(0x800 + APIC_LVT_TIMER, 2 << 17 | 0x41); /* TSC-deadline */
	measure("wrmsr-tsc-deadline", do_deadline);
	wrmsr(0x6e0, 0);
	measure("hypercall", do_hypercall);
	measure("self-ipi", do_self_ipi);
	bench_child();
	bench_doorbell();
	bench_map();
}
