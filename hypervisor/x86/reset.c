// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ways to reset a PC, most orderly first, each given a moment to act: PCI reset control register,
 * keyboard controller, triple fault.
 */
#include "x86/asm.h"
#include "core/arch.h"

#define PORT_RESET_CONTROL  0xcf9 /* PIIX/ICH reset control: 2 system reset, 4 do it */
#define PORT_8042_COMMAND   0x64
#define COMMAND_PULSE_RESET 0xfe

static void moment(void)
{
	for (u32 i = 0; i < 100000; i++)
		in8(0x80);
}

void arch_reset(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) no_idt = {0, 0};

	out8(PORT_RESET_CONTROL, 0x02);
	out8(PORT_RESET_CONTROL, 0x06);
	moment();
	out8(PORT_8042_COMMAND, COMMAND_PULSE_RESET);
	moment();
	__asm__ volatile("lidt %0; int3" ::"m"(no_idt));
	halt_forever();
}
