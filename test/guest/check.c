// SPDX-License-Identifier: GPL-2.0-or-later
/* See check.h. */
#include "check.h"
#include "core/format.h"
#include "x86/asm.h"

#define COM1        0x3f8
#define COM_LINE    (COM1 + 3)
#define COM_8_BITS  3
#define COM_STATUS  (COM1 + 5)
#define COM_EMPTY   0x20 /* a byte can be written */
#define COM_SENT    0x40 /* all have left */
#define BOCHS_PORT  0x8900
#define EXIT_PASSED 0
#define EXIT_FAILED 1

static u32 passed, failed;
static u32 ended; /* atomic */

static void put_text(const char *text)
{
	out8(COM_LINE, COM_8_BITS); /* a boot loader need not have done it, and Bochs counts bits */
	for (; *text; text++) {
		while (!(in8(COM_STATUS) & COM_EMPTY))
			__builtin_ia32_pause();
		out8(COM1, (u8)*text);
	}
}

static void print_with(const char *before, const char *format, va_list args)
{
	char text[256];

	format_va(text, sizeof(text), format, args);
	put_text(before);
	put_text(text);
	put_text("\n");
}

void print_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_with("", format, args);
	va_end(args);
}

bool check(bool ok, const char *name, const char *format, ...)
{
	va_list args;

	if (ok) {
		passed++;
		print_line("ok %s", name);
		return true;
	}
	failed++;
	put_text("FAIL ");
	put_text(name);
	va_start(args, format);
	print_with(": ", format, args);
	va_end(args);
	return false;
}

bool check_equal(const char *name, u64 found, u64 expected)
{
	return check(found == expected, name, "expected %lx, found %lx", expected, found);
}

static _Noreturn void leave(u8 status)
{
	while (!(in8(COM_STATUS) & COM_SENT))
		__builtin_ia32_pause();
	for (;;) {
		out8(DEBUG_EXIT_PORT, status);
		for (const char *c = "Shutdown"; *c; c++)
			out8(BOCHS_PORT, (u8)*c);
		__asm__ volatile("cli; hlt");
	}
}

void check_end(void)
{
	print_line("%s: %u checks, %u failed", failed ? "FAILED" : "PASSED", passed + failed,
		   failed);
	leave(failed || !passed ? EXIT_FAILED : EXIT_PASSED);
}

void check_abort(const char *format, ...)
{
	va_list args;

	if (__atomic_exchange_n(&ended, 1, __ATOMIC_ACQ_REL))
		for (;;)
			__asm__ volatile("cli; hlt");
	va_start(args, format);
	print_with("FAILED: ", format, args);
	va_end(args);
	leave(EXIT_FAILED);
}
