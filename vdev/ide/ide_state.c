/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving and restoring, also in the middle of a transfer: the registers, the phase, the part of the
 * buffer that is valid, the bus master's place in its table. A restored drive that waits for its
 * disk asks again; reading twice, and writing the same bytes twice, does no harm.
 */
#include "ide_private.h"

#include <errno.h>
#include <string.h>

#define S            struct ide_state
#define B            struct ide_bus_master
#define C            struct ide_channel_state

/* Tags of a drive's fields; each drive's are DRIVE_STRIDE apart. */
#define DRIVE_TAGS   100
#define DRIVE_STRIDE 100
#define CHANNEL_TAGS 20
#define TAG_PCI      1
#define TAG_BUFFER   99

/* clang-format off */
#define DRIVE_FIELDS(t)                                                                           \
	VDEV_FIELD((t) + 0, S, error), VDEV_FIELD((t) + 1, S, status),                            \
	VDEV_FIELD((t) + 2, S, device), VDEV_FIELD((t) + 3, S, features),                         \
	VDEV_FIELD((t) + 4, S, count), VDEV_FIELD((t) + 5, S, lba_low),                           \
	VDEV_FIELD((t) + 6, S, lba_mid), VDEV_FIELD((t) + 7, S, lba_high),                        \
	VDEV_FIELD((t) + 8, S, hob_features), VDEV_FIELD((t) + 9, S, hob_count),                  \
	VDEV_FIELD((t) + 10, S, hob_lba_low), VDEV_FIELD((t) + 11, S, hob_lba_mid),               \
	VDEV_FIELD((t) + 12, S, hob_lba_high), VDEV_FIELD((t) + 13, S, interrupt),                \
	VDEV_FIELD_MAX((t) + 14, S, multiple, IDE_MULTIPLE_MAX),                                  \
	VDEV_FIELD_MAX((t) + 15, S, heads, 16), VDEV_FIELD((t) + 16, S, sectors),                 \
	VDEV_FIELD((t) + 17, S, transfer_mode), VDEV_FIELD((t) + 18, S, write_cache),             \
	VDEV_FIELD((t) + 19, S, look_ahead), VDEV_FIELD((t) + 20, S, smart),                      \
	VDEV_FIELD((t) + 21, S, standby), VDEV_FIELD((t) + 22, S, command),                       \
	VDEV_FIELD_MAX((t) + 23, S, phase, IDE_PHASE_COUNT - 1), VDEV_FIELD((t) + 24, S, dma),    \
	VDEV_FIELD((t) + 25, S, long_lba), VDEV_FIELD((t) + 26, S, force_unit_access),            \
	VDEV_FIELD_MAX((t) + 27, S, lba, UINT64_C(1) << 48),                                      \
	VDEV_FIELD((t) + 28, S, left), VDEV_FIELD_MAX((t) + 29, S, block, IDE_BUFFER_SIZE),       \
	VDEV_FIELD_MAX((t) + 30, S, position, IDE_BUFFER_SIZE),                                   \
	VDEV_FIELD_MAX((t) + 31, S, block_end, IDE_BUFFER_SIZE),                                  \
	VDEV_FIELD_MAX((t) + 32, S, length, IDE_BUFFER_SIZE),                                     \
	VDEV_FIELD_ARRAY((t) + 33, S, packet), VDEV_FIELD_MAX((t) + 34, S, sense_key, 15),        \
	VDEV_FIELD((t) + 35, S, asc), VDEV_FIELD((t) + 36, S, ascq),                              \
	VDEV_FIELD_MAX((t) + 37, S, media_event, MEDIA_EVENT_REMOVAL),                            \
	VDEV_FIELD((t) + 38, S, attention), VDEV_FIELD((t) + 39, S, tray_open),                   \
	VDEV_FIELD((t) + 40, S, locked)

#define CHANNEL_FIELDS(t)                                                                         \
	VDEV_FIELD((t) + 0, C, control), VDEV_FIELD_MAX((t) + 1, C, selected, 1),                 \
	VDEV_FIELD((t) + 2, C, bm.command), VDEV_FIELD((t) + 3, C, bm.status),                    \
	VDEV_FIELD((t) + 4, C, bm.table), VDEV_FIELD((t) + 5, C, bm.next),                        \
	VDEV_FIELD((t) + 6, C, bm.address), VDEV_FIELD_MAX((t) + 7, C, bm.left, 0x10000),         \
	VDEV_FIELD((t) + 8, C, bm.last)

static const struct vdev_field drive_fields[VDEV_IDE_DRIVES][41] = {
	{DRIVE_FIELDS(DRIVE_TAGS)}, {DRIVE_FIELDS(DRIVE_TAGS + DRIVE_STRIDE)},
	{DRIVE_FIELDS(DRIVE_TAGS + 2 * DRIVE_STRIDE)}, {DRIVE_FIELDS(DRIVE_TAGS + 3 * DRIVE_STRIDE)},
};
static const struct vdev_field channel_fields[VDEV_IDE_CHANNELS][9] = {
	{CHANNEL_FIELDS(CHANNEL_TAGS)}, {CHANNEL_FIELDS(CHANNEL_TAGS + 20)},
};
/* clang-format on */

/* A restored state before it is taken over. */
struct restored {
	struct ide_state drive[VDEV_IDE_DRIVES];
	const uint8_t *buffer[VDEV_IDE_DRIVES];
	struct ide_channel_state channel[VDEV_IDE_CHANNELS];
};

static struct ide_drive *drive_of(struct ide *ide, unsigned int i)
{
	return &ide->channel[i / 2].drive[i % 2];
}

static uint16_t buffer_tag(unsigned int i)
{
	return (uint16_t)(DRIVE_TAGS + i * DRIVE_STRIDE + TAG_BUFFER);
}

