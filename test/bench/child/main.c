// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that measures its own exits: ticks of the TSC for each, the least of several rounds, on
 * the first serial port; then it turns the machine off. Where instructions are the time, ticks are
 * instructions.
 */
#include <stdint.h>

#define ROUNDS     8
#define OPERATIONS 200
#define IPI_VECTOR 0x40

#define COM1       0x3f8
#define PM1_CNT    0x604

extern char on_ipi[];
volatile uint32_t ipi_count;

void child_main(void);

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

/* --- output --- */

static void put(const char *text)
{
	for (; *text; text++) {
		while (!(inb(COM1 + 5) & 0x20))
			;
		outb(COM1, (uint8_t)*text);
	}
}

static void put_number(uint64_t n)
{
	char digits[21], *p = digits + 20;

	*p = 0;
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	put(p);
}

/* --- what is measured --- */

static void nothing(void)
{
	__asm__ volatile("" : : : "memory");
}

static void cpuid(void)
{
	uint32_t a = 0, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}

static void self_ipi(void)
{
	uint32_t before = ipi_count;

	wrmsr(0x83f, IPI_VECTOR);
	while (ipi_count == before)
		__asm__ volatile("sti; nop; cli" : : : "memory");
}

/* The clock's data port: a device of the user-space half in both worlds. */
static void port_read(void)
{
	(void)inb(0x71);
}

static void mmio_read(void)
{
	(void)*(volatile uint32_t *)0xfec00000;
}

static const struct {
	const char *name;
	void (*act)(void);
} loads[] = {
	{"nothing", nothing},     {"cpuid", cpuid},         {"self-ipi", self_ipi},
	{"port-read", port_read}, {"mmio-read", mmio_read},
};

static uint64_t measure(void (*act)(void))
{
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begin = rdtsc(), ticks;

		for (int i = 0; i < OPERATIONS; i++)
			act();
		ticks = (rdtsc() - begin) / OPERATIONS;
		if (ticks < least)
			least = ticks;
	}
	return least;
}

/* --- setup --- */

static struct {
	uint16_t low, selector;
	uint8_t ist, type;
	uint16_t middle;
	uint32_t high, reserved;
} idt[256];

static void set_up_interrupts(void)
{
	uint64_t handler = (uintptr_t)on_ipi;
	struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} pointer = {sizeof idt - 1, (uintptr_t)idt};

	idt[IPI_VECTOR].low = (uint16_t)handler;
	idt[IPI_VECTOR].middle = (uint16_t)(handler >> 16);
	idt[IPI_VECTOR].selector = 8;
	idt[IPI_VECTOR].type = 0x8e;
	__asm__ volatile("lidt %0" : : "m"(pointer));
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	wrmsr(0x1b, rdmsr(0x1b) | 0xc00);
	wrmsr(0x80f, 0x1ff);
}

void child_main(void)
{
	set_up_interrupts();
	for (unsigned int i = 0; i < sizeof loads / sizeof loads[0]; i++) {
		uint64_t ticks = measure(loads[i].act);

		put(loads[i].name);
		put(" ");
		put_number(ticks);
		put("\n");
	}
	outw(PM1_CNT, 0x2000);
}
