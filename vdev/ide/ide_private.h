/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the IDE function.
 *
 * A drive is always in one phase (below). Commands start a phase, the host's accesses to the data
 * register, the bus master and completions of disk requests lead to the next. Everything that the
 * guest can see is in struct ide_state and struct ide_bus_master, and is saved; a disk request under
 * way is not, it is submitted again by the phase after a restore.
 *
 * A disk request belongs to a struct ide_io with its own buffer. When a reset comes while one is
 * under way, the drive lets go of it (an orphan) and goes on with a new one; no new request is
 * submitted before the orphan has come back, so that an old write never overtakes a newer one.
 */
#ifndef VDEV_IDE_PRIVATE_H
#define VDEV_IDE_PRIVATE_H

#include <sys/uio.h>

#include "board/device.h"
#include "disk/disk.h"
#include "vdev/ide.h"
#include "vdev/pci.h"

/* Status register. */
#define IDE_BSY          BIT(7)
#define IDE_DRDY         BIT(6)
#define IDE_DF           BIT(5)
#define IDE_DSC          BIT(4)
#define IDE_DRQ          BIT(3)
#define IDE_ERR          BIT(0) /* CHK of a packet device */

/* Error register. */
#define IDE_UNC          BIT(6)
#define IDE_IDNF         BIT(4)
#define IDE_ABRT         BIT(2)

/* Device control register. */
#define IDE_HOB          BIT(7)
#define IDE_SRST         BIT(2)
#define IDE_NIEN         BIT(1)

/* Device register. */
#define IDE_LBA          BIT(6)
#define IDE_DEV          BIT(4)

/* Interrupt reason (sector count register of a packet device). */
#define IDE_REASON_IO    BIT(1)
#define IDE_REASON_CD    BIT(0)

#define IDE_SECTOR       512u
#define IDE_CD_SECTOR    2048u
#define IDE_BUFFER_SIZE  65536u
#define IDE_PACKET_SIZE  12u
#define IDE_MULTIPLE_MAX 16u

enum ide_phase {
	IDE_PHASE_IDLE,
	IDE_PHASE_PIO_IN,  /* DRQ: the host reads buffer[position..block_end) */
	IDE_PHASE_PIO_OUT, /* DRQ: the host writes there */
	IDE_PHASE_PACKET,  /* DRQ: the host writes a command packet */
	IDE_PHASE_DMA_IN,  /* buffer[position..length) goes to memory as the bus master allows */
	IDE_PHASE_DMA_OUT, /* the same from memory */
	IDE_PHASE_LOAD,    /* BSY: the disk reads into the buffer */
	IDE_PHASE_STORE,   /* BSY: the disk writes buffer[0..length) */
	IDE_PHASE_FLUSH,   /* BSY: the disk flushes; the command is then complete */
	IDE_PHASE_RESET,   /* BSY: SRST is set */
	IDE_PHASE_COUNT,
};

/* Of one drive. What a command uses of it is set by that command. */
struct ide_state {
	/* The registers, and what was in them before the last write (48-bit commands). */
	uint8_t error, status, device;
	uint8_t features, count, lba_low, lba_mid, lba_high;
	uint8_t hob_features, hob_count, hob_lba_low, hob_lba_mid, hob_lba_high;
	bool interrupt; /* INTRQ is pending in this drive */

	/* Settings. */
	uint8_t multiple;       /* sectors per block of the MULTIPLE commands; 0: not set */
	uint8_t heads, sectors; /* the geometry that CHS addresses are in */
	uint8_t transfer_mode;  /* as set by SET FEATURES 03h */
	bool write_cache, look_ahead, smart, standby;

	/* The transfer. */
	uint8_t command;
	uint8_t phase; /* enum ide_phase */
	bool dma;
	bool long_lba; /* a 48-bit command: errors are reported so */
	bool force_unit_access;
	uint64_t lba;       /* of the next sector that the disk reads or writes */
	uint32_t left;      /* sectors from there on */
	uint32_t block;     /* bytes of one DRQ block, at most */
	uint32_t position;  /* in the buffer */
	uint32_t block_end; /* in the buffer */
	uint32_t length;    /* valid bytes in the buffer */

	/* ATAPI. */
	uint8_t packet[IDE_PACKET_SIZE];
	uint8_t sense_key, asc, ascq;
	uint8_t media_event; /* for GET EVENT STATUS NOTIFICATION, told once */
	bool attention;      /* the medium may have changed */
	bool tray_open, locked;
};

/* A disk request with its buffer. */
struct ide_io {
	struct disk_request request;
	struct iovec iov;
	struct ide_drive *drive;
	bool orphan;
	uint8_t *buffer; /* IDE_BUFFER_SIZE */
};

struct ide_drive {
	struct ide_channel *channel;
	enum vdev_ide_kind kind;
	struct disk *disk;
	char serial[VDEV_IDE_SERIAL_SIZE];
	char model[VDEV_IDE_MODEL_SIZE];
	struct ide_state s;
	struct ide_io *io;
	bool io_pending; /* io->request is submitted, or held back by the orphan */
	bool io_held;
	struct ide_io *orphan;
};

/* Bus master registers of a channel, and the region that it is in. */
struct ide_bus_master {
	uint8_t command, status;
	uint32_t table;   /* BMIDTPX */
	uint32_t next;    /* address of the next descriptor */
	uint32_t address; /* rest of the present region */
	uint32_t left;
	bool last; /* the present region is the table's last */
};

