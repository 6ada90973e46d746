/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers by name, translation, instructions on the local APIC's page, state saved and restored. */
#include "child.h"
#include "core/lapic_mmio.h"
#include "core/synic.h"
#include "core/translate.h"
#include "hv/msr.h"

#define RWX (HV_MAP_READABLE | HV_MAP_WRITABLE | HV_MAP_EXECUTABLE)

static struct child c;
static struct vp *vp;

static void prepare(void)
{
	vp = child_with_vp(&c);
	vp->arch->regs.segment[SEG_CS].base = 0;
}

/* ---- registers ---- */

START_TEST(registers_keep_their_value)
{
	const struct {
		u32 name;
		u64 value;
	} r[] = {
		{HV_REGISTER_RAX, 1},
		{HV_REGISTER_RAX + RSP, 2},
		{HV_REGISTER_R15, 3},
		{HV_REGISTER_RIP, 4},
		{HV_REGISTER_RFLAGS, 0x202},
		{HV_REGISTER_CR0, 0x80000011},
		{HV_REGISTER_CR2, 5},
		{HV_REGISTER_CR3, 0x6000},
		{HV_REGISTER_CR4, 0x20},
		{HV_REGISTER_CR8, 7},
		{HV_REGISTER_XFEM, 7},
		{HV_REGISTER_DR0, 0x1001},
		{HV_REGISTER_DR0 + 3, 0x1004},
		{HV_REGISTER_DR6, 0xffff0ff0},
		{HV_REGISTER_DR7, 0x400},
		{HV_REGISTER_EFER, 0xd01},
		{HV_REGISTER_LSTAR, 0x1234},
		{HV_REGISTER_APIC_BASE, 0xfee00d00},
		{HV_REGISTER_GUEST_OS_ID, 99},
		{HV_REGISTER_SINT0 + 5, 0x45},
		{HV_REGISTER_STIMER0_CONFIG + 1, 0x77},
		{HV_REGISTER_CRASH_P0 + 2, 8},
		{HV_REGISTER_SCONTROL, 1},
		{HV_REGISTER_TSC, 123456789},
		{HV_REGISTER_INTERNAL_ACTIVITY, HV_ACTIVITY_HALT_SUSPEND},
		{HV_REGISTER_EXPLICIT_SUSPEND, 1},
	};
	union hv_register_value v;

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
		ck_assert_uint_eq(set_register(&c, 0, r[i].name, r[i].value), 0);
		ck_assert_uint_eq(get_register(&c, 0, r[i].name, &v), 0);
		ck_assert_uint_eq(v.word[0], r[i].value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(r); i++) { /* and do not disturb each other */
		ck_assert_uint_eq(get_register(&c, 0, r[i].name, &v), 0);
		ck_assert_uint_eq(v.word[0], r[i].value);
	}
}
END_TEST

START_TEST(segments_and_tables)
{
	struct {
		struct hv_vp_input header;
		struct hv_set_register r[2];
	} in = {.r[0] = {.name = HV_REGISTER_TR}, .r[1] = {.name = HV_REGISTER_GDTR}};
	union hv_register_value v;

	prepare();
	in.header.partition_id = c.id;
	in.r[0].value.segment = (struct hv_segment){0x1000, 0x67, 0x40, 0xf08b};
	in.r[1].value.table = (struct hv_table){.limit = 0x7f, .base = 0xffff800000001000};
	ck_assert_uint_eq(raw(HV_CALL_SET_VP_REGISTERS | REPS(2), &in, sizeof(in)), REPS(2));
	ck_assert_uint_eq(vp->arch->regs.segment[SEG_TR].attributes, 0xf8b);
	ck_assert_uint_eq(get_register(&c, 0, HV_REGISTER_TR, &v), 0);
	ck_assert_mem_eq(&v.segment, &in.r[0].value.segment, sizeof(v.segment));
	ck_assert_uint_eq(get_register(&c, 0, HV_REGISTER_GDTR, &v), 0);
	ck_assert_mem_eq(&v.table, &in.r[1].value.table, sizeof(v.table));
}
END_TEST

