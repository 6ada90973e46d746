// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A child in 32-bit protected mode that takes NMIs by a task gate (SDM 3A 7.3): the IRET behind the
 * handler is a task switch, and saves the flags that it finds in the handler's TSS.
 */
#include "apic.h"
#include "check.h"
#include "child.h"
#include "core/format.h"
#include "groups.h"
#include "x86/asm.h"

#define PAGES     64
#define CODE      0x1000u
#define DATA      0x2000u
#define GDT       DATA
#define IDT       (DATA + 0x100)
#define MAIN_TSS  (DATA + 0x400)
#define NMI_TSS   (DATA + 0x500)
#define MAIN      CODE
#define NMI       (CODE + 0x10)
#define DB        (CODE + 0x20)
#define NMI_PORT  0x91
#define DB_PORT   0x92
#define FLAT_CODE 0x00cf9b000000ffffull
#define FLAT_DATA 0x00cf93000000ffffull

enum { CS32 = 8, DS32 = 16, TR_MAIN = 24, TR_NMI = 32 };

/* The 32-bit TSS as far as it is used, and what follows a switch loads from it. */
struct tss32 {
	u32 link, stacks[6], cr3, eip, eflags, gpr[8];
	u32 es, cs, ss, ds, fs, gs, ldt, iopb;
};

/* in 80h; nop; in 81h; nop; in 82h; hlt – out 91h; iret; jmp to the out – out 92h; hlt */
static const u8 code[] = {
	0xe4, 0x80, 0x90, 0xe4, 0x81, 0x90, 0xe4, 0x82, 0xf4, 0, 0, 0, 0, 0, 0,    0,    0xe6, 0x91,
	0xcf, 0xeb, 0xfb, 0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0, 0xe6, 0x92, 0xf4,
};

static struct child c;
static struct child_vp *v;

static u64 tss_descriptor(u32 base, u32 type)
{
	return (sizeof(struct tss32) - 1) | (u64)(base & 0xffffff) << 16 | (u64)type << 40 |
	       (u64)(base >> 24) << 56;
}

static u64 gate(u16 selector, u32 offset, u32 type)
{
	return (offset & 0xffff) | (u64)selector << 16 | (u64)type << 40 |
	       (u64)(offset >> 16) << 48;
}

static void fill(u8 *page)
{
	u64 *gdt = (u64 *)(page + (GDT - DATA)), *idt = (u64 *)(page + (IDT - DATA));
	struct tss32 *nmi = (struct tss32 *)(page + (NMI_TSS - DATA));

	gdt[CS32 / 8] = FLAT_CODE;
	gdt[DS32 / 8] = FLAT_DATA;
	gdt[TR_MAIN / 8] = tss_descriptor(MAIN_TSS, 0x8b);
	gdt[TR_NMI / 8] = tss_descriptor(NMI_TSS, 0x89);
	idt[VECTOR_DB] = gate(CS32, DB, 0x8e);
	idt[VECTOR_NMI] = gate(TR_NMI, 0, 0x85);
	*nmi = (struct tss32){.eip = NMI,
			      .eflags = 2,
			      .gpr[4] = DATA + 0xf00,
			      .es = DS32,
			      .cs = CS32,
			      .ss = DS32,
			      .ds = DS32};
}

static void set_table(u32 name, u64 base, u16 limit)
{
	child_set_pair(v, name, (u64)limit << 48, base);
}

static struct tss32 *start(void)
{
	u64 page = child_page(), data = child_page();

	memset((void *)data, 0, PAGE_SIZE);
	memcpy((void *)page, code, sizeof(code));
	fill((u8 *)data);
	child_new(&c, PAGES);
	child_add_vp(&c, 0);
	v = &c.vp[0];
	child_map(&c, CODE >> PAGE_SHIFT, page, 1, CHILD_RWX);
	child_map(&c, DATA >> PAGE_SHIFT, data, 1, CHILD_RWX);
	child_set(v, HV_REGISTER_CR0, 0x31);
	for (u32 name = HV_REGISTER_ES; name < HV_REGISTER_ES + 6; name++)
		child_set_segment(v, name, DS32, 0, 0xc093);
	child_set_segment(v, HV_REGISTER_ES + 1, CS32, 0, 0xc09b);
	child_set_segment(v, HV_REGISTER_TR, TR_MAIN, MAIN_TSS, 0x008b);
	set_table(HV_REGISTER_GDTR, GDT, 39);
	set_table(HV_REGISTER_IDTR, IDT, 3 * 8 - 1);
	child_set(v, HV_REGISTER_RAX + 4, DATA + 0xe00);
	child_set(v, HV_REGISTER_RIP, MAIN);
	return (struct tss32 *)(data + (NMI_TSS - DATA));
}

static void stops_at(const char *name, u16 port)
{
	u32 found = child_run(v);

	check(found == HV_MESSAGE_IO_PORT && v->stop->io.port == port, name,
	      "stop %x, port %x, rip %lx, tr %lx", found, v->stop->io.port, v->regs->rip,
	      child_get(v, HV_REGISTER_TR));
}

static void send_nmi(void)
{
	const struct hv_assert_interrupt_input in = {.partition_id = c.id,
						     .control = APIC_MODE_NMI >> 8};

	check_equal("child-task-send",
		    child_call(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, &in, sizeof(in), NULL, 0), 0);
}

/* Once per NMI: into the task, and out of it by an IRET that is stepped. */
static void take_nmi(u16 next_port, const struct tss32 *tss)
{
	send_nmi();
	child_answer(v, 0);
	stops_at("child-task-nmi", NMI_PORT);
	check(!(v->regs->rflags & RFLAGS_TF) && (v->regs->rflags & RFLAGS_NT), "child-task-flags",
	      "%lx", v->regs->rflags);
	child_answer(v, 0);
	stops_at("child-task-back", next_port);
	check(!(tss->eflags & RFLAGS_TF), "child-task-saved-flags", "%x", tss->eflags);
	check(!(v->regs->rflags & RFLAGS_TF), "child-task-main-flags", "%lx", v->regs->rflags);
}

void test_child_task(void)
{
	const struct tss32 *tss = start();

	stops_at("child-task-main", 0x80);
	take_nmi(0x81, tss);
	take_nmi(0x82, tss);
	check_equal("child-task-end", child_end(&c), 0);
}
