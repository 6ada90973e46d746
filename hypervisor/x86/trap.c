// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exceptions. #PF may be the first touch of a page (paging.c). #GP at a listed instruction is a
 * refused MSR access; NMI and #MC belong to the root VP of the processor; anything else is a bug of
 * ours.
 */
#include "core/vp.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/trap.h"
#include "x86/layout.h"
#include "x86/machine_check.h"
#include "x86/paging.h"
#include "x86/svm/svm.h"

#define PF_PRESENT BIT(0) /* error code: the page is there, the access was not allowed */

struct idt_gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};
_Static_assert(sizeof(struct idt_gate) == 16, "interrupt gate, APM 2 4.8.4");

struct extable_entry {
	u64 at, go_on;
};

extern const char idt_stubs[];
extern const struct extable_entry extable_start[], extable_end[];

static struct idt_gate idt[256];

void trap_init(void)
{
	for (u32 i = 0; i < 256; i++) {
		u64 stub = (u64)idt_stubs + i * 16;

		idt[i] = (struct idt_gate){
			.offset_low = (u16)stub,
			.offset_middle = (u16)(stub >> 16),
			.offset_high = (u32)(stub >> 32),
			.selector = SEL_CODE,
			.type = 0x8e, /* present interrupt gate */
		};
	}
	idt[VECTOR_DF].ist = 1;
	idt[VECTOR_NMI].ist = 2;
	idt[VECTOR_MC].ist = 3;
}

void trap_load(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr = {sizeof(idt) - 1, (u64)idt};

	__asm__ volatile("lidt %0" ::"m"(idtr));
}

static bool fixed_up(struct trap_frame *f)
{
	for (const struct extable_entry *e = extable_start; e < extable_end; e++) {
		if (e->at == f->rip) {
			f->rip = e->go_on;
			return true;
		}
	}
	return false;
}

/* Hands an NMI or machine check on to the root; before it runs there is nobody to hand it to. */
static void to_root(struct trap_frame *f, u32 event)
{
	struct vp *vp = this_cpu()->vp;

	if (panic_in_progress())
		halt_forever();
	if (!vp || (f->vector == VECTOR_MC && !machine_check_can_return()))
		panic_trap(f);
	__atomic_fetch_or(&vp->events, event, __ATOMIC_SEQ_CST);
}

void trap_handle(struct trap_frame *f)
{
	if (f->vector == VECTOR_NMI)
		to_root(f, VP_EVENT_NMI);
	else if (f->vector == VECTOR_MC)
		to_root(f, VP_EVENT_MC);
	else if (f->vector == VECTOR_DB && svm_bochs)
		return; /* of a guest that steps over an instruction that exits */
	else if (f->vector == VECTOR_PF && !(f->error & PF_PRESENT) && paging_fault(read_cr2()))
		return;
	else if (f->vector != VECTOR_GP || !fixed_up(f))
		panic_trap(f);
}