START_TEST(values_that_cannot_be)
{
	const struct {
		u32 name;
		u64 value;
	} bad[] = {
		{HV_REGISTER_CR8, 16},
		{HV_REGISTER_XFEM, 0},
		{HV_REGISTER_XFEM, 0x207},
		{HV_REGISTER_EFER, 0x1d01},
		{HV_REGISTER_APIC_BASE, 0xfec00900},
		{HV_REGISTER_INTERCEPT_SUSPEND, 1},
		{HV_REGISTER_DELIVERABILITY_NOTIFICATIONS, 1},
		{HV_REGISTER_INTERNAL_ACTIVITY, 4},
		{HV_REGISTER_SINT0, 5},
		{HV_REGISTER_VP_INDEX, 1},
		{HV_REGISTER_SVERSION, 2},
	};
	union hv_register_value v;

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_uint_eq(set_register(&c, 0, bad[i].name, bad[i].value),
				  HV_STATUS_INVALID_REGISTER_VALUE);
	ck_assert_uint_eq(set_register(&c, 0, 0x99999, 0), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(get_register(&c, 0, 0x99999, &v), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(get_register(&c, 5, HV_REGISTER_RAX, &v), HV_STATUS_INVALID_VP_INDEX);
	vp->busy = 1;
	ck_assert_uint_eq(get_register(&c, 0, HV_REGISTER_RAX, &v), HV_STATUS_INVALID_VP_STATE);
}
END_TEST

START_TEST(exact_reps)
{
	struct {
		struct hv_vp_input header;
		u32 name[4];
	} in = {.name = {HV_REGISTER_RAX, HV_REGISTER_RIP, 0x99999, HV_REGISTER_RAX}};
	u64 result;

	prepare();
	in.header.partition_id = c.id;
	result = raw(HV_CALL_GET_VP_REGISTERS | REPS(4), &in, sizeof(in));
	ck_assert_uint_eq(STATUS(result), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(DONE(result), 2);
}
END_TEST

/* ---- translation ---- */

static u64 *table(u64 gpa_page)
{
	return (u64 *)child_ram(&c, gpa_page, RWX);
}

/* Four levels at pages 1–4 for address 0x40201000 (indices 0, 1, 1, 1) → page 7. */
static void long_mode(void)
{
	struct vregs *r = &vp->arch->regs;

	table(1)[0] = 0x2007;
	table(2)[1] = 0x3007;
	table(3)[1] = 0x4007;
	table(4)[1] = 0x7007;
	r->cr0 = 0x80010001; /* PG, WP, PE */
	r->cr3 = 0x1000;
	r->cr4 = 0x20;
	r->efer = 0xd00;
}

static enum translate_result walk(u64 gva, u32 access, u64 *ret_gpa)
{
	gpa_t gpa = GPA(0);
	enum translate_result result = translate(vp, &vp->arch->regs, GVA(gva), access, &gpa);

	*ret_gpa = gpa.v;
	return result;
}

static u64 *entry(u64 gpa)
{
	return partition_memory(vp->partition, GPA(gpa), 8, GPA_READ);
}

START_TEST(four_levels)
{
	u64 gpa;

	prepare();
	long_mode();
	ck_assert_int_eq(walk(0x40201abc, TRANSLATE_READ | TRANSLATE_USER, &gpa), TRANSLATE_OK);
	ck_assert_uint_eq(gpa, 0x7abc);
	ck_assert_int_eq(walk(0x40202abc, TRANSLATE_READ, &gpa), TRANSLATE_NOT_PRESENT);
	ck_assert_int_eq(walk(0x8040201abc, TRANSLATE_READ, &gpa), TRANSLATE_NOT_PRESENT);
	*entry(0x4008) = 0x7001; /* supervisor, read-only */
	ck_assert_int_eq(walk(0x40201000, TRANSLATE_READ, &gpa), TRANSLATE_OK);
	ck_assert_int_eq(walk(0x40201000, TRANSLATE_WRITE, &gpa), TRANSLATE_DENIED);
	ck_assert_int_eq(walk(0x40201000, TRANSLATE_READ | TRANSLATE_USER, &gpa), TRANSLATE_DENIED);
	vp->arch->regs.cr0 &= ~(1ull << 16);
	ck_assert_int_eq(walk(0x40201000, TRANSLATE_WRITE, &gpa), TRANSLATE_OK);
	*entry(0x3008) = 0x4007 | BIT(63);
	ck_assert_int_eq(walk(0x40201000, TRANSLATE_EXECUTE, &gpa), TRANSLATE_DENIED);
	vp->arch->regs.efer &= ~(1ull << 11);
	ck_assert_int_eq(walk(0x40201000, TRANSLATE_EXECUTE, &gpa), TRANSLATE_OK);
	*entry(0x3008) = 0x40000087; /* 2 MiB */
	ck_assert_int_eq(walk(0x40201abc, TRANSLATE_READ, &gpa), TRANSLATE_OK);
	ck_assert_uint_eq(gpa, 0x40001abc);
	*entry(0x2008) = 0x80000087; /* 1 GiB */
	ck_assert_int_eq(walk(0x40201abc, TRANSLATE_READ, &gpa), TRANSLATE_OK);
	ck_assert_uint_eq(gpa, 0x80201abc);
	*entry(0x1000) = 0x87;
	ck_assert_int_eq(walk(0x40201abc, TRANSLATE_READ, &gpa), TRANSLATE_RESERVED_BITS);
	*entry(0x1000) = 0x99000007;
	ck_assert_int_eq(walk(0x40201abc, TRANSLATE_READ, &gpa), TRANSLATE_UNMAPPED);
}
END_TEST

START_TEST(older_formats)
{
	struct vregs *r;
	u32 *small;
	u64 gpa;

	prepare();
	r = &vp->arch->regs;
	ck_assert_int_eq(walk(0x12345678, TRANSLATE_WRITE, &gpa), TRANSLATE_OK); /* no paging */
	ck_assert_uint_eq(gpa, 0x12345678);
	r->cr0 = 0x80000001;
	r->cr3 = 0x1000;
	small = (u32 *)table(1);
	small[1] = 0x2007;   /* 4 MiB on: a table */
	small[2] = 0x800087; /* 8 MiB on: a page, if CR4.PSE */
	((u32 *)table(2))[3] = 0x7007;
	ck_assert_int_eq(walk(0x403123, TRANSLATE_WRITE | TRANSLATE_USER, &gpa), TRANSLATE_OK);
	ck_assert_uint_eq(gpa, 0x7123);
	ck_assert_int_eq(walk(0x801234, TRANSLATE_READ, &gpa), TRANSLATE_UNMAPPED);
	r->cr4 = 0x10;
	ck_assert_int_eq(walk(0x801234, TRANSLATE_READ, &gpa), TRANSLATE_OK);
	ck_assert_uint_eq(gpa, 0x801234);
	r->cr4 = 0x20; /* PAE: the four top entries lie at any 32 bytes */
	r->cr3 = 0x3020;
	table(3)[4 + 1] = 0x4001;
	table(4)[0] = 0x5007;
	table(5)[9] = 0x8007;
	ck_assert_int_eq(walk(0x40009000, TRANSLATE_WRITE | TRANSLATE_USER, &gpa), TRANSLATE_OK);
	ck_assert_uint_eq(gpa, 0x8000);
}
END_TEST

START_TEST(translate_call)
{
	struct hv_translate_input in = {.flags = HV_TRANSLATE_WRITE, .gva_page = 0x40201};
	struct hv_translate_output out;

	prepare();
	long_mode();
	in.partition_id = c.id;
	ck_assert_uint_eq(raw(HV_CALL_TRANSLATE_VIRTUAL_ADDRESS, &in, sizeof(in)), 0);
	memcpy(&out, out_page, sizeof(out));
	ck_assert_uint_eq(out.result, HV_TRANSLATE_SUCCESS);
	ck_assert_uint_eq(out.gpa_page, 7);
	*entry(0x4008) = 0x7003;
	vp->arch->cpl = 3;
	ck_assert_uint_eq(raw(HV_CALL_TRANSLATE_VIRTUAL_ADDRESS, &in, sizeof(in)), 0);
	memcpy(&out, out_page, sizeof(out));
	ck_assert_uint_eq(out.result, HV_TRANSLATE_PRIVILEGE);
	in.flags |= HV_TRANSLATE_AS_KERNEL;
	ck_assert_uint_eq(raw(HV_CALL_TRANSLATE_VIRTUAL_ADDRESS, &in, sizeof(in)), 0);
	memcpy(&out, out_page, sizeof(out));
	ck_assert_uint_eq(out.result, HV_TRANSLATE_SUCCESS);
	in.gva_page = 0x40202;
	ck_assert_uint_eq(raw(HV_CALL_TRANSLATE_VIRTUAL_ADDRESS, &in, sizeof(in)), 0);
	memcpy(&out, out_page, sizeof(out));
	ck_assert_uint_eq(out.result, HV_TRANSLATE_NOT_PRESENT);
}
END_TEST

START_TEST(fetch_over_a_page_end)
{
	u8 buffer[16];
	u8 *first, *second;

	prepare();
	first = child_ram(&c, 0x20, RWX);
	second = child_ram(&c, 0x21, RWX);
	memset(first, 0x11, PAGE_SIZE);
	memset(second, 0x22, PAGE_SIZE);
	vp->arch->regs.rip = 0x20ffa;
	ck_assert_uint_eq(translate_fetch(vp, &vp->arch->regs, buffer, 15), 15);
	ck_assert_int_eq(buffer[5], 0x11);
	ck_assert_int_eq(buffer[6], 0x22);
	vp->arch->regs.rip = 0x21ffa;
	ck_assert_uint_eq(translate_fetch(vp, &vp->arch->regs, buffer, 15), 6);
	vp->arch->regs.rip = 0x99000;
	ck_assert_uint_eq(translate_fetch(vp, &vp->arch->regs, buffer, 15), 0);
}
END_TEST

/* ---- the local APIC's page ---- */

static u8 *code;

static void prepare_code(bool wide, bool small)
{
	struct vregs *r;

	prepare();
	code = child_ram(&c, 0x30, RWX);
	memset(code, 0x90, PAGE_SIZE);
	r = &vp->arch->regs;
	r->rip = 0x30000;
	r->segment[SEG_CS].attributes = wide ? 0xa9b : small ? 0x9b : 0xc9b;
	r->efer = wide ? 0xd00 : 0;
	lapic_mmio_write(&vp->lapic, 0xf0, 0x1ff);
}

static bool touch(const char *bytes, size_t size, u32 offset, u32 access)
{
	struct vexit e = {.type = VEXIT_NPF, .npf = {GPA(APIC_BASE_ADDRESS + offset), access}};

	memcpy(code, bytes, size);
	vp->arch->regs.rip = 0x30000;
	vp->arch->advanced = 0;
	return lapic_mmio_emulate(vp, &e) && vp->arch->advanced == size;
}

START_TEST(moves)
{
	prepare_code(false, false);
	vp->gpr[RCX] = 0xaaaaaaaa00000020;
	ck_assert(touch("\x89\x0d\x80\x00\xe0\xfe", 6, 0x80, ACCESS_WRITE)); /* mov [m], ecx */
	ck_assert_uint_eq(vp->lapic.tpr, 0x20);
	ck_assert(touch("\xa1\x80\x00\xe0\xfe", 5, 0x80, ACCESS_READ)); /* mov eax, [m] */
	ck_assert_uint_eq(vp->gpr[RAX], 0x20);
	ck_assert(touch("\xc7\x05\x80\x00\xe0\xfe\x50\x00\x00\x00", 10, 0x80, ACCESS_WRITE));
	ck_assert_uint_eq(vp->lapic.tpr, 0x50);
	vp->gpr[RDX] = 0x70;
	ck_assert(
		touch("\x87\x93\x80\x00\x00\x00", 6, 0x80, ACCESS_WRITE)); /* xchg [ebx+80], edx */
	ck_assert_uint_eq(vp->lapic.tpr, 0x70);
	ck_assert_uint_eq(vp->gpr[RDX], 0x50);
	ck_assert(touch("\x8b\x62\x20", 3, 0x80, ACCESS_READ)); /* mov esp, [edx+20] */
	ck_assert_uint_eq(vp->arch->regs.rsp, 0x70);
	vp->gpr[RAX] = 0x60;
	ck_assert(touch("\xa3\x80\x00\xe0\xfe", 5, 0x80, ACCESS_WRITE));
	ck_assert_uint_eq(vp->lapic.tpr, 0x60);
	ck_assert(touch("\x3e\x8b\x04\x8d\x80\x00\xe0\xfe", 8, 0x80, ACCESS_READ)); /* ds: SIB */
	ck_assert_uint_eq(vp->gpr[RAX], 0x60);
}
END_TEST

START_TEST(moves_of_64_bit_code)
{
	prepare_code(true, false);
	vp->gpr[R9] = 0x30;
	ck_assert(
		touch("\x44\x89\x0c\x25\x80\x00\x5f\xff", 8, 0x80, ACCESS_WRITE)); /* [abs], r9d */
	ck_assert_uint_eq(vp->lapic.tpr, 0x30);
	ck_assert(touch("\x8b\x80\x80\x00\x00\x00", 6, 0x80, ACCESS_READ));
	ck_assert_uint_eq(vp->gpr[RAX], 0x30);
	ck_assert(touch("\x41\x8b\x5e\x20", 4, 0x80, ACCESS_READ)); /* mov ebx, [r14+20] */
	ck_assert_uint_eq(vp->gpr[RBX], 0x30);
	ck_assert(touch("\xa1\x80\x00\xe0\xfe\x00\x00\x00\x00", 9, 0x80, ACCESS_READ));
	ck_assert(!touch("\x48\x8b\x80\x80\x00\x00\x00", 7, 0x80, ACCESS_READ)); /* 64 bits */
}
END_TEST

START_TEST(moves_of_16_bit_code)
{
	prepare_code(false, true);
	vp->gpr[RAX] = 0x40;
	ck_assert(touch("\x66\x67\x89\x03", 4, 0x80, ACCESS_WRITE)); /* mov [ebx], eax */
	ck_assert_uint_eq(vp->lapic.tpr, 0x40);
	ck_assert(touch("\x66\x8b\x4f\x10", 4, 0x80, ACCESS_READ)); /* mov ecx, [bx+10] */
	ck_assert_uint_eq(vp->gpr[RCX], 0x40);
	ck_assert(touch("\x66\xa1\x80\x00", 4, 0x80, ACCESS_READ));
	ck_assert(!touch("\x8b\x4f\x10", 3, 0x80, ACCESS_READ)); /* 16 bits */
	vp->gpr[RAX] = 0x50;
	ck_assert(
		touch("\xf3\x66\x67\x89\x03", 5, 0x80, ACCESS_WRITE)); /* xrelease mov [ebx], eax */
	ck_assert_uint_eq(vp->lapic.tpr, 0x50);
}
END_TEST

START_TEST(moves_unknown_here)
{
	prepare_code(false, false);
	ck_assert(!touch("\x88\x0d\x80\x00\xe0\xfe", 6, 0x80, ACCESS_WRITE)); /* a byte */
	ck_assert(!touch("\x66\x89\x0d\x80\x00\xe0\xfe", 7, 0x80, ACCESS_WRITE));
	ck_assert(!touch("\x01\x0d\x80\x00\xe0\xfe", 6, 0x80, ACCESS_WRITE)); /* add */
	ck_assert(!touch("\xc7\x0d\x80\x00\xe0\xfe\x50\x00\x00\x00", 10, 0x80,
			 ACCESS_WRITE));                      /* /1 */
	ck_assert(!touch("\x89\xc1", 2, 0x80, ACCESS_WRITE)); /* no memory in it */
	ck_assert(!touch("\x89\x0d\x80\x00\xe0\xfe", 6, 0x80, ACCESS_EXECUTE));
	memset(code, 0x66, 16); /* prefixes without end */
	ck_assert(!touch("\x66", 1, 0x80, ACCESS_READ));
	ck_assert_uint_eq(vp->lapic.tpr, 0);
}
END_TEST

/* ---- state in one piece ---- */

static u64 state_call(u16 code_, u32 type, u64 size, u64 page)
{
	u64 in[4] = {c.id, (u64)type << 32, 0, 0};
	u32 words = 2;

	if (code_ == HV_CALL_SET_VP_STATE)
		in[words++] = size;
	in[words++] = page >> PAGE_SHIFT;
	return raw(code_ | REPS(1), in, words * 8);
}

static u64 get_state(u32 type, u64 page)
{
	ck_assert_uint_eq(state_call(HV_CALL_GET_VP_STATE, type, 0, page), REPS(1));
	return *(u64 *)out_page;
}

static hv_status set_state(u32 type, u64 size, u64 page)
{
	return STATUS(state_call(HV_CALL_SET_VP_STATE, type, size, page));
}

START_TEST(lapic_state)
{
	struct lapic before;
	struct hv_lapic_state *s;
	spa_t page;
	u64 size;

	prepare();
	page = fake_page();
	s = arch_map(page);
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, MSR_APIC_BASE, APIC_BASE_ADDRESS | 0xd00), 0);
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, 0x80f, 0x1ff), 0);
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, 0x832, 0x20040), 0);
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, 0x838, 1000), 0);
	fake.tsc += 4000;
	lapic_post(&vp->lapic, 0x61, true);
	lapic_post(&vp->lapic, 0x71, false);
	fake_take(&vp->lapic, 0x71);
	vp->lapic.tpr = 0x30;
	size = get_state(HV_VP_STATE_LAPIC, page.v);
	ck_assert_uint_eq(size, sizeof(*s));
	before = vp->lapic;
	lapic_reset(&vp->lapic);
	fake.tsc += 123456;
	ck_assert_uint_eq(set_state(HV_VP_STATE_LAPIC, size, page.v), 0);
	ck_assert_mem_eq(vp->lapic.irr, before.irr, sizeof(before.irr));
	ck_assert_mem_eq(vp->lapic.isr, before.isr, sizeof(before.isr));
	ck_assert_mem_eq(vp->lapic.tmr, before.tmr, sizeof(before.tmr));
	ck_assert_mem_eq(vp->lapic.lvt, before.lvt, sizeof(before.lvt));
	ck_assert_uint_eq(vp->lapic.tpr, 0x30);
	ck_assert_uint_eq(vp->lapic.base, before.base);
	ck_assert_uint_ge(vp->lapic.timer.deadline, fake.tsc + s->timer_current * 20);
	ck_assert_uint_eq(s->timer_current, 800 /* divided by 2 */);
	/* What no APIC could be in. */
	s->tpr = 0x100;
	ck_assert_uint_eq(set_state(HV_VP_STATE_LAPIC, size, page.v), HV_STATUS_INVALID_PARAMETER);
	s->tpr = 0;
	s->base = 0xfee00400;
	ck_assert_uint_eq(set_state(HV_VP_STATE_LAPIC, size, page.v), HV_STATUS_INVALID_PARAMETER);
	s->base = before.base;
	s->irr[0] = 8;
	ck_assert_uint_eq(set_state(HV_VP_STATE_LAPIC, size, page.v), HV_STATUS_INVALID_PARAMETER);
	s->irr[0] = 0;
	s->id = 9;
	ck_assert_uint_eq(set_state(HV_VP_STATE_LAPIC, size, page.v), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(set_state(HV_VP_STATE_LAPIC, size - 4, page.v),
			  HV_STATUS_INVALID_PARAMETER);
	ck_assert_mem_eq(vp->lapic.irr, before.irr, sizeof(before.irr));
}
END_TEST

