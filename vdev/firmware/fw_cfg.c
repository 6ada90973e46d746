/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Items and their reading by port and by DMA. Invariants: files[] and their directory entries are in
 * the same order, file n has key FILE_FIRST + n; reading behind the end of an item gives zeroes.
 */
#include "vdev/fw_cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "vid/partition.h"

#define SELECTOR_PORT 0x510
#define DMA_PORT      0x514
#define FILE_FIRST    0x20u
#define KEY_MASK \
	0xbfffu /* bit 14 asks to write; bit 15 is the architecture's own keys, of which we have none */

#define ID_TRADITIONAL  BIT(0)
#define ID_DMA          BIT(1)
#define DMA_SIGNATURE   UINT64_C(0x51454d5520434647) /* "QEMU CFG" */

#define DMA_ERROR       BIT(0)
#define DMA_READ        BIT(1)
#define DMA_SKIP        BIT(2)
#define DMA_SELECT      BIT(3)
#define DMA_WRITE       BIT(4)

#define DIRECTORY_ENTRY 64u

struct item {
	void *data;
	size_t size;
};

struct vdev_fw_cfg {
	struct vdev_device device;
	struct vdev_board *board;
	struct vdev_range range, dma_range;
	struct item items[VDEV_FW_CFG_ITEM_MAX];
	struct item files[VDEV_FW_CFG_FILES_MAX];
	unsigned int file_count;
	uint8_t directory[4 + VDEV_FW_CFG_FILES_MAX * DIRECTORY_ENTRY];

	uint16_t key;
	uint32_t offset;   /* next byte to read; grows behind the end no further than UINT32_MAX */
	uint32_t dma_high; /* upper half of the DMA address, big-endian as written */
};

/* ---- contents ---- */

static struct item selected(struct vdev_fw_cfg *f)
{
	uint16_t key = f->key;

	if (key == FW_CFG_FILE_DIR)
		return (struct item){f->directory, 4 + (size_t)f->file_count * DIRECTORY_ENTRY};
	if (key < VDEV_FW_CFG_ITEM_MAX)
		return f->items[key];
	if (key - FILE_FIRST < f->file_count)
		return f->files[key - FILE_FIRST];
	return (struct item){0};
}

static int copy_item(struct item *item, const void *data, size_t size)
{
	void *copy;

	if (item->data)
		return -EEXIST;
	if (size > UINT32_MAX)
		return -EINVAL;
	copy = malloc(size ? size : 1);
	if (!copy)
		return -ENOMEM;
	if (size)
		memcpy(copy, data, size);
	*item = (struct item){copy, size};
	return 0;
}

int vdev_fw_cfg_add_item(struct vdev_fw_cfg *f, uint16_t key, const void *data, size_t size)
{
	if (key >= VDEV_FW_CFG_ITEM_MAX || key == FW_CFG_FILE_DIR)
		return -EINVAL;
	return copy_item(&f->items[key], data, size);
}

/* Entry: size, key, reserved (all big-endian), name. */
static uint8_t *directory_entry(struct vdev_fw_cfg *f, unsigned int n)
{
	return f->directory + 4 + (size_t)n * DIRECTORY_ENTRY;
}

static bool has_file(struct vdev_fw_cfg *f, const char *name)
{
	for (unsigned int i = 0; i < f->file_count; i++) {
		if (strcmp((const char *)directory_entry(f, i) + 8, name) == 0)
			return true;
	}
	return false;
}

int vdev_fw_cfg_add_file(struct vdev_fw_cfg *f, const char *name, const void *data, size_t size)
{
	unsigned int n = f->file_count;
	uint8_t *entry;
	int r;

	if (strlen(name) >= VDEV_FW_CFG_NAME_SIZE)
		return -EINVAL;
	if (has_file(f, name))
		return -EEXIST;
	if (n == VDEV_FW_CFG_FILES_MAX)
		return -ENOSPC;
	r = copy_item(&f->files[n], data, size);
	if (r < 0)
		return r;
	entry = directory_entry(f, n);
	bytes_put_be32(entry, (uint32_t)size);
	bytes_put_be16(entry + 4, (uint16_t)(FILE_FIRST + n));
	memcpy(entry + 8, name, strlen(name));
	f->file_count++;
	bytes_put_be32(f->directory, f->file_count);
	return 0;
}

