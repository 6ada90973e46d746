// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small kernel as people write them to learn: no long mode, no ACPI, the 8259, and a UART of which
 * it sets nothing but the interrupt enable register. Says how it was started and with what command
 * line, waits for one line of input by interrupts, says it back, and then does what the command line
 * says, each of which is another end of the machine.
 */
#include <stdbool.h>
#include <stdint.h>

#define COM1         0x3f8
#define INPUT_MAX    64

/* Linux's boot parameters; multiboot's information. */
#define LINUX_MAGIC  0x202
#define LINUX_LINE   0x228
#define MB1_LOADED   0x2badb002u
#define MB1_LINE     16
#define MB2_LOADED   0x36d76289u
#define MB2_TAG_LINE 1

extern char on_com1[], on_other[];

void kernel_main(uint32_t eax, const uint8_t *ebx, const uint8_t *esi);
void com1_interrupt(void);

static volatile bool line_complete;
static char input[INPUT_MAX];
static unsigned int input_size;

static inline void out(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void put(const char *text)
{
	while (*text)
		out(COM1, (uint8_t)*text++);
}

static uint32_t get32(const uint8_t *at)
{
	return *(const volatile uint32_t *)at;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* --- what it was told --- */

static const char *tag_line(const uint8_t *info)
{
	const uint8_t *end = info + get32(info);

	for (const uint8_t *at = info + 8; at < end; at += (get32(at + 4) + 7) & ~7u)
		if (get32(at) == MB2_TAG_LINE)
			return (const char *)at + 8;
	return "";
}

static const char *command_line(uint32_t eax, const uint8_t *ebx, const uint8_t *esi)
{
	if (eax == MB1_LOADED) {
		put("multiboot 1\n");
		return (const char *)get32(ebx + MB1_LINE);
	}
	if (eax == MB2_LOADED) {
		put("multiboot 2\n");
		return tag_line(ebx);
	}
	if (get32(esi + LINUX_MAGIC) != 0x53726448) {
		put("an unknown loader\n");
		return "";
	}
	put("linux\n");
	return (const char *)get32(esi + LINUX_LINE);
}

/* --- interrupts --- */

struct gate {
	uint16_t low, selector, type, high;
};

static struct gate idt[48];

static void set_gate(unsigned int vector, const char *handler, uint16_t selector)
{
	uint32_t address = (uint32_t)handler;

	idt[vector] = (struct gate){(uint16_t)address, selector, 0x8e00, (uint16_t)(address >> 16)};
}

void com1_interrupt(void)
{
	char c = (char)in(COM1);

	if (c == '\n' || c == '\r')
		line_complete = true;
	else if (input_size < INPUT_MAX - 1)
		input[input_size++] = c;
	out(0x20, 0x20);
}

static void set_up_interrupts(void)
{
	const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) pointer = {sizeof(idt) - 1, (uint32_t)idt};
	uint16_t cs;

	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	for (unsigned int i = 0; i < 48; i++)
		set_gate(i, i == 0x24 ? on_com1 : on_other, cs);
	__asm__ volatile("lidt %0" : : "m"(pointer));
	out(0x20, 0x11);
	out(0x21, 0x20);
	out(0x21, 0x04);
	out(0x21, 0x01);
	out(0x21, 0xef); /* IRQ 4 alone */
	out(0xa1, 0xff);
	out(COM1 + 1, 0x01); /* and neither FIFO nor OUT2 */
}

/* --- its ends --- */

static void die(const char *how)
{
	if (same(how, "off"))
		__asm__ volatile("outw %w0, %w1" : : "a"(0x2000), "Nd"(0x604));
	if (same(how, "init"))
		out(0x92, 1);
	if (same(how, "cf9"))
		out(0xcf9, 4);
	if (same(how, "mmio")) /* no emulator of instructions does this one */
		__asm__ volatile("fadds (%0)" : : "r"(0xfec00000));
	if (same(how, "stack"))
		__asm__ volatile("mov %0, %%esp; call 1f; 1:" : : "r"(0xd0001000));
	if (same(how, "jump"))
		__asm__ volatile("jmp *%0" : : "r"(0xd0000000));
}

void kernel_main(uint32_t eax, const uint8_t *ebx, const uint8_t *esi)
{
	const char *how = command_line(eax, ebx, esi);

	put("command line: ");
	put(how);
	put("\n");
	set_up_interrupts();
	put("type a line\n");
	while (!line_complete) /* an interrupt is taken behind HLT at the earliest */
		__asm__ volatile("sti; hlt; cli");
	put("it was: ");
	put(input);
	put("\n");
	die(how);
}
