/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every state × every operation, against the table of the design written down a second time.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "base/macros.h"
#include "model/error.h"
#include "model/operation.h"

/*
 * One letter a column: off, saved, running, paused, transition, taking, applying, deleting,
 * merging (off), merging (live). y yes, r restores, c cancels, b rolls back, p parks the merge,
 * i if the cause is gone, o outside the chain; n no, w wait, q queue, f force, l live, - never.
 */
static const struct {
	enum vm_operation operation;
	const char *row;
} expected[] = {
	{VM_OPERATION_START, "yrnnnnnwp-"},          {VM_OPERATION_TURN_OFF, "nnyycbnwny"},
	{VM_OPERATION_SHUTDOWN, "nnynnnnw-y"},       {VM_OPERATION_REBOOT, "nnynnnnw-y"},
	{VM_OPERATION_RESET, "nnyynnnw-y"},          {VM_OPERATION_PAUSE, "nnynnnnw-y"},
	{VM_OPERATION_RESUME, "nnninnnw-y"},         {VM_OPERATION_SAVE, "nnyynnnw-p"},
	{VM_OPERATION_DISCARD_SAVED, "nynnnnnwy-"},  {VM_OPERATION_TAKE_SNAPSHOT, "yyyynnnwnn"},
	{VM_OPERATION_APPLY_SNAPSHOT, "yyffnnnnnn"}, {VM_OPERATION_DELETE_SNAPSHOT, "yyyynnnqqq"},
	{VM_OPERATION_ANNOTATE, "yyyyyynyyy"},       {VM_OPERATION_EXPORT, "yyllnnnnnn"},
	{VM_OPERATION_CLONE, "ynllnnnnnn"},          {VM_OPERATION_CONFIGURE, "ynnnnnnnon"},
	{VM_OPERATION_HOT_PLUG, "ynyynnnwoo"},       {VM_OPERATION_DELETE, "yynnnnnncn"},
	{VM_OPERATION_CONSOLE, "nnyyyyny-y"},        {VM_OPERATION_QUERY, "yyyyyyyyyy"},
};

static char letter(struct vm_permission permission)
{
	static const char verdicts[VM_VERDICT_COUNT] = {'-', 'n', 'y', 'w', 'q', 'f', 'l'};
	static const char conditions[VM_CONDITION_COUNT] = {
		[VM_CONDITION_RESTORES] = 'r',   [VM_CONDITION_CANCELS] = 'c',
		[VM_CONDITION_ROLLS_BACK] = 'b', [VM_CONDITION_PARKS_MERGE] = 'p',
		[VM_CONDITION_CAUSE_GONE] = 'i', [VM_CONDITION_NOT_IN_CHAIN] = 'o',
	};

	if (permission.verdict == VM_VERDICT_YES && permission.condition)
		return conditions[permission.condition];
	return verdicts[permission.verdict];
}

/* Which column a state belongs to, said a second time and in another way. */
static int expected_column(enum vm_power power, enum vm_activity activity)
{
	bool off = power == VM_POWER_OFF || power == VM_POWER_SAVED;
	bool steady = off || power == VM_POWER_RUNNING || power == VM_POWER_PAUSED;

	if (activity == VM_ACTIVITY_TAKING_SNAPSHOT)
		return 5;
	if (activity == VM_ACTIVITY_APPLYING_SNAPSHOT)
		return 6;
	if (activity == VM_ACTIVITY_DELETING_SNAPSHOT)
		return 7;
	if (!steady)
		return 4;
	if (activity == VM_ACTIVITY_MERGING_DISK)
		return off ? 8 : 9;
	return power == VM_POWER_OFF       ? 0
	       : power == VM_POWER_SAVED   ? 1
	       : power == VM_POWER_RUNNING ? 2
					   : 3;
}

static void check_state(enum vm_power power, enum vm_activity activity)
{
	int column = expected_column(power, activity);

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		enum vm_operation operation = expected[i].operation;
		char got = letter(vm_operation_check(operation, power, activity));
		bool yes = !!strchr("yrcbpio", got);

		ck_assert_msg(got == expected[i].row[column], "%s in %s, %s: %c instead of %c",
			      vm_operation_name(operation), vm_power_name(power),
			      vm_activity_name(activity), got, expected[i].row[column]);
		ck_assert_int_eq(vm_operation_available(operation, power, activity),
				 yes && vm_operation_info(operation)->method);
	}
}

START_TEST(every_state_and_every_operation)
{
	ck_assert_uint_eq(ARRAY_SIZE(expected), VM_OPERATION_COUNT);
	for (int power = 0; power < VM_POWER_COUNT; power++) {
		for (int activity = 0; activity < VM_ACTIVITY_COUNT; activity++)
			check_state((enum vm_power)power, (enum vm_activity)activity);
	}
}
END_TEST

