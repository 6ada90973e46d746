// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A child that makes every hypercall, and many that there are none of, with arguments of chance, from
 * CPL 0 and 3. It is refused each time: nothing of it succeeds, nothing of the hypervisor's memory is
 * lost, and the child goes on.
 */
#include "check.h"
#include "child.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv.h"
#include "hv/keelson.h"
#include "hv/msr.h"
#include "x86/asm.h"

#define PAGES       64
#define CALLS       20000
#define USER_CALLS  1000
#define RESULT_ZERO 0xfffff000ffff0000ull /* of the result word */

static struct child c;

static u8 call_page[PAGE_SIZE] aligned_to(PAGE_SIZE);
static u64 list[PAGE_SIZE / 8] aligned_to(PAGE_SIZE); /* input and output */

/* What the child found. */
static struct {
	u64 made, succeeded, malformed, last_success;
	u64 from_user, not_refused;
} said;

/* ---- in the child ---- */

static u64 chance = 0x9e3779b97f4a7c15ull;

static u64 draw(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance;
}

/* All codes that the interface has lie in two stretches. */
static u64 any_code(u64 n)
{
	if (n < 0x100)
		return n;
	if (n < 0x110)
		return HV_CALL_KEELSON_READ_LOG + (n & 15);
	return draw() % 8 ? draw() & 0xff : draw() & 0xffff;
}

static u64 any_control(u64 n)
{
	u64 control = any_code(n);

	if (draw() % 2)
		control |= HV_CONTROL_FAST;
	if (draw() % 2)
		control |= REPS(draw() % 4);
	if (draw() % 4 == 0)
		control |= (draw() % 4) << HV_CONTROL_START_SHIFT;
	if (draw() % 16 == 0)
		control |= draw() << 16;
	return control;
}

static u64 any_address(void)
{
	switch (draw() % 8) {
	case 0:
		return draw();
	case 1:
		return 0xd0000000; /* nothing is there */
	case 2:
		return (u64)list + (draw() & 0xfff);
	default:
		return (u64)list;
	}
}

/* Partition ids, VP indexes, page numbers, and what is none of these. */
static void fill_list(void)
{
	for (u32 i = 0; i < 32; i++)
		switch (draw() % 4) {
		case 0:
			list[i] = draw() % 4;
			break;
		case 1:
			list[i] = HV_PARTITION_ID_SELF;
			break;
		case 2:
			list[i] = (u64)list >> PAGE_SHIFT;
			break;
		default:
			list[i] = draw();
		}
}

static u64 call_out(u64 control, u64 input, u64 output)
{
	register u64 r8 __asm__("r8") = output;
	u64 result;

	__asm__ volatile("call *%[page]"
			 : "=a"(result), "+c"(control), "+d"(input), "+r"(r8)
			 : [page] "r"(call_page)
			 : "memory", "r9", "r10", "r11");
	return result;
}

static void call_from_user(void *arg)
{
	const u64 *operands = arg;

	call_out(operands[0], operands[1], operands[2]);
}

static void note_result(u64 control, u64 result)
{
	said.made++;
	said.malformed += !!(result & RESULT_ZERO);
	if ((result & 0xffff) != HV_STATUS_SUCCESS)
		return;
	said.succeeded++;
	said.last_success = control;
}

static void make_calls(void *arg)
{
	u64 operands[3];

	wrmsr(HV_MSR_GUEST_OS_ID, GUEST_OS_ID);
	wrmsr(HV_MSR_HYPERCALL, (u64)call_page | HV_MSR_PAGE_ENABLE);
	for (u64 n = 0; n < CALLS; n++) {
		u64 control = any_control(n);

		fill_list();
		note_result(control, call_out(control, any_address(), any_address()));
	}
	for (u64 n = 0; n < USER_CALLS; n++) {
		struct fault fault;

		operands[0] = any_control(n);
		operands[1] = any_address();
		operands[2] = any_address();
		fault = try_user(call_from_user, operands);
		said.from_user++;
		said.not_refused += !fault.taken || fault.vector != VECTOR_UD;
	}
}

/* ---- its worker ---- */

/* Messages and signals get as far as here, and stay refused. Returns how many. */
static u64 serve(struct child_vp *v)
{
	u64 count = 0;

	while (child_run(v) == HV_MESSAGE_KEELSON_HYPERCALL)
		count++;
	return count;
}

void test_child_fuzz(void)
{
	u64 free = hv_statistics(0).pool_free, stops;
	struct child_vp *v = &c.vp[0];

	child_new(&c, PAGES);
	child_add_vp(&c, 0);
	child_map_image(&c);
	child_load(v, make_calls, NULL);
	stops = serve(v);
	check(v->stop->type == HV_MESSAGE_IO_PORT && v->stop->io.port == CHILD_DONE_PORT,
	      "child-fuzz-ends", "intercept %x at %lx", v->stop->type, v->regs->rip);
	check(stops > 0, "child-fuzz-stops", "found none");
	check_equal("child-fuzz-calls", said.made, CALLS);
	check(!said.succeeded, "child-fuzz-refused", "%lu succeeded, the last with control %lx",
	      said.succeeded, said.last_success);
	check_equal("child-fuzz-results", said.malformed, 0);
	check_equal("child-fuzz-user-calls", said.from_user, USER_CALLS);
	check_equal("child-fuzz-user-refused", said.not_refused, 0);
	check_equal("child-fuzz-pages", child_end(&c), 0);
	check_equal("child-fuzz-pool", hv_statistics(0).pool_free, free);
}