START_TEST(timers_state)
{
	struct hv_timers_state *s;
	spa_t page;
	u64 size;

	prepare();
	page = fake_page();
	s = arch_map(page);
	vp->stimer[1].config = 0x1ed1;
	ck_assert_uint_eq(set_register(&c, 0, HV_REGISTER_STIMER0_CONFIG + 2, 0x1ed1), 0);
	ck_assert_uint_eq(set_register(&c, 0, HV_REGISTER_STIMER0_CONFIG + 3, 50000000), 0);
	size = get_state(HV_VP_STATE_TIMERS, page.v);
	ck_assert_uint_eq(s->timer[1].expiration, 50000000);
	ck_assert_uint_eq(s->timer[0].expiration, 0);
	ck_assert_uint_eq(set_register(&c, 0, HV_REGISTER_STIMER0_CONFIG + 2, 0), 0);
	ck_assert_ptr_null(vp->parked.first);
	ck_assert_uint_eq(set_state(HV_VP_STATE_TIMERS, size, page.v), 0);
	ck_assert_ptr_eq(vp->parked.first, &vp->stimer[1].timer);
	s->timer[2].config = BIT(13);
	ck_assert_uint_eq(set_state(HV_VP_STATE_TIMERS, size, page.v), HV_STATUS_INVALID_PARAMETER);
	s->timer[2].config = 0;
	s->version = 2;
	ck_assert_uint_eq(set_state(HV_VP_STATE_TIMERS, size, page.v), HV_STATUS_INVALID_PARAMETER);
}
END_TEST

