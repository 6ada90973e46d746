// SPDX-License-Identifier: GPL-2.0-or-later
/* See trap.h and, for the calls that catch exceptions, cpu.h. */
#include "apic.h"
#include "check.h"
#include "trap.h"
#include "x86/asm.h"

#define GATE_KERNEL     0x8e
#define GATE_USER       0xee
#define VECTOR_BP       3
#define USER_STACK_SIZE 4096

struct idt_gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};

extern const char idt_stubs[], try_landing[];
bool try_enter(void (*f)(void *), void *arg, u64 *catch);
_Noreturn void user_enter(void (*f)(void *), void *arg, u64 stack);

static struct idt_gate idt[256];
static interrupt_handler *handlers[256];
static u8 user_stacks[MAX_CPUS][USER_STACK_SIZE];

void trap_init(void)
{
	for (u32 i = 0; i < 256; i++) {
		u64 stub = (u64)idt_stubs + i * 16;

		idt[i] = (struct idt_gate){
			.offset_low = (u16)stub,
			.offset_middle = (u16)(stub >> 16),
			.offset_high = (u32)(stub >> 32),
			.selector = SEL_CODE,
			.type = i == VECTOR_BP ? GATE_USER : GATE_KERNEL,
		};
	}
}

void trap_load(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr = {sizeof(idt) - 1, (u64)idt};

	__asm__ volatile("lidt %0" ::"m"(idtr));
}

void interrupt_set(u8 vector, interrupt_handler *handler)
{
	store(handlers[vector], handler);
}

static void handle_interrupt(struct cpu *c, u8 vector)
{
	interrupt_handler *handler = load(handlers[vector]);

	store(c->irq_count[vector], c->irq_count[vector] + 1);
	if (handler)
		handler(vector);
	else if (vector != VECTOR_SPURIOUS)
		apic_write(APIC_EOI, 0);
}

/* Back to try_enter(), at CPL 0, with interrupts as they were. */
static void unwind(struct cpu *c, struct trap_frame *f)
{
	c->fault = (struct fault){true,       (u8)f->vector, f->error, f->rip,
				  read_cr2(), f->cs,         f->rax,   f->rflags};
	f->rip = (u64)try_landing;
	f->cs = SEL_CODE;
	f->ss = SEL_DATA;
	f->rsp = c->catch;
	f->rflags = 2;
}

void trap_handle(struct trap_frame *f)
{
	struct cpu *c = this_cpu();

	if (f->vector >= 32) {
		handle_interrupt(c, (u8)f->vector);
	} else if (f->vector == VECTOR_NMI) {
		store(c->nmi_count, c->nmi_count + 1);
		if (c->nmi)
			c->nmi();
	} else if (f->vector == VECTOR_MC && c->machine_check) {
		c->machine_check();
	} else if (f->vector == VECTOR_DB && c->debug && c->debug(f)) {
		return;
	} else if (c->catch) {
		unwind(c, f);
	} else {
		check_abort("exception %lu, error %lx, rip %lx, rsp %lx, cr2 %lx on processor %u",
			    f->vector, f->error, f->rip, f->rsp, read_cr2(), c->index);
	}
}

/* Interrupts are off afterwards if there was a fault. */
struct fault try_call(void (*f)(void *), void *arg)
{
	struct cpu *c = this_cpu();
	u64 flags;

	__asm__ volatile("pushfq; pop %0" : "=r"(flags));
	c->fault.taken = false;
	if (!try_enter(f, arg, &c->catch))
		return (struct fault){.taken = false};
	if (flags & RFLAGS_IF)
		irq_on();
	return c->fault;
}

struct user_call {
	void (*f)(void *);
	void *arg;
};

static void go_to_user(void *arg)
{
	const struct user_call *u = arg;
	struct cpu *c = this_cpu();

	c->tss.rsp[0] = align_down(c->catch, 16); /* what lies below has no one to go back to */
	user_enter(u->f, u->arg, (u64)(user_stacks[c->index] + USER_STACK_SIZE));
}

struct fault try_user(void (*f)(void *), void *arg)
{
	struct user_call u = {f, arg};

	return try_call(go_to_user, &u);
}

struct msr_access {
	u32 msr;
	u64 value;
};

static void read_msr(void *arg)
{
	struct msr_access *a = arg;

	a->value = rdmsr(a->msr);
}

static void write_msr(void *arg)
{
	const struct msr_access *a = arg;

	wrmsr(a->msr, a->value);
}

static bool no_gp(struct fault f, const struct msr_access *a)
{
	if (f.taken && (f.vector != VECTOR_GP || f.error))
		check_abort("MSR %x: exception %u, error %lx", a->msr, f.vector, f.error);
	return !f.taken;
}

bool msr_get(u32 msr, u64 *ret_value)
{
	struct msr_access a = {.msr = msr};
	bool ok = no_gp(try_call(read_msr, &a), &a);

	if (ok)
		*ret_value = a.value;
	return ok;
}

bool msr_set(u32 msr, u64 value)
{
	struct msr_access a = {msr, value};

	return no_gp(try_call(write_msr, &a), &a);
}
