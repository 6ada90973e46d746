/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UART. Invariants: the FIFOs hold at most fifo_size() bytes; the transmit FIFO is empty unless
 * the host is full; the interrupt line is what the enabled conditions say (update()).
 */
#include "vdev/ns16550a.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIFO_MAX 16u

enum { REG_DATA, REG_IER, REG_IIR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR };

#define IER_RECEIVE        BIT(0)
#define IER_TRANSMIT       BIT(1)
#define IER_LINE           BIT(2)
#define IER_MODEM          BIT(3)
#define IER_MASK           0x0f

#define IIR_NONE           0x01
#define IIR_MODEM          0x00
#define IIR_TRANSMIT       0x02
#define IIR_RECEIVE        0x04
#define IIR_LINE           0x06
#define IIR_TIMEOUT        0x0c
#define IIR_FIFOS          0xc0

#define FCR_ENABLE         BIT(0)
#define FCR_CLEAR_RECEIVE  BIT(1)
#define FCR_CLEAR_TRANSMIT BIT(2)
#define FCR_DMA            BIT(3)
#define FCR_TRIGGER_SHIFT  6

#define LCR_DLAB           BIT(7)
#define MCR_DTR            BIT(0)
#define MCR_RTS            BIT(1)
#define MCR_OUT1           BIT(2)
#define MCR_OUT2           BIT(3)
#define MCR_LOOPBACK       BIT(4)
#define MCR_MASK           0x1f

#define LSR_DATA           BIT(0)
#define LSR_OVERRUN        BIT(1)
#define LSR_BREAK          BIT(4)
#define LSR_THR            BIT(5)
#define LSR_EMPTY          BIT(6)
#define LSR_ERRORS         0x1e

#define MSR_DELTAS         0x0f
#define MSR_RING_OFF       BIT(2) /* trailing edge of RI */
#define MSR_CTS            BIT(4)
#define MSR_DSR            BIT(5)
#define MSR_RI             BIT(6)
#define MSR_DCD            BIT(7)

#define CLOCK_16           115200u /* 1.8432 MHz / 16 */
#define TIMEOUT_BITS       40u     /* four characters of ten bits */
#define DIVISOR_RESET      12u     /* 9600 baud */

struct fifo {
	uint8_t data[FIFO_MAX];
	uint8_t count;
};

struct vdev_ns16550a {
	struct vdev_device device;
	struct vdev_board *board;
	struct vdev_range range;
	struct vdev_irq irq;
	struct vdev_timer timeout_timer;
	struct vdev_chardev host;
	bool host_waits; /* it was refused bytes */

	struct fifo receive, transmit;
	uint8_t ier, fcr, lcr, mcr, scr;
	uint8_t errors; /* LSR bits 4:1 */
	uint8_t msr;
	uint16_t divisor;
	bool transmit_pending; /* THR became empty, and neither IIR nor THR was touched since */
	bool timeout;          /* bytes below the trigger level have waited long enough */
};

static const uint8_t trigger_levels[4] = {1, 4, 8, 14};

static unsigned int fifo_size(const struct vdev_ns16550a *uart)
{
	return uart->fcr & FCR_ENABLE ? FIFO_MAX : 1;
}

static void fifo_drop(struct fifo *fifo, size_t count)
{
	fifo->count = (uint8_t)(fifo->count - count);
	memmove(fifo->data, fifo->data + count, fifo->count);
}

/* ---- interrupts ---- */

static unsigned int trigger_level(const struct vdev_ns16550a *uart)
{
	return uart->fcr & FCR_ENABLE ? trigger_levels[uart->fcr >> FCR_TRIGGER_SHIFT] : 1;
}

/* The enabled condition of highest priority, as IIR encodes it. */
static uint8_t condition(const struct vdev_ns16550a *uart)
{
	if ((uart->ier & IER_LINE) && uart->errors)
		return IIR_LINE;
	if ((uart->ier & IER_RECEIVE) && uart->receive.count >= trigger_level(uart))
		return IIR_RECEIVE;
	if ((uart->ier & IER_RECEIVE) && uart->timeout)
		return IIR_TIMEOUT;
	if ((uart->ier & IER_TRANSMIT) && uart->transmit_pending)
		return IIR_TRANSMIT;
	if ((uart->ier & IER_MODEM) && (uart->msr & MSR_DELTAS))
		return IIR_MODEM;
	return IIR_NONE;
}

static void update(struct vdev_ns16550a *uart)
{
	vdev_irq_set(&uart->irq, condition(uart) != IIR_NONE);
}

