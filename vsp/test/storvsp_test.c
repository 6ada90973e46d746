/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The synthetic SCSI controller with two disks, driven packet by packet; a disk whose file has been
 * cut short stands for a host that fails.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "guest.h"
#include "vsp/storvsp.h"
#include "wire/storvsp.h"

#define DISK_SIZE       MIB(4)
#define DATA            MIB(2) /* in guest memory */
#define SENSE(key, asc) (((key) << 16) | (asc))

static const struct vsp_guid interface = {
	0xba6163d9, 0x04a1, 0x4d29, {0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f}};

static struct guest g;
static struct guest_channel c;
static struct disk_engine *engine;
static struct disk *disk[2];
static int fd[2];
static uint8_t *file; /* of disk 0, as it is */
static struct vsp_storvsp *storvsp;
static struct wire_storvsp answer;
static uint64_t next_id;

static void open_disk(int i, unsigned int flags)
{
	struct disk_error error;

	fd[i] = memfd_create("disk", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd[i], DISK_SIZE), 0);
	ck_assert_int_eq(disk_open_raw(engine, fd[i], 512, flags, &disk[i], &error), 0);
}

static void setup(void)
{
	struct vsp_storvsp_config config = {.number = 3};

	guest_init(&g);
	ck_assert_int_eq(disk_engine_create(DISK_ENGINE_SYNC, &engine), 0);
	open_disk(0, 0);
	open_disk(1, DISK_READ_ONLY);
	file = mmap(NULL, DISK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd[0], 0);
	ck_assert(file != MAP_FAILED);
	config.vmbus = g.vmbus;
	config.partition = g.partition;
	config.engine = engine;
	config.lun[0] = (struct vsp_storvsp_lun){disk[0], "SERIAL-1"};
	config.lun[5] = (struct vsp_storvsp_lun){disk[1], NULL};
	ck_assert_int_eq(vsp_storvsp_create(&config, &storvsp), 0);
	guest_connect(&g);
	g.next_gpa = MIB(1);
	guest_open(&g, &c, guest_find(&g, &interface), 16);
	next_id = 100;
}

static void teardown(void)
{
	vsp_storvsp_destroy(storvsp);
	munmap(file, DISK_SIZE);
	disk_close(disk[0]);
	disk_close(disk[1]);
	disk_engine_destroy(engine);
	guest_fini(&g);
	vsp_ring_fini(&c.in);
	vsp_ring_fini(&c.out);
}

static void serve(void)
{
	for (int i = 0; i < 8; i++)
		vsp_storvsp_dispatch(storvsp, false);
}

/* --- packets --- */

static bool receive(void)
{
	uint64_t id;
	uint16_t type;
	ssize_t size = guest_receive(&g, &c, &type, &id, &answer, sizeof answer);

	if (size < 0)
		return false;
	ck_assert_int_eq(size, sizeof answer);
	ck_assert_uint_eq(type, WIRE_PACKET_COMPLETION);
	ck_assert_uint_eq(id, next_id++);
	ck_assert_uint_eq(answer.operation, WIRE_STORVSP_COMPLETE_IO);
	return true;
}

static uint32_t plain(uint32_t operation, uint16_t version)
{
	struct wire_storvsp p = {.operation = operation, .flags = 1};

	p.version = version;
	guest_send(&g, &c, WIRE_PACKET_IN_BAND, 1, next_id, &p, sizeof p);
	serve();
	ck_assert(receive());
	return answer.status;
}

static void initialize(void)
{
	ck_assert_uint_eq(plain(WIRE_STORVSP_BEGIN_INIT, 0), 0);
	ck_assert_uint_eq(plain(WIRE_STORVSP_QUERY_VERSION, WIRE_STORVSP_VERSION_WIN10), 0);
	ck_assert_uint_eq(plain(WIRE_STORVSP_QUERY_PROPERTIES, 0), 0);
	ck_assert_uint_eq(answer.properties.max_transfer, VSP_STORVSP_TRANSFER);
	ck_assert_uint_eq(answer.properties.channels, 0);
	ck_assert_uint_eq(plain(WIRE_STORVSP_END_INIT, 0), 0);
}

