// SPDX-License-Identifier: GPL-2.0-or-later
/* The local APIC of one processor: pending, in service, priorities, EOI, errors. */
#include "apic.h"
#include "boot.h"
#include "check.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"

#define A  0x41 /* vectors of rising classes; A2 is in A's */
#define A2 0x42
#define B  0x51
#define C  0x61

/* Vectors in the order in which their handlers began. */
static u8 order[16];
static u32 taken, depth, deepest;

static void begin_order(void)
{
	memset(order, 0, sizeof(order));
	taken = depth = deepest = 0;
}

static void note(u8 vector)
{
	if (taken < sizeof(order))
		order[taken] = vector;
	taken++;
}

static void on_note(u8 vector)
{
	note(vector);
	apic_eoi();
}

/* Lets others in while it is in service; the first one raises all three. */
static void on_nest(u8 vector)
{
	note(vector);
	depth++;
	deepest = depth > deepest ? depth : deepest;
	if (vector == A) {
		apic_write(APIC_SELF_IPI, A2);
		apic_write(APIC_SELF_IPI, B);
	}
	if (vector == B)
		apic_write(APIC_SELF_IPI, C);
	irq_window();
	depth--;
	apic_eoi();
}

static void set_handlers(interrupt_handler *handler)
{
	interrupt_set(A, handler);
	interrupt_set(A2, handler);
	interrupt_set(B, handler);
	interrupt_set(C, handler);
}

/* Sent to oneself in every form. */
static void test_self(void)
{
	u32 id = this_cpu()->index;
	const struct {
		const char *name;
		u32 destination, command;
	} forms[] = {
		{"lapic-self-shorthand", 0, APIC_TO_SELF | A},
		{"lapic-self-physical", id, A},
		{"lapic-self-logical", (id >> 4) << 16 | 1u << (id & 15), APIC_LOGICAL | A},
		{"lapic-self-lowest", 1u << (id & 15), APIC_LOGICAL | APIC_MODE_LOWEST | A},
	};

	for (u32 i = 0; i < ARRAY_SIZE(forms); i++) {
		begin_order();
		apic_send(forms[i].destination, forms[i].command | APIC_ASSERT);
		irq_window();
		check(taken == 1 && order[0] == A, forms[i].name, "taken %u times", taken);
	}
	begin_order();
	apic_write(APIC_SELF_IPI, A);
	irq_window();
	check_equal("lapic-self-ipi", taken, 1);
}

static void test_pending(void)
{
	bool pending, after;

	begin_order();
	apic_write(APIC_SELF_IPI, B);
	apic_write(APIC_SELF_IPI, B);
	pending = apic_bit(APIC_IRR, B) && !apic_bit(APIC_ISR, B) && !apic_bit(APIC_TMR, B);
	irq_window();
	after = apic_bit(APIC_IRR, B) || apic_bit(APIC_ISR, B);
	check(pending && !after, "lapic-pending", "pending %d, afterwards %d", pending, after);
	check_equal("lapic-collapse", taken, 1);
}

static void test_order(void)
{
	begin_order();
	apic_write(APIC_SELF_IPI, A);
	apic_write(APIC_SELF_IPI, C);
	apic_write(APIC_SELF_IPI, A2);
	apic_write(APIC_SELF_IPI, B);
	irq_on();
	irq_off();
	for (u32 i = 0; i < 4; i++)
		irq_window();
	check(taken == 4 && order[0] == C && order[1] == B && order[2] == A2 && order[3] == A,
	      "lapic-order", "%u taken: %x %x %x %x", taken, order[0], order[1], order[2],
	      order[3]);
}

static void test_nesting(void)
{
	set_handlers(on_nest);
	begin_order();
	apic_write(APIC_SELF_IPI, A);
	for (u32 i = 0; i < 4; i++)
		irq_window();
	set_handlers(on_note);
	check(taken == 4 && order[0] == A && order[1] == B && order[2] == C && order[3] == A2 &&
		      deepest == 3,
	      "lapic-nesting", "%u taken, %u deep: %x %x %x %x", taken, deepest, order[0], order[1],
	      order[2], order[3]);
}

static u64 seen_ppr, seen_isr, seen_again;

