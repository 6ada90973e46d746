// SPDX-License-Identifier: GPL-2.0-or-later
/* Output only, polled, no state but the port. */
#include "x86/asm.h"
#include "x86/console.h"
#include "x86/cmdline.h"
#include "core/arch.h"
#include "core/format.h"

#define DEBUGCON_PORT 0xe9

enum uart_register {
	UART_THR = 0,
	UART_IER = 1,
	UART_FCR = 2,
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5
};
#define LSR_THRE 0x20

static u16 port;

static void uart_init(void)
{
	out8(port + UART_IER, 0);
	out8(port + UART_LCR, 0x80); /* divisor latch: 115200 baud */
	out8(port + UART_THR, 1);
	out8(port + UART_IER, 0);
	out8(port + UART_LCR, 0x03); /* 8n1 */
	out8(port + UART_FCR, 0x07);
	out8(port + UART_MCR, 0x0b);
}

bool console_init(const char *name)
{
	u64 value;

	if (!strcmp(name, "none"))
		port = 0;
	else if (!strcmp(name, "com1"))
		port = 0x3f8;
	else if (!strcmp(name, "com2"))
		port = 0x2f8;
	else if (!strcmp(name, "debugcon"))
		port = DEBUGCON_PORT;
	else if (cmdline_parse_hex(name, &value) && value > 0 && value <= 0xfff8)
		port = (u16)value;
	else
		return false;
	if (port && port != DEBUGCON_PORT)
		uart_init();
	return true;
}

static void put(char c)
{
	if (port != DEBUGCON_PORT)
		for (u32 i = 0; i < 100000 && !(in8(port + UART_LSR) & LSR_THRE); i++)
			arch_pause();
	out8(port, (u8)c);
}

void console_write(const char *text, size_t length)
{
	for (size_t i = 0; port && i < length; i++) {
		if (text[i] == '\n')
			put('\r');
		put(text[i]);
	}
}
