/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ide_bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fd.h"

void bench_fill(uint8_t *sector, size_t size, uint32_t n)
{
	for (size_t i = 0; i < size; i += 4)
		bytes_put_le32(sector + i, n * 2654435761u + (uint32_t)i);
}

/* One write for all: a test opens its images anew. */
static void fill_image(int fd, uint32_t first, uint32_t end, uint32_t sector_size)
{
	size_t size = (size_t)(end - first) * sector_size;
	uint8_t *sectors = malloc(size);

	CHECK(sectors);
	for (uint32_t i = first; i < end; i++)
		bench_fill(sectors + (size_t)(i - first) * sector_size, sector_size, i);
	CHECK(fd_pwrite_full(fd, sectors, size, (uint64_t)first * sector_size) == 0);
	free(sectors);
}

static int make_image(uint32_t sectors, uint32_t sector_size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	uint32_t low = MIN(sectors, BENCH_LOW), high = MAX(low, sectors - MIN(sectors, BENCH_HIGH));

	CHECK(fd >= 0 && ftruncate(fd, (off_t)sectors * sector_size) == 0);
	fill_image(fd, 0, low, sector_size);
	if (high < sectors)
		fill_image(fd, high, sectors, sector_size);
	return fd;
}

static struct disk *open_image(struct ide_bench *b, int fd, uint32_t sector_size,
			       unsigned int flags)
{
	struct disk_error error;
	struct disk *disk;

	CHECK(disk_open_raw(b->engine, fd, sector_size, flags, &disk, &error) == 0);
	return disk;
}

void bench_create(struct ide_bench *b)
{
	struct vdev_ide_config config = {0};

	b->t = test_board_create();
	CHECK(disk_engine_create(DISK_ENGINE_SYNC, &b->engine) == 0);
	b->disk_fd = make_image(BENCH_SECTORS, 512);
	b->cd_fd = make_image(BENCH_CD_SECTORS, 2048);
	b->disk[0] = open_image(b, b->disk_fd, 512, 0);
	b->disk[1] = open_image(b, make_image(64, 512), 512, DISK_READ_ONLY);
	b->cd = open_image(b, b->cd_fd, 2048, DISK_READ_ONLY);
	config.drive[0] = (struct vdev_ide_drive){VDEV_IDE_DISK, b->disk[0], "SERIAL-1", "Model"};
	config.drive[1] = (struct vdev_ide_drive){VDEV_IDE_CDROM, b->cd, NULL, NULL};
	config.drive[2] = (struct vdev_ide_drive){VDEV_IDE_DISK, b->disk[1], NULL, NULL};
	config.irq[0] = &b->t->irq[14].line;
	config.irq[1] = &b->t->irq[15].line;
	CHECK(vdev_ide_create(&b->t->board, &b->t->pci, BENCH_DEVFN, &config, &b->ide) == 0);
	bench_enable(b);
}

void bench_destroy(struct ide_bench *b)
{
	vdev_device_destroy(b->ide);
	disk_close(b->disk[0]);
	disk_close(b->disk[1]);
	disk_close(b->cd);
	disk_engine_destroy(b->engine);
	test_board_destroy(b->t);
}

void bench_enable(struct ide_bench *b)
{
	vdev_pci_config_write(&b->t->pci, BENCH_DEVFN, 0x20, 4, BENCH_BMIBA);
	vdev_pci_config_write(&b->t->pci, BENCH_DEVFN, 0x40, 4, 0x80008000);
	vdev_pci_config_write(&b->t->pci, BENCH_DEVFN, PCI_COMMAND, 2,
			      PCI_COMMAND_IO | PCI_COMMAND_MASTER);
}

void bench_pump(struct ide_bench *b)
{
	while (disk_engine_pending(b->engine))
		disk_engine_wait(b->engine);
}

void bench_command(struct ide_bench *b, uint16_t base, unsigned int drive, uint32_t lba,
		   uint8_t count, uint8_t command)
{
	test_out8(b->t, base + 6, (uint8_t)(0xe0 | drive << 4 | (lba >> 24 & 15)));
	test_out8(b->t, base + 2, count);
	test_out8(b->t, base + 3, (uint8_t)lba);
	test_out8(b->t, base + 4, (uint8_t)(lba >> 8));
	test_out8(b->t, base + 5, (uint8_t)(lba >> 16));
	test_out8(b->t, base + 7, command);
}