/* Its own vector comes again while it is in service: once more after EOI. */
static void on_again(u8 vector)
{
	note(vector);
	seen_ppr = apic_read(APIC_PPR);
	seen_isr = apic_bit(APIC_ISR, vector);
	if (taken == 1) {
		apic_write(APIC_SELF_IPI, vector);
		irq_window();
		seen_again = taken;
	}
	apic_eoi();
}

static void test_again(void)
{
	set_handlers(on_again);
	begin_order();
	apic_write(APIC_SELF_IPI, B);
	irq_window();
	irq_window();
	set_handlers(on_note);
	check(taken == 2 && seen_again == 1, "lapic-again", "%u taken, %lu before EOI", taken,
	      seen_again);
	check(seen_isr && seen_ppr == 0x50, "lapic-in-service", "ISR %lu, PPR %lx", seen_isr,
	      seen_ppr);
}

static u64 read_cr8(void)
{
	u64 v;

	__asm__ volatile("mov %%cr8, %0" : "=r"(v));
	return v;
}

static void write_cr8(u64 v)
{
	__asm__ volatile("mov %0, %%cr8" ::"r"(v) : "memory");
}

/* TPR holds off its class and below; written by MSR or by CR8. */
static void test_tpr(void)
{
	u32 held, above, below, equal;

	begin_order();
	apic_write(APIC_TPR, 0x5f);
	apic_write(APIC_SELF_IPI, A);
	irq_window();
	held = taken;
	apic_write(APIC_SELF_IPI, C);
	irq_window();
	above = taken;
	apic_write(APIC_TPR, 0x30);
	irq_window();
	below = taken;
	apic_write(APIC_TPR, 0);
	check(held == 0 && above == 1 && below == 2 && order[0] == C, "lapic-tpr",
	      "taken of class 4, then 6, under 5: %u and %u, under 3: %u", held, above, below);

	begin_order();
	write_cr8(5);
	apic_write(APIC_SELF_IPI, A);
	irq_on();
	held = taken;
	write_cr8(4);
	equal = taken;
	write_cr8(3);
	below = taken;
	irq_off();
	write_cr8(0);
	check(held == 0 && equal == 0 && below == 1, "lapic-cr8",
	      "taken of class 4 under 5: %u, under 4: %u, under 3: %u", held, equal, below);
}

/* Raised by CR8 when the vector is pending already, but interrupts are off; every register. */
static void test_tpr_raised(void)
{
	u32 held, below;

	begin_order();
	apic_write(APIC_SELF_IPI, A);
	write_cr8(4);
	irq_window();
	held = taken;
	apic_write(APIC_TPR, 0x4f);
	irq_window();
	held += taken;
	__asm__ volatile("mov %0, %%r9; mov %%r9, %%cr8" ::"r"(3ull) : "memory", "r9");
	irq_window();
	below = taken;
	apic_write(APIC_TPR, 0);
	check(held == 0 && below == 1, "lapic-tpr-own-class",
	      "taken under its own class: %u, below: %u", held, below);
}

static void write_wide_cr8(void *arg)
{
	write_cr8(16);
}

/* A reserved bit is #GP also while a vector waits; without one, it is the processor's to say. */
static void test_cr8_reserved(void)
{
	struct fault f;

	begin_order();
	write_cr8(5);
	apic_write(APIC_SELF_IPI, A);
	f = try_call(write_wide_cr8, NULL);
	check(f.taken && f.vector == 13 && !f.error && read_cr8() == 5, "lapic-cr8-reserved",
	      "exception %u", f.vector);
	write_cr8(0);
	irq_window();
	check_equal("lapic-cr8-reserved-held", taken, 1);
}

static void test_tpr_views(void)
{
	u64 cr8, tpr, ppr;

	apic_write(APIC_TPR, 0x65);
	cr8 = read_cr8();
	tpr = apic_read(APIC_TPR);
	ppr = apic_read(APIC_PPR);
	check(cr8 == 6 && tpr == 0x65 && ppr == 0x65, "lapic-tpr-views",
	      "CR8 %lx, TPR %lx, PPR %lx", cr8, tpr, ppr);
	write_cr8(3);
	tpr = apic_read(APIC_TPR);
	check_equal("lapic-cr8-to-tpr", tpr, 0x30);
	apic_write(APIC_TPR, 0);
	check_equal("lapic-tpr-to-cr8", read_cr8(), 0);
}

