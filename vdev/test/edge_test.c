/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every source of edge-triggered interrupts, with time that moves between any two looks at the
 * clock: a handler that acknowledges once for each edge, as the data sheet says, meets an edge for
 * the next cause, whenever that comes. A line that stays high over an acknowledgement is dead: the
 * 8259 and the IOAPIC never see it again.
 */
#include "ide_bench.h"
#include "test_main.h"
#include "vdev/i8042.h"
#include "vdev/i8254.h"
#include "vdev/mc146818.h"
#include "vdev/ns16550a.h"

#define ROUNDS 200u
#define STEPS  1000u /* timers that may expire before a cause must have shown */

struct source {
	const char *name;
	unsigned int irq;
	void (*set_up)(void);
	void (*cause)(void); /* NULL: time alone */
	void (*acknowledge)(void);
};

static struct ide_bench b;
static struct test_board *t;
static struct vdev_i8254 *pit;
static struct vdev_mc146818 *rtc;
static struct vdev_i8042 *kbc;
static struct vdev_ns16550a *uart;

static int64_t read_date(void *owner)
{
	return INT64_C(1709164799000000000) + (int64_t)((struct test_board *)owner)->time;
}

static size_t host_write(void *owner, const uint8_t *data, size_t size)
{
	return size;
}

static void setup(void)
{
	static const struct vdev_date_source date = {read_date};
	static const struct vdev_chardev_ops ops = {.write = host_write};
	static const struct vdev_chardev host = {&ops, NULL};
	struct vdev_board *board;

	bench_create(&b);
	t = b.t;
	board = &t->board;
	ck_assert_int_eq(vdev_i8254_create(board, &t->irq[0].line, &pit), 0);
	ck_assert_int_eq(vdev_mc146818_create(board, &t->irq[8].line, &date, t, &rtc), 0);
	ck_assert_int_eq(vdev_i8042_create(board, &t->irq[1].line, &t->irq[12].line, &kbc), 0);
	ck_assert_int_eq(vdev_ns16550a_create(board, "com1", 0x3f8, &t->irq[4].line, &host, &uart),
			 0);
}

static void teardown(void)
{
	vdev_device_destroy(vdev_ns16550a_device(uart));
	vdev_device_destroy(vdev_i8042_device(kbc));
	vdev_device_destroy(vdev_mc146818_device(rtc));
	vdev_device_destroy(vdev_i8254_device(pit));
	bench_destroy(&b);
}

/* --- 8254: its edges need no acknowledgement --- */

static void pit_set_mode(uint8_t mode)
{
	test_out8(t, 0x43, (uint8_t)(0x30 | mode << 1));
}

static void pit_load(void)
{
	test_out8(t, 0x40, 0x20);
	test_out8(t, 0x40, 0x00);
}

static void pit_rate(void)
{
	pit_set_mode(2);
	pit_load();
}

static void pit_square(void)
{
	pit_set_mode(3);
	pit_load();
}

static void pit_one_shot(void)
{
	pit_set_mode(0);
}

static void pit_strobe(void)
{
	pit_set_mode(4);
}

static void pit_read(void)
{
	test_out8(t, 0x43, 0);
	test_in8(t, 0x40);
	test_in8(t, 0x40);
}

/* --- MC146818A: reading register C --- */

static uint8_t rtc_get(uint8_t reg)
{
	test_out8(t, 0x70, reg);
	return test_in8(t, 0x71);
}

static void rtc_set(uint8_t reg, uint8_t value)
{
	test_out8(t, 0x70, reg);
	test_out8(t, 0x71, value);
}

static void rtc_periodic(void)
{
	rtc_set(0x0a, 0x23); /* 8192 Hz */
	rtc_set(0x0b, 0x42);
}

static void rtc_update(void)
{
	rtc_set(0x0b, 0x12);
}

static void rtc_alarm(void)
{
	rtc_set(1, 0xff);
	rtc_set(3, 0xff);
	rtc_set(5, 0xff);
	rtc_set(0x0b, 0x22);
}

