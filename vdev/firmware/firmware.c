/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fw_cfg files of a machine, but ACPI's.
 */
#include "vdev/firmware.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "smbios.h"
#include "vdev/fw_cfg.h"
#include "vid/partition.h"

/* RAM only: SeaBIOS makes its own holes in it. */
static int add_memory_map(const struct vdev_firmware_config *c, struct vdev_fw_cfg *f)
{
	const struct vdev_e820_entry map[2] = {
		{0, c->below_4g, VDEV_E820_RAM},
		{GIB(4), c->above_4g, VDEV_E820_RAM},
	};

	return vdev_fw_cfg_add_file(f, "etc/e820", map, sizeof(map[0]) * (c->above_4g ? 2 : 1));
}

static int add_smbios(const struct vdev_firmware_config *c, struct vdev_fw_cfg *f)
{
	struct smbios smbios;
	int r;

	smbios_build(&smbios, c->uuid, c->name);
	r = vdev_fw_cfg_add_file(f, "etc/smbios/smbios-anchor", smbios.anchor,
				 sizeof(smbios.anchor));
	if (r < 0)
		return r;
	return vdev_fw_cfg_add_file(f, "etc/smbios/smbios-tables", smbios.tables, smbios.size);
}

static int add_processors(const struct vdev_firmware_config *c, struct vdev_fw_cfg *f)
{
	uint8_t count[2];
	int r;

	bytes_put_le16(count, (uint16_t)c->processors);
	r = vdev_fw_cfg_add_item(f, FW_CFG_NB_CPUS, count, sizeof(count));
	return r < 0 ? r : vdev_fw_cfg_add_item(f, FW_CFG_MAX_CPUS, count, sizeof(count));
}

static int add_boot(const struct vdev_firmware_config *c, struct vdev_fw_cfg *f)
{
	uint8_t menu[2];
	int r;

	bytes_put_le16(menu, c->boot_menu_ms > 0);
	r = vdev_fw_cfg_add_item(f, FW_CFG_BOOT_MENU, menu, sizeof(menu));
	if (r == 0 && c->boot_menu_ms)
		r = vdev_fw_cfg_add_number(f, "etc/boot-menu-wait", c->boot_menu_ms, 2);
	if (r == 0 && c->boot_order)
		r = vdev_fw_cfg_add_file(f, "bootorder", c->boot_order, strlen(c->boot_order) + 1);
	if (r == 0 && c->console_port)
		r = vdev_fw_cfg_add_number(f, "etc/sercon-port", c->console_port, 2);
	return r;
}

static bool printable(const char *text)
{
	for (; *text; text++) {
		if (*text < 0x20 || *text > 0x7e)
			return false;
	}
	return true;
}

static bool is_name(const char *name)
{
	return strlen(name) <= SMBIOS_NAME_MAX && printable(name);
}

int vdev_smbios_place(const uint8_t uuid[16], const char *name, struct vid_partition *partition,
		      uint64_t anchor, uint64_t tables)
{
	struct smbios smbios;
	int r;

	if (!is_name(name) || !IS_ALIGNED(anchor, 16) || tables > UINT32_MAX)
		return -EINVAL;
	smbios_build(&smbios, uuid, name);
	smbios_set_address(&smbios, (uint32_t)tables);
	r = vid_gpa_write(partition, tables, smbios.tables, smbios.size);
	return r < 0 ? r : vid_gpa_write(partition, anchor, smbios.anchor, SMBIOS_ANCHOR_SIZE);
}

int vdev_firmware_add(const struct vdev_firmware_config *c, struct vdev_fw_cfg *f)
{
	int r;

	if (!is_name(c->name))
		return -EINVAL;
	r = vdev_fw_cfg_add_item(f, FW_CFG_UUID, c->uuid, sizeof(c->uuid));
	if (r == 0)
		r = add_memory_map(c, f);
	if (r == 0)
		r = add_processors(c, f);
	if (r == 0)
		r = add_smbios(c, f);
	if (r == 0)
		r = add_boot(c, f);
	return r;
}
