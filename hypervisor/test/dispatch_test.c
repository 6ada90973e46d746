/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running a child's VP: every way back to the worker, blocking and waking, shared pages. */
#include "child.h"
#include "core/synic.h"
#include "hv/msr.h"

#define RWX   (HV_MAP_READABLE | HV_MAP_WRITABLE | HV_MAP_EXECUTABLE)
#define CLEAR HV_DISPATCH_CLEAR_INTERCEPT

static struct child c;
static struct vp *vp;

static void prepare(void)
{
	child_machine();
	c = child_new(40);
	child_add_vp(&c, 0);
	child_add_vp(&c, 1);
	vp = child_vp(&c, 0);
	vp->arch->regs.rflags = 0x202;
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, MSR_APIC_BASE, APIC_BASE_ADDRESS | 0xd00), 0);
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, 0x80f, 0x1ff), 0);
}

/* A root VP's SynIC: event flags in `page`, one SINT with a vector. */
static bool set_up_synic(struct vp *root, u64 page, u32 sint, u8 vector)
{
	return synic_msr_write(root, HV_MSR_SCONTROL, 1) &&
	       synic_msr_write(root, HV_MSR_SIEFP, page | 1) &&
	       synic_msr_write(root, HV_MSR_SINT0 + sint, vector);
}

/* One exit of VP 0, and what the dispatch says then. */
static struct hv_dispatch_output after(struct vexit e)
{
	const struct fake_step step = {.exit = e};

	fake_script(&step, 1);
	return dispatch(&c, 0, CLEAR);
}

static const struct hv_intercept_page *intercepted(struct vexit e, u32 type)
{
	struct hv_dispatch_output out = after(e);

	ck_assert_uint_eq(out.state, HV_DISPATCH_READY);
	ck_assert_uint_eq(out.event, HV_DISPATCH_INTERCEPT);
	ck_assert_uint_eq(vp->intercept_page->type, type);
	ck_assert_uint_eq(vp->intercept_page->sender, c.id);
	return vp->intercept_page;
}

START_TEST(until_the_root_has_work)
{
	struct hv_dispatch_output out;

	prepare();
	out = dispatch(&c, 0, 0);
	ck_assert_uint_eq(out.state, HV_DISPATCH_READY);
	ck_assert_uint_eq(out.event, HV_DISPATCH_NONE);
	ck_assert(!root_partition.vp[0]->in_guest);
	ck_assert(!vp->arch->inside);
	ck_assert_uint_eq(vp->busy, 0);
	ck_assert_uint_ge(fake.quiets, 1);
}
END_TEST

START_TEST(refused)
{
	struct hv_dispatch_input in = {.partition_id = c.id};

	prepare();
	in.partition_id = c.id;
	in.vp_index = 7;
	ck_assert_uint_eq(raw(HV_CALL_DISPATCH_VP, &in, sizeof(in)), HV_STATUS_INVALID_VP_INDEX);
	in.vp_index = 0;
	in.flags = 0x80;
	ck_assert_uint_eq(raw(HV_CALL_DISPATCH_VP, &in, sizeof(in)), HV_STATUS_INVALID_PARAMETER);
	in.flags = 0;
	vp->busy = 1;
	ck_assert_uint_eq(raw(HV_CALL_DISPATCH_VP, &in, sizeof(in)), HV_STATUS_INVALID_VP_STATE);
	vp->busy = 0;
	vp->partition->frozen = true;
	ck_assert_uint_eq(raw(HV_CALL_DISPATCH_VP, &in, sizeof(in)),
			  HV_STATUS_INVALID_PARTITION_STATE);
	vp->partition->frozen = false;
	ck_assert_uint_eq(partition_call(HV_CALL_FINALIZE_PARTITION, c.id), 0);
	ck_assert_uint_eq(raw(HV_CALL_DISPATCH_VP, &in, sizeof(in)),
			  HV_STATUS_INVALID_PARTITION_STATE);
	ck_assert_uint_eq(vp->busy, 0);
}
END_TEST