START_TEST(memory_states)
{
	spa_t page;
	u8 *ram, *p, *xsave;

	prepare();
	xsave = vp->xsave;
	page = fake_page();
	p = arch_map(page);
	ck_assert_uint_eq(get_state(HV_VP_STATE_SIMP, page.v), 0); /* off */
	ram = child_ram(&c, 0x12, RWX);
	ck_assert(synic_msr_write(vp, HV_MSR_SIMP, 0x12001));
	ram[100] = 42;
	ck_assert_uint_eq(get_state(HV_VP_STATE_SIMP, page.v), PAGE_SIZE);
	ck_assert_uint_eq(p[100], 42);
	p[100] = 43;
	ck_assert_uint_eq(set_state(HV_VP_STATE_SIMP, PAGE_SIZE, page.v), 0);
	ck_assert_uint_eq(ram[100], 43);
	ck_assert_uint_eq(get_state(HV_VP_STATE_XSAVE, page.v), 832);
	memset(p, 0xff, 832); /* what XRSTOR would refuse is not let in */
	ck_assert_uint_eq(set_state(HV_VP_STATE_XSAVE, 832, page.v), 0);
	ck_assert_uint_eq(xsave[24], 0xff);
	ck_assert_uint_eq(xsave[26], 0);
	ck_assert_uint_eq(*(u64 *)(xsave + 512), 7);
	ck_assert_uint_eq(*(u64 *)(xsave + 520), 0);
	ck_assert_uint_eq(set_state(HV_VP_STATE_XSAVE, 831, page.v), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(set_state(9, 8, page.v), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(STATUS(state_call(HV_CALL_GET_VP_STATE, HV_VP_STATE_SIMP, 0, 1ull << 50)),
			  HV_STATUS_INVALID_PARAMETER);
}
END_TEST

TEST_MAIN("child_state", registers_keep_their_value, segments_and_tables, values_that_cannot_be,
	  exact_reps, four_levels, older_formats, translate_call, fetch_over_a_page_end, moves,
	  moves_of_64_bit_code, moves_of_16_bit_code, moves_unknown_here, lapic_state, timers_state,
	  memory_states)