void ide_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	const struct ide *ide = container_of(device, struct ide, device);

	vdev_pci_save(&ide->function, writer, TAG_PCI);
	for (unsigned int i = 0; i < VDEV_IDE_CHANNELS; i++)
		vdev_state_put_fields(writer, channel_fields[i], ARRAY_SIZE(channel_fields[i]),
				      &ide->channel[i].s);
	for (unsigned int i = 0; i < VDEV_IDE_DRIVES; i++) {
		const struct ide_drive *drive = &ide->channel[i / 2].drive[i % 2];

		vdev_state_put_fields(writer, drive_fields[i], ARRAY_SIZE(drive_fields[i]),
				      &drive->s);
		if (drive->kind != VDEV_IDE_NONE)
			vdev_state_put(writer, buffer_tag(i), drive->io->buffer, drive->s.length);
	}
}

/* --- what a phase must have to be entered --- */

static bool is_window_valid(const struct ide_state *s)
{
	return s->position <= s->length && s->block_end <= s->length;
}

static bool is_phase_valid(const struct ide_drive *drive, const struct ide_state *s)
{
	uint32_t size = ide_sector_size(drive);

	if (!is_window_valid(s))
		return false;
	switch (s->phase) {
	case IDE_PHASE_PIO_IN:
		return s->position < s->block_end;
	case IDE_PHASE_PIO_OUT:
		return s->position < s->block_end && s->block_end == s->length &&
		       s->length % size == 0 && s->length / size <= s->left;
	case IDE_PHASE_PACKET:
		return s->position < s->block_end && s->block_end == IDE_PACKET_SIZE &&
		       drive->kind == VDEV_IDE_CDROM;
	case IDE_PHASE_DMA_IN:
		return s->position < s->length;
	case IDE_PHASE_DMA_OUT:
		return s->position < s->length && s->length % size == 0 &&
		       s->length / size <= s->left;
	case IDE_PHASE_LOAD:
		return s->left > 0;
	case IDE_PHASE_STORE:
		return s->length > 0 && s->length % size == 0 && s->length / size <= s->left;
	default:
		return true; /* FLUSH */
	}
}

static bool is_write_phase(uint8_t phase)
{
	return phase == IDE_PHASE_PIO_OUT || phase == IDE_PHASE_DMA_OUT ||
	       phase == IDE_PHASE_STORE || phase == IDE_PHASE_FLUSH;
}

static bool is_state_valid(const struct ide_drive *drive, const struct ide_state *s)
{
	bool at_rest = s->phase == IDE_PHASE_IDLE || s->phase == IDE_PHASE_RESET;

	if (s->heads == 0 || s->sectors == 0 || s->multiple & (s->multiple - 1))
		return false;
	if (at_rest || drive->kind == VDEV_IDE_NONE)
		return at_rest && is_window_valid(s) && s->left == 0;
	if (s->block == 0 || (drive->kind == VDEV_IDE_DISK && s->block % IDE_SECTOR))
		return false;
	if (drive->kind == VDEV_IDE_CDROM && is_write_phase(s->phase))
		return false;
	if (drive->kind == VDEV_IDE_CDROM && !drive->disk && s->left)
		return false; /* the medium that was being read is not in the drive */
	return is_phase_valid(drive, s);
}

static int read_drive(struct ide *ide, const struct vdev_state_record *record, unsigned int i,
		      struct restored *to)
{
	const struct ide_drive *drive = drive_of(ide, i);
	size_t size;
	int r = vdev_state_get_fields(record, drive_fields[i], ARRAY_SIZE(drive_fields[i]),
				      &to->drive[i]);

	if (r < 0)
		return r;
	if (!is_state_valid(drive, &to->drive[i]))
		return -EBADMSG;
	if (drive->kind == VDEV_IDE_NONE)
		return to->drive[i].length ? -EBADMSG : 0;
	to->buffer[i] = vdev_state_bytes(record, buffer_tag(i), &size);
	return to->buffer[i] && size == to->drive[i].length ? 0 : -EBADMSG;
}

static int read_all(struct ide *ide, const struct vdev_state_record *record, struct restored *to)
{
	int r;

	for (unsigned int i = 0; i < VDEV_IDE_CHANNELS; i++) {
		r = vdev_state_get_fields(record, channel_fields[i], ARRAY_SIZE(channel_fields[i]),
					  &to->channel[i]);
		if (r < 0)
			return r;
	}
	for (unsigned int i = 0; i < VDEV_IDE_DRIVES; i++) {
		r = read_drive(ide, record, i, to);
		if (r < 0)
			return r;
	}
	return 0;
}

static void take_over(struct ide *ide, const struct restored *from)
{
	for (unsigned int i = 0; i < VDEV_IDE_CHANNELS; i++)
		ide->channel[i].s = from->channel[i];
	for (unsigned int i = 0; i < VDEV_IDE_DRIVES; i++) {
		struct ide_drive *drive = drive_of(ide, i);

		ide_cancel(drive);
		drive->s = from->drive[i];
		if (drive->kind != VDEV_IDE_NONE)
			memcpy(drive->io->buffer, from->buffer[i], drive->s.length);
		ide_resume(drive);
	}
	for (unsigned int i = 0; i < VDEV_IDE_CHANNELS; i++)
		ide_channel_update_irq(&ide->channel[i]);
}

int ide_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	struct ide *ide = ide_of(device);
	struct restored from = {0};
	int r;

	r = read_all(ide, record, &from);
	if (r < 0)
		return r;
	r = vdev_pci_restore(&ide->function, record, TAG_PCI);
	if (r < 0)
		return r;
	ide_map_channels(ide);
	take_over(ide, &from);
	return 0;
}