int vdev_fw_cfg_add_number(struct vdev_fw_cfg *f, const char *name, uint64_t value, size_t size)
{
	uint8_t raw[8];

	if (size > sizeof(raw))
		return -EINVAL;
	bytes_put_le64(raw, value);
	return vdev_fw_cfg_add_file(f, name, raw, size);
}

/* ---- reading ---- */

static void skip(struct vdev_fw_cfg *f, uint32_t count)
{
	f->offset = count > UINT32_MAX - f->offset ? UINT32_MAX : f->offset + count;
}

/* Bytes of the item from the offset on, at most `size`. */
static size_t available(struct vdev_fw_cfg *f, size_t size)
{
	struct item item = selected(f);

	return f->offset < item.size ? MIN(size, item.size - f->offset) : 0;
}

static uint64_t port_read(void *owner, uint64_t offset, unsigned int width)
{
	struct vdev_fw_cfg *f = owner;
	uint8_t value = 0;

	if (offset == 0) /* the selector is write-only */
		return UINT16_MAX;
	if (available(f, 1))
		value = ((uint8_t *)selected(f).data)[f->offset];
	skip(f, 1);
	return value;
}

static void select_item(struct vdev_fw_cfg *f, uint16_t key)
{
	f->key = key & KEY_MASK;
	f->offset = 0;
}

static void port_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	if (offset == 0 && width == 2)
		select_item(owner, (uint16_t)value);
}

static const struct vdev_range_ops port_ops = {
	.read = port_read,
	.write = port_write,
	.max_width = 2,
};

/* ---- DMA ---- */

struct dma_request { /* in guest memory, big-endian */
	uint32_t control;
	uint32_t length;
	uint64_t address;
};

_Static_assert(sizeof(struct dma_request) == 16, "QEMU fw_cfg specification, DMA");

/* The rest of a read behind the end of the item. */
static int zero_guest(struct vdev_fw_cfg *f, uint64_t gpa, uint32_t size)
{
	static const uint8_t zeroes[4096];
	int r = 0;

	while (size > 0 && r == 0) {
		uint32_t piece = MIN(size, (uint32_t)sizeof(zeroes));

		r = vid_gpa_write(f->board->partition, gpa, zeroes, piece);
		gpa += piece;
		size -= piece;
	}
	return r;
}

static int dma_read(struct vdev_fw_cfg *f, uint64_t gpa, uint32_t length)
{
	size_t there = available(f, length);
	const uint8_t *data = selected(f).data;
	int r = 0;

	if (there)
		r = vid_gpa_write(f->board->partition, gpa, data + f->offset, there);
	if (r == 0)
		r = zero_guest(f, gpa + there, length - (uint32_t)there);
	skip(f, length);
	return r;
}

static int run_request(struct vdev_fw_cfg *f, const struct dma_request *request)
{
	uint32_t control = be32toh(request->control), length = be32toh(request->length);

	if (control & DMA_SELECT)
		select_item(f, (uint16_t)(control >> 16));
	if (control & DMA_READ)
		return dma_read(f, be64toh(request->address), length);
	if (control & DMA_WRITE)
		return -EROFS;
	if (control & DMA_SKIP)
		skip(f, length);
	return 0;
}

/* The control word goes to 0 when done, or to the error bit. */
static void start_dma(struct vdev_fw_cfg *f, uint64_t gpa)
{
	struct dma_request request;
	uint32_t control;

	if (vid_gpa_read(f->board->partition, gpa, &request, sizeof(request)) < 0)
		return;
	control = htobe32(run_request(f, &request) < 0 ? DMA_ERROR : 0);
	if (vid_gpa_write(f->board->partition, gpa, &control, sizeof(control)) < 0) {
		/* The request lies in memory that cannot be written: the guest sees no end of it. */
	}
}

