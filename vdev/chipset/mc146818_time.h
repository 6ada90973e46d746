/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calendar of the MC146818A: its ten time registers and the century byte that PCs keep in its
 * RAM, as seconds since 1970 and back. A century byte other than 19 to 21 is not believed: years 70
 * to 99 are then 1970 and on, 00 to 69 are 2000 and on.
 */
#ifndef VDEV_MC146818_TIME_H
#define VDEV_MC146818_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define RTC_SECONDS       0x00
#define RTC_SECONDS_ALARM 0x01
#define RTC_MINUTES       0x02
#define RTC_MINUTES_ALARM 0x03
#define RTC_HOURS         0x04
#define RTC_HOURS_ALARM   0x05
#define RTC_WEEKDAY       0x06
#define RTC_DAY           0x07
#define RTC_MONTH         0x08
#define RTC_YEAR          0x09
#define RTC_TIME_COUNT    0x0a
#define RTC_CENTURY       0x32
#define RTC_REGISTERS     0x33 /* what the functions below are handed */

/* The bits of register B that say how the registers are written. */
#define RTC_B_24H         0x02
#define RTC_B_BINARY      0x04

#define RTC_NO_ALARM      INT64_MAX

/* Fills in all but the alarm registers. `weekday_shift` days are added to the true day of the week. */
void rtc_encode(int64_t seconds, uint8_t b, unsigned int weekday_shift, uint8_t *registers);

/*
 * A time of day that is none counts on into the next larger unit. A day that the month does not have
 * is the month's last one (or first): so the chip itself goes on, to the first of the next month, at
 * midnight.
 */
int64_t rtc_decode(const uint8_t *registers, uint8_t b);

/* Day, month, year and century as they stand there are a date. */
bool rtc_date_is_valid(const uint8_t *registers, uint8_t b);

/* Whole days since 1970. */
int64_t rtc_day(int64_t seconds);

/* How the weekday register differs from the true day, 0 to 6. */
unsigned int rtc_weekday_shift(int64_t seconds, uint8_t weekday);

/* The first second after `seconds` that the alarm registers match, or RTC_NO_ALARM. */
int64_t rtc_next_alarm(int64_t seconds, const uint8_t *registers, uint8_t b);

#endif
