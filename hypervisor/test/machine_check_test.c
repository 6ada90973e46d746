/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose a machine check is, by what the banks say. */
#include "runner.h"
#include "x86/asm.h"
#include "x86/machine_check.h"

#define BANKS       4
#define STATUS      0x17a
#define VALID       BIT(63)
#define OVERFLOW    BIT(62)
#define UNCORRECTED BIT(61)
#define ENABLED     BIT(60)
#define CORRUPT     BIT(57)

static u64 banks[BANKS], mcg_status;
static bool no_banks;

int rdmsr_safe(u32 msr, u64 *ret_value)
{
	if (no_banks)
		return -1;
	if (msr == STATUS)
		*ret_value = mcg_status;
	else if (msr == 0x179)
		*ret_value = 0x100 | BANKS;
	else if (msr % 4 == 1 && msr >= 0x401 && msr < 0x401 + 4 * BANKS)
		*ret_value = banks[(msr - 0x401) / 4];
	else
		ck_abort_msg("MSR %x read", msr);
	return 0;
}

int wrmsr_safe(u32 msr, u64 value)
{
	ck_assert_uint_eq(msr, STATUS);
	mcg_status = value;
	return 0;
}

/* Bank 2 has it; the answer, and whether it was acknowledged. */
static bool is_guests(u64 status)
{
	bool answer;

	mcg_status = 5;
	banks[2] = status;
	answer = machine_check_is_guests();
	ck_assert_uint_eq(mcg_status, answer ? 0 : 5);
	return answer;
}

START_TEST(whose_it_is)
{
	memset(banks, 0, sizeof(banks));
	ck_assert(is_guests(VALID | UNCORRECTED | ENABLED));
	ck_assert(!is_guests(UNCORRECTED | ENABLED));
	ck_assert(!is_guests(VALID | ENABLED));
	ck_assert(!is_guests(VALID | UNCORRECTED));
	ck_assert(!is_guests(VALID | UNCORRECTED | ENABLED | CORRUPT));
	ck_assert(!is_guests(VALID | UNCORRECTED | ENABLED | OVERFLOW));
	ck_assert(!is_guests(0));
	banks[0] = VALID | UNCORRECTED | ENABLED | CORRUPT; /* another bank has a worse one */
	ck_assert(!is_guests(VALID | UNCORRECTED | ENABLED));
	banks[0] = VALID | ENABLED; /* a corrected one does not matter */
	ck_assert(is_guests(VALID | UNCORRECTED | ENABLED));
	no_banks = true;
	ck_assert(!is_guests(VALID | UNCORRECTED | ENABLED));
	no_banks = false;
}
END_TEST

START_TEST(whether_to_go_on)
{
	mcg_status = 4;
	ck_assert(!machine_check_can_return());
	mcg_status = 5;
	ck_assert(machine_check_can_return());
	no_banks = true;
	ck_assert(!machine_check_can_return());
	no_banks = false;
}
END_TEST

TEST_MAIN("machine_check", whose_it_is, whether_to_go_on)