static uint64_t dma_port_read(void *owner, uint64_t offset, unsigned int width)
{
	return htobe64(DMA_SIGNATURE) >> (8 * offset);
}

/* The lower half starts the transfer. */
static void dma_port_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_fw_cfg *f = owner;
	uint32_t half = be32toh((uint32_t)value);

	if (width != 4)
		return;
	if (offset == 0) {
		f->dma_high = half;
		return;
	}
	start_dma(f, (uint64_t)f->dma_high << 32 | half);
	f->dma_high = 0;
}

static const struct vdev_range_ops dma_ops = {
	.read = dma_port_read,
	.write = dma_port_write,
	.max_width = 4,
};

/* ---- device ---- */

static const struct vdev_field fields[] = {
	VDEV_FIELD_MAX(1, struct vdev_fw_cfg, key, KEY_MASK),
	VDEV_FIELD(2, struct vdev_fw_cfg, offset),
	VDEV_FIELD(3, struct vdev_fw_cfg, dma_high),
};

static struct vdev_fw_cfg *to_fw_cfg(struct vdev_device *device)
{
	return container_of(device, struct vdev_fw_cfg, device);
}

static void fw_cfg_reset(struct vdev_device *device)
{
	struct vdev_fw_cfg *f = to_fw_cfg(device);

	select_item(f, FW_CFG_SIGNATURE);
	f->dma_high = 0;
}

static void fw_cfg_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	vdev_state_put_fields(writer, fields, ARRAY_SIZE(fields), device);
}

static int fw_cfg_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	return vdev_state_get_fields(record, fields, ARRAY_SIZE(fields), to_fw_cfg(device));
}

static void fw_cfg_destroy(struct vdev_device *device)
{
	struct vdev_fw_cfg *f = to_fw_cfg(device);

	vdev_bus_remove(&f->board->ports, &f->range);
	vdev_bus_remove(&f->board->ports, &f->dma_range);
	for (unsigned int i = 0; i < VDEV_FW_CFG_ITEM_MAX; i++)
		free(f->items[i].data);
	for (unsigned int i = 0; i < VDEV_FW_CFG_FILES_MAX; i++)
		free(f->files[i].data);
	free(f);
}

static const struct vdev_device_class fw_cfg_class = {
	.type = "fw_cfg",
	.version = 1,
	.reset = fw_cfg_reset,
	.save = fw_cfg_save,
	.restore = fw_cfg_restore,
	.destroy = fw_cfg_destroy,
};

static int add_identity(struct vdev_fw_cfg *f)
{
	uint8_t id[4];
	int r = vdev_fw_cfg_add_item(f, FW_CFG_SIGNATURE, "QEMU", 4);

	bytes_put_le32(id, ID_TRADITIONAL | ID_DMA);
	return r < 0 ? r : vdev_fw_cfg_add_item(f, FW_CFG_ID, id, sizeof(id));
}

static int add_ranges(struct vdev_fw_cfg *f)
{
	int r;

	f->range = (struct vdev_range){
		.name = "fw_cfg", .base = SELECTOR_PORT, .size = 2, .ops = &port_ops, .owner = f};
	f->dma_range = (struct vdev_range){
		.name = "fw_cfg DMA", .base = DMA_PORT, .size = 8, .ops = &dma_ops, .owner = f};
	r = vdev_bus_add(&f->board->ports, &f->range);
	return r < 0 ? r : vdev_bus_add(&f->board->ports, &f->dma_range);
}

int vdev_fw_cfg_create(struct vdev_board *board, struct vdev_fw_cfg **ret_fw_cfg)
{
	struct vdev_fw_cfg *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	vdev_device_init(&f->device, &fw_cfg_class, "fw-cfg");
	f->board = board;
	r = add_identity(f);
	if (r == 0)
		r = add_ranges(f);
	if (r < 0) {
		fw_cfg_destroy(&f->device);
		return r;
	}
	*ret_fw_cfg = f;
	return 0;
}

struct vdev_device *vdev_fw_cfg_device(struct vdev_fw_cfg *f)
{
	return &f->device;
}
