/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real-time clock. While it runs, the time registers are made from the date when they are read,
 * and flags that nobody waits for are made when register C is read: an idle machine has no timer
 * here. While it is halted (SET, or the divider in reset), ram[] holds the time registers.
 *
 * A guest that sets the date register by register while the clock runs passes through dates that do
 * not exist, such as 31 February. Those are kept as they were written, in ram[], until the day ends
 * or the next register makes them a date (date_held).
 */
#include "vdev/mc146818.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mc146818_time.h"

#define RAM_SIZE   256u
#define BANK_SIZE  128u

#define REG_A      0x0a
#define REG_B      0x0b
#define REG_C      0x0c
#define REG_D      0x0d

#define A_UIP      BIT(7)
#define A_DIVIDER  0x70u
#define A_RUNNING  0x20u
#define A_RATE     0x0fu
#define B_SET      BIT(7)
#define B_PIE      BIT(6)
#define B_AIE      BIT(5)
#define B_UIE      BIT(4)
#define B_SQWE     BIT(3)
#define C_IRQF     BIT(7)
#define C_PF       BIT(6)
#define C_AF       BIT(5)
#define C_UF       BIT(4)
#define D_VRT      BIT(7)
#define FLAGS      (C_PF | C_AF | C_UF)
#define SECOND     INT64_C(1000000000)
#define NOT_STORED INT64_MIN
#define UIP_NS     244000 /* the update begins 244 µs after UIP is set */
#define OSCILLATOR 32768u
#define OFFSET_MAX (INT64_C(200) * 366 * 86400 * SECOND) /* as far as the century byte reaches */

struct vdev_mc146818 {
	struct vdev_device device;
	struct vdev_board *board;
	struct vdev_range range;
	struct vdev_timer update_timer, periodic_timer;
	struct vdev_irq irq;
	const struct vdev_date_source *date;
	void *date_owner;

	uint8_t index[2]; /* ports 70h and 72h */
	uint8_t ram[RAM_SIZE];
	uint8_t weekday_shift;
	bool date_held;         /* day, month, year and century in ram[] are no date */
	int64_t held_day;       /* the day that they are kept for */
	int64_t offset;         /* ns; the clock's time is the date plus this */
	int64_t stored_second;  /* the one that the time registers in ram[] show; or NOT_STORED */
	int64_t flags_second;   /* up to this second, UF and AF are accounted for */
	uint64_t periodic_mark; /* up to this period of the oscillator, PF is */
};

/* ---- time ---- */

static int64_t time_ns(const struct vdev_mc146818 *rtc)
{
	return rtc->date->read(rtc->date_owner) + rtc->offset;
}

static int64_t time_second(const struct vdev_mc146818 *rtc)
{
	int64_t ns = time_ns(rtc);

	return ns / SECOND - (ns % SECOND < 0);
}

static int64_t time_fraction(const struct vdev_mc146818 *rtc)
{
	return time_ns(rtc) - time_second(rtc) * SECOND;
}

static bool divider_runs(const struct vdev_mc146818 *rtc)
{
	return (rtc->ram[REG_A] & A_DIVIDER) == A_RUNNING;
}

static bool halted(const struct vdev_mc146818 *rtc)
{
	return (rtc->ram[REG_B] & B_SET) || !divider_runs(rtc);
}

static const uint8_t date_registers[] = {RTC_DAY, RTC_MONTH, RTC_YEAR, RTC_CENTURY};

static void encode(struct vdev_mc146818 *rtc, int64_t second)
{
	uint8_t registers[RTC_REGISTERS];

	memcpy(registers, rtc->ram, sizeof(registers));
	rtc_encode(second, rtc->ram[REG_B], rtc->weekday_shift, registers);
	rtc->date_held &= rtc_day(second) == rtc->held_day;
	for (unsigned int i = 0; rtc->date_held && i < ARRAY_SIZE(date_registers); i++)
		registers[date_registers[i]] = rtc->ram[date_registers[i]];
	memcpy(rtc->ram, registers, sizeof(registers));
}

/* Brings the time registers in ram[] up to date. */
static void store_time(struct vdev_mc146818 *rtc)
{
	int64_t second;

	if (halted(rtc))
		return;
	second = time_second(rtc);
	if (second == rtc->stored_second)
		return;
	encode(rtc, second);
	rtc->stored_second = second;
}

