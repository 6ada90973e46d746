/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI function (data sheet 5.1): identity, IDETIM and its kin, and the legacy ports that follow
 * from them. The timing registers are kept and have no effect.
 */
#include "ide_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDETIM            0x40 /* two of 16 bits */
#define SIDETIM           0x44
#define UDMACTL           0x48
#define UDMATIM           0x4a
#define BMIBA             4 /* base address register */

#define IDETIM_IDE_DECODE BIT(15)

static const struct {
	uint16_t command, control;
} ports[VDEV_IDE_CHANNELS] = {{0x1f0, 0x3f6}, {0x170, 0x376}};

static void unmap_channel(struct ide_channel *channel)
{
	if (!channel->mapped)
		return;
	vdev_bus_remove(&channel->ide->board->ports, &channel->command_range);
	vdev_bus_remove(&channel->ide->board->ports, &channel->control_range);
	channel->mapped = false;
}

/* Ports that something else has taken stay that one's. */
static void map_channel(struct ide_channel *channel)
{
	struct vdev_bus *bus = &channel->ide->board->ports;

	if (channel->mapped || vdev_bus_add(bus, &channel->command_range) < 0)
		return;
	if (vdev_bus_add(bus, &channel->control_range) < 0)
		vdev_bus_remove(bus, &channel->command_range);
	else
		channel->mapped = true;
}

void ide_map_channels(struct ide *ide)
{
	bool io = vdev_pci_get16(&ide->function, PCI_COMMAND) & PCI_COMMAND_IO;

	for (unsigned int i = 0; i < VDEV_IDE_CHANNELS; i++) {
		uint16_t timing = vdev_pci_get16(&ide->function, IDETIM + i * 2);

		if (io && timing & IDETIM_IDE_DECODE)
			map_channel(&ide->channel[i]);
		else
			unmap_channel(&ide->channel[i]);
	}
}

static void config_written(struct vdev_pci_function *f, unsigned int offset, unsigned int width)
{
	ide_map_channels(container_of(f, struct ide, function));
}

static const struct vdev_pci_function_ops function_ops = {.config_written = config_written};

static void ide_reset(struct vdev_device *device)
{
	struct ide *ide = ide_of(device);

	vdev_pci_function_reset(&ide->function);
	ide_map_channels(ide);
	for (unsigned int i = 0; i < VDEV_IDE_CHANNELS; i++)
		ide_channel_reset(&ide->channel[i]);
}

static void ide_destroy(struct vdev_device *device)
{
	struct ide *ide = ide_of(device);

	for (unsigned int i = 0; i < VDEV_IDE_CHANNELS; i++) {
		unmap_channel(&ide->channel[i]);
		vdev_irq_set(&ide->channel[i].irq, false);
		for (int j = 0; j < 2; j++)
			ide_drive_fini(&ide->channel[i].drive[j]);
	}
	if (ide->function.bus)
		vdev_pci_detach(&ide->function);
	free(ide);
}

static const struct vdev_device_class ide_class = {
	.type = "82371AB IDE",
	.version = IDE_STATE_VERSION,
	.reset = ide_reset,
	.save = ide_save,
	.restore = ide_restore,
	.destroy = ide_destroy,
};

/* --- making one --- */

static void init_function(struct ide *ide)
{
	static const struct vdev_pci_id id = {.vendor = 0x8086,
					      .device = 0x7111,
					      .class = 0x0101,
					      .prog_if = 0x80,
					      .revision = 1};
	struct vdev_pci_function *f = &ide->function;

	vdev_pci_function_init(f, &function_ops, &id);
	vdev_pci_allow_common(f, PCI_COMMAND_IO | PCI_COMMAND_MASTER, 0xf0);
	vdev_pci_set16(f, PCI_STATUS, 0x0280); /* fast back-to-back, medium DEVSEL# */
	memset(&f->write_mask[IDETIM], 0xff, 5);
	f->write_mask[IDETIM + 1] = f->write_mask[IDETIM + 3] = 0xf3;
	f->write_mask[UDMACTL] = 0x0f;
	f->write_mask[UDMATIM] = f->write_mask[UDMATIM + 1] = 0x33;
	vdev_pci_bar_init(f, BMIBA, VDEV_PCI_BAR_IO, 16, &ide_bus_master_ops, ide,
			  "ide-bus-master");
	/*
	 * The data sheet has 31:16 read as zero. They are writable here: SeaBIOS takes the size of a BAR
	 * from all 32 bits, of ports, too, and would find one of 4 GiB and stop. QEMU's PIIX does the same.
	 */
}

