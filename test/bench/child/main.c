// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that measures its own exits: ticks of the TSC for each, the least of several rounds, on
 * the first serial port; then it turns the machine off, or, if its command line is "forever", begins
 * again. Where instructions are the time, ticks are instructions. "entry" is the TSC's value at its
 * first instruction.
 *
 * QEMU's PCI test device, if there is one, has the register that is read in memory, and a port that
 * leads to an eventfd; else the register is the IOAPIC's, which KVM would have in the kernel.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/io.h>

#define ROUNDS          16
#define OPERATIONS      50
#define IPI_VECTOR      0x40

#define CMDLINE_POINTER 0x228 /* of the boot parameters */

#define COM1            0x3f8
#define PM1_CNT         0x604

#define PCI_TEST        0x00051b36 /* device, vendor */
#define TEST_OFFSET     4          /* of the register that the chosen test is done with */
#define TEST_EVENTFD    1          /* any byte leads to the eventfd */

extern char on_ipi[];
volatile uint32_t ipi_count;

void child_main(const uint8_t *boot_parameters);

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
		outb((uint8_t)*text, COM1);
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

static volatile uint32_t *mmio_register = (uint32_t *)0xfec00000;
static uint16_t doorbell_port; /* 0: there is none */

static void mmio_read(void)
{
	(void)*mmio_register;
}

static void doorbell(void)
{
	outb(1, doorbell_port);
}

static const struct {
	const char *name;
	void (*act)(void);
} loads[] = {
	{"nothing", nothing},     {"cpuid", cpuid},         {"self-ipi", self_ipi},
	{"port-read", port_read}, {"mmio-read", mmio_read}, {"doorbell", doorbell},
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
	outb(0xff, 0x21);
	outb(0xff, 0xa1);
	wrmsr(0x1b, rdmsr(0x1b) | 0xc00);
	wrmsr(0x80f, 0x1ff);
}

static uint32_t pci_read(uint32_t device, uint32_t offset)
{
	outl(0x80000000u | device << 11 | offset, 0xcf8);
	return inl(0xcfc);
}

static void find_test_device(void)
{
	for (uint32_t device = 0; device < 32; device++) {
		uint16_t ports;

		if (pci_read(device, 0) != PCI_TEST)
			continue;
		mmio_register = (uint32_t *)(uintptr_t)(pci_read(device, 0x10) & ~0xfu);
		ports = (uint16_t)(pci_read(device, 0x14) & ~3u);
		outb(TEST_EVENTFD, ports);
		doorbell_port = (uint16_t)(ports + inl((uint16_t)(ports + TEST_OFFSET)));
	}
}

static void tell(const char *name, uint64_t ticks)
{
	put(name);
	put(" ");
	put_number(ticks);
	put("\n");
}

static void measure_all(void)
{
	for (unsigned int i = 0; i < sizeof loads / sizeof loads[0]; i++)
		if (loads[i].act != doorbell || doorbell_port)
			tell(loads[i].name, measure(loads[i].act));
}

static bool is_forever(const uint8_t *boot_parameters)
{
	const char *line;

	if (!boot_parameters)
		return false;
	line = (const char *)(uintptr_t) * (const uint32_t *)(boot_parameters + CMDLINE_POINTER);
	return line && line[0] == 'f';
}

void child_main(const uint8_t *boot_parameters)
{
	tell("entry", rdtsc());
	set_up_interrupts();
	find_test_device();
	do
		measure_all();
	while (is_forever(boot_parameters));
	outw(0x2000, PM1_CNT);
}
