/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypercall convention: every control bit, list placement, who may call, Keelson's own calls. */
#include "core/calls.h"
#include "core/exit.h"
#include "core/format.h"
#include "core/log.h"
#include "hv/keelson.h"
#include "runner.h"

#define LOG  HV_CALL_KEELSON_READ_LOG
#define STAT HV_CALL_KEELSON_STATISTICS

static struct vp *vp;
static u64 in, out;

static void prepare(void)
{
	fake_reset();
	fake_root(2);
	vp = root_partition.vp[0];
	root_partition.guest_os_id = 1;
	in = fake_page().v;
	out = fake_page().v;
}

/* The result word, or ~0 if it was #UD. */
static u64 call(u64 control, u64 input, u64 output)
{
	struct vexit e = {.type = VEXIT_HYPERCALL, .length = 3};

	fake_vp_clear(vp);
	vp->gpr[RAX] = 0x5555;
	vp->gpr[RCX] = control;
	vp->gpr[RDX] = input;
	vp->gpr[R8] = output;
	exit_handle(vp, &e);
	if (vp->arch->exception == 6) {
		ck_assert_uint_eq(vp->gpr[RAX], 0x5555);
		ck_assert_uint_eq(vp->arch->advanced, 0);
		return ~0ull;
	}
	ck_assert_int_eq(vp->arch->exception, -1);
	ck_assert_uint_eq(vp->arch->advanced, 3);
	return vp->gpr[RAX];
}

START_TEST(control_word)
{
	prepare();
	ck_assert_uint_eq(call(STAT, in, out), HV_STATUS_SUCCESS);
	for (int bit = 16; bit < 64; bit++)
		ck_assert_uint_eq(call(STAT | BIT(bit), in, out),
				  HV_STATUS_INVALID_HYPERCALL_INPUT);
}
END_TEST

START_TEST(unknown_codes)
{
	prepare();
	for (u32 code = 0; code < 0x10000; code++) {
		if ((code >= 0x40 && code < 0x100) || (code >= LOG && code <= LOG + 2))
			continue;
		if (call(code, in, out) != HV_STATUS_INVALID_HYPERCALL_CODE ||
		    call(code | BIT(16), in, out) != HV_STATUS_INVALID_HYPERCALL_CODE)
			ck_abort_msg("code %x", code);
	}
}
END_TEST

