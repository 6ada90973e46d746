/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IDE function on a test board: a disk as primary master, one on the secondary channel alone, a
 * CD-ROM as primary slave; image files whose sectors carry their number; and a guest's moves. Disk
 * requests are carried out when the test says so.
 */
#ifndef IDE_BENCH_H
#define IDE_BENCH_H

#include "disk/disk.h"
#include "test_board.h"
#include "vdev/ide.h"

#define BENCH_SECTORS    40960u
#define BENCH_CD_SECTORS 1000u
#define BENCH_LOW        4352u /* sectors at either end that bench_fill() has filled; */
#define BENCH_HIGH       512u  /* between them is a hole, which reads like none of them */
#define BENCH_DEVFN      VDEV_PCI_DEVFN(1, 1)
#define BENCH_BMIBA      0xc000
#define BENCH_PRD        0x1000 /* tables of descriptors in guest memory */
#define BENCH_DATA       0x10000

#define ATA              0x1f0
#define ATA2             0x170

struct ide_bench {
	struct test_board *t;
	struct vdev_device *ide;
	struct disk_engine *engine;
	struct disk *disk[2];
	struct disk *cd;
	int disk_fd, cd_fd; /* of the primary master, of the CD; owned by the disks */
};

void bench_create(struct ide_bench *b);
void bench_destroy(struct ide_bench *b);

/* What firmware does: decode, I/O space, bus mastering, BMIBA. */
void bench_enable(struct ide_bench *b);

/* Carries out all disk requests, those included that completions submit. */
void bench_pump(struct ide_bench *b);

/* Task file for LBA28 to drive 0 or 1 of a channel; then the command. */
void bench_command(struct ide_bench *b, uint16_t base, unsigned int drive, uint32_t lba,
		   uint8_t count, uint8_t command);
/* The same for 48 bits. */
void bench_command48(struct ide_bench *b, uint16_t base, uint64_t lba, uint16_t count,
		     uint8_t command);

/* PIO: reads or writes whole sectors word by word. */
void bench_read_words(struct ide_bench *b, uint16_t base, uint8_t *to, size_t size);
void bench_write_words(struct ide_bench *b, uint16_t base, const uint8_t *from, size_t size);

/* A table of one descriptor per chunk, for `size` bytes at BENCH_DATA. */
void bench_prd(struct ide_bench *b, uint32_t size, uint32_t chunk);
/* Sets the table, then starts the bus master of channel 0. */
void bench_start_dma(struct ide_bench *b, bool to_memory);
uint8_t bench_dma_status(struct ide_bench *b);

/* Sends a packet to the CD-ROM; returns the status after it was carried out. */
uint8_t bench_packet(struct ide_bench *b, const uint8_t packet[12], uint16_t limit);
/* And reads what it offers; returns how much. */
size_t bench_packet_in(struct ide_bench *b, const uint8_t packet[12], uint8_t *to, size_t size);
/* Sense key, ASC and ASCQ as one number: 0xKAACC. */
uint32_t bench_sense(struct ide_bench *b);

/* What sector n of an image holds, outside of the hole. */
void bench_fill(uint8_t *sector, size_t size, uint32_t n);

/* True, and cleared, if the channel's line rose since the last call. */
bool bench_interrupted(struct ide_bench *b, unsigned int irq);

#endif
