/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UART: what drivers probe for, interrupts by priority, FIFOs, back-pressure in both directions,
 * and how many exits a guest needs to send.
 */
#include <string.h>

#include "test_board.h"
#include "test_main.h"
#include "test_registers.h"
#include "vdev/ns16550a.h"

#define COM 0x3f8

static struct test_board *t;
static struct vdev_ns16550a *uart;
static struct test_line *irq4;
static uint8_t host_data[256];
static size_t host_size, host_space;
static unsigned int readable_calls;

static size_t host_write(void *owner, const uint8_t *data, size_t size)
{
	size_t taken = MIN(size, host_space);

	memcpy(host_data + host_size, data, taken);
	host_size += taken;
	host_space -= taken;
	return taken;
}

static void host_readable(void *owner)
{
	readable_calls++;
}

static const struct vdev_chardev_ops host_ops = {host_write, host_readable};
static const struct vdev_chardev host = {&host_ops, NULL};

static void setup(void)
{
	t = test_board_create();
	irq4 = &t->irq[4];
	host_size = readable_calls = 0;
	host_space = sizeof(host_data);
	ck_assert_int_eq(vdev_ns16550a_create(&t->board, "com1", COM, &irq4->line, &host, &uart),
			 0);
}

static void teardown(void)
{
	vdev_device_destroy(vdev_ns16550a_device(uart));
	test_board_destroy(t);
}

static uint8_t in(unsigned int reg)
{
	return test_in8(t, (uint16_t)(COM + reg));
}

static void out(unsigned int reg, uint8_t value)
{
	test_out8(t, (uint16_t)(COM + reg), value);
}

static size_t receive(const char *text)
{
	return vdev_ns16550a_receive(uart, (const uint8_t *)text, strlen(text));
}

START_TEST(probing_finds_a_16550a)
{
	out(1, 0x0f);
	ck_assert_uint_eq(in(1), 0x0f);
	out(7, 0x5a);
	ck_assert_uint_eq(in(7), 0x5a);
	out(2, 0x01);
	ck_assert_uint_eq(in(2) & 0xc0, 0xc0);
	out(2, 0x00);
	ck_assert_uint_eq(in(2) & 0xc0, 0x00);
	out(4, 0x1a);
	ck_assert_uint_eq(in(6) & 0xf0, 0x90);
	out(3, 0x80);
	out(0, 0x34);
	out(1, 0x12);
	ck_assert_uint_eq(in(0), 0x34);
	ck_assert_uint_eq(in(1), 0x12);
}
END_TEST

START_TEST(sent_bytes_reach_the_host)
{
	for (const char *p = "hello"; *p; p++)
		out(0, (uint8_t)*p);
	ck_assert_uint_eq(host_size, 5);
	ck_assert_mem_eq(host_data, "hello", 5);
	ck_assert_uint_eq(in(5), 0x60);
}
END_TEST

START_TEST(transmit_interrupts)
{
	out(4, 0x08);
	ck_assert(!irq4->level);
	out(1, 0x02);
	ck_assert(irq4->level); /* the register was empty already */
	ck_assert_uint_eq(in(2), 0x02);
	ck_assert(!irq4->level);
	ck_assert_uint_eq(in(2), 0x01);
	out(0, 'x');
	ck_assert(irq4->level);
	ck_assert_uint_eq(irq4->rises, 2);
	out(0, 'y'); /* without a look at IIR: the line falls with the byte, and rises behind it */
	ck_assert(irq4->level);
	ck_assert_uint_eq(irq4->rises, 3);
}
END_TEST

/* Small kernels set IER and nothing else. */
START_TEST(interrupts_need_no_out2)
{
	out(1, 0x01);
	ck_assert_uint_eq(receive("a"), 1);
	ck_assert(irq4->level);
	ck_assert_uint_eq(in(2), 0x04);
	ck_assert_uint_eq(in(0), 'a');
	ck_assert(!irq4->level);
	for (unsigned int mcr = 0; mcr < 16; mcr++) { /* no output is a gate */
		out(4, (uint8_t)mcr);
		receive("b");
		ck_assert(irq4->level);
		in(0);
		ck_assert(!irq4->level);
	}
	out(1, 0x00);
	receive("c");
	ck_assert(!irq4->level); /* IER is */
}
END_TEST