static void init_channel(struct ide *ide, unsigned int i, const struct vdev_ide_config *config)
{
	struct ide_channel *channel = &ide->channel[i];

	channel->ide = ide;
	channel->command_range = (struct vdev_range){
		.name = i ? "ide1-command" : "ide0-command",
		.base = ports[i].command,
		.size = 8,
		.ops = &ide_command_ops,
		.owner = channel,
	};
	channel->control_range = (struct vdev_range){
		.name = i ? "ide1-control" : "ide0-control",
		.base = ports[i].control,
		.size = 1,
		.ops = &ide_control_ops,
		.owner = channel,
	};
	vdev_irq_connect(&channel->irq, config->irq[i]);
}

static bool is_usable(const struct vdev_ide_drive *config)
{
	if (config->kind == VDEV_IDE_NONE)
		return !config->disk;
	if (config->kind == VDEV_IDE_DISK)
		return config->disk && disk_sector_size(config->disk) == IDE_SECTOR;
	return !config->disk || disk_sector_size(config->disk) == IDE_CD_SECTOR;
}

static void copy_text(char *to, size_t size, const char *from)
{
	memcpy(to, from, strnlen(from, size));
}

static int init_drive(struct ide *ide, unsigned int i, const struct vdev_ide_drive *config)
{
	struct ide_drive *drive = &ide->channel[i / 2].drive[i % 2];
	const char *model = config->kind == VDEV_IDE_CDROM ? "Keelson CD-ROM" : "Keelson Disk";
	char serial[VDEV_IDE_SERIAL_SIZE + 1];

	drive->channel = &ide->channel[i / 2];
	if (!is_usable(config))
		return -EINVAL;
	if (config->kind == VDEV_IDE_NONE)
		return 0;
	snprintf(serial, sizeof serial, "KL%05u", i);
	drive->kind = config->kind;
	drive->disk = config->disk;
	copy_text(drive->serial, sizeof drive->serial, config->serial ? config->serial : serial);
	copy_text(drive->model, sizeof drive->model, config->model ? config->model : model);
	return ide_drive_init(drive);
}

static int init(struct ide *ide, struct vdev_pci_bus *bus, unsigned int devfn,
		const struct vdev_ide_config *config)
{
	for (unsigned int i = 0; i < VDEV_IDE_CHANNELS; i++)
		init_channel(ide, i, config);
	for (unsigned int i = 0; i < VDEV_IDE_DRIVES; i++) {
		int r = init_drive(ide, i, &config->drive[i]);

		if (r < 0)
			return r;
	}
	init_function(ide);
	return vdev_pci_attach(bus, &ide->function, devfn);
}

int vdev_ide_create(struct vdev_board *board, struct vdev_pci_bus *bus, unsigned int devfn,
		    const struct vdev_ide_config *config, struct vdev_device **ret_device)
{
	struct ide *ide = calloc(1, sizeof *ide);
	int r;

	if (!ide)
		return -ENOMEM;
	vdev_device_init(&ide->device, &ide_class, "ide");
	ide->board = board;
	r = init(ide, bus, devfn, config);
	if (r < 0) {
		ide_destroy(&ide->device);
		return r;
	}
	for (unsigned int i = 0; i < VDEV_IDE_CHANNELS; i++)
		ide_channel_reset(&ide->channel[i]);
	*ret_device = &ide->device;
	return 0;
}
