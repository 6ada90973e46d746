/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real-time clock: the calendar against the C library's, setting, alarm, flags, RAM.
 */
#include <time.h>

#include "mc146818_time.h"
#include "test_board.h"
#include "test_main.h"
#include "test_registers.h"
#include "vdev/mc146818.h"

#define SECOND_NS INT64_C(1000000000)

static struct test_board *t;
static struct vdev_mc146818 *rtc;
static struct test_line *irq8;
static int64_t epoch; /* the date at time 0, in ns */

static int64_t read_date(void *owner)
{
	return epoch + (int64_t)((struct test_board *)owner)->time;
}

static const struct vdev_date_source source = {read_date};

static void setup(void)
{
	t = test_board_create();
	irq8 = &t->irq[8];
	epoch = INT64_C(1709164799) * SECOND_NS; /* 2024-02-28 23:59:59 */
	ck_assert_int_eq(vdev_mc146818_create(&t->board, &irq8->line, &source, t, &rtc), 0);
}

static void teardown(void)
{
	vdev_device_destroy(vdev_mc146818_device(rtc));
	test_board_destroy(t);
}

static uint8_t get(uint8_t reg)
{
	test_out8(t, 0x70, reg);
	return test_in8(t, 0x71);
}

static void set(uint8_t reg, uint8_t value)
{
	test_out8(t, 0x70, reg);
	test_out8(t, 0x71, value);
}

START_TEST(the_calendar_is_right)
{
	uint8_t registers[RTC_REGISTERS] = {0};

	for (int64_t s = 0; s < INT64_C(7258118400); s += 86400 * 5 + 12347) {
		time_t when = (time_t)s;
		struct tm tm;

		gmtime_r(&when, &tm);
		rtc_encode(s, RTC_B_24H | RTC_B_BINARY, 0, registers);
		ck_assert_int_eq(registers[RTC_YEAR], tm.tm_year % 100);
		ck_assert_int_eq(registers[RTC_CENTURY], (tm.tm_year + 1900) / 100);
		ck_assert_int_eq(registers[RTC_MONTH], tm.tm_mon + 1);
		ck_assert_int_eq(registers[RTC_DAY], tm.tm_mday);
		ck_assert_int_eq(registers[RTC_WEEKDAY], tm.tm_wday + 1);
		ck_assert_int_eq(registers[RTC_HOURS], tm.tm_hour);
		ck_assert_int_eq(registers[RTC_MINUTES], tm.tm_min);
		ck_assert_int_eq(registers[RTC_SECONDS], tm.tm_sec);
		ck_assert_int_eq(rtc_decode(registers, RTC_B_24H | RTC_B_BINARY), s);
	}
}
END_TEST

START_TEST(every_format_decodes_to_itself)
{
	uint8_t registers[RTC_REGISTERS] = {0};

	for (unsigned int b = 0; b < 8; b += 2) {
		for (int64_t s = INT64_C(1709164799); s < INT64_C(1709164799) + 90000; s += 599) {
			rtc_encode(s, (uint8_t)b, 3, registers);
			ck_assert_int_eq(rtc_decode(registers, (uint8_t)b), s);
			ck_assert_uint_eq(rtc_weekday_shift(s, registers[RTC_WEEKDAY]), 3);
		}
	}
}
END_TEST

START_TEST(the_clock_runs_into_leap_day)
{
	ck_assert_uint_eq(get(RTC_SECONDS), 0x59);
	ck_assert_uint_eq(get(RTC_DAY), 0x28);
	test_board_advance(t, VDEV_SECOND);
	ck_assert_uint_eq(get(RTC_SECONDS), 0);
	ck_assert_uint_eq(get(RTC_DAY), 0x29);
	ck_assert_uint_eq(get(RTC_MONTH), 0x02);
	ck_assert_uint_eq(get(RTC_YEAR), 0x24);
	ck_assert_uint_eq(get(CMOS_CENTURY), 0x20);
	ck_assert_uint_eq(get(RTC_WEEKDAY), 5);
}
END_TEST

START_TEST(uip_announces_the_update)
{
	ck_assert_uint_eq(get(0x0a), 0x26);
	test_board_advance(t, VDEV_SECOND - 244001);
	ck_assert_uint_eq(get(0x0a), 0x26);
	test_board_advance(t, 1);
	ck_assert_uint_eq(get(0x0a), 0xa6);
	test_board_advance(t, 244000);
	ck_assert_uint_eq(get(0x0a), 0x26);
}
END_TEST