void bench_command48(struct ide_bench *b, uint16_t base, uint64_t lba, uint16_t count,
		     uint8_t command)
{
	test_out8(b->t, base + 6, 0xe0);
	for (unsigned int high = 1; high < 2; high--) {
		test_out8(b->t, base + 2, (uint8_t)(count >> high * 8));
		for (unsigned int i = 0; i < 3; i++)
			test_out8(b->t, (uint16_t)(base + 3 + i),
				  (uint8_t)(lba >> (high * 24 + i * 8)));
	}
	test_out8(b->t, base + 7, command);
}

void bench_read_words(struct ide_bench *b, uint16_t base, uint8_t *to, size_t size)
{
	for (size_t i = 0; i < size; i += 2)
		bytes_put_le16(to + i, test_in16(b->t, base));
}

void bench_write_words(struct ide_bench *b, uint16_t base, const uint8_t *from, size_t size)
{
	for (size_t i = 0; i < size; i += 2)
		test_out16(b->t, base, bytes_get_le16(from + i));
}

void bench_prd(struct ide_bench *b, uint32_t size, uint32_t chunk)
{
	uint8_t *prd = test_ram(b->t) + BENCH_PRD;

	for (uint32_t at = 0; at < size; at += chunk, prd += 8) {
		uint32_t n = MIN(chunk, size - at);

		bytes_put_le32(prd, BENCH_DATA + at);
		bytes_put_le32(prd + 4, (n & 0xffff) | (at + n == size ? 0x80000000 : 0));
	}
}

void bench_start_dma(struct ide_bench *b, bool to_memory)
{
	test_out32(b->t, BENCH_BMIBA + 4, BENCH_PRD);
	test_out8(b->t, BENCH_BMIBA, to_memory ? 0x08 : 0);
	test_out8(b->t, BENCH_BMIBA + 2, 0x06);
	test_out8(b->t, BENCH_BMIBA, to_memory ? 0x09 : 0x01);
}

uint8_t bench_dma_status(struct ide_bench *b)
{
	return test_in8(b->t, BENCH_BMIBA + 2);
}

uint8_t bench_packet(struct ide_bench *b, const uint8_t packet[12], uint16_t limit)
{
	test_out8(b->t, ATA + 6, 0xb0);
	test_out8(b->t, ATA + 1, 0);
	test_out8(b->t, ATA + 4, (uint8_t)limit);
	test_out8(b->t, ATA + 5, (uint8_t)(limit >> 8));
	test_out8(b->t, ATA + 7, 0xa0);
	bench_write_words(b, ATA, packet, 12);
	bench_pump(b);
	return test_in8(b->t, ATA + 7);
}

size_t bench_packet_in(struct ide_bench *b, const uint8_t packet[12], uint8_t *to, size_t size)
{
	uint8_t status = bench_packet(b, packet, 0xfffe);
	size_t got = 0;

	while (status & 0x08) {
		size_t n = test_in8(b->t, ATA + 4) | (size_t)test_in8(b->t, ATA + 5) << 8;

		CHECK(got + n <= size);
		bench_read_words(b, ATA, to + got, n);
		got += n;
		bench_pump(b);
		status = test_in8(b->t, ATA + 7);
	}
	return got;
}

uint32_t bench_sense(struct ide_bench *b)
{
	static const uint8_t packet[12] = {0x03, 0, 0, 0, 18};
	uint8_t sense[18] = {0};

	CHECK(bench_packet_in(b, packet, sense, sizeof sense) == sizeof sense);
	return (uint32_t)sense[2] << 16 | (uint32_t)sense[12] << 8 | sense[13];
}

bool bench_interrupted(struct ide_bench *b, unsigned int irq)
{
	bool rose = b->t->irq[irq].rises > 0;

	b->t->irq[irq].rises = 0;
	return rose;
}