START_TEST(port_read_and_answer)
{
	struct vexit e = {
		.type = VEXIT_IO, .length = 2, .io = {.port = 0x3f8, .size = 1, .in = true}};
	const struct hv_intercept_page *m;
	struct hv_register_page *r;

	prepare();
	vp->gpr[RAX] = 0x1122334455667788;
	vp->arch->regs.rip = 0x7000;
	m = intercepted(e, HV_MESSAGE_IO_PORT);
	r = vp->register_page;
	ck_assert_uint_eq(m->io.port, 0x3f8);
	ck_assert_uint_eq(m->io.info, 1);
	ck_assert_uint_eq(m->io.header.access, HV_INTERCEPT_READ);
	ck_assert_uint_eq(m->io.header.length_cr8, 2);
	ck_assert_uint_eq(m->io.header.rip, 0x7000);
	ck_assert_uint_eq(m->io.rax, 0x1122334455667788);
	ck_assert_uint_eq(r->valid, 1);
	ck_assert_uint_eq(r->rip, 0x7000);
	ck_assert_uint_eq(r->gpr[RAX], 0x1122334455667788);
	ck_assert_uint_eq(r->dirty, 0);
	/* Not cleared: nothing runs. */
	ck_assert_uint_eq(dispatch(&c, 0, 0).event, HV_DISPATCH_INTERCEPT);
	r->gpr[RAX] = 0x41;
	r->gpr[RSP] = 0x9000;
	r->rip = 0x7002;
	r->rflags = 0x246;
	r->segment[SEG_DS].base = 0x5550;
	r->segment[SEG_DS].attributes = 0xc093;
	r->cr3 = 0x666; /* read only from here */
	r->dirty = HV_DIRTY_GENERAL | HV_DIRTY_RIP | HV_DIRTY_RFLAGS | HV_DIRTY_SEGMENT;
	dispatch(&c, 0, CLEAR);
	ck_assert_uint_eq(vp->gpr[RAX], 0x41);
	ck_assert_uint_eq(vp->arch->regs.rsp, 0x9000);
	ck_assert_uint_eq(vp->arch->regs.rip, 0x7002);
	ck_assert_uint_eq(vp->arch->regs.rflags, 0x246);
	ck_assert_uint_eq(vp->arch->regs.segment[SEG_DS].base, 0x5550);
	ck_assert_uint_eq(vp->arch->regs.segment[SEG_DS].attributes, 0xc93);
	ck_assert_uint_eq(vp->arch->regs.cr3, 0);
}
END_TEST

START_TEST(string_io)
{
	struct vexit e = {
		.type = VEXIT_IO,
		.length = 2,
		.io = {.port = 0x1f0, .size = 2, .string = true, .rep = true},
	};
	const struct hv_intercept_page *m;
	u8 *ram;

	prepare();
	ram = child_ram(&c, 3, RWX);
	memcpy(ram + 0x10, "\xf3\x66\x6f", 3);
	vp->arch->regs.segment[SEG_CS].base = 0;
	vp->arch->regs.rip = 0x3010;
	vp->gpr[RCX] = 256;
	vp->gpr[RSI] = 0x8000;
	m = intercepted(e, HV_MESSAGE_IO_PORT);
	ck_assert_uint_eq(m->io.info, 2 | HV_IO_STRING | HV_IO_REP);
	ck_assert_uint_eq(m->io.header.access, HV_INTERCEPT_WRITE);
	ck_assert_uint_eq(m->io.rcx, 256);
	ck_assert_uint_eq(m->io.rsi, 0x8000);
	ck_assert_uint_eq(m->io.byte_count, 15);
	ck_assert_mem_eq(m->io.bytes, "\xf3\x66\x6f", 3);
}
END_TEST

START_TEST(memory_faults)
{
	struct vexit e = {.type = VEXIT_NPF, .npf = {GPA(0xd0000010), ACCESS_WRITE}};
	const struct hv_intercept_page *m;

	prepare();
	m = intercepted(e, HV_MESSAGE_UNMAPPED_GPA);
	ck_assert_uint_eq(m->memory.gpa, 0xd0000010);
	ck_assert_uint_eq(m->memory.header.access, HV_INTERCEPT_WRITE);
	ck_assert_uint_eq(m->memory.byte_count, 0);
	child_ram(&c, 5, HV_MAP_READABLE);
	e.npf.gpa = GPA(0x5010);
	intercepted(e, HV_MESSAGE_GPA_INTERCEPT);
	e.npf.access = ACCESS_EXECUTE;
	m = intercepted(e, HV_MESSAGE_GPA_INTERCEPT);
	ck_assert_uint_eq(m->memory.header.access, HV_INTERCEPT_EXECUTE);
	e.npf.access = ACCESS_READ; /* mapped by now */
	ck_assert_uint_eq(after(e).event, HV_DISPATCH_NONE);
}
END_TEST