static void expire(void *owner)
{
	struct vdev_ns16550a *uart = owner;

	uart->timeout = uart->receive.count > 0;
	update(uart);
}

/* Every byte that comes or goes starts the four-character wait anew. */
static void restart_timeout(struct vdev_ns16550a *uart)
{
	uint64_t bits = (uint64_t)TIMEOUT_BITS * (uart->divisor ? uart->divisor : 1);

	uart->timeout = false;
	if (uart->receive.count == 0 || !(uart->fcr & FCR_ENABLE))
		vdev_timer_cancel(&uart->timeout_timer);
	else
		vdev_timer_arm(&uart->timeout_timer, vdev_clock_now(&uart->board->clock) +
							     vdev_ticks_to_ns(bits, CLOCK_16));
}

/* ---- receiver ---- */

static size_t take(struct vdev_ns16550a *uart, const uint8_t *data, size_t size)
{
	size_t count = MIN(size, fifo_size(uart) - uart->receive.count);

	memcpy(uart->receive.data + uart->receive.count, data, count);
	uart->receive.count = (uint8_t)(uart->receive.count + count);
	if (count)
		restart_timeout(uart);
	return count;
}

size_t vdev_ns16550a_receive(struct vdev_ns16550a *uart, const uint8_t *data, size_t size)
{
	size_t taken = 0;

	if (!(uart->mcr & MCR_LOOPBACK))
		taken = take(uart, data, size);
	uart->host_waits = taken < size;
	update(uart);
	return taken;
}

void vdev_ns16550a_break(struct vdev_ns16550a *uart)
{
	const uint8_t zero = 0;

	if (uart->mcr & MCR_LOOPBACK)
		return;
	if (take(uart, &zero, 1) == 1)
		uart->errors |= LSR_BREAK;
	update(uart);
}

static void tell_host(struct vdev_ns16550a *uart)
{
	if (!uart->host_waits || (uart->mcr & MCR_LOOPBACK))
		return;
	if (uart->receive.count == fifo_size(uart))
		return;
	uart->host_waits = false;
	if (uart->host.ops && uart->host.ops->readable)
		uart->host.ops->readable(uart->host.owner);
}

static uint8_t read_receive(struct vdev_ns16550a *uart)
{
	uint8_t value = uart->receive.data[0];

	if (uart->receive.count == 0)
		return 0;
	fifo_drop(&uart->receive, 1);
	restart_timeout(uart);
	update(uart);
	tell_host(uart);
	return value;
}

/* ---- transmitter ---- */

static void flush(struct vdev_ns16550a *uart)
{
	size_t taken = uart->transmit.count;

	if (taken == 0)
		return;
	if (uart->host.ops)
		taken = uart->host.ops->write(uart->host.owner, uart->transmit.data, taken);
	CHECK(taken <= uart->transmit.count);
	fifo_drop(&uart->transmit, taken);
	if (uart->transmit.count == 0)
		uart->transmit_pending = true;
}

void vdev_ns16550a_writable(struct vdev_ns16550a *uart)
{
	flush(uart);
	update(uart);
}

static void loop_back(struct vdev_ns16550a *uart, uint8_t value)
{
	if (take(uart, &value, 1) == 0)
		uart->errors |= LSR_OVERRUN;
	uart->transmit_pending = true;
}

/* A byte written while the FIFO is full replaces the last one, as the data sheet warns. */
static void write_transmit(struct vdev_ns16550a *uart, uint8_t value)
{
	uart->transmit_pending = false;
	update(uart); /* the line is seen to fall before it rises for the byte's end */
	if (uart->mcr & MCR_LOOPBACK) {
		loop_back(uart, value);
	} else {
		if (uart->transmit.count == fifo_size(uart))
			uart->transmit.count--;
		uart->transmit.data[uart->transmit.count++] = value;
		flush(uart);
	}
	update(uart);
}

/* ---- registers ---- */

static void write_ier(struct vdev_ns16550a *uart, uint8_t value)
{
	uint8_t newly = value & (uint8_t)~uart->ier;

	uart->ier = value & IER_MASK;
	if ((newly & IER_TRANSMIT) && uart->transmit.count == 0)
		uart->transmit_pending = true;
	update(uart);
}