/* The clock goes on from the time registers, `fraction` ns into that second. */
static void load_time(struct vdev_mc146818 *rtc, int64_t fraction)
{
	int64_t second = rtc_decode(rtc->ram, rtc->ram[REG_B]);

	rtc->offset = second * SECOND + fraction - rtc->date->read(rtc->date_owner);
	rtc->weekday_shift = (uint8_t)rtc_weekday_shift(second, rtc->ram[RTC_WEEKDAY]);
	rtc->flags_second = second;
	rtc->date_held = !rtc_date_is_valid(rtc->ram, rtc->ram[REG_B]);
	rtc->held_day = rtc_day(second);
}

/* ---- flags ---- */

/* Length of the periodic interrupt's period in ticks of the oscillator; 0: none is selected. */
static unsigned int period_ticks(const struct vdev_mc146818 *rtc)
{
	unsigned int rate = rtc->ram[REG_A] & A_RATE;

	if (rate == 0 || !divider_runs(rtc))
		return 0;
	return rate <= 2 ? 1u << (rate + 6) : 1u << (rate - 1);
}

static uint64_t oscillator(const struct vdev_mc146818 *rtc)
{
	return vdev_ns_to_ticks(vdev_clock_now(&rtc->board->clock), OSCILLATOR);
}

static void account_periodic(struct vdev_mc146818 *rtc)
{
	unsigned int period = period_ticks(rtc);
	uint64_t mark = period ? oscillator(rtc) / period : 0;

	if (period && mark != rtc->periodic_mark)
		rtc->ram[REG_C] |= C_PF;
	rtc->periodic_mark = mark;
}

/* A date that was put back sets nothing. */
static void account_update(struct vdev_mc146818 *rtc)
{
	int64_t second = time_second(rtc);

	if (halted(rtc) || second == rtc->flags_second)
		return;
	if (second > rtc->flags_second) {
		rtc->ram[REG_C] |= C_UF;
		if (rtc_next_alarm(rtc->flags_second, rtc->ram, rtc->ram[REG_B]) <= second)
			rtc->ram[REG_C] |= C_AF;
	}
	rtc->flags_second = second;
}

static void update_irq(struct vdev_mc146818 *rtc)
{
	bool active = rtc->ram[REG_C] & rtc->ram[REG_B] & FLAGS;

	rtc->ram[REG_C] = (uint8_t)((rtc->ram[REG_C] & FLAGS) | (active ? C_IRQF : 0));
	vdev_irq_set(&rtc->irq, active);
}

static void arm_update(struct vdev_mc146818 *rtc)
{
	uint8_t waiting = rtc->ram[REG_B] & (uint8_t)~rtc->ram[REG_C] & (B_AIE | B_UIE);
	int64_t second = rtc->flags_second + 1;

	if (!(waiting & B_UIE) && (waiting & B_AIE))
		second = rtc_next_alarm(rtc->flags_second, rtc->ram, rtc->ram[REG_B]);
	if (!waiting || halted(rtc) || second == RTC_NO_ALARM) {
		vdev_timer_cancel(&rtc->update_timer);
		return;
	}
	vdev_timer_arm(&rtc->update_timer,
		       vdev_clock_now(&rtc->board->clock) +
			       (uint64_t)MAX(second * SECOND - time_ns(rtc), 0));
}

static void arm_periodic(struct vdev_mc146818 *rtc)
{
	unsigned int period = period_ticks(rtc);
	uint8_t waiting = rtc->ram[REG_B] & (uint8_t)~rtc->ram[REG_C] & B_PIE;

	if (!waiting || period == 0) {
		vdev_timer_cancel(&rtc->periodic_timer);
		return;
	}
	vdev_timer_arm(&rtc->periodic_timer,
		       vdev_ticks_to_ns((rtc->periodic_mark + 1) * period, OSCILLATOR));
}

/* Everything that follows from the registers and the present moment. */
static void settle(void *owner)
{
	struct vdev_mc146818 *rtc = owner;

	account_periodic(rtc);
	account_update(rtc);
	update_irq(rtc);
	arm_update(rtc);
	arm_periodic(rtc);
}

/* ---- registers ---- */

/*
 * The next cause may come between the look at the flags and their clearing. The line falls first, so
 * that it has an edge then: the 8259 and the IOAPIC see nothing else.
 */
static uint8_t read_c(struct vdev_mc146818 *rtc)
{
	uint8_t value;

	settle(rtc);
	value = rtc->ram[REG_C];
	rtc->ram[REG_C] = 0;
	vdev_irq_set(&rtc->irq, false);
	settle(rtc);
	return value;
}

static uint8_t read_register(struct vdev_mc146818 *rtc, unsigned int index)
{
	if (index < RTC_TIME_COUNT || index == RTC_CENTURY)
		store_time(rtc);
	if (index == REG_C)
		return read_c(rtc);
	if (index == REG_A && !halted(rtc) && time_fraction(rtc) >= SECOND - UIP_NS)
		return rtc->ram[REG_A] | A_UIP;
	return rtc->ram[index];
}