START_TEST(halt_blocks_and_an_interrupt_wakes)
{
	struct vexit e = {.type = VEXIT_HLT, .length = 1};
	struct hv_keelson_wake_flag_input w = {.sint = 2, .flag = 77};
	struct hv_assert_interrupt_input i = {.destination = 0, .vector = 0x41};
	struct vp *root;
	u32 *flags;
	spa_t page;

	prepare();
	w.partition_id = i.partition_id = c.id;
	ck_assert_uint_eq(raw(HV_CALL_KEELSON_SET_WAKE_FLAG, &w, sizeof(w)), 0);
	caller = 1;
	root = root_partition.vp[1];
	page = fake_page();
	flags = arch_map(SPA(page.v + 2 * 256 + 77 / 32 * 4));
	ck_assert(set_up_synic(root, page.v, 2, 0xf3));
	ck_assert_uint_eq(after(e).state, HV_DISPATCH_BLOCKED);
	ck_assert_uint_eq(vp->blocked, 1);
	caller = 0;
	memset(root->lapic.irr, 0, sizeof(root->lapic.irr));
	ck_assert_uint_eq(raw(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, &i, sizeof(i)), 0);
	ck_assert_uint_eq(vp->blocked, 0);
	ck_assert_uint_eq(*flags, 1u << 77 % 32);
	ck_assert_int_eq(lapic_pending(&root->lapic), 0xf3);
	/* Once only, until it blocks again. */
	*flags = 0;
	i.vector = 0x51;
	ck_assert_uint_eq(raw(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, &i, sizeof(i)), 0);
	ck_assert_uint_eq(*flags, 0);
	ck_assert_uint_eq(dispatch(&c, 0, 0).state, HV_DISPATCH_READY);
	ck_assert_int_eq(vp->state, VP_RUNNING);
}
END_TEST

START_TEST(halt_with_interrupts_off_is_the_workers)
{
	struct vexit e = {.type = VEXIT_HLT, .length = 1};

	prepare();
	vp->arch->regs.rflags = 2;
	vp->arch->regs.rip = 0x100;
	ck_assert_uint_eq(intercepted(e, HV_MESSAGE_HALT)->header.rip, 0x101);
	/* It is told once; then there is a wait for an NMI, not for an interrupt. */
	vp_event(vp, VP_EVENT_NMI);
	ck_assert_uint_eq(dispatch(&c, 0, CLEAR).state, HV_DISPATCH_READY);
	ck_assert_int_eq(vp->state, VP_RUNNING);
	intercepted(e, HV_MESSAGE_HALT);
	vp->lapic.irr[0x51 / 64] |= BIT(0x51 % 64);
	ck_assert_uint_eq(dispatch(&c, 0, CLEAR).state, HV_DISPATCH_BLOCKED);
}
END_TEST

START_TEST(blocked_tells_when_a_timer_runs_out)
{
	struct vexit e = {.type = VEXIT_HLT, .length = 1};
	struct hv_dispatch_output out;

	prepare();
	fake.tsc = 1000000;
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, 0x832, 0x400e0), 0);
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, MSR_TSC_DEADLINE, 5000000), 0);
	ck_assert_uint_ne(fake.timer_armed, 5000000); /* it runs nowhere */
	out = after(e);
	ck_assert_uint_eq(out.state, HV_DISPATCH_BLOCKED);
	ck_assert_uint_eq(out.wake_tsc, 5000000 - vp->tsc_offset);
	ck_assert_ptr_null(fake_timers[0].first);
	fake.tsc = out.wake_tsc;
	out = dispatch(&c, 0, 0);
	ck_assert_uint_eq(out.state, HV_DISPATCH_READY);
	ck_assert_int_eq(vp->arch->offered, 0xe0);
	ck_assert_uint_eq(out.wake_tsc, ~0ull);
}
END_TEST

