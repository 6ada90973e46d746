/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ISA bridge. Invariant: routed[n] is connected to the ISA interrupt that PIRQRC[n] names, and
 * carries the level of PIRQn#.
 */
#include "vdev/piix4_isa.h"

#include <errno.h>
#include <stdlib.h>

#define REG_IORT     0x4c
#define REG_XBCS     0x4e
#define REG_PIRQRC   0x60
#define REG_SERIRQC  0x64
#define REG_TOM      0x69
#define REG_MSTAT    0x6a /* its upper byte tells of an error that does not happen here */
#define REG_MBDMA    0x76
#define REG_APICBASE 0x80
#define REG_DLC      0x82
#define REG_PDMACFG  0x90
#define REG_DDMABP   0x92 /* two of 16 bits */
#define REG_GENCFG   0xb0
#define REG_RTCCFG   0xcb

#define PIRQRC_OFF   BIT(7)
#define PIRQRC_IRQ   0x0fu
#define VALID_IRQS   0xdef8u /* 3–7, 9–12, 14, 15 */

#define RESET_PORT   0xcf9
#define RESET_HARD   BIT(1) /* SRST */
#define RESET_CPU    BIT(2) /* RCPU: acts when it goes to 1 */

#define TAG_CONFIG   1
#define TAG_RESET    2

struct vdev_piix4_isa {
	struct vdev_device device;
	struct vdev_pci_function function;
	struct vdev_irq_line *isa_irqs;
	struct vdev_irq_line pirq[VDEV_PCI_INTX_COUNT];
	struct vdev_irq routed[VDEV_PCI_INTX_COUNT];
	struct vdev_range reset_range;
	uint8_t reset_control;
};

/* ---- interrupts ---- */

static void pirq_changed(void *owner, unsigned int pin, bool level)
{
	vdev_irq_set(&((struct vdev_piix4_isa *)owner)->routed[pin], level);
}

static void route(struct vdev_piix4_isa *isa)
{
	for (unsigned int i = 0; i < VDEV_PCI_INTX_COUNT; i++) {
		uint8_t rc = isa->function.config[REG_PIRQRC + i];
		bool on = !(rc & PIRQRC_OFF) && (VALID_IRQS & BIT(rc & PIRQRC_IRQ));

		vdev_irq_connect(&isa->routed[i], on ? &isa->isa_irqs[rc & PIRQRC_IRQ] : NULL);
	}
}

static void config_written(struct vdev_pci_function *f, unsigned int offset, unsigned int width)
{
	if (offset < REG_PIRQRC + VDEV_PCI_INTX_COUNT && offset + width > REG_PIRQRC)
		route(container_of(f, struct vdev_piix4_isa, function));
}

static const struct vdev_pci_function_ops function_ops = {.config_written = config_written};

/* ---- reset control ---- */

static uint64_t reset_read(void *owner, uint64_t offset, unsigned int width)
{
	return ((struct vdev_piix4_isa *)owner)->reset_control;
}

static void reset_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_piix4_isa *isa = owner;
	bool fires = (value & RESET_CPU) && !(isa->reset_control & RESET_CPU);

	isa->reset_control = value & (RESET_HARD | RESET_CPU);
	if (fires)
		vdev_board_event(isa->function.bus->board,
				 value & RESET_HARD ? VDEV_EVENT_RESET : VDEV_EVENT_INIT);
}

static const struct vdev_range_ops reset_ops = {.read = reset_read, .write = reset_write};

struct vdev_range *vdev_piix4_isa_reset_control(struct vdev_piix4_isa *isa)
{
	return &isa->reset_range;
}

/* ---- device ---- */

/*
 * What has no effect here is kept, so that it reads back (data sheet 4.1: defaults and masks). Bit 2
 * of GENCFG is a pin: a Pentium II board.
 */
static const struct {
	uint8_t offset, reset, mask;
} kept[] = {
	{REG_IORT, 0x4d, 0xff},       {REG_XBCS, 0x03, 0xff},       {REG_XBCS + 1, 0x00, 0x07},
	{REG_SERIRQC, 0x10, 0xff},    {REG_TOM, 0x02, 0xfe},        {REG_MSTAT, 0x00, 0x80},
	{REG_MBDMA, 0x04, 0x87},      {REG_MBDMA + 1, 0x04, 0x87},  {REG_APICBASE, 0x00, 0x7f},
	{REG_DLC, 0x00, 0x0f},        {REG_PDMACFG, 0x00, 0xff},    {REG_PDMACFG + 1, 0x00, 0xfc},
	{REG_DDMABP, 0x00, 0xc0},     {REG_DDMABP + 1, 0x00, 0xff}, {REG_DDMABP + 2, 0x00, 0xc0},
	{REG_DDMABP + 3, 0x00, 0xff}, {REG_GENCFG, 0x04, 0x73},     {REG_GENCFG + 1, 0x00, 0xdf},
	{REG_GENCFG + 2, 0x00, 0xff}, {REG_GENCFG + 3, 0x00, 0xfb}, {REG_RTCCFG, 0x21, 0x3d},
};