/* Bits of A and B that halt or start the clock: the time moves between offset and registers. */
static void write_control(struct vdev_mc146818 *rtc, unsigned int index, uint8_t value)
{
	bool was_halted = halted(rtc), was_running = divider_runs(rtc);
	int64_t fraction = time_fraction(rtc);

	store_time(rtc);
	rtc->ram[index] = value;
	if (was_halted && !halted(rtc))
		load_time(rtc, was_running ? fraction : SECOND / 2);
	rtc->periodic_mark = period_ticks(rtc) ? oscillator(rtc) / period_ticks(rtc) : 0;
}

static bool is_time(unsigned int index)
{
	return index == RTC_CENTURY || (index < RTC_TIME_COUNT && index != RTC_SECONDS_ALARM &&
					index != RTC_MINUTES_ALARM && index != RTC_HOURS_ALARM);
}

static void write_time(struct vdev_mc146818 *rtc, unsigned int index, uint8_t value)
{
	int64_t fraction = time_fraction(rtc);

	store_time(rtc);
	rtc->ram[index] = value;
	if (!halted(rtc))
		load_time(rtc, fraction);
}

static void write_register(struct vdev_mc146818 *rtc, unsigned int index, uint8_t value)
{
	settle(rtc);
	if (index == REG_A)
		write_control(rtc, index, value & (uint8_t)~A_UIP);
	else if (index == REG_B)
		write_control(rtc, index, value & B_SET ? value & (uint8_t)~B_UIE : value);
	else if (is_time(index))
		write_time(rtc, index, value);
	else if (index != REG_C && index != REG_D)
		rtc->ram[index] = value;
	rtc->stored_second = NOT_STORED;
	settle(rtc);
}

/* Even offsets select, odd ones are data; offset 2 and 3 reach the upper bank. */
static uint64_t rtc_read(void *owner, uint64_t offset, unsigned int width)
{
	struct vdev_mc146818 *rtc = owner;
	unsigned int bank = (unsigned int)offset / 2;

	if (offset == 0)
		return 0xff; /* write-only: it shares the port with the NMI mask */
	if (offset == 2)
		return rtc->index[1];
	if (bank)
		return rtc->ram[BANK_SIZE + rtc->index[1]];
	return read_register(rtc, rtc->index[0]);
}

static void rtc_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_mc146818 *rtc = owner;
	unsigned int bank = (unsigned int)offset / 2;

	if (offset % 2 == 0)
		rtc->index[bank] = value & (BANK_SIZE - 1);
	else if (bank)
		rtc->ram[BANK_SIZE + rtc->index[1]] = (uint8_t)value;
	else
		write_register(rtc, rtc->index[0], (uint8_t)value);
}

static const struct vdev_range_ops range_ops = {.read = rtc_read, .write = rtc_write};

/* ---- the host's side ---- */

void vdev_mc146818_set_ram(struct vdev_mc146818 *rtc, unsigned int offset, uint8_t value)
{
	CHECK(offset > REG_D && offset < RAM_SIZE);
	rtc->ram[offset] = value;
}

uint8_t vdev_mc146818_ram(const struct vdev_mc146818 *rtc, unsigned int offset)
{
	CHECK(offset > REG_D && offset < RAM_SIZE);
	return rtc->ram[offset];
}

static void set_number(struct vdev_mc146818 *rtc, unsigned int offset, uint64_t value,
		       unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		rtc->ram[offset + i] = (uint8_t)(value >> (8 * i));
}

static uint64_t above(uint64_t bytes, uint64_t floor)
{
	return bytes > floor ? bytes - floor : 0;
}

void vdev_mc146818_set_memory(struct vdev_mc146818 *rtc, uint64_t below_4g, uint64_t above_4g)
{
	uint64_t extended = MIN(above(below_4g, MIB(1)) >> 10, UINT16_MAX);

	set_number(rtc, CMOS_BASE_LOW, MIN(below_4g >> 10, 640), 2);
	set_number(rtc, CMOS_EXTENDED_LOW, extended, 2);
	set_number(rtc, CMOS_EXTENDED2_LOW, extended, 2);
	set_number(rtc, CMOS_ABOVE_16M_LOW, MIN(above(below_4g, MIB(16)) >> 16, UINT16_MAX), 2);
	set_number(rtc, CMOS_ABOVE_4G_LOW, above_4g >> 16, 3);
}

/* ---- device ---- */