START_TEST(list_placement)
{
	const u64 hidden = FAKE_RAM_BASE + (FAKE_RAM_PAGES - 1) * PAGE_SIZE;

	prepare();
	for (u64 i = 1; i < 8; i++) {
		ck_assert_uint_eq(call(STAT, in + i, out), HV_STATUS_INVALID_ALIGNMENT);
		ck_assert_uint_eq(call(STAT, in, out + i), HV_STATUS_INVALID_ALIGNMENT);
	}
	ck_assert_uint_eq(call(STAT, in + PAGE_SIZE - 8, out), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(call(STAT, in, out + PAGE_SIZE - sizeof(struct hv_keelson_statistics)),
			  HV_STATUS_SUCCESS);
	ck_assert_uint_eq(call(STAT, in, out + PAGE_SIZE - 8), HV_STATUS_INVALID_ALIGNMENT);
	ck_assert_uint_eq(call(LOG, in, out + 8), HV_STATUS_INVALID_ALIGNMENT);
	ck_assert_uint_eq(call(STAT, hidden, out), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(call(STAT, in, hidden), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(call(STAT, ~0xfffull, out), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(call(STAT, in, 1ull << 52), HV_STATUS_INVALID_PARAMETER);
}
END_TEST

START_TEST(read_only_output)
{
	bool flush;

	prepare();
	ck_assert_uint_eq(
		gpa_map_range(&root_partition.map, GPA(out), SPA(out), PAGE_SIZE, GPA_READ, &flush),
		HV_STATUS_SUCCESS);
	ck_assert_uint_eq(call(STAT, in, out), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(call(STAT, out, in), HV_STATUS_SUCCESS);
}
END_TEST

START_TEST(who_may_call)
{
	prepare();
	vp->arch->cpl = 3;
	ck_assert_uint_eq(call(STAT, in, out), ~0ull);
	vp->arch->cpl = 0;
	root_partition.guest_os_id = 0;
	ck_assert_uint_eq(call(STAT, in, out), ~0ull);
	root_partition.guest_os_id = 1;
	vp->arch->long_mode = false;
	vp->arch->regs.cr0 = 0x10;
	ck_assert_uint_eq(call(STAT, in, out), ~0ull); /* real mode */
}
END_TEST

START_TEST(from_32_bit_code)
{
	struct vexit e = {.type = VEXIT_HYPERCALL, .length = 3};

	prepare();
	vp->arch->long_mode = false;
	vp->gpr[RDX] = 0xffffffff00000000;
	vp->gpr[RAX] = 0xffffffff00000000 | STAT;
	vp->gpr[RBX] = in >> 32;
	vp->gpr[RCX] = 0xffffffff00000000 | in;
	vp->gpr[RDI] = out >> 32;
	vp->gpr[RSI] = 0xffffffff00000000 | out;
	exit_handle(vp, &e);
	ck_assert_uint_eq(vp->gpr[RAX], HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vp->gpr[RDX], 0);
	ck_assert_uint_eq(((struct hv_keelson_statistics *)arch_map(SPA(out)))->vp_count, 2);
	vp->gpr[RDX] = 0x80000000; /* a reserved bit of the high half */
	vp->gpr[RAX] = STAT;
	exit_handle(vp, &e);
	ck_assert_uint_eq(vp->gpr[RAX], HV_STATUS_INVALID_HYPERCALL_INPUT);
}
END_TEST

START_TEST(statistics)
{
	struct hv_keelson_statistics *s;
	struct hv_keelson_statistics_input *i;

	prepare();
	s = arch_map(SPA(out));
	i = arch_map(SPA(in));
	root_partition.foreign_accesses = 9;
	ck_assert_uint_eq(call(STAT, in, out), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(s->exits[HV_EXIT_HYPERCALL], 1);
	ck_assert_uint_eq(s->exits[HV_EXIT_CPUID], 0);
	ck_assert_uint_eq(s->foreign_accesses, 9);
	ck_assert_uint_eq(s->pool_total, boot_pool.total_count);
	ck_assert_uint_eq(s->tsc_hz, FAKE_HZ);
	i->vp_index = 1;
	ck_assert_uint_eq(call(STAT, in, out), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(s->exits[HV_EXIT_HYPERCALL], 0);
	i->vp_index = 2;
	ck_assert_uint_eq(call(STAT, in, out), HV_STATUS_INVALID_VP_INDEX);
	i->vp_index = ~0u;
	ck_assert_uint_eq(call(STAT, in, out), HV_STATUS_INVALID_VP_INDEX);
}
END_TEST

START_TEST(reading_the_log)
{
	struct hv_keelson_log_output *o;
	struct hv_keelson_log_input *i;
	size_t length = 0, lines = 0;

	prepare();
	o = arch_map(SPA(out));
	i = arch_map(SPA(in));
	for (int n = 0; n < 300; n++)
		log_info("line %d", n);
	do {
		ck_assert_uint_eq(call(LOG, in, out), HV_STATUS_SUCCESS);
		ck_assert_uint_eq(o->lost, 0);
		ck_assert_uint_le(o->length, HV_KEELSON_LOG_TEXT);
		for (size_t c = 0; c < o->length; c++)
			lines += o->text[c] == '\n';
		length += o->length;
		i->cursor = o->cursor;
	} while (o->length);
	ck_assert_uint_eq(lines, 300);
	ck_assert_uint_gt(length, HV_KEELSON_LOG_TEXT);
}
END_TEST

START_TEST(log_cursors)
{
	const u64 cursors[] = {1, 7, 100000, ~0ull, 1ull << 63};
	struct hv_keelson_log_output *o;

	prepare();
	o = arch_map(SPA(out));
	log_info("only");
	for (size_t i = 0; i < ARRAY_SIZE(cursors); i++) {
		*(u64 *)arch_map(SPA(in)) = cursors[i];
		ck_assert_uint_eq(call(LOG, in, out), HV_STATUS_SUCCESS);
		ck_assert_uint_eq(o->length, 0);
		ck_assert_uint_eq(o->cursor, 1);
	}
}
END_TEST

TEST_MAIN("hypercall", control_word, unknown_codes, list_placement, read_only_output, who_may_call,
	  from_32_bit_code, statistics, reading_the_log, log_cursors)