START_TEST(timers_follow_the_vp)
{
	prepare();
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, 0x832, 0x400e0), 0);
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, MSR_TSC_DEADLINE, 5000000), 0);
	caller = 3;
	dispatch(&c, 0, 0);
	ck_assert_uint_eq(vp->cpu, 3);
	ck_assert_ptr_null(fake_timers[3].first);
	ck_assert_ptr_eq(vp->parked.first, &vp->lapic.timer);
	ck_assert_ptr_eq(vp->timers, &vp->parked);
}
END_TEST

START_TEST(second_processor_waits_for_sipi)
{
	struct hv_assert_interrupt_input i = {.control = DELIVER_INIT, .destination = 1};
	struct vp *ap;

	prepare();
	i.partition_id = c.id;
	ap = child_vp(&c, 1);
	ck_assert_uint_eq(dispatch(&c, 1, 0).state, HV_DISPATCH_BLOCKED);
	ck_assert_uint_eq(raw(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, &i, sizeof(i)), 0);
	ck_assert_uint_eq(dispatch(&c, 1, 0).state, HV_DISPATCH_BLOCKED);
	i.control = DELIVER_SIPI;
	i.vector = 0x9a;
	ck_assert_uint_eq(raw(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, &i, sizeof(i)), 0);
	ck_assert_uint_eq(dispatch(&c, 1, 0).state, HV_DISPATCH_READY);
	ck_assert_uint_eq(ap->arch->regs.segment[SEG_CS].base, 0x9a000);
}
END_TEST

START_TEST(power_up_state)
{
	union hv_register_value v;

	child_machine();
	c = child_new(40);
	child_add_vp(&c, 0);
	vp = child_vp(&c, 0);
	ck_assert_uint_eq(get_register(&c, 0, HV_REGISTER_RIP, &v), 0);
	ck_assert_uint_eq(v.word[0], 0xfff0);
	ck_assert_uint_eq(get_register(&c, 0, HV_REGISTER_ES + 1, &v), 0);
	ck_assert_uint_eq(v.segment.base, 0xffff0000);
	ck_assert_uint_eq(get_register(&c, 0, HV_REGISTER_APIC_BASE, &v), 0);
	ck_assert_uint_eq(v.word[0], 0xfee00900);
	ck_assert(lapic_passes_extint(&vp->lapic));
}
END_TEST

START_TEST(interrupts_are_checked)
{
	const struct {
		u64 control;
		u32 vector;
		u64 destination;
	} bad[] = {{3, 0x40, 0},
		   {8, 0x40, 0},
		   {1ull << 34, 0x40, 0},
		   {0, 0x100, 0},
		   {0, 0x40, 1ull << 32}};
	struct hv_assert_interrupt_input i = {0};

	prepare();
	for (size_t n = 0; n < ARRAY_SIZE(bad); n++) {
		i = (struct hv_assert_interrupt_input){
			.partition_id = c.id,
			.control = bad[n].control,
			.destination = bad[n].destination,
			.vector = bad[n].vector,
		};
		ck_assert_uint_eq(raw(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, &i, sizeof(i)),
				  HV_STATUS_INVALID_PARAMETER);
	}
}
END_TEST

/* What the root holds off by TPR does not end a child's stay. */
START_TEST(held_off_by_tpr)
{
	const struct fake_step step = {.exit = {.type = VEXIT_CPUID, .length = 2}};
	struct hv_dispatch_input in = {0};
	struct lapic *l;

	prepare();
	in.partition_id = c.id;
	l = &root_partition.vp[0]->lapic;
	for (u32 tpr = 0x40; tpr <= 0x60; tpr += 0x10) {
		ck_assert_int_eq(lapic_msr_write(l, 0x808, tpr), 0);
		lapic_post(l, 0x51, false);
		vp->arch->advanced = 0;
		fake_script(&step, 1);
		ck_assert_uint_eq(raw(HV_CALL_DISPATCH_VP, &in, sizeof(in)), 0);
		ck_assert_uint_eq(vp->arch->advanced, tpr < 0x50 ? 0 : 2);
		memset(l->irr, 0, sizeof(l->irr));
	}
}
END_TEST

