// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Children: faults that the hypervisor intercepts and passes on, on a processor that has them (QEMU's
 * has neither; so Bochs alone runs this): alignment checks, one without an end among them (CVE-2015-5307), and general detect.
 *
 * The alignment checks are those of a 32-bit guest at CPL 3 whose handler runs there, too, on the same
 * stack: if that is not aligned, the delivery of #AC raises #AC.
 */
#include "apic.h"
#include "check.h"
#include "child.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv.h"
#include "hv/hypercall.h"
#include "x86/asm.h"

#define PAGES        64
#define PAGE_START   0x1000ull /* where child_load_real() puts it */
#define HANDLER      0x40
#define GDT          0x800
#define IDT          0x900
#define STACK        0x1e00ull
#define USER_CODE_32 0xc0fb
#define USER_DATA_32 0xc0f3
#define GATE_32_TRAP 0xef    /* DPL 3 */
#define CR0_GUEST    0x40011 /* AM, ET, PE */
#define RFLAGS_GUEST 0x43202 /* AC, IOPL 3, IF */
#define VECTOR_TICK  0x72
#define TICK         20000u /* 100 µs of the 200 MHz clock */
#define ROUNDS       20
#define DR6_INIT     0xffff0ff0ull
#define DR6_BD       BIT(13)
#define DR7_INIT     0x400ull
#define DR7_GD       BIT(13)

static struct child c;
static struct child_vp *v;

static void make_page(u8 page[PAGE_SIZE])
{
	static const u8 code[] = {0xa1, 0x01, 0x11, 0x00, 0x00, 0x0f, 0x0b}; /* mov eax, [1101h] */
	static const u8 handler[] = {0x58, 0x5b, 0xe6, CHILD_DONE_PORT};     /* error code, EIP */
	u64 *gdt = (u64 *)(page + GDT), *gate = (u64 *)(page + IDT) + VECTOR_AC;

	memset(page, 0, PAGE_SIZE);
	memcpy(page, code, sizeof(code));
	memcpy(page + HANDLER, handler, sizeof(handler));
	gdt[1] = 0x00cffb000000ffff;
	gdt[2] = 0x00cff3000000ffff;
	*gate = (PAGE_START + HANDLER) | 0x0b << 16 | (u64)GATE_32_TRAP << 40;
}

static void set_table(u32 name, u64 base, u16 limit)
{
	child_set_pair(v, name, (u64)limit << 48, base);
}

static void start_at_cpl_3(u64 stack)
{
	static u8 page[PAGE_SIZE];

	child_new(&c, PAGES);
	child_add_vp(&c, 0);
	v = &c.vp[0];
	make_page(page);
	child_load_real(&c, page, sizeof(page));
	child_set(v, HV_REGISTER_CR0, CR0_GUEST);
	for (u32 name = HV_REGISTER_ES; name < HV_REGISTER_ES + 6; name++)
		child_set_segment(v, name, 0x13, 0, USER_DATA_32);
	child_set_segment(v, HV_REGISTER_ES + 1, 0x0b, 0, USER_CODE_32);
	set_table(HV_REGISTER_GDTR, PAGE_START + GDT, 3 * 8 - 1);
	set_table(HV_REGISTER_IDTR, PAGE_START + IDT, 32 * 8 - 1);
	child_set(v, HV_REGISTER_RFLAGS, RFLAGS_GUEST);
	child_set(v, HV_REGISTER_RAX + 4, stack);
}

static void test_alignment(void)
{
	start_at_cpl_3(STACK);
	check(child_run(v) == HV_MESSAGE_IO_PORT && v->stop->io.port == CHILD_DONE_PORT, "child-ac",
	      "stopped by %x, rip %lx", v->stop->type, v->regs->rip);
	check((u32)v->regs->gpr[0] == 0 && (u32)v->regs->gpr[3] == PAGE_START, "child-ac-exact",
	      "error code %lx, EIP %lx", v->regs->gpr[0], v->regs->gpr[3]);
	check_equal("child-ac-end", child_end(&c), 0);
}

static void dispatch(void)
{
	u64 result = hypercall(HV_CALL_DISPATCH_VP | HV_CONTROL_FAST, v->partition,
			       v->index | (u64)HV_DISPATCH_CLEAR_INTERCEPT << 32);

	if (result & 0xffff)
		check_abort("dispatch: result %lx", result);
}

/* Only an interrupt of the root's ends such a stay: the hypervisor must look for it between the exits. */
static void test_endless_alignment(void)
{
	u64 before = this_cpu()->irq_count[VECTOR_TICK];
	u32 stopped = 0;

	start_at_cpl_3(STACK + 1);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, VECTOR_TICK);
	for (u32 i = 0; i < ROUNDS; i++) {
		apic_write(APIC_TIMER_INITIAL, TICK);
		dispatch();
		stopped += v->stop->dispatch.event == HV_DISPATCH_INTERCEPT;
		irq_window();
	}
	check(!stopped, "child-ac-endless", "%u of %u stays ended for the worker, by %x", stopped,
	      ROUNDS, v->stop->type);
	check_equal("child-ac-endless-ticks", this_cpu()->irq_count[VECTOR_TICK] - before, ROUNDS);
	check_equal("child-ac-endless-rip", v->regs->rip, PAGE_START);
	check_equal("child-ac-endless-end", child_end(&c), 0);
}

static struct {
	struct fault fault;
	u64 dr6, dr7;
} said;

static void write_dr7(u64 value)
{
	__asm__ volatile("mov %0, %%dr7" ::"r"(value));
}

static void touch_dr0(void *arg)
{
	__asm__ volatile("mov %0, %%dr0" ::"r"(0ull));
}

static void take_general_detect(void *arg)
{
	write_dr6(DR6_INIT);
	write_dr7(DR7_INIT | DR7_GD);
	said.fault = try_call(touch_dr0, NULL);
	said.dr6 = read_dr6();
	__asm__ volatile("mov %%dr7, %0" : "=r"(said.dr7));
}

static void test_general_detect(void)
{
	memset(&said, 0, sizeof(said));
	child_new(&c, PAGES);
	child_add_vp(&c, 0);
	v = &c.vp[0];
	child_map_image(&c);
	child_load(v, take_general_detect, NULL);
	check(child_run(v) == HV_MESSAGE_IO_PORT && v->stop->io.port == CHILD_DONE_PORT,
	      "child-gd-stop", "stopped by %x, rip %lx", v->stop->type, v->regs->rip);
	check(said.fault.taken && said.fault.vector == VECTOR_DB &&
		      said.fault.rip >= (u64)touch_dr0 && said.fault.rip < (u64)touch_dr0 + 16,
	      "child-gd", "taken %d, vector %u, rip %lx", said.fault.taken, said.fault.vector,
	      said.fault.rip);
	check_equal("child-gd-dr6", said.dr6, DR6_INIT | DR6_BD);
	check_equal("child-gd-dr7", said.dr7, DR7_INIT);
	check_equal("child-gd-end", child_end(&c), 0);
}

void test_child_fault(void)
{
	test_alignment();
	test_general_detect();
	test_endless_alignment();
}