START_TEST(names_are_distinct_and_parse)
{
	for (int i = 0; i < VM_POWER_COUNT; i++) {
		enum vm_power power = VM_POWER_COUNT;

		ck_assert(vm_power_parse(vm_power_name((enum vm_power)i), &power));
		ck_assert_int_eq(power, i);
	}
	for (int i = 0; i < VM_REASON_COUNT; i++) {
		enum vm_reason reason = VM_REASON_COUNT;

		ck_assert(vm_reason_parse(vm_reason_name((enum vm_reason)i), &reason));
		ck_assert_int_eq(reason, i);
	}
	for (int i = 0; i < VM_OPERATION_COUNT; i++) {
		enum vm_operation operation = VM_OPERATION_COUNT;

		ck_assert(vm_operation_parse(vm_operation_name((enum vm_operation)i), &operation));
		ck_assert_int_eq(operation, i);
	}
	ck_assert(!vm_power_parse("asleep", &(enum vm_power){0}));
	ck_assert(!vm_reason_parse("", &(enum vm_reason){0}));
	ck_assert(!vm_operation_parse("Start", &(enum vm_operation){0}));
}
END_TEST

START_TEST(libvirt_states)
{
	struct vm_libvirt_state state = vm_libvirt_state(VM_POWER_SAVED, VM_REASON_REQUESTED);

	ck_assert_int_eq(state.state, VIR_DOMAIN_SHUTOFF);
	ck_assert(state.managed_save);
	ck_assert_int_eq(vm_libvirt_state(VM_POWER_STOPPING, VM_REASON_NONE).state,
			 VIR_DOMAIN_SHUTDOWN);
	ck_assert_int_eq(vm_libvirt_state(VM_POWER_STARTING, VM_REASON_NONE).state,
			 VIR_DOMAIN_RUNNING);
	ck_assert_int_eq(vm_libvirt_state(VM_POWER_SAVING, VM_REASON_NONE).state,
			 VIR_DOMAIN_RUNNING);
	state = vm_libvirt_state(VM_POWER_PAUSED, VM_REASON_LOW_DISK);
	ck_assert_int_eq(state.state, VIR_DOMAIN_PAUSED);
	ck_assert_int_eq(state.reason, VIR_DOMAIN_PAUSED_IOERROR);
	ck_assert_int_eq(vm_libvirt_state(VM_POWER_OFF, VM_REASON_WORKER_DIED).reason,
			 VIR_DOMAIN_SHUTOFF_CRASHED);
}
END_TEST

START_TEST(activity_at_rest)
{
	ck_assert_int_eq(vm_activity_at_rest(VM_POWER_OFF), VM_ACTIVITY_NOT_ACTIVE);
	ck_assert_int_eq(vm_activity_at_rest(VM_POWER_SAVED), VM_ACTIVITY_NOT_ACTIVE);
	ck_assert_int_eq(vm_activity_at_rest(VM_POWER_STARTING), VM_ACTIVITY_STARTING);
	ck_assert_int_eq(vm_activity_at_rest(VM_POWER_PAUSED), VM_ACTIVITY_ACTIVE);
	ck_assert_int_eq(vm_activity_at_rest(VM_POWER_STOPPING), VM_ACTIVITY_ACTIVE);
}
END_TEST

START_TEST(errors_carry_libvirt_numbers)
{
	struct vm_error err;

	ck_assert_int_lt(vm_error_set(&err, VM_ERROR_BUSY, "job %d", 7), 0);
	ck_assert_str_eq(err.text, "job 7");
	ck_assert_int_eq(vm_error_info(err.code)->libvirt, 87);
	ck_assert_int_eq(vm_error_info(VM_ERROR_NO_SUCH_VM)->libvirt, 42);
	ck_assert_int_eq(vm_error_info(VM_ERROR_INVALID_STATE)->libvirt, 55);
	ck_assert_int_eq(vm_error_info(VM_ERROR_ACCESS_DENIED)->libvirt, 88);
	ck_assert_int_eq(vm_error_info(VM_ERROR_UNSUPPORTED_XML)->libvirt, 67);
	ck_assert_int_eq(vm_error_info(VM_ERROR_TIMEOUT)->libvirt, 68);
	for (int i = VM_ERROR_NONE + 1; i < VM_ERROR_COUNT; i++) {
		char name[128];

		snprintf(name, sizeof(name), VM_ERROR_PREFIX "%s",
			 vm_error_info((enum vm_error_code)i)->name);
		ck_assert_int_eq(vm_error_from_name(name), i);
		ck_assert_int_gt(vm_error_info((enum vm_error_code)i)->errnum, 0);
	}
	ck_assert_int_eq(vm_error_from_name("org.freedesktop.DBus.Error.Failed"), VM_ERROR_NONE);
	ck_assert_int_eq(vm_error_from_name(VM_ERROR_PREFIX "Nothing"), VM_ERROR_NONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("operation");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, every_state_and_every_operation);
	tcase_add_test(tcase, names_are_distinct_and_parse);
	tcase_add_test(tcase, libvirt_states);
	tcase_add_test(tcase, activity_at_rest);
	tcase_add_test(tcase, errors_carry_libvirt_numbers);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
