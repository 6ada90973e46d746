/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that does anything to the IDE function: the input is a list of accesses to its registers,
 * its configuration space and the descriptors in memory, with completions, resets and save–restore
 * round trips between them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ide_bench.h"

struct step {
	uint8_t what;
	uint8_t where;
	uint8_t value[4];
} __attribute__((packed));

static void access_port(struct ide_bench *b, uint16_t port, const struct step *step)
{
	unsigned int width = 1u << (step->what >> 4 & 3) % 3;

	if (step->what & 0x80)
		vdev_bus_read(&b->t->board.ports, port, width);
	else
		vdev_bus_write(&b->t->board.ports, port, width, bytes_get_le32(step->value));
}

/* Enough words to get through a DRQ block. */
static void pump_data(struct ide_bench *b, const struct step *step)
{
	for (unsigned int i = 0; i < 4u * step->where; i++) {
		if (step->what & 0x80)
			test_in32(b->t, ATA);
		else
			test_out32(b->t, ATA, bytes_get_le32(step->value) + i);
	}
}

static void change_medium(struct ide_bench *b, const struct step *step)
{
	struct disk *disk;
	int r;

	if (step->where & 1)
		r = vdev_ide_insert(b->ide, step->where >> 1 & 3, b->cd);
	else
		r = vdev_ide_eject(b->ide, step->where >> 1 & 3, step->where & 8, &disk);
	(void)r;
}

static void perform(struct ide_bench *b, const struct step *step)
{
	switch (step->what & 15) {
	case 0 ... 4:
		access_port(b, ATA + step->where % 8, step);
		break;
	case 5:
		access_port(b, step->where & 1 ? 0x3f6 : 0x376, step);
		break;
	case 6:
		access_port(b, ATA2 + step->where % 8, step);
		break;
	case 7:
		access_port(b, BENCH_BMIBA + step->where % 16, step);
		break;
	case 8:
		pump_data(b, step);
		break;
	case 9:
		memcpy(test_ram(b->t) + BENCH_PRD + step->where * 4, step->value, 4);
		break;
	case 10:
		vdev_pci_config_write(&b->t->pci, BENCH_DEVFN, step->where & 0xfc, 4,
				      bytes_get_le32(step->value));
		break;
	case 11:
		bench_pump(b);
		break;
	case 12:
		disk_engine_dispatch(b->engine);
		break;
	case 13:
		test_round_trip(b->ide, b->ide);
		break;
	case 14:
		change_medium(b, step);
		break;
	case 15:
		vdev_device_reset(b->ide);
		bench_enable(b);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ide_bench b;
	struct disk *disk;
	struct step step;

	if (!b.t)
		bench_create(&b);
	vdev_device_reset(b.ide);
	bench_pump(&b);
	if (vdev_ide_eject(b.ide, 1, true, &disk) == 0)
		bench_pump(&b);
	CHECK(vdev_ide_insert(b.ide, 1, b.cd) == 0);
	vdev_device_reset(b.ide);
	bench_enable(&b);
	for (; size >= sizeof step; data += sizeof step, size -= sizeof step) {
		memcpy(&step, data, sizeof step);
		perform(&b, &step);
	}
	return 0;
}
