/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is decided for processors that no other test runs on, by the CPUID values that they have.
 * Families and models from AMD's revision guides, bits from APM 3 appendix E.
 */
#include "runner.h"
#include "x86/root.h"
#include "x86/speculation.h"

#define IBPB    (1u << 12)
#define CONTROL (1u << 14 | 1u << 15 | 1u << 24)
#define DE_CFG  0xc0011029
#define BP_CFG  0xc001102e

static struct speculation of(u32 family, u32 model, u32 ext8_ebx, u32 ext21_eax, u32 ext21_ecx)
{
	struct processor p = {
		.family = family,
		.model = model,
		.ext8_ebx = ext8_ebx,
		.ext21_eax = ext21_eax,
		.ext21_ecx = ext21_ecx,
	};

	return speculation_decide(&p);
}

static u64 bits_of(const struct speculation *s, u32 msr)
{
	u64 bits = 0;

	for (u32 i = 0; i < s->msr_count; i++)
		if (s->msr[i].msr == msr)
			bits |= s->msr[i].set;
	return bits;
}

START_TEST(zen1)
{
	static const u32 models[] = {0x01, 0x11, 0x20, 0x50};

	for (u32 i = 0; i < ARRAY_SIZE(models); i++) {
		struct speculation s = of(0x17, models[i], IBPB, 0, 0);

		ck_assert(s.exit_barrier && !s.leave_barrier && !s.enter_barrier);
		ck_assert(s.clear_divider && !s.clear_buffers && !s.auto_ibrs && !s.spec_ctrl);
		ck_assert(!s.old_microcode);
		ck_assert_uint_eq(bits_of(&s, DE_CFG), 2);
		ck_assert_uint_eq(bits_of(&s, 0xc00110e3), 0);
	}
	ck_assert(of(0x18, 0, IBPB, 0, 0).clear_divider);
}
END_TEST

START_TEST(zen2)
{
	static const u32 models[] = {0x31, 0x47, 0x60, 0x71, 0x90, 0xa0};

	for (u32 i = 0; i < ARRAY_SIZE(models); i++) {
		struct speculation s = of(0x17, models[i], IBPB | CONTROL, 0, 0);

		ck_assert(s.exit_barrier && !s.clear_divider && s.spec_ctrl == 7);
		ck_assert_uint_eq(bits_of(&s, DE_CFG), 1 << 9 | 2);
		ck_assert_uint_eq(bits_of(&s, 0xc00110e3), 2);
		ck_assert_uint_eq(s.msr_count, 2);
	}
}
END_TEST

START_TEST(without_a_barrier_it_is_said)
{
	struct speculation s = of(0x17, 0x31, 0, 0, 0);

	ck_assert(!s.exit_barrier && !s.leave_barrier && !s.enter_barrier && s.old_microcode);
}
END_TEST

START_TEST(zen3_and_its_microcode)
{
	struct processor p = {.family = 0x19, .model = 0x01, .ext8_ebx = IBPB | CONTROL};
	struct speculation s = speculation_decide(&p);

	ck_assert(s.exit_barrier && s.old_microcode && s.clear_buffers);
	p.sbpb = true;
	s = speculation_decide(&p);
	ck_assert(s.exit_barrier && !s.old_microcode);
	ck_assert_uint_eq(bits_of(&s, BP_CFG), 0);
	p.ext21_eax = 1u << 29;
	s = speculation_decide(&p);
	ck_assert(!s.exit_barrier && s.leave_barrier && !s.old_microcode);
}
END_TEST

START_TEST(zen4)
{
	static const u32 models[] = {0x11, 0x61, 0x74, 0xa0};

	for (u32 i = 0; i < ARRAY_SIZE(models); i++) {
		struct speculation s =
			of(0x19, models[i], IBPB | CONTROL, 1u << 28 | 1 << 8 | 1 << 2, 0);

		ck_assert(s.exit_barrier && s.auto_ibrs && s.clear_buffers && !s.old_microcode);
		ck_assert_uint_eq(bits_of(&s, BP_CFG), 1 << 5);
		ck_assert_uint_eq(bits_of(&s, DE_CFG), 0);
	}
	ck_assert_uint_eq(of(0x19, 0x11, 1u << 28, 0, 0).spec_ctrl, 0x80);
	ck_assert(!of(0x19, 0x11, IBPB, 0, 6).clear_buffers);
	ck_assert(of(0x19, 0x11, IBPB, 0, 2).clear_buffers);
	ck_assert(of(0x19, 0x11, IBPB, 0, 4).clear_buffers);
}
END_TEST

START_TEST(zen5)
{
	struct speculation s = of(0x1a, 0x11, IBPB | CONTROL, 1u << 31 | 1 << 8 | 1 << 2, 0);

	ck_assert(!s.exit_barrier && s.leave_barrier && s.auto_ibrs && !s.clear_buffers);
	ck_assert_uint_eq(bits_of(&s, BP_CFG), 1 << 4);
	s = of(0x1a, 0x11, IBPB | CONTROL, 1u << 31 | 1 << 29, 0);
	ck_assert_uint_eq(bits_of(&s, BP_CFG), 0);
}
END_TEST

START_TEST(older_ones)
{
	struct speculation s = of(0x15, 0x02, IBPB, 0, 0);

	ck_assert(!s.exit_barrier && !s.leave_barrier && s.enter_barrier && !s.old_microcode);
	ck_assert_uint_eq(bits_of(&s, DE_CFG), 2);
	s = of(0x0f, 0x6b, 0, 0, 0);
	ck_assert_uint_eq(s.msr_count, 0);
	ck_assert(!s.enter_barrier);
}
END_TEST

/* Every family and model, all bits and none: never more MSRs than there is room, one barrier. */
START_TEST(no_processor_is_too_much)
{
	static const u32 words[] = {0, ~0u, IBPB, 1u << 31, ~(1u << 29)};

	for (u32 family = 0; family < 0x30; family++)
		for (u32 model = 0; model < 256; model++)
			for (u32 w = 0; w < 125; w++) {
				struct speculation s = of(family, model, words[w % 5],
							  words[w / 5 % 5], words[w / 25]);

				ck_assert_uint_le(s.msr_count, SPECULATION_MSRS);
				ck_assert_int_le(s.exit_barrier + s.leave_barrier + s.enter_barrier,
						 1);
			}
}
END_TEST

START_TEST(the_map_ends_below_the_c_bit)
{
	ck_assert_uint_eq(root_map_bits(0x3030, 0, 0), 48);
	ck_assert_uint_eq(root_map_bits(0x3028, 0, 0), 40);
	ck_assert_uint_eq(root_map_bits(0x3034, 0, 0), 48);
	ck_assert_uint_eq(root_map_bits(0x3030, 1, 5 << 6 | 47), 47);
	ck_assert_uint_eq(root_map_bits(0x3030, 2, 47), 47);
	ck_assert_uint_eq(root_map_bits(0x3034, 3, 51), 48);
	ck_assert_uint_eq(root_map_bits(0x3030, 4, 47), 48); /* neither SME nor SEV */
}
END_TEST

TEST_MAIN("speculation", zen1, zen2, without_a_barrier_it_is_said, zen3_and_its_microcode, zen4,
	  zen5, older_ones, no_processor_is_too_much, the_map_ends_below_the_c_bit)