static void rtc_all(void)
{
	rtc_alarm();
	rtc_set(0x0a, 0x23);
	rtc_set(0x0b, 0x72);
}

static void rtc_read_c(void)
{
	ck_assert(rtc_get(0x0c) & 0x80);
}

/* --- 8042: reading the data port --- */

static void kbc_command_byte(uint8_t value)
{
	test_out8(t, 0x64, 0x60);
	test_out8(t, 0x60, value);
}

static void kbc_keyboard(void)
{
	kbc_command_byte(0x41);
}

static void kbc_press(void)
{
	vdev_i8042_key(kbc, 0x1e, true);
	vdev_i8042_key(kbc, 0x1e, false);
}

static void kbc_answer(void)
{
	test_out8(t, 0x64, 0xaa);
	test_out8(t, 0x64, 0xab); /* replaces an answer that nobody has read */
}

static void kbc_mouse(void)
{
	kbc_command_byte(0x02);
	test_out8(t, 0x64, 0xd4);
	test_out8(t, 0x60, 0xf4);
	test_in8(t, 0x60);
}

static void kbc_move(void)
{
	vdev_i8042_mouse(kbc, 1, 1, 0, 0);
}

static void kbc_read(void)
{
	test_in8(t, 0x60);
}

/* --- NS16550A: what each identification asks for --- */

static void uart_set_up(uint8_t ier, uint8_t fcr)
{
	test_out8(t, 0x3fa, fcr);
	test_out8(t, 0x3f9, ier);
}

static void uart_receiver(void)
{
	uart_set_up(1, 0);
}

static void uart_fifo(void)
{
	uart_set_up(1, 0x81);
}

static void uart_transmitter(void)
{
	uart_set_up(2, 1);
	test_in8(t, 0x3fa);
}

static void uart_line(void)
{
	uart_set_up(4, 1);
}

static void uart_modem(void)
{
	uart_set_up(8, 1);
}

static void uart_receive(void)
{
	ck_assert_uint_eq(vdev_ns16550a_receive(uart, (const uint8_t *)"x", 1), 1);
}

static void uart_read(void)
{
	test_in8(t, 0x3f8);
}

static void uart_send(void)
{
	test_out8(t, 0x3f8, 'x');
}

static void uart_identify(void)
{
	ck_assert_uint_eq(test_in8(t, 0x3fa) & 0x0f, 0x02);
}

static void uart_break(void)
{
	vdev_ns16550a_break(uart);
}

static void uart_read_lsr(void)
{
	test_in8(t, 0x3fd);
	test_in8(t, 0x3f8);
}

static void uart_toggle_dtr(void)
{
	static uint8_t mcr = 0x10;

	test_out8(t, 0x3fc, mcr ^= 1);
}

static void uart_read_msr(void)
{
	test_in8(t, 0x3fe);
}

/* --- IDE: reading the status, or a new command --- */

static void ide_nothing(void)
{
	bench_enable(&b);
}

static void ide_read(void)
{
	bench_command(&b, ATA, 0, 0, 2, 0x20);
	bench_pump(&b);
}

/* A block's interrupt is acknowledged before its data is read; the next block follows at once. */
static void ide_read_block(void)
{
	uint8_t sector[512];

	test_in8(t, ATA + 7);
	bench_read_words(&b, ATA, sector, sizeof sector);
	bench_pump(&b);
	if (!t->irq[14].level)
		return;
	test_in8(t, ATA + 7);
	bench_read_words(&b, ATA, sector, sizeof sector);
}

static void ide_flush(void)
{
	bench_command(&b, ATA, 0, 0, 0, 0xe7);
	bench_pump(&b);
}

static void ide_status(void)
{
	test_in8(t, ATA + 7);
}

static void ide_packet(void)
{
	static const uint8_t test_unit_ready[12];

	test_out8(t, ATA + 6, 0xb0);
	test_out8(t, ATA + 7, 0xa0);
	bench_write_words(&b, ATA, test_unit_ready, 12);
	bench_pump(&b);
}

