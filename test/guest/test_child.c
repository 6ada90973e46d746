// SPDX-License-Identifier: GPL-2.0-or-later
/* Child partitions: what their guests do, and what the root hears of it. */
#include "check.h"
#include "child.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv.h"
#include "x86/asm.h"

#define PAGES 64

static struct child c;

/* A child with one VP; the VP. */
static struct child_vp *new_child(void)
{
	child_new(&c, PAGES);
	child_add_vp(&c, 0);
	return &c.vp[0];
}

static void end_child(const char *name)
{
	check_equal(name, child_end(&c), 0);
}

/* mov $0x40000000, %eax; cpuid; out %al, $0x80; hlt */
static const u8 first_code[] = {0x66, 0xb8, 0, 0, 0, 0x40, 0x0f, 0xa2, 0xe6, 0x80, 0xf4};

static void test_first(void)
{
	struct child_vp *v = new_child();

	child_load_real(&c, first_code, sizeof(first_code));
	check_equal("child-real-mode-port", child_run(v), HV_MESSAGE_IO_PORT);
	check(v->stop->io.port == 0x80 && v->stop->io.info == 1 &&
		      v->stop->io.header.access == HV_INTERCEPT_WRITE,
	      "child-port-write", "port %x, info %x, access %u", v->stop->io.port, v->stop->io.info,
	      v->stop->io.header.access);
	check_equal("child-port-rip", v->stop->io.header.rip, 0x1008);
	check(v->regs->gpr[3] == 0x7263694d && v->regs->gpr[1] == 0x666f736f, "child-cpuid",
	      "rbx %lx, rcx %lx", v->regs->gpr[3], v->regs->gpr[1]);
	child_answer(v, v->regs->gpr[0]);
	check_equal("child-halt-without-interrupts", child_run(v), HV_MESSAGE_HALT);
	check_equal("child-halt-rip", v->regs->rip, 0x100b);
	end_child("child-first-end");
}

void test_child(void)
{
	test_first();
}
