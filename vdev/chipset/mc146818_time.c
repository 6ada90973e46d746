/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calendar arithmetic in whole days and seconds, proleptic Gregorian, no tables of leap years.
 */
#include "mc146818_time.h"

#include "base/macros.h"

#define DAY             86400
#define HOUR            3600
#define PM              0x80
#define DONT_CARE       0xc0
#define PIVOT           70
#define CENTURY_MIN     19
#define CENTURY_MAX     21

/* Days from 1970-01-01 to the first of March of year 0, which makes February the last month. */
#define DAYS_TO_MARCH_0 719468
#define DAYS_IN_400Y    146097

struct date {
	int64_t year;
	unsigned int month, day; /* from 1 */
};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t days_from_date(int64_t year, unsigned int month, unsigned int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = floor_div(y, 400);
	int64_t year_of_era = y - era * 400;
	int64_t month_from_march = (month + 9) % 12;
	int64_t day_of_year = (153 * month_from_march + 2) / 5 + (int64_t)day - 1;

	return era * DAYS_IN_400Y + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - DAYS_TO_MARCH_0;
}

static struct date date_from_days(int64_t days)
{
	int64_t z = days + DAYS_TO_MARCH_0;
	int64_t era = floor_div(z, DAYS_IN_400Y);
	int64_t of_era = z - era * DAYS_IN_400Y;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t march_month = (5 * of_year + 2) / 153;
	unsigned int month = (unsigned int)((march_month + 2) % 12 + 1);

	return (struct date){
		.year = year + era * 400 + (month <= 2),
		.month = month,
		.day = (unsigned int)(of_year - (153 * march_month + 2) / 5 + 1),
	};
}

static uint8_t to_register(unsigned int value, uint8_t b)
{
	return (uint8_t)(b & RTC_B_BINARY ? value : value / 10 << 4 | value % 10);
}

static unsigned int from_register(uint8_t raw, uint8_t b)
{
	return b & RTC_B_BINARY ? raw : (raw >> 4) * 10u + (raw & 15u);
}

static uint8_t hour_to_register(unsigned int hour, uint8_t b)
{
	unsigned int half = hour % 12 ? hour % 12 : 12;

	if (b & RTC_B_24H)
		return to_register(hour, b);
	return to_register(half, b) | (hour >= 12 ? PM : 0);
}

static unsigned int hour_from_register(uint8_t raw, uint8_t b)
{
	unsigned int half;

	if (b & RTC_B_24H)
		return from_register(raw, b);
	half = from_register(raw & (uint8_t)~PM, b) % 12;
	return raw & PM ? half + 12 : half;
}

/* 1970-01-01 was a Thursday; Sunday is 1. */
static unsigned int true_weekday(int64_t seconds)
{
	int64_t days = floor_div(seconds, DAY) + 4;

	return (unsigned int)(days - floor_div(days, 7) * 7);
}

void rtc_encode(int64_t seconds, uint8_t b, unsigned int weekday_shift, uint8_t *registers)
{
	int64_t days = floor_div(seconds, DAY);
	unsigned int of_day = (unsigned int)(seconds - days * DAY);
	struct date date = date_from_days(days);

	registers[RTC_SECONDS] = to_register(of_day % 60, b);
	registers[RTC_MINUTES] = to_register(of_day / 60 % 60, b);
	registers[RTC_HOURS] = hour_to_register(of_day / HOUR, b);
	registers[RTC_WEEKDAY] = to_register((true_weekday(seconds) + weekday_shift) % 7 + 1, b);
	registers[RTC_DAY] = to_register(date.day, b);
	registers[RTC_MONTH] = to_register(date.month, b);
	registers[RTC_YEAR] = to_register((unsigned int)(date.year % 100), b);
	registers[RTC_CENTURY] = to_register((unsigned int)(date.year / 100), b);
}

static bool century_is_valid(unsigned int century)
{
	return century >= CENTURY_MIN && century <= CENTURY_MAX;
}

static int64_t year_from_registers(const uint8_t *registers, uint8_t b)
{
	unsigned int year = from_register(registers[RTC_YEAR], b) % 100;
	unsigned int century = from_register(registers[RTC_CENTURY], b);

	if (!century_is_valid(century))
		century = year < PIVOT ? 20 : 19;
	return (int64_t)century * 100 + year;
}

static unsigned int month_length(int64_t year, unsigned int month)
{
	int64_t next =
		month == 12 ? days_from_date(year + 1, 1, 1) : days_from_date(year, month + 1, 1);

	return (unsigned int)(next - days_from_date(year, month, 1));
}

bool rtc_date_is_valid(const uint8_t *registers, uint8_t b)
{
	unsigned int month = from_register(registers[RTC_MONTH], b);
	unsigned int day = from_register(registers[RTC_DAY], b);

	return century_is_valid(from_register(registers[RTC_CENTURY], b)) &&
	       from_register(registers[RTC_YEAR], b) < 100 && month >= 1 && month <= 12 &&
	       day >= 1 && day <= month_length(year_from_registers(registers, b), month);
}

int64_t rtc_day(int64_t seconds)
{
	return floor_div(seconds, DAY);
}

int64_t rtc_decode(const uint8_t *registers, uint8_t b)
{
	int64_t year = year_from_registers(registers, b);
	unsigned int month = (from_register(registers[RTC_MONTH], b) + 11) % 12 + 1;
	unsigned int day = from_register(registers[RTC_DAY], b);
	int64_t days = days_from_date(year, month, MIN(MAX(day, 1u), month_length(year, month)));

	return days * DAY + hour_from_register(registers[RTC_HOURS], b) * (int64_t)HOUR +
	       from_register(registers[RTC_MINUTES], b) * 60 +
	       from_register(registers[RTC_SECONDS], b);
}

unsigned int rtc_weekday_shift(int64_t seconds, uint8_t weekday)
{
	return (weekday % 7 + 6 + 7 - true_weekday(seconds)) % 7;
}

static bool matches(uint8_t alarm, unsigned int wanted, unsigned int value)
{
	return (alarm & DONT_CARE) == DONT_CARE || wanted == value;
}

int64_t rtc_next_alarm(int64_t seconds, const uint8_t *registers, uint8_t b)
{
	const uint8_t *alarm = registers;
	unsigned int hour = hour_from_register(alarm[RTC_HOURS_ALARM], b);
	unsigned int minute = from_register(alarm[RTC_MINUTES_ALARM], b);
	unsigned int second = from_register(alarm[RTC_SECONDS_ALARM], b);
	int64_t t = seconds + 1, end = seconds + DAY;

	while (t <= end) {
		unsigned int of_day = (unsigned int)(t - floor_div(t, DAY) * DAY);

		if (!matches(alarm[RTC_HOURS_ALARM], hour, of_day / HOUR))
			t += HOUR - of_day % HOUR;
		else if (!matches(alarm[RTC_MINUTES_ALARM], minute, of_day / 60 % 60))
			t += 60 - of_day % 60;
		else if (!matches(alarm[RTC_SECONDS_ALARM], second, of_day % 60))
			t++;
		else
			return t;
	}
	return RTC_NO_ALARM;
}