static void ide_packet_read(void)
{
	ide_status();
}

/* A driver that polls lets the line stay high; the command register lowers it as well. */
static void ide_poll(void)
{
	test_in8(t, ATA + 0x206);
}

/* --- the table --- */

static const struct source sources[] = {
	{"8254 mode 0", 0, pit_one_shot, pit_load, pit_read},
	{"8254 mode 2", 0, pit_rate, NULL, pit_read},
	{"8254 mode 3", 0, pit_square, NULL, pit_read},
	{"8254 mode 4", 0, pit_strobe, pit_load, pit_read},
	{"MC146818A PF", 8, rtc_periodic, NULL, rtc_read_c},
	{"MC146818A UF", 8, rtc_update, NULL, rtc_read_c},
	{"MC146818A AF", 8, rtc_alarm, NULL, rtc_read_c},
	{"MC146818A PF, UF and AF", 8, rtc_all, NULL, rtc_read_c},
	{"8042 keyboard", 1, kbc_keyboard, kbc_press, kbc_read},
	{"8042 answer", 1, kbc_keyboard, kbc_answer, kbc_read},
	{"8042 mouse", 12, kbc_mouse, kbc_move, kbc_read},
	{"NS16550A receiver", 4, uart_receiver, uart_receive, uart_read},
	{"NS16550A receiver timeout", 4, uart_fifo, uart_receive, uart_read},
	{"NS16550A transmitter, IIR", 4, uart_transmitter, uart_send, uart_identify},
	{"NS16550A transmitter, THR", 4, uart_transmitter, uart_send, uart_send},
	{"NS16550A line status", 4, uart_line, uart_break, uart_read_lsr},
	{"NS16550A modem status", 4, uart_modem, uart_toggle_dtr, uart_read_msr},
	{"IDE data", 14, ide_nothing, ide_read, ide_read_block},
	{"IDE completion", 14, ide_nothing, ide_flush, ide_status},
	{"IDE completion, polled", 14, ide_nothing, ide_flush, ide_poll},
	{"ATAPI completion", 14, ide_nothing, ide_packet, ide_packet_read},
};

/* Lets timers expire until the line has risen since `seen`. */
static void wait_for_rise(const struct test_line *line, unsigned int seen)
{
	for (unsigned int i = 0; i < STEPS && line->rises == seen; i++) {
		uint64_t deadline = vdev_clock_deadline(&t->board.clock);

		if (deadline != VDEV_NEVER && deadline > t->time)
			t->time = deadline;
		vdev_clock_run(&t->board.clock);
	}
}

/* The edge of a cause may come with the acknowledgement of the one before: so much is allowed. */
static void try_source(const struct source *source)
{
	const struct test_line *line = &t->irq[source->irq];
	unsigned int seen;

	source->set_up();
	seen = line->rises - line->level;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (source->cause)
			source->cause();
		wait_for_rise(line, seen);
		ck_assert_msg(line->rises != seen,
			      "%s, looks of %lu ns: no edge in round %u, the line is %s",
			      source->name, (unsigned long)t->creep, i,
			      line->level ? "high" : "low");
		seen = line->rises;
		source->acknowledge();
	}
}

static void reset(void)
{
	vdev_device_reset(b.ide);
	vdev_device_reset(vdev_i8254_device(pit));
	vdev_device_reset(vdev_mc146818_device(rtc));
	vdev_device_reset(vdev_i8042_device(kbc));
	vdev_device_reset(vdev_ns16550a_device(uart));
}

START_TEST(each_acknowledgement_makes_room_for_an_edge)
{
	static const uint64_t creeps[] = {0, 1, 997, 30011, 61000, 121001};

	for (size_t i = 0; i < ARRAY_SIZE(creeps); i++) {
		reset();
		t->creep = creeps[i];
		try_source(&sources[_i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vdev/edge");
	TCase *tcase = tcase_create("vdev/edge");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, each_acknowledgement_makes_room_for_an_edge, 0,
			    (int)ARRAY_SIZE(sources));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