/* What Linux does per interrupt: IIR, LSR, 16 bytes, IIR. */
START_TEST(sixteen_bytes_cost_one_interrupt)
{
	uint64_t exits;
	struct vdev_range *range = vdev_bus_find(&t->board.ports, COM);

	out(2, 0x01);
	out(4, 0x08);
	out(1, 0x02);
	exits = range->reads + range->writes;
	irq4->rises = 0;
	ck_assert_uint_eq(in(2), 0xc2);
	in(5);
	for (unsigned int i = 0; i < 16; i++)
		out(0, 'x');
	ck_assert_uint_eq(irq4->level, 1);
	ck_assert_uint_eq(host_size, 16);
	ck_assert_uint_eq(range->reads + range->writes - exits, 18);
}
END_TEST

START_TEST(a_full_host_stops_the_transmitter)
{
	out(2, 0x01);
	host_space = 3;
	for (unsigned int i = 0; i < 10; i++)
		out(0, (uint8_t)('0' + i));
	ck_assert_uint_eq(host_size, 3);
	ck_assert_uint_eq(in(5) & 0x60, 0);
	out(4, 0x08);
	out(1, 0x02);
	ck_assert(!irq4->level);
	host_space = 4;
	vdev_ns16550a_writable(uart);
	ck_assert(!irq4->level);
	host_space = 100;
	vdev_ns16550a_writable(uart);
	ck_assert(irq4->level);
	ck_assert_mem_eq(host_data, "0123456789", 10);
}
END_TEST

START_TEST(received_bytes_wait_with_the_host)
{
	ck_assert_uint_eq(receive("ab"), 1);
	ck_assert_uint_eq(in(5) & 1, 1);
	ck_assert_uint_eq(readable_calls, 0);
	ck_assert_uint_eq(in(0), 'a');
	ck_assert_uint_eq(readable_calls, 1);
	ck_assert_uint_eq(in(5) & 1, 0);
	out(2, 0x01);
	ck_assert_uint_eq(receive("0123456789abcdefgh"), 16);
	ck_assert_uint_eq(in(0), '0');
	ck_assert_uint_eq(readable_calls, 2);
}
END_TEST

START_TEST(receive_interrupts_at_the_trigger_level)
{
	out(2, 0x81); /* 8 bytes */
	out(4, 0x08);
	out(1, 0x01);
	receive("1234567");
	ck_assert(!irq4->level);
	receive("8");
	ck_assert(irq4->level);
	ck_assert_uint_eq(in(2), 0xc4);
	in(0);
	ck_assert(!irq4->level);
}
END_TEST

START_TEST(few_bytes_come_after_four_characters)
{
	out(3, 0x80);
	out(0, 1); /* 115200: a character takes 87 µs */
	out(1, 0);
	out(3, 0x03);
	out(2, 0xc1);
	out(4, 0x08);
	out(1, 0x01);
	receive("x");
	test_board_advance(t, 340000);
	ck_assert(!irq4->level);
	test_board_advance(t, 10000);
	ck_assert(irq4->level);
	ck_assert_uint_eq(in(2), 0xcc);
	ck_assert_uint_eq(in(0), 'x');
	ck_assert(!irq4->level);
}
END_TEST

START_TEST(line_status_comes_first)
{
	out(2, 0x01);
	out(4, 0x08);
	out(1, 0x07);
	vdev_ns16550a_break(uart);
	ck_assert_uint_eq(in(2), 0xc6);
	ck_assert_uint_eq(in(5) & 0x11, 0x11);
	ck_assert_uint_eq(in(2), 0xc4);
	ck_assert_uint_eq(in(0), 0);
	ck_assert_uint_eq(in(2), 0xc2);
}
END_TEST

START_TEST(loopback_receives_what_it_sends)
{
	out(4, 0x10);
	out(0, 'q');
	ck_assert_uint_eq(host_size, 0);
	ck_assert_uint_eq(receive("z"), 0);
	ck_assert_uint_eq(in(0), 'q');
	out(0, '1');
	out(0, '2');
	ck_assert_uint_eq(in(5) & 0x02, 0x02);
	out(4, 0x00);
	ck_assert_uint_eq(in(6) & 0xf0, 0xb0);
}
END_TEST