static void init_function(struct vdev_pci_function *f)
{
	static const struct vdev_pci_id id = {.vendor = 0x8086, .device = 0x7110, .class = 0x0601};

	vdev_pci_function_init(f, &function_ops, &id);
	f->config[PCI_HEADER_TYPE] = PCI_HEADER_MULTI;
	vdev_pci_set16(f, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	vdev_pci_allow_common(f, PCI_COMMAND_SPECIAL | PCI_COMMAND_SERR, 0);
	vdev_pci_set16(f, PCI_STATUS, 0x0280);
	for (unsigned int i = 0; i < VDEV_PCI_INTX_COUNT; i++) {
		f->config[REG_PIRQRC + i] = PIRQRC_OFF;
		f->write_mask[REG_PIRQRC + i] = PIRQRC_OFF | PIRQRC_IRQ;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		f->config[kept[i].offset] = kept[i].reset;
		f->write_mask[kept[i].offset] = kept[i].mask;
	}
}

static struct vdev_piix4_isa *to_isa(struct vdev_device *device)
{
	return container_of(device, struct vdev_piix4_isa, device);
}

static void piix4_isa_reset(struct vdev_device *device)
{
	struct vdev_piix4_isa *isa = to_isa(device);

	vdev_pci_function_reset(&isa->function);
	isa->reset_control = 0;
	route(isa);
}

static void piix4_isa_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	const struct vdev_piix4_isa *isa =
		container_of(device, const struct vdev_piix4_isa, device);

	vdev_pci_save(&isa->function, writer, TAG_CONFIG);
	vdev_state_put(writer, TAG_RESET, &isa->reset_control, 1);
}

static int piix4_isa_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	struct vdev_piix4_isa *isa = to_isa(device);
	uint8_t reset_control;
	int r = vdev_state_get(record, TAG_RESET, &reset_control, 1);

	if (r == 0 && (reset_control & ~(RESET_HARD | RESET_CPU)))
		r = -EBADMSG;
	if (r == 0)
		r = vdev_pci_restore(&isa->function, record, TAG_CONFIG);
	if (r < 0)
		return r;
	isa->reset_control = reset_control;
	route(isa);
	return 0;
}

static void piix4_isa_destroy(struct vdev_device *device)
{
	struct vdev_piix4_isa *isa = to_isa(device);

	for (unsigned int i = 0; i < VDEV_PCI_INTX_COUNT; i++)
		vdev_irq_connect(&isa->routed[i], NULL);
	vdev_pci_detach(&isa->function);
	free(isa);
}

static const struct vdev_device_class piix4_isa_class = {
	.type = "82371AB ISA bridge",
	.version = 1,
	.reset = piix4_isa_reset,
	.save = piix4_isa_save,
	.restore = piix4_isa_restore,
	.destroy = piix4_isa_destroy,
};

static void become_router(struct vdev_piix4_isa *isa, struct vdev_pci_bus *bus)
{
	struct vdev_irq_line *lines[VDEV_PCI_INTX_COUNT];

	for (unsigned int i = 0; i < VDEV_PCI_INTX_COUNT; i++) {
		isa->pirq[i] = (struct vdev_irq_line){pirq_changed, isa, i, 0};
		lines[i] = &isa->pirq[i];
	}
	vdev_pci_bus_route(bus, lines);
}

int vdev_piix4_isa_create(struct vdev_pci_bus *bus, struct vdev_irq_line *isa_irqs,
			  struct vdev_piix4_isa **ret_isa)
{
	struct vdev_piix4_isa *isa = calloc(1, sizeof(*isa));
	int r;

	if (!isa)
		return -ENOMEM;
	vdev_device_init(&isa->device, &piix4_isa_class, "piix4-isa");
	isa->isa_irqs = isa_irqs;
	isa->reset_range = (struct vdev_range){.name = "reset control",
					       .base = RESET_PORT,
					       .size = 1,
					       .ops = &reset_ops,
					       .owner = isa};
	init_function(&isa->function);
	r = vdev_pci_attach(bus, &isa->function, VDEV_PCI_DEVFN(VDEV_PIIX4_DEVICE, 0));
	if (r < 0) {
		free(isa);
		return r;
	}
	become_router(isa, bus);
	*ret_isa = isa;
	return 0;
}

struct vdev_device *vdev_piix4_isa_device(struct vdev_piix4_isa *isa)
{
	return &isa->device;
}