#define BMICX_SSBM    BIT(0)
#define BMICX_RWCON   BIT(3) /* the bus master writes to memory */
#define BMISX_ACTIVE  BIT(0)
#define BMISX_ERROR   BIT(1)
#define BMISX_INT     BIT(2)
#define BMISX_CAPABLE (BIT(5) | BIT(6))

struct ide_channel_state {
	uint8_t control;
	uint8_t selected;
	struct ide_bus_master bm;
};

struct ide_channel {
	struct ide *ide;
	struct ide_drive drive[2];
	struct ide_channel_state s;
	struct vdev_irq irq;
	struct vdev_range command_range; /* 1F0–1F7, 170–177 */
	struct vdev_range control_range; /* 3F6, 376 */
	bool mapped;
};

struct ide {
	struct vdev_device device;
	struct vdev_board *board;
	struct vdev_pci_function function;
	struct ide_channel channel[VDEV_IDE_CHANNELS];
};

/* ide_channel.c */
extern const struct vdev_range_ops ide_command_ops, ide_control_ops;
void ide_channel_reset(struct ide_channel *channel);
void ide_channel_update_irq(struct ide_channel *channel);

/* ide_transfer.c: phases, and how a command ends */
void ide_raise(struct ide_drive *drive);
void ide_finish(struct ide_drive *drive);              /* complete, with an interrupt */
void ide_abort(struct ide_drive *drive);               /* ABRT, with an interrupt */
void ide_fail(struct ide_drive *drive, uint8_t error); /* with these bits, with an interrupt */
void ide_send(struct ide_drive *drive,
	      uint32_t length); /* the buffer's first bytes, by PIO or DMA */
void ide_read_start(struct ide_drive *drive);
void ide_write_start(struct ide_drive *drive);
void ide_flush_start(struct ide_drive *drive);
void ide_data_read(struct ide_drive *drive, uint8_t *bytes, unsigned int width);
void ide_data_write(struct ide_drive *drive, const uint8_t *bytes, unsigned int width);
void ide_dma_chunk_done(struct ide_drive *drive); /* position has reached length */
void ide_cancel(struct ide_drive *drive); /* to IDLE; a request under way becomes an orphan */
void ide_resume(struct ide_drive *drive); /* submits what the restored phase waits for */
uint32_t ide_sector_size(const struct ide_drive *drive);
int must_check ide_drive_init(struct ide_drive *drive);
void ide_drive_fini(struct ide_drive *drive);

/* ide_dma.c */
extern const struct vdev_range_ops ide_bus_master_ops;
void ide_dma_run(struct ide_channel *channel);
void ide_dma_reset(struct ide_channel *channel);

/* ide_disk.c, ide_identify.c */
void ide_disk_command(struct ide_drive *drive);
void ide_signature(struct ide_drive *drive);
uint64_t ide_disk_sectors(const struct ide_drive *drive);
void ide_identify_disk(const struct ide_drive *drive, uint8_t identify[IDE_SECTOR]);
void ide_identify_cdrom(const struct ide_drive *drive, uint8_t identify[IDE_SECTOR]);
void ide_set_features(struct ide_drive *drive);

/* atapi.c, atapi_medium.c */
void atapi_command(struct ide_drive *drive); /* of the ATA command register */
void atapi_packet(struct ide_drive *drive);  /* state.packet is complete */
void atapi_complete(struct ide_drive *drive);
void atapi_sense(struct ide_drive *drive, uint8_t key, uint8_t asc, uint8_t ascq);
void atapi_offer(struct ide_drive *drive, uint32_t bytes); /* registers of a data-in block */
void atapi_media_command(struct ide_drive *drive);
void atapi_reply(struct ide_drive *drive, uint32_t length, uint32_t allocation);
bool atapi_is_ready(const struct ide_drive *drive);

/* SPC-3 4.5: sense keys, and additional sense codes. */
#define SENSE_NONE                0x0
#define SENSE_NOT_READY           0x2
#define SENSE_MEDIUM_ERROR        0x3
#define SENSE_ILLEGAL             0x5
#define SENSE_ATTENTION           0x6
#define ASC_READ_ERROR            0x11
#define ASC_INVALID_OPCODE        0x20
#define ASC_OUT_OF_RANGE          0x21
#define ASC_INVALID_FIELD         0x24
#define ASC_MEDIUM_CHANGED        0x28
#define ASC_SAVING_PARAMETERS     0x39
#define ASC_NO_MEDIUM             0x3a
#define ASC_REMOVAL_PREVENTED     0x53

/* Media class events (MMC-3 6.7). */
#define MEDIA_EVENT_NONE          0
#define MEDIA_EVENT_EJECT_REQUEST 1
#define MEDIA_EVENT_NEW           2
#define MEDIA_EVENT_REMOVAL       3

/* ide_state.c */
#define IDE_STATE_VERSION         1
void ide_save(const struct vdev_device *device, struct vdev_state_writer *writer);
int ide_restore(struct vdev_device *device, const struct vdev_state_record *record);

/* ide.c */
static inline struct ide *ide_of(struct vdev_device *device)
{
	return container_of(device, struct ide, device);
}
void ide_map_channels(struct ide *ide);

static inline struct ide_drive *ide_selected(struct ide_channel *channel)
{
	return &channel->drive[channel->s.selected];
}

#endif