static void write_fcr(struct vdev_ns16550a *uart, uint8_t value)
{
	bool switched = (value ^ uart->fcr) & FCR_ENABLE;

	if (switched || (value & FCR_CLEAR_RECEIVE))
		uart->receive.count = 0;
	if (switched || (value & FCR_CLEAR_TRANSMIT)) {
		uart->transmit_pending |= uart->transmit.count > 0;
		uart->transmit.count = 0;
	}
	uart->fcr =
		value & FCR_ENABLE ? value & (FCR_ENABLE | FCR_DMA | 3 << FCR_TRIGGER_SHIFT) : 0;
	restart_timeout(uart);
	update(uart);
	tell_host(uart);
}

/* The modem's lines: the host is always there; in loopback they are our own outputs. */
static uint8_t modem_inputs(const struct vdev_ns16550a *uart)
{
	uint8_t mcr = uart->mcr;

	if (!(mcr & MCR_LOOPBACK))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (uint8_t)((mcr & MCR_RTS ? MSR_CTS : 0) | (mcr & MCR_DTR ? MSR_DSR : 0) |
			 (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static void write_mcr(struct vdev_ns16550a *uart, uint8_t value)
{
	uint8_t before = uart->msr, now, changed;

	uart->mcr = value & MCR_MASK;
	now = modem_inputs(uart);
	changed = (uint8_t)(before ^ now) >> 4;
	if (now & MSR_RI)
		changed &= (uint8_t)~MSR_RING_OFF;
	uart->msr = (uint8_t)((before & MSR_DELTAS) | now | changed);
	update(uart);
	tell_host(uart);
}

static uint8_t read_iir(struct vdev_ns16550a *uart)
{
	uint8_t value = condition(uart);

	if (value == IIR_TRANSMIT) {
		uart->transmit_pending = false;
		update(uart);
	}
	return uart->fcr & FCR_ENABLE ? value | IIR_FIFOS : value;
}

static uint8_t read_lsr(struct vdev_ns16550a *uart)
{
	uint8_t value = uart->errors;

	if (uart->receive.count)
		value |= LSR_DATA;
	if (uart->transmit.count == 0)
		value |= LSR_THR | LSR_EMPTY;
	uart->errors = 0;
	update(uart);
	return value;
}

static uint8_t read_msr(struct vdev_ns16550a *uart)
{
	uint8_t value = uart->msr;

	uart->msr &= (uint8_t)~MSR_DELTAS;
	update(uart);
	return value;
}

static uint64_t uart_read(void *owner, uint64_t offset, unsigned int width)
{
	struct vdev_ns16550a *uart = owner;
	bool dlab = uart->lcr & LCR_DLAB;

	switch (offset) {
	case REG_DATA:
		return dlab ? uart->divisor & 0xff : read_receive(uart);
	case REG_IER:
		return dlab ? uart->divisor >> 8 : uart->ier;
	case REG_IIR:
		return read_iir(uart);
	case REG_LCR:
		return uart->lcr;
	case REG_MCR:
		return uart->mcr;
	case REG_LSR:
		return read_lsr(uart);
	case REG_MSR:
		return read_msr(uart);
	default:
		return uart->scr;
	}
}

static void write_low(struct vdev_ns16550a *uart, uint64_t offset, uint8_t value)
{
	if (!(uart->lcr & LCR_DLAB)) {
		if (offset == REG_DATA)
			write_transmit(uart, value);
		else
			write_ier(uart, value);
	} else if (offset == REG_DATA) {
		uart->divisor = (uint16_t)((uart->divisor & 0xff00) | value);
	} else {
		uart->divisor = (uint16_t)((uart->divisor & 0xff) | value << 8);
	}
}

static void uart_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_ns16550a *uart = owner;

	switch (offset) {
	case REG_DATA:
	case REG_IER:
		write_low(uart, offset, (uint8_t)value);
		break;
	case REG_IIR:
		write_fcr(uart, (uint8_t)value);
		break;
	case REG_LCR:
		uart->lcr = (uint8_t)value;
		break;
	case REG_MCR:
		write_mcr(uart, (uint8_t)value);
		break;
	case REG_SCR:
		uart->scr = (uint8_t)value;
		break;
	}
}

static const struct vdev_range_ops range_ops = {.read = uart_read, .write = uart_write};

/* ---- device ---- */

static const struct vdev_field fields[] = {
	VDEV_FIELD_ARRAY(1, struct vdev_ns16550a, receive.data),
	VDEV_FIELD_MAX(2, struct vdev_ns16550a, receive.count, FIFO_MAX),
	VDEV_FIELD_ARRAY(3, struct vdev_ns16550a, transmit.data),
	VDEV_FIELD_MAX(4, struct vdev_ns16550a, transmit.count, FIFO_MAX),
	VDEV_FIELD_MAX(5, struct vdev_ns16550a, ier, IER_MASK),
	VDEV_FIELD(6, struct vdev_ns16550a, fcr),
	VDEV_FIELD(7, struct vdev_ns16550a, lcr),
	VDEV_FIELD_MAX(8, struct vdev_ns16550a, mcr, MCR_MASK),
	VDEV_FIELD(9, struct vdev_ns16550a, scr),
	VDEV_FIELD_MAX(10, struct vdev_ns16550a, errors, LSR_ERRORS),
	VDEV_FIELD(11, struct vdev_ns16550a, msr),
	VDEV_FIELD(12, struct vdev_ns16550a, divisor),
	VDEV_FIELD(13, struct vdev_ns16550a, transmit_pending),
	VDEV_FIELD(14, struct vdev_ns16550a, timeout),
};

static struct vdev_ns16550a *to_uart(struct vdev_device *device)
{
	return container_of(device, struct vdev_ns16550a, device);
}

static void ns16550a_reset(struct vdev_device *device)
{
	struct vdev_ns16550a *uart = to_uart(device);

	memset(&uart->receive, 0, sizeof(uart->receive));
	memset(&uart->transmit, 0, sizeof(uart->transmit));
	uart->ier = uart->fcr = uart->lcr = uart->mcr = uart->scr = uart->errors = 0;
	uart->msr = modem_inputs(uart);
	uart->divisor = DIVISOR_RESET;
	uart->transmit_pending = true;
	restart_timeout(uart);
	update(uart);
	tell_host(uart);
}

static void ns16550a_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	vdev_state_put_fields(writer, fields, ARRAY_SIZE(fields), device);
}

static bool state_valid(const struct vdev_ns16550a *uart)
{
	uint8_t fcr_mask = FCR_ENABLE | FCR_DMA | 3 << FCR_TRIGGER_SHIFT;

	return !(uart->fcr & ~fcr_mask) && (uart->fcr == 0 || (uart->fcr & FCR_ENABLE)) &&
	       uart->receive.count <= fifo_size(uart) && uart->transmit.count <= fifo_size(uart);
}

static int ns16550a_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	struct vdev_ns16550a *uart = to_uart(device);
	struct vdev_ns16550a copy = *uart;
	int r = vdev_state_get_fields(record, fields, ARRAY_SIZE(fields), &copy);
	bool timeout = copy.timeout;

	if (r < 0)
		return r;
	if (!state_valid(&copy))
		return -EBADMSG;
	copy.timeout_timer = uart->timeout_timer;
	*uart = copy;
	restart_timeout(uart);
	uart->timeout = timeout;
	update(uart);
	return 0;
}