/* A packet with the range's head of one's own; `pages` numbers from `gpa` on. */
static void send_direct(const struct wire_storvsp *p, const struct wire_gpa_direct *head,
			uint64_t gpa, size_t pages)
{
	uint8_t bytes[4096] = {0};
	struct wire_packet packet = {.type = WIRE_PACKET_GPA_DIRECT, .flags = 1, .id = next_id};
	size_t at = sizeof packet + sizeof *head;
	uint64_t footer = (uint64_t)c.out.index << 32;

	memcpy(bytes + sizeof packet, head, sizeof *head);
	for (size_t i = 0; i < pages; i++, at += 8)
		bytes_put_le64(bytes + at, gpa / 4096 + i);
	packet.offset8 = (uint16_t)(at / 8);
	memcpy(bytes + at, p, sizeof *p);
	at += sizeof *p;
	packet.length8 = (uint16_t)(at / 8);
	memcpy(bytes, &packet, sizeof packet);
	memcpy(bytes + at, &footer, 8);
	at += 8;
	for (size_t i = 0; i < at; i++) {
		uint32_t to = (uint32_t)((c.out.index + i) % c.out.size);

		c.out.pages[to / 4096][to % 4096] = bytes[i];
	}
	c.out.index = (uint32_t)((c.out.index + at) % c.out.size);
	c.out.control->write = c.out.index;
	guest_signal(&g, &c);
}

static void post_cdb(uint8_t lun, const uint8_t *cdb, uint8_t length, uint64_t gpa, uint32_t size)
{
	struct wire_storvsp p = {.operation = WIRE_STORVSP_EXECUTE_SRB, .flags = 1};
	const struct wire_gpa_direct head = {0, 1, size, (uint32_t)(gpa % 4096)};

	p.srb.length = sizeof p.srb;
	p.srb.lun = lun;
	p.srb.cdb_length = length;
	p.srb.transfer_length = size;
	memcpy(p.srb.cdb, cdb, length);
	if (size)
		send_direct(&p, &head, gpa, (gpa % 4096 + size + 4095) / 4096);
	else
		guest_send(&g, &c, WIRE_PACKET_IN_BAND, 1, next_id, &p, sizeof p);
}

/* 0, or key and code of the sense data. */
static uint32_t result(void)
{
	ck_assert_uint_eq(answer.status, 0);
	if (answer.srb.scsi_status == 0) {
		ck_assert_uint_eq(answer.srb.srb_status, WIRE_SRB_SUCCESS);
		return 0;
	}
	ck_assert_uint_eq(answer.srb.scsi_status, 2);
	ck_assert_uint_eq(answer.srb.srb_status, WIRE_SRB_ERROR | WIRE_SRB_SENSE_VALID);
	ck_assert_uint_eq(answer.srb.sense_length, 18);
	ck_assert_uint_eq(answer.srb.sense[0], 0x70);
	ck_assert_uint_eq(answer.srb.transfer_length, 0);
	return SENSE(answer.srb.sense[2], answer.srb.sense[12] << 8 | answer.srb.sense[13]);
}

static uint32_t command_at(uint8_t lun, const uint8_t *cdb, uint8_t length, uint64_t gpa,
			   uint32_t size)
{
	post_cdb(lun, cdb, length, gpa, size);
	serve();
	ck_assert(receive());
	return result();
}

#define COMMAND(lun, size, ...)                                 \
	({                                                      \
		const uint8_t cdb_[16] = {__VA_ARGS__};         \
		command_at(lun, cdb_, sizeof cdb_, DATA, size); \
	})

static uint8_t *data(void)
{
	return g.host + DATA;
}

/* --- the protocol --- */