START_TEST(modem_changes_are_told_once)
{
	in(6);
	out(4, 0x18); /* loopback with OUT2: CTS and DSR fall */
	ck_assert_uint_eq(in(6), 0x83);
	ck_assert_uint_eq(in(6), 0x80);
	out(4, 0x1c); /* RI rises: only its fall is told */
	ck_assert_uint_eq(in(6), 0xc0);
	out(4, 0x18);
	ck_assert_uint_eq(in(6), 0x84);
}
END_TEST

START_TEST(fifo_control_clears)
{
	out(2, 0x01);
	receive("abc");
	out(2, 0x03);
	ck_assert_uint_eq(in(5) & 1, 0);
	host_space = 0;
	out(0, 'x');
	ck_assert_uint_eq(in(5) & 0x20, 0);
	out(2, 0x05);
	ck_assert_uint_eq(in(5) & 0x20, 0x20);
}
END_TEST

START_TEST(state_and_registers)
{
	struct test_board *t2 = test_board_create();
	const struct vdev_chardev nobody = {0};
	struct vdev_ns16550a *other;

	ck_assert_int_eq(
		vdev_ns16550a_create(&t2->board, "com1", COM, &t2->irq[4].line, &nobody, &other),
		0);
	out(2, 0x41);
	out(4, 0x08);
	out(1, 0x05);
	receive("saved");
	host_space = 0;
	out(0, 'k');
	test_round_trip(vdev_ns16550a_device(uart), vdev_ns16550a_device(other));
	ck_assert(t2->irq[4].level);
	vdev_device_destroy(vdev_ns16550a_device(other));
	test_board_destroy(t2);
	test_hostile_state(vdev_ns16550a_device(uart));
	test_register_walk(t, vdev_ns16550a_device(uart), true, COM, 8);
}
END_TEST

#define LATCH 0x10 /* added to a register's number: with DLAB set */

static uint32_t read_latch(void *owner, unsigned int at, unsigned int width)
{
	uint8_t value;

	if (at < LATCH)
		return in(at);
	out(3, 0x80);
	value = in(at - LATCH);
	out(3, 0);
	return value;
}

static void write_latch(void *owner, unsigned int at, unsigned int width, uint32_t value)
{
	if (at >= LATCH)
		out(3, 0x80);
	out(at % LATCH, (uint8_t)value);
	if (at >= LATCH)
		out(3, 0);
}

/* Data sheet, table II; RBR, THR, FCR and what reading LSR and MSR does are conversations. */
START_TEST(the_data_sheet)
{
	static const struct test_register registers[] = {
		{"IER", 1, 1, 0x00, 0x0f, 0},
		{"LCR", 3, 1, 0x00, 0xff, 0},
		{"MCR", 4, 1, 0x00, 0x1f, 0},
		{"LSR", 5, 1, 0x60, 0, 0},
		{"MSR", 6, 1, 0xb0, 0, 0}, /* CTS, DSR and DCD: the host is there */
		{"SCR", 7, 1, 0x00, 0xff, 0},
		{"DLL", LATCH, 1, 0x0c, 0xff, 0}, /* RESET leaves it undefined: 9600 baud */
		{"DLM", LATCH + 1, 1, 0x00, 0xff, 0},
	};
	const struct test_access access = {read_latch, write_latch, NULL};

	test_registers(vdev_ns16550a_device(uart), &access, registers, ARRAY_SIZE(registers));
	ck_assert_uint_eq(in(2), 0x01); /* IIR: nothing is pending, no FIFOs */
}
END_TEST

TEST_MAIN("vdev/ns16550a", setup, teardown, the_data_sheet, probing_finds_a_16550a,
	  sent_bytes_reach_the_host, transmit_interrupts, interrupts_need_no_out2,
	  sixteen_bytes_cost_one_interrupt, a_full_host_stops_the_transmitter,
	  received_bytes_wait_with_the_host, receive_interrupts_at_the_trigger_level,
	  few_bytes_come_after_four_characters, line_status_comes_first,
	  loopback_receives_what_it_sends, modem_changes_are_told_once, fifo_control_clears,
	  state_and_registers)