START_TEST(setting_the_time_under_set)
{
	set(0x0b, 0x82);
	set(RTC_HOURS, 0x12);
	set(RTC_MINUTES, 0x34);
	set(RTC_SECONDS, 0x56);
	set(RTC_DAY, 0x31);
	set(RTC_MONTH, 0x12);
	set(RTC_YEAR, 0x99);
	set(RTC_WEEKDAY, 6);
	test_board_advance(t, 10 * VDEV_SECOND);
	ck_assert_uint_eq(get(RTC_SECONDS), 0x56);
	set(0x0b, 0x02);
	test_board_advance(t, 5 * VDEV_SECOND);
	ck_assert_uint_eq(get(RTC_MINUTES), 0x35);
	ck_assert_uint_eq(get(RTC_SECONDS), 0x01);
	ck_assert_uint_eq(get(RTC_YEAR), 0x99);
	ck_assert_uint_eq(get(RTC_WEEKDAY), 6);
	test_board_advance(t, 86400 * VDEV_SECOND);
	ck_assert_uint_eq(get(RTC_YEAR), 0x00);
	ck_assert_uint_eq(get(RTC_WEEKDAY), 7);
}
END_TEST

START_TEST(the_century_moves_with_the_clock)
{
	set(RTC_MONTH, 0x12);
	set(RTC_DAY, 0x31);
	set(RTC_YEAR, 0x99); /* 2099-12-31 23:59:59 */
	ck_assert_uint_eq(get(CMOS_CENTURY), 0x20);
	test_board_advance(t, VDEV_SECOND);
	ck_assert_uint_eq(get(RTC_YEAR), 0x00);
	ck_assert_uint_eq(get(CMOS_CENTURY), 0x21);
	set(0x0b, 0x06); /* binary */
	ck_assert_uint_eq(get(CMOS_CENTURY), 21);
	set(CMOS_CENTURY, 19);
	set(RTC_YEAR, 0x00);
	set(RTC_MONTH, 2);
	set(RTC_DAY, 28); /* 1900 has no 29 February */
	test_board_advance(t, 86400 * VDEV_SECOND);
	ck_assert_uint_eq(get(RTC_MONTH), 3);
	ck_assert_uint_eq(get(RTC_DAY), 1);
	ck_assert_uint_eq(get(CMOS_CENTURY), 19);
}
END_TEST

/* Every order of day, month and year, over a month that is too short, with the clock running. */
START_TEST(a_date_is_set_register_by_register)
{
	static const uint8_t orders[][3] = {
		{RTC_DAY, RTC_MONTH, RTC_YEAR}, {RTC_DAY, RTC_YEAR, RTC_MONTH},
		{RTC_MONTH, RTC_DAY, RTC_YEAR}, {RTC_MONTH, RTC_YEAR, RTC_DAY},
		{RTC_YEAR, RTC_DAY, RTC_MONTH}, {RTC_YEAR, RTC_MONTH, RTC_DAY}};
	static const struct {
		uint8_t day, month, year;
	} dates[] = {{0x31, 0x01, 0x24}, {0x28, 0x02, 0x23}, {0x30, 0x04, 0x23},
		     {0x29, 0x02, 0x24}, {0x31, 0x12, 0x99}, {0x01, 0x03, 0x00}};

	for (size_t i = 0; i < ARRAY_SIZE(orders) * ARRAY_SIZE(dates); i++) {
		const uint8_t *order = orders[i % ARRAY_SIZE(orders)];
		uint8_t day = dates[i / ARRAY_SIZE(orders)].day;
		uint8_t month = dates[i / ARRAY_SIZE(orders)].month;
		uint8_t year = dates[i / ARRAY_SIZE(orders)].year;

		set(RTC_HOURS, 0x12);
		set(RTC_MINUTES, 0x00);
		for (unsigned int n = 0; n < 3; n++) {
			set(order[n], order[n] == RTC_DAY     ? day
				      : order[n] == RTC_MONTH ? month
							      : year);
			test_board_advance(t, VDEV_SECOND); /* an update does not lose it */
		}
		ck_assert_uint_eq(get(RTC_DAY), day);
		ck_assert_uint_eq(get(RTC_MONTH), month);
		ck_assert_uint_eq(get(RTC_YEAR), year);
		ck_assert_uint_eq(get(RTC_HOURS), 0x12);
	}
}
END_TEST

START_TEST(a_day_that_is_none_ends_at_midnight)
{
	set(RTC_DAY, 0x31); /* of February */
	ck_assert_uint_eq(get(RTC_DAY), 0x31);
	ck_assert_uint_eq(get(RTC_MONTH), 0x02);
	test_board_advance(t, VDEV_SECOND);
	ck_assert_uint_eq(get(RTC_DAY), 0x01);
	ck_assert_uint_eq(get(RTC_MONTH), 0x03);
	ck_assert_uint_eq(get(RTC_HOURS), 0x00);
}
END_TEST