START_TEST(it_begins_in_order)
{
	static const uint16_t bad[] = {0, 0x0402, 0x0600 - 1, 0x0603, 0x0700};

	ck_assert_uint_ne(plain(WIRE_STORVSP_END_INIT, 0), 0);
	ck_assert_uint_ne(plain(WIRE_STORVSP_EXECUTE_SRB, 0), 0);
	ck_assert_uint_ne(plain(WIRE_STORVSP_QUERY_VERSION, WIRE_STORVSP_VERSION_WIN10), 0);
	ck_assert_uint_eq(plain(WIRE_STORVSP_BEGIN_INIT, 0), 0);
	ck_assert_uint_ne(plain(WIRE_STORVSP_BEGIN_INIT, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_uint_eq(plain(WIRE_STORVSP_QUERY_VERSION, bad[i]),
				  WIRE_STORVSP_REVISION_MISMATCH);
	ck_assert_uint_eq(plain(WIRE_STORVSP_QUERY_VERSION, _i == 0   ? WIRE_STORVSP_VERSION_WIN10
							    : _i == 1 ? WIRE_STORVSP_VERSION_BLUE
								      : WIRE_STORVSP_VERSION_WIN8),
			  0);
	ck_assert_uint_eq(plain(WIRE_STORVSP_QUERY_PROPERTIES, 0), 0);
	ck_assert_uint_eq(plain(WIRE_STORVSP_END_INIT, 0), 0);
	ck_assert_uint_ne(plain(WIRE_STORVSP_CREATE_SUBCHANNELS, 1), 0);
	ck_assert_uint_ne(plain(77, 0), 0);
	for (uint32_t reset = WIRE_STORVSP_RESET_LUN; reset <= WIRE_STORVSP_RESET_BUS; reset++)
		ck_assert_uint_eq(plain(reset, 0), 0);
	ck_assert_uint_eq(COMMAND(0, 0, 0), 0);
}
END_TEST

START_TEST(without_a_wish_there_is_no_completion)
{
	struct wire_storvsp p = {.operation = WIRE_STORVSP_BEGIN_INIT};

	guest_send(&g, &c, WIRE_PACKET_IN_BAND, 0, 1, &p, sizeof p);
	serve();
	ck_assert(!receive());
	ck_assert_uint_eq(plain(WIRE_STORVSP_QUERY_VERSION, WIRE_STORVSP_VERSION_WIN10), 0);
}
END_TEST

START_TEST(a_packet_may_be_short)
{
	guest_send(&g, &c, WIRE_PACKET_IN_BAND, 1, next_id, NULL, 0);
	serve();
	ck_assert(receive());
	ck_assert_uint_ne(answer.status, 0);
}
END_TEST

/* --- commands --- */

START_TEST(who_is_there)
{
	initialize();
	ck_assert_uint_eq(COMMAND(0, 36, 0x12, 0, 0, 0, 36), 0);
	ck_assert_uint_eq(answer.srb.transfer_length, 36);
	ck_assert_uint_eq(data()[0], 0);
	ck_assert_uint_eq(data()[4], 31);
	ck_assert_mem_eq(data() + 8, "KEELSON Disk            1   ", 28);
	memset(data(), 0xee, 64);
	ck_assert_uint_eq(COMMAND(0, 64, 0x12, 0, 0, 0, 5), 0); /* less is wanted */
	ck_assert_uint_eq(answer.srb.transfer_length, 5);
	ck_assert_uint_eq(data()[5], 0xee);
	ck_assert_uint_eq(COMMAND(0, 4, 0x12, 0, 0, 0, 36), 0); /* there is less room */
	ck_assert_uint_eq(answer.srb.transfer_length, 4);
	ck_assert_uint_eq(data()[5], 0xee);
	ck_assert_uint_eq(COMMAND(1, 36, 0x12, 0, 0, 0, 36), 0); /* nobody */
	ck_assert_uint_eq(data()[0], 0x7f);
	ck_assert_uint_eq(COMMAND(0, 64, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64), 0);
	ck_assert_uint_eq(answer.srb.transfer_length, 24);
	ck_assert_uint_eq(bytes_get_be32(data()), 16);
	ck_assert_uint_eq(data()[9], 0);
	ck_assert_uint_eq(data()[17], 5);
}
END_TEST

START_TEST(its_pages)
{
	static const uint8_t pages[] = {0, 0, 0, 6, 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2};
	uint8_t id[8];

	initialize();
	ck_assert_uint_eq(COMMAND(0, 255, 0x12, 1, 0, 0, 255), 0);
	ck_assert_mem_eq(data(), pages, sizeof pages);
	ck_assert_uint_eq(COMMAND(0, 255, 0x12, 1, 0x80, 0, 255), 0);
	ck_assert_mem_eq(data(), "\0\x80\0\x08SERIAL-1", 12);
	ck_assert_uint_eq(COMMAND(0, 255, 0x12, 1, 0x83, 0, 255), 0);
	ck_assert_uint_eq(bytes_get_be16(data() + 2), 12 + 12 + 8);
	ck_assert_uint_eq(data()[8] >> 4, 3);
	memcpy(id, data() + 8, 8);
	ck_assert_uint_eq(COMMAND(5, 255, 0x12, 1, 0x83, 0, 255), 0);
	ck_assert_mem_ne(id, data() + 8, 8);
	ck_assert_uint_eq(COMMAND(0, 255, 0x12, 1, 0xb0, 0, 255), 0);
	ck_assert_uint_eq(bytes_get_be32(data() + 8), VSP_STORVSP_TRANSFER / 512);
	ck_assert_uint_eq(COMMAND(0, 255, 0x12, 1, 0xb2, 0, 255), 0);
	ck_assert_uint_eq(data()[5], 0x80);
	ck_assert_uint_eq(COMMAND(5, 255, 0x12, 1, 0xb2, 0, 255), 0);
	ck_assert_uint_eq(data()[5], 0);
	ck_assert_uint_eq(COMMAND(0, 255, 0x12, 1, 0xc0, 0, 255), SENSE(5, 0x2400));
	ck_assert_uint_eq(COMMAND(1, 255, 0x12, 1, 0x80, 0, 255), SENSE(5, 0x2400));
}
END_TEST

START_TEST(how_large_and_how)
{
	initialize();
	ck_assert_uint_eq(COMMAND(0, 8, 0x25), 0);
	ck_assert_uint_eq(bytes_get_be32(data()), DISK_SIZE / 512 - 1);
	ck_assert_uint_eq(bytes_get_be32(data() + 4), 512);
	ck_assert_uint_eq(COMMAND(0, 32, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32), 0);
	ck_assert_uint_eq(bytes_get_be64(data()), DISK_SIZE / 512 - 1);
	ck_assert_uint_eq(data()[14], 0x80);
	ck_assert_uint_eq(COMMAND(0, 32, 0x9e, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32),
			  SENSE(5, 0x2400));
	ck_assert_uint_eq(COMMAND(0, 192, 0x1a, 0, 0x3f, 0, 192), 0);
	ck_assert_uint_eq(answer.srb.transfer_length, 24);
	ck_assert_uint_eq(data()[0], 23);
	ck_assert_uint_eq(data()[2], 0x10);
	ck_assert_uint_eq(data()[4], 0x08);
	ck_assert_uint_eq(data()[6], 0x04); /* a write cache */
	ck_assert_uint_eq(COMMAND(5, 192, 0x5a, 0, 0x08, 0, 0, 0, 0, 0, 192), 0);
	ck_assert_uint_eq(bytes_get_be16(data()), 26);
	ck_assert_uint_eq(data()[3], 0x90); /* write-protected */
	ck_assert_uint_eq(COMMAND(0, 192, 0x1a, 0, 0x1c, 0, 192), SENSE(5, 0x2400));
	ck_assert_uint_eq(COMMAND(0, 18, 0x03, 0, 0, 0, 18), 0);
	ck_assert_uint_eq(data()[0], 0x70);
	ck_assert_uint_eq(COMMAND(0, 0, 0x1b), 0);
	ck_assert_uint_eq(COMMAND(0, 0, 0xee), SENSE(5, 0x2000));
}
END_TEST

START_TEST(nobody_is_at_other_addresses)
{
	static const uint8_t ready[6] = {0};
	const struct wire_gpa_direct head = {0, 1, 64, 0};
	struct wire_storvsp p = {.operation = WIRE_STORVSP_EXECUTE_SRB, .flags = 1};

	initialize();
	post_cdb(7, ready, sizeof ready, DATA, 0);
	serve();
	ck_assert(receive());
	ck_assert_uint_eq(answer.srb.srb_status, WIRE_SRB_INVALID_LUN);
	post_cdb(200, ready, sizeof ready, DATA, 0);
	serve();
	ck_assert(receive());
	ck_assert_uint_eq(answer.srb.srb_status, WIRE_SRB_INVALID_LUN);
	p.srb.target = 1;
	p.srb.cdb[0] = 0xa0;
	p.srb.cdb_length = 12;
	p.srb.cdb[9] = 64;
	memset(data(), 0xee, 64);
	send_direct(&p, &head, DATA, 1);
	serve();
	ck_assert(receive());
	ck_assert_uint_eq(result(), 0);
	ck_assert_uint_eq(answer.srb.transfer_length, 8);
	ck_assert_uint_eq(bytes_get_be64(data()), 0);
}
END_TEST

/* --- data --- */

static void put_lba(uint8_t *cdb, uint8_t operation, uint32_t lba, uint32_t blocks)
{
	memset(cdb, 0, 16);
	cdb[0] = operation;
	switch (operation >> 5) {
	case 0:
		bytes_put_be32(cdb, (uint32_t)operation << 24 | lba);
		cdb[4] = (uint8_t)blocks;
		break;
	case 1:
		bytes_put_be32(cdb + 2, lba);
		bytes_put_be16(cdb + 7, (uint16_t)blocks);
		break;
	case 5:
		bytes_put_be32(cdb + 2, lba);
		bytes_put_be32(cdb + 6, blocks);
		break;
	default:
		bytes_put_be64(cdb + 2, lba);
		bytes_put_be32(cdb + 10, blocks);
	}
}

static uint32_t move(uint8_t lun, uint8_t operation, uint32_t lba, uint32_t blocks, uint64_t gpa,
		     uint32_t size)
{
	uint8_t cdb[16];

	put_lba(cdb, operation, lba, blocks);
	return command_at(lun, cdb, 16, gpa, size);
}

START_TEST(data_is_read_and_written_in_place)
{
	static const struct {
		uint8_t write, read;
	} forms[] = {{0x0a, 0x08}, {0x2a, 0x28}, {0xaa, 0xa8}, {0x8a, 0x88}};
	const uint32_t lba = 100 + (uint32_t)_i,
		       blocks = 24; /* four pages, as it does not begin one */

	initialize();
	for (uint32_t i = 0; i < blocks * 512; i++)
		data()[512 + i] = (uint8_t)(i * 7 + i / 512);
	ck_assert_uint_eq(move(0, forms[_i].write, lba, blocks, DATA + 512, blocks * 512), 0);
	ck_assert_uint_eq(answer.srb.transfer_length, blocks * 512);
	ck_assert_mem_eq(file + lba * 512, data() + 512, blocks * 512);
	ck_assert_uint_eq(file[lba * 512 - 1] | file[(lba + blocks) * 512], 0);
	ck_assert_uint_eq(move(0, forms[_i].read, lba, blocks, DATA + 0x8000 + 1024, blocks * 512),
			  0);
	ck_assert_mem_eq(data() + 0x8000 + 1024, data() + 512, blocks * 512);
	/* More room than is wanted stays as it is. */
	memset(data() + 0x10000, 0xee, 8192);
	ck_assert_uint_eq(move(0, forms[_i].read, lba, 1, DATA + 0x10000, 8192), 0);
	ck_assert_uint_eq(answer.srb.transfer_length, 512);
	ck_assert_uint_eq(data()[0x10000 + 512], 0xee);
	ck_assert_uint_eq(vsp_storvsp_stats(storvsp).writes, 1);
	ck_assert_uint_eq(vsp_storvsp_stats(storvsp).read_bytes, (blocks + 1) * 512);
}
END_TEST

START_TEST(the_largest_transfer)
{
	const uint32_t blocks = VSP_STORVSP_TRANSFER / 512;
	struct wire_storvsp p = {.operation = WIRE_STORVSP_EXECUTE_SRB, .flags = 1};
	const struct wire_gpa_direct head = {0, 1, VSP_STORVSP_TRANSFER + 1, 0};

	initialize();
	memset(data(), 0x5a, VSP_STORVSP_TRANSFER + 512);
	ck_assert_uint_eq(move(0, 0x2a, 1, blocks, DATA + 512, VSP_STORVSP_TRANSFER), 0);
	ck_assert_uint_eq(file[512 * blocks + 511], 0x5a);
	ck_assert_uint_eq(move(0, 0x2a, 1, blocks + 1, DATA, VSP_STORVSP_TRANSFER),
			  SENSE(5, 0x2400));
	put_lba(p.srb.cdb, 0x28, 0, 1);
	p.srb.cdb_length = 16;
	send_direct(&p, &head, DATA, VSP_STORVSP_TRANSFER / 4096 + 1);
	serve();
	ck_assert(receive());
	ck_assert_uint_eq(result(), SENSE(0xb, 0x4b00));
}
END_TEST

START_TEST(what_cannot_be_moved)
{
	const uint32_t last = DISK_SIZE / 512 - 1;

	initialize();
	ck_assert_uint_eq(move(0, 0x28, last, 1, DATA, 512), 0);
	ck_assert_uint_eq(move(0, 0x28, last, 2, DATA, 1024), SENSE(5, 0x2100));
	ck_assert_uint_eq(move(0, 0x28, last + 1, 0, DATA, 512), 0);
	ck_assert_uint_eq(move(0, 0x28, last + 2, 0, DATA, 512), SENSE(5, 0x2100));
	ck_assert_uint_eq(move(0, 0x88, UINT32_MAX, UINT32_MAX, DATA, 512), SENSE(5, 0x2100));
	ck_assert_uint_eq(move(0, 0x28, 0, 2, DATA, 512), SENSE(5, 0x2400)); /* too little room */
	ck_assert_uint_eq(move(0, 0x28, 0, 1, DATA, 0), SENSE(5, 0x2400));   /* none */
	ck_assert_uint_eq(move(0, 0x28, 0, 16, GUEST_HOLE - 4096, 8192), SENSE(0xb, 0x4b00));
	ck_assert_uint_eq(move(0, 0x28, 0, 1, GUEST_RAM + 4096, 512), SENSE(0xb, 0x4b00));
	ck_assert_uint_eq(move(5, 0x28, 0, 1, DATA, 512), 0);
	ck_assert_uint_eq(move(5, 0x2a, 0, 1, DATA, 512), SENSE(7, 0x2700));
	ck_assert_uint_eq(COMMAND(5, 0, 0x35), 0);
}
END_TEST

/* Heads of a range that make no sense. */
START_TEST(a_range_that_cannot_be)
{
	static const struct {
		struct wire_gpa_direct head;
		size_t pages;
	} bad[] = {
		{{0, 0, 512, 0}, 1},    {{0, 2, 512, 0}, 1},          {{0, UINT32_MAX, 512, 0}, 1},
		{{0, 1, 512, 4096}, 1}, {{0, 1, 512, UINT32_MAX}, 1}, {{0, 1, UINT32_MAX, 0}, 1},
		{{0, 1, 512, 3900}, 1}, {{0, 1, 512, 0}, 0},          {{0, 1, 8192, 0}, 1},
		{{0, 1, 512, 0}, 200},  {{0, 1, 512, 5000}, 2},
	};
	struct wire_storvsp p = {.operation = WIRE_STORVSP_EXECUTE_SRB, .flags = 1};

	initialize();
	p.srb.cdb_length = 16;
	put_lba(p.srb.cdb, 0x28, 0, 1);
	send_direct(&p, &bad[_i].head, DATA, bad[_i].pages);
	serve();
	ck_assert(receive());
	ck_assert_uint_eq(result(), SENSE(0xb, 0x4b00));
	ck_assert_uint_eq(move(0, 0x28, 0, 1, DATA, 512), 0);
}
END_TEST

START_TEST(flushes)
{
	uint8_t cdb[16];

	initialize();
	ck_assert_uint_eq(COMMAND(0, 0, 0x35), 0);
	ck_assert_uint_eq(COMMAND(0, 0, 0x91), 0);
	put_lba(cdb, 0x2a, 5, 1);
	cdb[1] = 0x08; /* FUA */
	data()[0] = 0x77;
	ck_assert_uint_eq(command_at(0, cdb, 16, DATA, 512), 0);
	ck_assert_uint_eq(file[5 * 512], 0x77);
}
END_TEST

START_TEST(blocks_are_given_back)
{
	uint8_t list[24] = {0, 22, 0, 16};

	initialize();
	memset(file, 0x33, 16384);
	bytes_put_be64(list + 8, 8);
	bytes_put_be32(list + 16, 8);
	memcpy(data(), list, sizeof list);
	ck_assert_uint_eq(COMMAND(0, 24, 0x42, 0, 0, 0, 0, 0, 0, 0, 24), 0);
	ck_assert_uint_eq(file[4095], 0x33);
	ck_assert_uint_eq(file[4096], 0);
	ck_assert_uint_eq(file[8192], 0x33);
	data()[3] = 32; /* two ranges: more than is said to be allowed */
	ck_assert_uint_eq(COMMAND(0, 24, 0x42, 0, 0, 0, 0, 0, 0, 0, 40), SENSE(5, 0x2600));
	data()[3] = 16;
	data()[16] = 0x80;
	ck_assert_uint_eq(COMMAND(0, 24, 0x42, 0, 0, 0, 0, 0, 0, 0, 24), SENSE(5, 0x2600));
	data()[16] = 0;
	data()[8] = 0x80;
	ck_assert_uint_eq(COMMAND(0, 24, 0x42, 0, 0, 0, 0, 0, 0, 0, 24), SENSE(5, 0x2100));
	ck_assert_uint_eq(COMMAND(0, 0, 0x42), 0);
	memcpy(data(), list, sizeof list);
	ck_assert_uint_eq(COMMAND(5, 24, 0x42, 0, 0, 0, 0, 0, 0, 0, 24), SENSE(7, 0x2700));
}
END_TEST

START_TEST(a_host_that_fails)
{
	initialize();
	ck_assert_int_eq(ftruncate(fd[0], 4096), 0);
	ck_assert_uint_eq(move(0, 0x28, 100, 1, DATA, 512), SENSE(3, 0x1100));
	ck_assert_uint_eq(move(0, 0x28, 0, 1, DATA, 512), 0);
}
END_TEST

/* --- many --- */

/* More requests than are served at a time, and more completions than the guest has room for. */
START_TEST(requests_have_a_limit)
{
	uint8_t cdb[16];
	unsigned int done = 0, sent = 0;

	initialize();
	for (unsigned int i = 0; i < 100; i++) {
		for (; sent < (i + 1) * 20; sent++) {
			put_lba(cdb, 0x28, sent % 100, 1);
			next_id += sent - done;
			post_cdb(0, cdb, 16, DATA, 512);
			next_id -= sent - done;
		}
		do
			serve();
		while (receive() && ++done < sent);
	}
	ck_assert_uint_eq(done, 2000);
	ck_assert_uint_eq(vsp_storvsp_stats(storvsp).reads, 2000);
}
END_TEST

START_TEST(a_guest_that_takes_no_completions)
{
	uint8_t cdb[16];
	unsigned int sent = 0, done = 0;

	initialize();
	put_lba(cdb, 0x28, 0, 1);
	/* 88 bytes a completion, 61,440 bytes of ring: it is full after 698, then 64 wait. */
	for (; sent < 1000 && vsp_storvsp_stats(storvsp).reads == sent; sent++) {
		next_id += sent;
		post_cdb(0, cdb, 16, DATA, 512);
		next_id -= sent;
		serve();
	}
	ck_assert_uint_ge(sent, 690);
	ck_assert_uint_le(sent, 770);
	while (done < sent) {
		serve();
		ck_assert(receive());
		done++;
	}
	serve();
	ck_assert(!receive());
	ck_assert_uint_eq(move(0, 0x28, 0, 1, DATA, 512), 0);
}
END_TEST

START_TEST(a_close_waits_for_what_is_under_way)
{
	uint8_t cdb[16];

	initialize();
	for (uint32_t i = 0; i < 10; i++) {
		put_lba(cdb, 0x2a, i, 1);
		post_cdb(0, cdb, 16, DATA, 512);
	}
	memset(data(), 0x11, 512);
	vsp_storvsp_dispatch(storvsp, false); /* takes the packets; the engine has not begun */
	guest_close(&g, &c);
	memset(data(), 0x22, 512);
	serve();
	ck_assert_uint_eq(file[0], 0x11);
	ck_assert_uint_eq(file[9 * 512], 0x11);
	guest_open(&g, &c, guest_find(&g, &interface), 16);
	next_id = 500;
	ck_assert_uint_ne(plain(WIRE_STORVSP_QUERY_PROPERTIES, 0), 0); /* from the beginning */
	initialize();
	ck_assert_uint_eq(move(0, 0x28, 0, 1, DATA, 512), 0);
}
END_TEST

START_TEST(it_has_a_thread)
{
	uint8_t cdb[16];

	initialize();
	ck_assert_int_eq(vsp_storvsp_start(storvsp), 0);
	for (uint32_t i = 0; i < 500; i++) {
		put_lba(cdb, i % 2 ? 0x28 : 0x2a, i, 8);
		post_cdb(0, cdb, 16, DATA, 4096);
		while (!receive())
			sched_yield();
		ck_assert_uint_eq(result(), 0);
	}
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_loop_test(t, it_begins_in_order, 0, 3);
	tcase_add_test(t, without_a_wish_there_is_no_completion);
	tcase_add_test(t, a_packet_may_be_short);
	tcase_add_test(t, who_is_there);
	tcase_add_test(t, its_pages);
	tcase_add_test(t, how_large_and_how);
	tcase_add_test(t, nobody_is_at_other_addresses);
	tcase_add_loop_test(t, data_is_read_and_written_in_place, 0, 4);
	tcase_add_test(t, the_largest_transfer);
	tcase_add_test(t, what_cannot_be_moved);
	tcase_add_loop_test(t, a_range_that_cannot_be, 0, 11);
	tcase_add_test(t, flushes);
	tcase_add_test(t, blocks_are_given_back);
	tcase_add_test(t, a_host_that_fails);
	tcase_add_test(t, requests_have_a_limit);
	tcase_add_test(t, a_guest_that_takes_no_completions);
	tcase_add_test(t, a_close_waits_for_what_is_under_way);
	tcase_add_test(t, it_has_a_thread);
}

int main(void)
{
	Suite *suite = suite_create("storvsp");
	TCase *tcase = tcase_create("storvsp");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	add_tests(tcase);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
