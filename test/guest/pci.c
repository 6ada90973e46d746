// SPDX-License-Identifier: GPL-2.0-or-later
/* See pci.h. */
#include "pci.h"
#include "x86/asm.h"

#define PORT_ADDRESS   0xcf8
#define PORT_DATA      0xcfc
#define CONFIG_ENABLE  0x80000000u
#define EDU_ID         0x11e81234u
#define EDU_RAISE      0x60
#define EDU_ACK        0x64

#define REG_COMMAND    0x04
#define REG_BAR0       0x10
#define REG_CAPABILITY 0x34
#define REG_INTERRUPT  0x3c
#define COMMAND_MEMORY 2
#define COMMAND_MASTER 4
#define CAPABILITY_MSI 5

static void out32(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}

static u32 config_read(u32 config, u32 reg)
{
	out32(PORT_ADDRESS, config | reg);
	return in32(PORT_DATA);
}

static void config_write(u32 config, u32 reg, u32 v)
{
	out32(PORT_ADDRESS, config | reg);
	out32(PORT_DATA, v);
}

u32 edu_find(struct edu devices[EDU_MAX])
{
	u32 count = 0;

	for (u32 slot = 0; slot < 32 && count < EDU_MAX; slot++) {
		u32 config = CONFIG_ENABLE | slot << 11;

		if (config_read(config, 0) != EDU_ID)
			continue;
		config_write(config, REG_COMMAND, COMMAND_MEMORY | COMMAND_MASTER);
		devices[count++] = (struct edu){
			.bar = (volatile u8 *)(u64)(config_read(config, REG_BAR0) & ~0xfu),
			.config = config,
			.line = (u8)config_read(config, REG_INTERRUPT),
		};
	}
	return count;
}

void edu_raise(const struct edu *e)
{
	*(volatile u32 *)(e->bar + EDU_RAISE) = 1;
}

void edu_acknowledge(const struct edu *e)
{
	*(volatile u32 *)(e->bar + EDU_ACK) = 1;
}

bool edu_use_msi(const struct edu *e, u32 apic_id, u8 vector)
{
	u32 at = config_read(e->config, REG_CAPABILITY) & 0xfc;

	while (at && (config_read(e->config, at) & 0xff) != CAPABILITY_MSI)
		at = config_read(e->config, at) >> 8 & 0xfc;
	if (!at)
		return false;
	config_write(e->config, at + 4, 0xfee00000 | apic_id << 12);
	config_write(e->config, at + 8, 0);
	config_write(e->config, at + 12, vector); /* of the 64-bit form, which this device has */
	config_write(e->config, at, (config_read(e->config, at) & ~0x10000u) | !!vector << 16);
	return true;
}