/* Handler without EOI: its class stays blocked, higher ones come, EOI lets it go on. */
static void on_no_eoi(u8 vector)
{
	note(vector);
	if (vector != A)
		apic_eoi();
}

static void test_without_eoi(void)
{
	u32 same, higher;

	set_handlers(on_no_eoi);
	begin_order();
	apic_write(APIC_SELF_IPI, A);
	irq_window();
	apic_write(APIC_SELF_IPI, A2);
	irq_window();
	same = taken;
	apic_write(APIC_SELF_IPI, B);
	irq_window();
	higher = taken;
	apic_eoi();
	irq_window();
	set_handlers(on_note);
	check(same == 1 && higher == 2 && taken == 3 && order[2] == A2, "lapic-without-eoi",
	      "taken: same class %u, higher %u, after EOI %u", same, higher, taken);
	apic_eoi(); /* of nothing */
	check(!apic_bit(APIC_ISR, A) && apic_read(APIC_PPR) == 0, "lapic-eoi-of-nothing", "PPR %lx",
	      apic_read(APIC_PPR));
}

/* The instruction behind STI still runs without interrupts. */
static void test_shadow(void)
{
	u32 in_shadow;

	begin_order();
	apic_write(APIC_SELF_IPI, A);
	__asm__ volatile("sti; cli" ::: "memory");
	in_shadow = taken;
	irq_window();
	check(!in_shadow && taken == 1, "lapic-sti-shadow", "%u in the shadow, %u in all",
	      in_shadow, taken);
	if (boot.bochs) /* a virtual interrupt does not end HLT there */
		return;
	begin_order();
	apic_write(APIC_SELF_IPI, A);
	__asm__ volatile("sti; hlt; cli" ::: "memory");
	check_equal("lapic-pending-ends-hlt", taken, 1);
}

static void test_errors(void)
{
	u64 before, esr;

	interrupt_set(B, on_note);
	apic_write(APIC_LVT_ERROR, B);
	apic_write(APIC_ESR, 0);
	apic_write(APIC_ESR, 0);
	before = apic_read(APIC_ESR);
	begin_order();
	apic_send(0, APIC_ASSERT | APIC_TO_SELF | 0x0f);
	irq_window();
	apic_write(APIC_ESR, 0);
	esr = apic_read(APIC_ESR);
	apic_write(APIC_ESR, 0);
	apic_write(APIC_LVT_ERROR, APIC_MASKED);
	check(!before && (esr & BIT(5)) && taken == 1, "lapic-illegal-vector",
	      "ESR %lx before, %lx after, %u interrupts", before, esr, taken);
	check_equal("lapic-esr-clears", apic_read(APIC_ESR), 0);
}

/* Software-disabled: LVT entries are masked and stay so, nothing is taken. */
static void test_software_disable(void)
{
	u64 lvt, stuck;

	apic_write(APIC_LVT_ERROR, B);
	apic_write(APIC_SVR, VECTOR_SPURIOUS);
	lvt = apic_read(APIC_LVT_ERROR);
	apic_write(APIC_LVT_ERROR, B);
	stuck = apic_read(APIC_LVT_ERROR);
	begin_order();
	apic_write(APIC_SELF_IPI, C);
	irq_window();
	apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
	irq_window();
	check((lvt & APIC_MASKED) && (stuck & APIC_MASKED) && !taken, "lapic-software-disable",
	      "LVT %lx, after a write %lx, %u taken", lvt, stuck, taken);
	apic_write(APIC_LVT_ERROR, APIC_MASKED);
}

static void test_identity(void)
{
	u64 version = apic_read(APIC_VERSION), ldr = apic_read(APIC_LDR);

	check((version & 0xff) >= 0x10 && (version & 0xff) <= 0x15 && (version >> 16 & 0xff) >= 5,
	      "lapic-version", "found %lx", version);
	check_equal("lapic-ldr", ldr, 1);
	check_equal("lapic-id", apic_read(APIC_ID), 0);
}

void test_lapic(void)
{
	set_handlers(on_note);
	test_identity();
	test_self();
	test_pending();
	test_order();
	test_nesting();
	test_again();
	test_tpr();
	test_tpr_raised();
	test_cr8_reserved();
	test_tpr_views();
	test_without_eoi();
	test_shadow();
	test_errors();
	test_software_disable();
	set_handlers(NULL);
}
