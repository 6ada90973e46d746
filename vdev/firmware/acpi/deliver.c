/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables' two ways into the guest: the loader script for firmware (QEMU's table-loader commands:
 * 128 bytes each, little-endian), and doing here what that script says.
 */
#include "vdev/acpi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "vdev/fw_cfg.h"
#include "vid/partition.h"

#define TABLES_FILE      "etc/acpi/tables"
#define RSDP_FILE        "etc/acpi/rsdp"
#define LOADER_FILE      "etc/table-loader"

#define COMMAND_SIZE     128u
#define COMMANDS_MAX     (2 + VDEV_ACPI_POINTERS_MAX + VDEV_ACPI_CHECKSUMS_MAX)

#define CMD_ALLOCATE     1u
#define CMD_ADD_POINTER  2u
#define CMD_ADD_CHECKSUM 3u
#define ZONE_HIGH        1u
#define ZONE_FSEG        2u
#define NAME_AT          4u
#define NAME2_AT         (NAME_AT + VDEV_FW_CFG_NAME_SIZE)
#define POINTER_SIZE     4u

struct script {
	uint8_t commands[COMMANDS_MAX * COMMAND_SIZE];
	size_t size;
};

static const char *file_name(bool rsdp)
{
	return rsdp ? RSDP_FILE : TABLES_FILE;
}

static uint8_t *add_command(struct script *s, uint32_t command, const char *file)
{
	uint8_t *at = s->commands + s->size;

	CHECK(s->size + COMMAND_SIZE <= sizeof(s->commands));
	s->size += COMMAND_SIZE;
	bytes_put_le32(at, command);
	memcpy(at + NAME_AT, file, strlen(file));
	return at;
}

static void add_allocate(struct script *s, const char *file, uint32_t alignment, uint8_t zone)
{
	uint8_t *at = add_command(s, CMD_ALLOCATE, file);

	bytes_put_le32(at + NAME2_AT, alignment);
	at[NAME2_AT + 4] = zone;
}

static void add_add_pointer(struct script *s, const struct vdev_acpi_pointer *p)
{
	uint8_t *at = add_command(s, CMD_ADD_POINTER, file_name(p->in_rsdp));

	memcpy(at + NAME2_AT, TABLES_FILE, strlen(TABLES_FILE));
	bytes_put_le32(at + NAME2_AT + VDEV_FW_CFG_NAME_SIZE, p->at);
	at[NAME2_AT + VDEV_FW_CFG_NAME_SIZE + 4] = POINTER_SIZE;
}

static void add_add_checksum(struct script *s, const struct vdev_acpi_checksum *c)
{
	uint8_t *at = add_command(s, CMD_ADD_CHECKSUM, file_name(c->in_rsdp));

	bytes_put_le32(at + NAME2_AT, c->at);
	bytes_put_le32(at + NAME2_AT + 4, c->start);
	bytes_put_le32(at + NAME2_AT + 8, c->length);
}

static void make_script(struct script *s, const struct vdev_acpi *a)
{
	add_allocate(s, RSDP_FILE, 16, ZONE_FSEG);
	add_allocate(s, TABLES_FILE, VDEV_ACPI_ALIGNMENT, ZONE_HIGH);
	for (size_t i = 0; i < a->pointer_count; i++)
		add_add_pointer(s, &a->pointers[i]);
	for (size_t i = 0; i < a->checksum_count; i++)
		add_add_checksum(s, &a->checksums[i]);
}

int vdev_acpi_add_to_fw_cfg(const struct vdev_acpi *a, struct vdev_fw_cfg *fw_cfg)
{
	_cleanup_free_ struct script *script = calloc(1, sizeof(*script));
	int r;

	if (!script)
		return -ENOMEM;
	make_script(script, a);
	r = vdev_fw_cfg_add_file(fw_cfg, TABLES_FILE, a->tables, a->size);
	if (r == 0)
		r = vdev_fw_cfg_add_file(fw_cfg, RSDP_FILE, a->rsdp, sizeof(a->rsdp));
	if (r == 0)
		r = vdev_fw_cfg_add_file(fw_cfg, LOADER_FILE, script->commands, script->size);
	return r;
}

/* ---- without firmware ---- */

static uint8_t *blob(struct vdev_acpi *a, bool rsdp)
{
	return rsdp ? a->rsdp : a->tables;
}

static void relocate(struct vdev_acpi *a, uint32_t base)
{
	for (size_t i = 0; i < a->pointer_count; i++) {
		uint8_t *at = blob(a, a->pointers[i].in_rsdp) + a->pointers[i].at;

		bytes_put_le32(at, bytes_get_le32(at) + base);
	}
}

static void sum_up(struct vdev_acpi *a)
{
	for (size_t i = 0; i < a->checksum_count; i++) {
		const struct vdev_acpi_checksum *c = &a->checksums[i];
		uint8_t *data = blob(a, c->in_rsdp);
		uint8_t sum = 0;

		for (uint32_t j = c->start; j < c->start + c->length; j++)
			sum += data[j];
		data[c->at] -= sum;
	}
}

int vdev_acpi_place(const struct vdev_acpi *acpi, struct vid_partition *partition, uint64_t rsdp,
		    uint64_t tables)
{
	_cleanup_free_ struct vdev_acpi *a = NULL;
	int r;

	if (!IS_ALIGNED(rsdp, 16) || !IS_ALIGNED(tables, VDEV_ACPI_ALIGNMENT) ||
	    tables + acpi->size > UINT32_MAX)
		return -EINVAL;
	a = malloc(sizeof(*a));
	if (!a)
		return -ENOMEM;
	*a = *acpi;
	relocate(a, (uint32_t)tables);
	sum_up(a);
	r = vid_gpa_write(partition, tables, a->tables, a->size);
	return r < 0 ? r : vid_gpa_write(partition, rsdp, a->rsdp, sizeof(a->rsdp));
}
