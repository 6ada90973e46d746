/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCSI commands of chance, by GPA-direct packets whose heads are of chance, too. Each record of the
 * input is 32 bytes: CDB, address, length, and what is wrong with the packet.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "vid/fake.h"
#include "vid/memory.h"
#include "vsp/storvsp.h"
#include "vsp/vmbus.h"
#include "wire/ring.h"
#include "wire/storvsp.h"
#include "wire/vmbus.h"

#define RAM    MIB(1)
#define RINGS  0x1000u
#define PAGES  8u /* of a ring */
#define RECORD 32u
#define DISK   65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vid_partition *partition;
static struct vid_memory *ram;
static struct vsp_vmbus *vmbus;
static struct disk_engine *engine;
static struct disk *disk;
static struct vsp_storvsp *storvsp;
static struct vsp_ring out, in;

static void post(const void *message, size_t size)
{
	struct vid_fake_event events[VID_FAKE_RECORDS];

	CHECK(vsp_vmbus_message(vmbus, 4, 1, message, size) == 0);
	while (vid_fake_take_events(partition, events, ARRAY_SIZE(events)))
		vsp_vmbus_slot_free(vmbus);
}

static void open_channel(void)
{
	const struct wire_vmbus_initiate_contact contact = {
		.header.type = WIRE_VMBUS_INITIATE_CONTACT,
		.version = WIRE_VMBUS_VERSION(5, 3),
		.sint = WIRE_VMBUS_SINT,
	};
	const struct wire_vmbus_header offers = {WIRE_VMBUS_REQUEST_OFFERS, 0};
	const struct wire_vmbus_open open = {
		.header.type = WIRE_VMBUS_OPEN, .relid = 1, .gpadl = 5, .downstream = PAGES};
	struct {
		struct wire_vmbus_gpadl_header head;
		uint64_t page[2 * PAGES];
	} __attribute__((packed))
	gpadl = {{{WIRE_VMBUS_GPADL_HEADER, 0}, 1, 5, 8 + 2 * PAGES * 8, 1, {2 * PAGES * 4096, 0}},
		 {0}};

	for (uint64_t i = 0; i < 2 * PAGES; i++)
		gpadl.page[i] = RINGS / 4096 + i;
	post(&contact, sizeof contact);
	post(&offers, sizeof offers);
	post(&gpadl, sizeof gpadl);
	post(&open, sizeof open);
}

static void open_rings(void)
{
	uint8_t *page[2 * PAGES];

	for (size_t i = 0; i < 2 * PAGES; i++)
		page[i] = (uint8_t *)vid_memory_host(ram) + RINGS + i * 4096;
	CHECK(vsp_ring_init(&out, page, PAGES, true) == 0);
	CHECK(vsp_ring_init(&in, page + PAGES, PAGES, false) == 0);
}

static void open_disk(void)
{
	int fd = memfd_create("disk", MFD_CLOEXEC);
	struct disk_error error;

	CHECK(fd >= 0 && ftruncate(fd, DISK) == 0);
	CHECK(disk_engine_create(DISK_ENGINE_SYNC, &engine) == 0);
	CHECK(disk_open_raw(engine, fd, 512, 0, &disk, &error) == 0);
}

static void serve(void)
{
	const struct vid_doorbell write = {.kind = VID_DOORBELL_SIGNAL, .address = 0x10001};
	struct vsp_packet packet;

	vid_fake_guest_writes(partition, &write);
	for (int i = 0; i < 4; i++)
		vsp_storvsp_dispatch(storvsp, false);
	while (vsp_ring_peek(&in, &packet) == 0)
		if (vsp_ring_consume(&in, &packet))
			continue;
}

/* `bytes` is all behind the descriptor; the payload begins at `offset8`. */
static void send(uint16_t type, uint16_t offset8, const uint8_t *bytes, size_t size)
{
	const struct iovec part = {(void *)(uintptr_t)bytes, size};
	const struct vsp_message m = {type, 1, 7, &part, 1};
	uint32_t at = out.index;
	bool signal;

	if (vsp_ring_write(&out, &m, &signal) == 0)
		memcpy(out.pages[at / 4096] + at % 4096 + 2, &offset8, 2);
	serve();
}

static void plain(uint32_t operation)
{
	struct wire_storvsp p = {.operation = operation};

	p.version = WIRE_STORVSP_VERSION_WIN10;
	send(WIRE_PACKET_IN_BAND, 2, (const uint8_t *)&p, sizeof p);
}

static void command(const uint8_t *record)
{
	struct wire_storvsp p = {.operation =
					 record[31] & 7 ? WIRE_STORVSP_EXECUTE_SRB : record[30]};
	struct wire_gpa_direct head = {0, 1, bytes_get_le32(record + 16) % 0x4000,
				       bytes_get_le16(record + 20) % 4096};
	size_t pages = record[24] % 16, at = sizeof head;
	uint8_t bytes[sizeof head + 16 * 8 + sizeof p];

	p.srb.lun = record[26] % 2;
	p.srb.cdb_length = record[27];
	memcpy(p.srb.cdb, record, 16);
	if (record[28] & 1)
		memcpy(&head, record + 8, sizeof head);
	memcpy(bytes, &head, sizeof head);
	for (size_t i = 0; i < pages; i++, at += 8)
		bytes_put_le64(bytes + at, 64 + (record[25] + i) % 256);
	memcpy(bytes + at, &p, sizeof p);
	send(record[29] ? WIRE_PACKET_GPA_DIRECT : WIRE_PACKET_IN_BAND,
	     (uint16_t)(record[28] & 2 ? record[30] : 2 + at / 8), bytes, at + sizeof p);
}

static void set_up(void)
{
	struct vsp_storvsp_config config = {.number = 0};

	CHECK(vid_fake_partition_create(&partition) == 0);
	CHECK(vid_memory_create("ram", RAM, &ram) == 0);
	CHECK(vid_partition_map(partition, 0, ram, 0, RAM, VID_ACCESS_ALL) == 0);
	CHECK(vsp_vmbus_create(partition, &vmbus) == 0);
	open_disk();
	config.vmbus = vmbus;
	config.partition = partition;
	config.engine = engine;
	config.lun[0].disk = disk;
	CHECK(vsp_storvsp_create(&config, &storvsp) == 0);
	open_channel();
	open_rings();
	plain(WIRE_STORVSP_BEGIN_INIT);
	plain(WIRE_STORVSP_QUERY_VERSION);
	plain(WIRE_STORVSP_QUERY_PROPERTIES);
	plain(WIRE_STORVSP_END_INIT);
}

static void tear_down(void)
{
	vsp_storvsp_destroy(storvsp);
	vsp_vmbus_destroy(vmbus);
	disk_close(disk);
	disk_engine_destroy(engine);
	vsp_ring_fini(&in);
	vsp_ring_fini(&out);
	vid_partition_destroy(partition);
	vid_memory_destroy(ram);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	set_up();
	for (size_t at = 0; at + RECORD <= size; at += RECORD)
		command(data + at);
	tear_down();
	return 0;
}