static const struct vdev_field fields[] = {
	VDEV_FIELD_ARRAY_MAX(1, struct vdev_mc146818, index, BANK_SIZE - 1),
	VDEV_FIELD_ARRAY(2, struct vdev_mc146818, ram),
	VDEV_FIELD_MAX(3, struct vdev_mc146818, weekday_shift, 6),
	VDEV_FIELD(4, struct vdev_mc146818, offset),
	VDEV_FIELD(5, struct vdev_mc146818, periodic_mark),
	VDEV_FIELD(6, struct vdev_mc146818, date_held),
	VDEV_FIELD(7, struct vdev_mc146818, held_day),
};

static struct vdev_mc146818 *to_rtc(struct vdev_device *device)
{
	return container_of(device, struct vdev_mc146818, device);
}

/* RESET# leaves the time and the RAM, which have a battery. */
static void mc146818_reset(struct vdev_device *device)
{
	struct vdev_mc146818 *rtc = to_rtc(device);

	rtc->index[0] = rtc->index[1] = 0;
	rtc->ram[REG_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE | B_SQWE);
	rtc->ram[REG_C] = 0;
	settle(rtc);
	rtc->ram[REG_C] = 0;
}

static void mc146818_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	vdev_state_put_fields(writer, fields, ARRAY_SIZE(fields), device);
}

static bool state_valid(const struct vdev_mc146818 *rtc)
{
	return rtc->offset >= -OFFSET_MAX && rtc->offset <= OFFSET_MAX &&
	       !(rtc->ram[REG_A] & A_UIP) && rtc->ram[REG_D] == D_VRT &&
	       !(rtc->ram[REG_C] & ~(C_IRQF | FLAGS)) && rtc->periodic_mark <= oscillator(rtc);
}

static int mc146818_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	struct vdev_mc146818 *rtc = to_rtc(device);
	struct vdev_mc146818 copy = *rtc;
	int r = vdev_state_get_fields(record, fields, ARRAY_SIZE(fields), &copy);

	if (r < 0)
		return r;
	if (!state_valid(&copy))
		return -EBADMSG;
	*rtc = copy;
	rtc->stored_second = NOT_STORED;
	rtc->flags_second = time_second(rtc);
	update_irq(rtc);
	arm_update(rtc);
	arm_periodic(rtc);
	return 0;
}

static void mc146818_destroy(struct vdev_device *device)
{
	struct vdev_mc146818 *rtc = to_rtc(device);

	vdev_timer_cancel(&rtc->update_timer);
	vdev_timer_cancel(&rtc->periodic_timer);
	vdev_irq_connect(&rtc->irq, NULL);
	vdev_bus_remove(&rtc->board->ports, &rtc->range);
	free(rtc);
}

static const struct vdev_device_class mc146818_class = {
	.type = "MC146818A",
	.version = 2, /* date_held */
	.reset = mc146818_reset,
	.save = mc146818_save,
	.restore = mc146818_restore,
	.destroy = mc146818_destroy,
};

/* As a set-up PC leaves it: running, 24 hours, BCD, 1024 Hz selected. */
static void set_up(struct vdev_mc146818 *rtc)
{
	rtc->ram[REG_A] = A_RUNNING | 6;
	rtc->ram[REG_B] = RTC_B_24H;
	rtc->ram[REG_D] = D_VRT;
	store_time(rtc);
	rtc->flags_second = time_second(rtc);
	rtc->periodic_mark = oscillator(rtc) / period_ticks(rtc);
}

int vdev_mc146818_create(struct vdev_board *board, struct vdev_irq_line *irq8,
			 const struct vdev_date_source *date, void *date_owner,
			 struct vdev_mc146818 **ret_rtc)
{
	struct vdev_mc146818 *rtc = calloc(1, sizeof(*rtc));
	int r;

	if (!rtc)
		return -ENOMEM;
	vdev_device_init(&rtc->device, &mc146818_class, "mc146818");
	rtc->board = board;
	rtc->stored_second = NOT_STORED;
	rtc->date = date;
	rtc->date_owner = date_owner;
	vdev_timer_init(&rtc->update_timer, &board->clock, settle, rtc);
	vdev_timer_init(&rtc->periodic_timer, &board->clock, settle, rtc);
	rtc->range = (struct vdev_range){
		.name = "RTC", .base = 0x70, .size = 4, .ops = &range_ops, .owner = rtc};
	set_up(rtc);
	vdev_irq_connect(&rtc->irq, irq8);
	r = vdev_bus_add(&board->ports, &rtc->range);
	if (r < 0) {
		mc146818_destroy(&rtc->device);
		return r;
	}
	*ret_rtc = rtc;
	return 0;
}

struct vdev_device *vdev_mc146818_device(struct vdev_mc146818 *rtc)
{
	return &rtc->device;
}