START_TEST(the_divider_restarts_half_a_second_before_the_update)
{
	test_board_advance(t, VDEV_SECOND / 4);
	set(0x0a, 0x76);
	test_board_advance(t, VDEV_SECOND * 3);
	set(0x0a, 0x26);
	ck_assert_uint_eq(get(RTC_SECONDS), 0x59);
	test_board_advance(t, VDEV_SECOND / 2 - 1);
	ck_assert_uint_eq(get(RTC_SECONDS), 0x59);
	test_board_advance(t, 1);
	ck_assert_uint_eq(get(RTC_SECONDS), 0);
}
END_TEST

START_TEST(update_interrupts_every_second)
{
	set(0x0b, 0x12);
	test_board_advance(t, VDEV_SECOND - 1);
	ck_assert(!irq8->level);
	test_board_advance(t, 1);
	ck_assert(irq8->level);
	ck_assert_uint_eq(get(0x0c) & 0x90, 0x90);
	ck_assert(!irq8->level);
	ck_assert_uint_eq(get(0x0c), 0);
	test_board_advance(t, VDEV_SECOND);
	ck_assert_uint_eq(irq8->rises, 2);
}
END_TEST

START_TEST(flags_come_without_interrupts)
{
	ck_assert_uint_eq(t->board.clock.first == NULL, 1);
	test_board_advance(t, VDEV_SECOND);
	ck_assert_uint_eq(get(0x0c) & 0x50, 0x50);
	ck_assert_uint_eq(get(0x0c), 0);
	ck_assert_uint_eq(irq8->rises, 0);
}
END_TEST

START_TEST(the_alarm_matches_once_a_day)
{
	set(RTC_HOURS_ALARM, 0x06);
	set(RTC_MINUTES_ALARM, 0x30);
	set(RTC_SECONDS_ALARM, 0x00);
	set(0x0b, 0x22);
	test_board_advance(t, (6 * 3600 + 30 * 60) * VDEV_SECOND);
	ck_assert(!irq8->level);
	test_board_advance(t, VDEV_SECOND);
	ck_assert(irq8->level);
	ck_assert_uint_eq(get(0x0c) & 0xa0, 0xa0);
	test_board_advance(t, 86399 * VDEV_SECOND);
	ck_assert(!irq8->level);
	test_board_advance(t, VDEV_SECOND);
	ck_assert(irq8->level);
}
END_TEST

START_TEST(alarm_values_that_do_not_care)
{
	uint8_t r[RTC_REGISTERS] = {0};

	r[RTC_HOURS_ALARM] = r[RTC_MINUTES_ALARM] = 0xff;
	r[RTC_SECONDS_ALARM] = 0x30;
	ck_assert_int_eq(rtc_next_alarm(0, r, RTC_B_24H), 30);
	ck_assert_int_eq(rtc_next_alarm(30, r, RTC_B_24H), 90);
	r[RTC_SECONDS_ALARM] = 0xc0;
	ck_assert_int_eq(rtc_next_alarm(30, r, RTC_B_24H), 31);
	r[RTC_MINUTES_ALARM] = 0x75;
	ck_assert_int_eq(rtc_next_alarm(30, r, RTC_B_24H), RTC_NO_ALARM);
	r[RTC_HOURS_ALARM] = 0x92; /* 12 PM, in 12-hour form */
	r[RTC_MINUTES_ALARM] = r[RTC_SECONDS_ALARM] = 0;
	ck_assert_int_eq(rtc_next_alarm(0, r, 0), 12 * 3600);
}
END_TEST

START_TEST(periodic_interrupts_have_their_rate)
{
	set(0x0a, 0x26); /* 1024 Hz */
	set(0x0b, 0x42);
	for (unsigned int i = 0; i < 100; i++) {
		test_board_advance(t, VDEV_SECOND / 1024 + 1);
		ck_assert_uint_eq(get(0x0c) & 0xc0, 0xc0);
	}
	ck_assert_uint_eq(irq8->rises, 100);
}
END_TEST