static void ns16550a_destroy(struct vdev_device *device)
{
	struct vdev_ns16550a *uart = to_uart(device);

	vdev_timer_cancel(&uart->timeout_timer);
	vdev_irq_connect(&uart->irq, NULL);
	vdev_bus_remove(&uart->board->ports, &uart->range);
	free(uart);
}

static const struct vdev_device_class ns16550a_class = {
	.type = "NS16550A",
	.version = 1,
	.reset = ns16550a_reset,
	.save = ns16550a_save,
	.restore = ns16550a_restore,
	.destroy = ns16550a_destroy,
};

int vdev_ns16550a_create(struct vdev_board *board, const char *name, uint16_t port,
			 struct vdev_irq_line *irq, const struct vdev_chardev *host,
			 struct vdev_ns16550a **ret_uart)
{
	struct vdev_ns16550a *uart = calloc(1, sizeof(*uart));
	int r;

	if (!uart)
		return -ENOMEM;
	vdev_device_init(&uart->device, &ns16550a_class, name);
	uart->board = board;
	uart->host = *host;
	uart->range = (struct vdev_range){.name = uart->device.name,
					  .base = port,
					  .size = 8,
					  .ops = &range_ops,
					  .owner = uart};
	vdev_timer_init(&uart->timeout_timer, &board->clock, expire, uart);
	vdev_irq_connect(&uart->irq, irq);
	ns16550a_reset(&uart->device);
	r = vdev_bus_add(&board->ports, &uart->range);
	if (r < 0) {
		ns16550a_destroy(&uart->device);
		return r;
	}
	*ret_uart = uart;
	return 0;
}

struct vdev_device *vdev_ns16550a_device(struct vdev_ns16550a *uart)
{
	return &uart->device;
}