START_TEST(level_eoi_comes_back)
{
	struct vexit e = {.type = VEXIT_MSR_WRITE, .length = 2};
	struct hv_assert_interrupt_input i = {.control = HV_INTERRUPT_LEVEL, .vector = 0x61};

	prepare();
	i.partition_id = c.id;
	ck_assert_uint_eq(raw(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, &i, sizeof(i)), 0);
	fake_take(&vp->lapic, 0x61);
	vp->gpr[RCX] = 0x80b;
	vp->gpr[RAX] = vp->gpr[RDX] = 0;
	ck_assert_uint_eq(intercepted(e, HV_MESSAGE_APIC_EOI)->eoi.vector, 0x61);
	ck_assert_uint_eq(vp->arch->advanced, 2);
	ck_assert_uint_eq(fake.level_eois, 0); /* that one is the root's */
}
END_TEST

START_TEST(extint_window)
{
	struct hv_assert_interrupt_input i = {.control = DELIVER_EXTINT, .vector = 8};

	prepare();
	i.partition_id = c.id;
	vp->arch->regs.rflags = 2;
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, 0x835, 0x700), 0);
	ck_assert_uint_eq(set_register(&c, 0, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS, 2), 0);
	ck_assert_uint_eq(dispatch(&c, 0, 0).event, HV_DISPATCH_NONE);
	vp->arch->regs.rflags = 0x202;
	ck_assert_uint_eq(dispatch(&c, 0, 0).event, HV_DISPATCH_INTERCEPT);
	ck_assert_uint_eq(vp->intercept_page->type, HV_MESSAGE_INTERRUPTION_DELIVERABLE);
	ck_assert(!vp->notify_extint);
	ck_assert_uint_eq(raw(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, &i, sizeof(i)), 0);
	dispatch(&c, 0, CLEAR);
	ck_assert_int_eq(vp->arch->extint, 8);
	ck_assert_uint_eq(raw(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, &i, sizeof(i)), 0);
	ck_assert_uint_eq(partition_call(HV_CALL_CLEAR_VIRTUAL_INTERRUPT, c.id), 0);
	ck_assert_int_eq((int)vp->lapic.extint, -1);
	/* It ends a HLT, unless that has interrupts off. */
	vp->state = VP_HALTED;
	vp->arch->regs.rflags = 2;
	ck_assert_uint_eq(set_register(&c, 0, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS, 2), 0);
	ck_assert_uint_eq(dispatch(&c, 0, 0).state, HV_DISPATCH_BLOCKED);
	vp->arch->regs.rflags = 0x202;
	ck_assert_uint_eq(dispatch(&c, 0, 0).event, HV_DISPATCH_INTERCEPT);
	ck_assert_uint_eq(vp->intercept_page->type, HV_MESSAGE_INTERRUPTION_DELIVERABLE);
	dispatch(&c, 0, CLEAR);
	/* With LINT0 masked the 8259 does not reach the processor. */
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, 0x835, 0x10700), 0);
	ck_assert_uint_eq(set_register(&c, 0, HV_REGISTER_DELIVERABILITY_NOTIFICATIONS, 2), 0);
	ck_assert_uint_eq(dispatch(&c, 0, 0).event, HV_DISPATCH_NONE);
}
END_TEST

START_TEST(ends)
{
	struct vexit e = {.type = VEXIT_SHUTDOWN};

	prepare();
	intercepted(e, HV_MESSAGE_UNRECOVERABLE_EXCEPTION);
	e.type = VEXIT_UNKNOWN;
	e.code = ~0ull;
	intercepted(e, HV_MESSAGE_INVALID_VP_REGISTER);
	ck_assert_uint_eq(fake.resets, 0);
}
END_TEST

START_TEST(explicit_suspend)
{
	prepare();
	ck_assert_uint_eq(set_register(&c, 0, HV_REGISTER_EXPLICIT_SUSPEND, 1), 0);
	ck_assert_uint_eq(dispatch(&c, 0, 0).event, HV_DISPATCH_SUSPENDED);
	ck_assert_uint_eq(set_register(&c, 0, HV_REGISTER_EXPLICIT_SUSPEND, 0), 0);
	ck_assert_uint_eq(dispatch(&c, 0, 0).event, HV_DISPATCH_NONE);
}
END_TEST