START_TEST(ram_keeps_and_tells_memory)
{
	set(0x40, 0xa5);
	ck_assert_uint_eq(get(0x40), 0xa5);
	test_out8(t, 0x72, 0x7f);
	test_out8(t, 0x73, 0x5a);
	ck_assert_uint_eq(test_in8(t, 0x73), 0x5a);
	vdev_mc146818_set_memory(rtc, MIB(3072), GIB(2));
	ck_assert_uint_eq(get(CMOS_ABOVE_16M_LOW) | get(CMOS_ABOVE_16M_LOW + 1) << 8,
			  (3072 - 16) * 16);
	ck_assert_uint_eq(get(CMOS_EXTENDED_LOW) | get(CMOS_EXTENDED_LOW + 1) << 8, 0xffff);
	ck_assert_uint_eq(get(CMOS_ABOVE_4G_LOW) | get(CMOS_ABOVE_4G_LOW + 1) << 8, 0x8000);
	vdev_device_reset(vdev_mc146818_device(rtc));
	ck_assert_uint_eq(get(0x40), 0xa5);
	ck_assert_uint_eq(get(0x0d), 0x80);
	set(0x0d, 0);
	ck_assert_uint_eq(get(0x0d), 0x80);
}
END_TEST

START_TEST(a_restored_clock_keeps_its_offset_to_the_date)
{
	struct test_board *t2 = test_board_create();
	struct vdev_mc146818 *other;

	set(0x0b, 0x82);
	set(RTC_HOURS, 0x08);
	set(RTC_MINUTES, 0x00);
	set(RTC_SECONDS, 0x00);
	set(0x0b, 0x12);
	ck_assert_int_eq(vdev_mc146818_create(&t2->board, &t2->irq[8].line, &source, t2, &other),
			 0);
	t2->time = t->time;
	test_round_trip(vdev_mc146818_device(rtc), vdev_mc146818_device(other));
	test_board_advance(t2, 3600 * VDEV_SECOND);
	ck_assert_uint_eq(t2->irq[8].level, 1);
	vdev_device_destroy(vdev_mc146818_device(rtc));
	test_board_destroy(t);
	t = t2;
	rtc = other;
	ck_assert_uint_eq(get(RTC_HOURS), 0x09);
}
END_TEST

START_TEST(no_value_breaks_it)
{
	for (unsigned int reg = 0; reg < 0x80; reg++) {
		for (unsigned int value = 0; value < 256; value += 3) {
			set((uint8_t)reg, (uint8_t)value);
			test_board_advance(t, 300 * VDEV_MILLISECOND);
			get((uint8_t)reg);
			get(0x0c);
		}
	}
	test_hostile_state(vdev_mc146818_device(rtc));
}
END_TEST

static uint32_t read_index(void *owner, unsigned int at, unsigned int width)
{
	return get((uint8_t)at);
}

static void write_index(void *owner, unsigned int at, unsigned int width, uint32_t value)
{
	set((uint8_t)at, (uint8_t)value);
}

/* Data sheet, "Registers"; the time registers have tests of their own. */
START_TEST(the_data_sheet)
{
	static const struct test_register registers[] = {
		{"seconds alarm", 0x01, 1, 0, 0xff, 0},
		{"minutes alarm", 0x03, 1, 0, 0xff, 0},
		{"hours alarm", 0x05, 1, 0, 0xff, 0},
		{"A", 0x0a, 1, 0x26, 0x7f, 0},      /* RESET# leaves it */
		{"B", 0x0b, 1, 0x02, 0xff, BIT(4)}, /* UIE falls with SET */
		{"C", 0x0c, 1, 0x00, 0, 0},
		{"D", 0x0d, 1, 0x80, 0, 0},
		{"RAM, first", 0x0e, 1, 0, 0xff, 0},
		{"RAM before the century", 0x31, 1, 0, 0xff, 0},
		{"RAM behind the century", 0x33, 1, 0, 0xff, 0},
		{"RAM, last", 0x7f, 1, 0, 0xff, 0},
	};
	const struct test_access access = {read_index, write_index, NULL};

	test_registers(vdev_mc146818_device(rtc), &access, registers, ARRAY_SIZE(registers));
}
END_TEST

TEST_MAIN("vdev/mc146818", setup, teardown, the_data_sheet, the_calendar_is_right,
	  every_format_decodes_to_itself, the_clock_runs_into_leap_day, uip_announces_the_update,
	  setting_the_time_under_set, the_divider_restarts_half_a_second_before_the_update,
	  the_century_moves_with_the_clock, a_date_is_set_register_by_register,
	  a_day_that_is_none_ends_at_midnight, update_interrupts_every_second,
	  flags_come_without_interrupts, the_alarm_matches_once_a_day,
	  alarm_values_that_do_not_care, periodic_interrupts_have_their_rate,
	  ram_keeps_and_tells_memory, a_restored_clock_keeps_its_offset_to_the_date,
	  no_value_breaks_it)