static void hypercall_registers(u64 control, u64 input)
{
	vp->partition->guest_os_id = 1;
	vp->gpr[RCX] = control;
	vp->gpr[RDX] = input;
	vp->gpr[R8] = 0;
}

START_TEST(signal_event_stops_for_the_connection)
{
	struct vexit e = {.type = VEXIT_HYPERCALL, .length = 3};
	const struct hv_intercept_page *m;

	prepare();
	hypercall_registers(HV_CALL_SIGNAL_EVENT | HV_CONTROL_FAST, 0x10001 | 5ull << 32);
	vp->arch->regs.rip = 0x500;
	m = intercepted(e, HV_MESSAGE_KEELSON_HYPERCALL);
	ck_assert_uint_eq(m->hypercall.code, HV_CALL_SIGNAL_EVENT);
	ck_assert_uint_eq(m->hypercall.connection, 0x10001);
	ck_assert_uint_eq(m->hypercall.flag, 5);
	ck_assert_uint_eq(m->hypercall.header.rip, 0x503);
	ck_assert_uint_eq(vp->register_page->rip, 0x503);
	ck_assert_uint_eq(vp->register_page->gpr[RAX], HV_STATUS_INVALID_CONNECTION_ID);
	hypercall_registers(HV_CALL_SIGNAL_EVENT | HV_CONTROL_FAST, 1 | 2048ull << 32);
	ck_assert_uint_eq(after(e).event, HV_DISPATCH_NONE);
	ck_assert_uint_eq(vp->gpr[RAX], HV_STATUS_INVALID_PARAMETER);
}
END_TEST

START_TEST(post_message_stops_for_the_connection)
{
	struct vexit e = {.type = VEXIT_HYPERCALL, .length = 3};
	struct hv_post_message_input *in;
	const struct hv_intercept_page *m;

	prepare();
	in = (void *)child_ram(&c, 9, RWX);
	*in = (struct hv_post_message_input){
		.connection = 4, .type = 1, .size = 5, .payload = "hello"};
	hypercall_registers(HV_CALL_POST_MESSAGE, 0x9000);
	m = intercepted(e, HV_MESSAGE_KEELSON_HYPERCALL);
	ck_assert_uint_eq(m->hypercall.code, HV_CALL_POST_MESSAGE);
	ck_assert_uint_eq(m->hypercall.connection, 4);
	ck_assert_uint_eq(m->hypercall.size, 5);
	ck_assert_str_eq((const char *)m->hypercall.payload, "hello");
	in->size = 241;
	hypercall_registers(HV_CALL_POST_MESSAGE, 0x9000);
	ck_assert_uint_eq(after(e).event, HV_DISPATCH_NONE);
	ck_assert_uint_eq(vp->gpr[RAX], HV_STATUS_INVALID_PARAMETER);
	in->size = 5;
	in->type = 0x80000001; /* the hypervisor's own types */
	hypercall_registers(HV_CALL_POST_MESSAGE, 0x9000);
	ck_assert_uint_eq(after(e).event, HV_DISPATCH_NONE);
	ck_assert_uint_eq(vp->gpr[RAX], HV_STATUS_INVALID_PARAMETER);
}
END_TEST

START_TEST(a_child_manages_nothing)
{
	struct vexit e = {.type = VEXIT_HYPERCALL, .length = 3};

	prepare();
	child_ram(&c, 9, RWX);
	for (u32 code = 0; code < 0x10000; code++) {
		hv_status status;

		if (code >= 0x150 && code < 0x8f00)
			continue;
		hypercall_registers(code, 0x9000);
		exit_handle(vp, &e);
		status = STATUS(vp->gpr[RAX]);
		if (code == HV_CALL_POST_MESSAGE || code == HV_CALL_SIGNAL_EVENT)
			continue;
		if (status == HV_STATUS_SUCCESS)
			ck_abort_msg("code %x", code);
		hypercall_registers(code | REPS(1), 0x9000);
		exit_handle(vp, &e);
		if (STATUS(vp->gpr[RAX]) == HV_STATUS_SUCCESS)
			ck_abort_msg("code %x with a rep", code);
	}
}
END_TEST

START_TEST(crash_report)
{
	struct vexit e = {.type = VEXIT_MSR_WRITE, .length = 2};
	const struct hv_intercept_page *m;

	prepare();
	vp->crash_parameter[2] = 0x1234;
	vp->gpr[RCX] = HV_MSR_CRASH_CTL;
	vp->gpr[RAX] = 0;
	vp->gpr[RDX] = 0xc0000000;
	m = intercepted(e, HV_MESSAGE_KEELSON_CRASH);
	ck_assert_uint_eq(m->crash.parameter[2], 0x1234);
	ck_assert_uint_eq(m->crash.control >> 62, 3);
	ck_assert(vp->partition->crashed);
}
END_TEST

START_TEST(unknown_msrs)
{
	struct vexit e = {.type = VEXIT_MSR_READ, .length = 2};
	struct hv_install_intercept_input in = {.access = 3, .type = HV_INTERCEPT_MSR};

	prepare();
	vp->gpr[RCX] = 0xc0010299;
	ck_assert_uint_eq(after(e).event, HV_DISPATCH_NONE);
	ck_assert_int_eq(vp->arch->exception, 13);
	in.partition_id = c.id;
	ck_assert_uint_eq(raw(HV_CALL_INSTALL_INTERCEPT, &in, sizeof(in)), 0);
	fake_vp_clear(vp);
	ck_assert_uint_eq(intercepted(e, HV_MESSAGE_MSR)->msr.msr, 0xc0010299);
	ck_assert_int_eq(vp->arch->exception, -1);
	vp->gpr[RCX] = 0x80a; /* known, but not like this */
	e.type = VEXIT_MSR_WRITE;
	ck_assert_uint_eq(after(e).event, HV_DISPATCH_NONE);
	ck_assert_int_eq(vp->arch->exception, 13);
}
END_TEST

START_TEST(state_pages)
{
	struct hv_map_state_page_input in = {.type = HV_STATE_PAGE_INTERCEPT};
	struct hv_vp_input d = {.vp_index = 0};
	u64 page;
	u32 rights;
	spa_t spa;

	prepare();
	in.partition_id = d.partition_id = c.id;
	ck_assert(!gpa_map_lookup(&root_partition.map, GPA(arch_unmap(vp->intercept_page).v), &spa,
				  &rights));
	ck_assert_uint_eq(raw(HV_CALL_MAP_VP_STATE_PAGE, &in, sizeof(in)), 0);
	memcpy(&page, out_page, 8);
	ck_assert(gpa_map_lookup(&root_partition.map, GPA(page << 12), &spa, &rights));
	ck_assert_ptr_eq(arch_map(spa), vp->intercept_page);
	ck_assert_uint_eq(rights, GPA_READ | GPA_WRITE);
	/* It is no page of the root's that could be given on. */
	ck_assert_uint_eq(deposit_page(c.id, page), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(raw(HV_CALL_UNMAP_VP_STATE_PAGE, &in, sizeof(in)), 0);
	ck_assert(!gpa_map_lookup(&root_partition.map, GPA(page << 12), &spa, &rights));
	ck_assert_uint_eq(raw(HV_CALL_MAP_VP_STATE_PAGE, &in, sizeof(in)), 0);
	in.type = 2;
	ck_assert_uint_eq(raw(HV_CALL_MAP_VP_STATE_PAGE, &in, sizeof(in)),
			  HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(raw(HV_CALL_DELETE_VP, &d, sizeof(d)), 0);
	ck_assert(!gpa_map_lookup(&root_partition.map, GPA(page << 12), &spa, &rights));
}
END_TEST

TEST_MAIN("dispatch", until_the_root_has_work, refused, port_read_and_answer, string_io,
	  memory_faults, halt_blocks_and_an_interrupt_wakes,
	  halt_with_interrupts_off_is_the_workers, blocked_tells_when_a_timer_runs_out,
	  timers_follow_the_vp, second_processor_waits_for_sipi, power_up_state,
	  interrupts_are_checked, held_off_by_tpr, level_eoi_comes_back, extint_window, ends,
	  explicit_suspend, signal_event_stops_for_the_connection,
	  post_message_stops_for_the_connection, a_child_manages_nothing, crash_report,
	  unknown_msrs, state_pages)
