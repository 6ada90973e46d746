/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration mechanism #1, the host bridge's PAM and SMRAM registers, and what they do to guest
 * memory: each access to each segment is tried as the guest would see it.
 */
#include <string.h>

#include "test_machine.h"
#include "test_main.h"
#include "test_registers.h"
#include "vid/memory.h"
#include "vid/partition.h"

#define PAM0  0x59
#define SMRAM 0x72

static struct test_machine *m;
static uint8_t rom[0x40000];

static void setup(void)
{
	memset(rom, 'R', sizeof(rom));
	rom[sizeof(rom) - 16] = 0xea;
	m = test_machine_create(rom, sizeof(rom), MIB(2));
}

static void teardown(void)
{
	test_machine_destroy(m);
}

static void select_register(unsigned int devfn, unsigned int reg)
{
	test_out32(m->t, 0xcf8, 0x80000000u | devfn << 8 | (reg & 0xfc));
}

static uint8_t config(unsigned int reg)
{
	select_register(0, reg);
	return test_in8(m->t, (uint16_t)(0xcfc + (reg & 3)));
}

static void set_config(unsigned int reg, uint8_t value)
{
	select_register(0, reg);
	test_out8(m->t, (uint16_t)(0xcfc + (reg & 3)), value);
}

/* What the guest reads or writes: by the map, and where that has nothing, on the memory bus. */
static uint8_t guest_read(uint64_t gpa)
{
	size_t size;
	uint8_t *host = vid_gpa_host(m->t->partition, gpa, 1, VID_ACCESS_READ, &size);

	return host ? *host : (uint8_t)vdev_bus_read(&m->t->board.memory, gpa, 1);
}

static void guest_write(uint64_t gpa, uint8_t value)
{
	size_t size;
	uint8_t *host = vid_gpa_host(m->t->partition, gpa, 1, VID_ACCESS_WRITE, &size);

	if (host)
		*host = value;
	else
		vdev_bus_write(&m->t->board.memory, gpa, 1, value);
}

START_TEST(configuration_cycles)
{
	select_register(0, 0);
	ck_assert_uint_eq(test_in32(m->t, 0xcf8), 0x80000000u);
	ck_assert_uint_eq(test_in32(m->t, 0xcfc), 0x12378086);
	ck_assert_uint_eq(test_in16(m->t, 0xcfe), 0x1237);
	ck_assert_uint_eq(test_in8(m->t, 0xcfd), 0x80);
	select_register(0, 0x2c);
	ck_assert_uint_eq(test_in32(m->t, 0xcfc), 0x11001af4);
	select_register(VDEV_PCI_DEVFN(1, 0), 0);
	ck_assert_uint_eq(test_in32(m->t, 0xcfc), 0x71108086);
	select_register(VDEV_PCI_DEVFN(1, 3), 0);
	ck_assert_uint_eq(test_in32(m->t, 0xcfc), 0x71138086);
	select_register(VDEV_PCI_DEVFN(31, 7), 0);
	ck_assert_uint_eq(test_in32(m->t, 0xcfc), 0xffffffff);
	test_out32(m->t, 0xcf8, 0x80010000); /* bus 1 */
	ck_assert_uint_eq(test_in32(m->t, 0xcfc), 0xffffffff);
	test_out32(m->t, 0xcf8, 0);
	ck_assert_uint_eq(test_in32(m->t, 0xcfc), 0xffffffff);
	test_out16(m->t, 0xcf8, 0x1234); /* no CONFADD */
	ck_assert_uint_eq(test_in32(m->t, 0xcf8), 0);
}
END_TEST

START_TEST(at_first_all_is_rom)
{
	ck_assert_uint_eq(guest_read(0xfffffff0), 0xea);
	ck_assert_uint_eq(guest_read(0xffff0), 0xea);
	ck_assert_uint_eq(guest_read(0xe0000), 'R');
	ck_assert_uint_eq(guest_read(0xdffff), 0xff);
	guest_write(0xf0000, 1);
	guest_write(0xc0000, 1);
	guest_write(0xfffc0000, 1);
	ck_assert_uint_eq(guest_read(0xf0000), 'R');
	ck_assert_uint_eq(guest_read(0xc0000), 0xff);
	ck_assert_uint_eq(guest_read(0xfffc0000), 'R');
	ck_assert_uint_eq(test_ram(m->t)[0xf0000], 0);
}
END_TEST

/* PAM register and shift of a segment, by the data sheet's table. */
static void set_segment(unsigned int n, unsigned int access)
{
	unsigned int reg = n == 12 ? PAM0 : PAM0 + 1 + n / 2, shift = n == 12 || n % 2 ? 4 : 0;

	set_config(reg, (uint8_t)((config(reg) & ~(3u << shift)) | access << shift));
}

START_TEST(every_segment_takes_every_access)
{
	for (unsigned int n = 0; n < VDEV_SHADOW_SEGMENTS; n++) {
		uint64_t gpa = vdev_shadow_address(n) + vdev_shadow_size(n) - 1;
		uint8_t behind = gpa < 0xe0000 ? 0xff : rom[0x40000 - (0x100000 - gpa)];

		test_ram(m->t)[gpa] = 'm';
		set_segment(n, VDEV_SHADOW_READ);
		guest_write(gpa, 'x');
		ck_assert_uint_eq(guest_read(gpa), 'm');
		set_segment(n, VDEV_SHADOW_WRITE);
		guest_write(gpa, 'w');
		ck_assert_uint_eq(guest_read(gpa), behind);
		ck_assert_uint_eq(test_ram(m->t)[gpa], 'w');
		set_segment(n, VDEV_SHADOW_READ | VDEV_SHADOW_WRITE);
		guest_write(gpa, 'b');
		ck_assert_uint_eq(guest_read(gpa), 'b');
		set_segment(n, 0);
		guest_write(gpa, 'x');
		ck_assert_uint_eq(guest_read(gpa), behind);
		ck_assert_uint_eq(test_ram(m->t)[gpa], 'b');
	}
	ck_assert_uint_eq(m->t->event_count, 0);
}
END_TEST

/* The steps that firmware takes to copy itself into RAM. */
START_TEST(shadowing_the_bios)
{
	uint8_t piece[0x1000];

	for (unsigned int reg = PAM0; reg <= 0x5f; reg++)
		set_config(reg, 0x33);
	for (uint64_t at = 0xe0000; at < 0x100000; at += sizeof(piece)) {
		ck_assert_int_eq(
			vid_gpa_read(m->t->partition, 0xfff00000 + at, piece, sizeof(piece)), 0);
		ck_assert_int_eq(vid_gpa_write(m->t->partition, at, piece, sizeof(piece)), 0);
	}
	set_config(PAM0, 0x10);
	ck_assert_uint_eq(guest_read(0xffff0), 0xea);
	guest_write(0xffff0, 0);
	ck_assert_uint_eq(guest_read(0xffff0), 0xea);
	ck_assert_uint_eq(test_ram(m->t)[0xffff0], 0xea);
}
END_TEST

START_TEST(reserved_pam_bits_stay_zero)
{
	set_config(PAM0, 0xff);
	set_config(PAM0 + 1, 0xff);
	ck_assert_uint_eq(config(PAM0), 0x30);
	ck_assert_uint_eq(config(PAM0 + 1), 0x33);
}
END_TEST

START_TEST(smram_opens_closes_and_locks)
{
	test_ram(m->t)[0xa0000] = 's';
	ck_assert_uint_eq(guest_read(0xa0000), 0xff);
	set_config(SMRAM, 0x42); /* D_OPEN without G_SMRAME */
	ck_assert_uint_eq(guest_read(0xa0000), 0xff);
	set_config(SMRAM, 0x52); /* nor does D_LCK lock */
	set_config(SMRAM, 0x4a);
	ck_assert_uint_eq(guest_read(0xa0000), 's');
	set_config(SMRAM, 0x0a);
	ck_assert_uint_eq(guest_read(0xa0000), 0xff);
	set_config(SMRAM, 0x5a);
	ck_assert_uint_eq(config(SMRAM), 0x1a);
	set_config(SMRAM, 0x4a);
	ck_assert_uint_eq(config(SMRAM), 0x1a);
	ck_assert_uint_eq(guest_read(0xa0000), 0xff);
	set_config(SMRAM, 0x22); /* D_CLS is all that the lock leaves */
	ck_assert_uint_eq(config(SMRAM), 0x3a);
	vdev_device_reset(vdev_i82443bx_device(m->bridge));
	set_config(SMRAM, 0x4a);
	ck_assert_uint_eq(guest_read(0xa0000), 's');
}
END_TEST

/* Resets of the processor alone leave the lock; PCIRST#, which resets the chip, ends it. */
START_TEST(the_lock_ends_with_a_hard_reset)
{
	set_config(SMRAM, 0x1a);
	test_out8(m->t, 0x92, 0x01);
	test_out8(m->t, 0xcf9, 0x04);
	ck_assert_uint_eq(m->t->event_count, 2);
	ck_assert_int_eq(m->t->events[0], VDEV_EVENT_INIT);
	ck_assert_int_eq(m->t->events[1], VDEV_EVENT_INIT);
	set_config(SMRAM, 0x02);
	ck_assert_uint_eq(config(SMRAM), 0x1a);
	test_out8(m->t, 0xcf9, 0x02);
	test_out8(m->t, 0xcf9, 0x06);
	ck_assert_uint_eq(m->t->event_count, 3);
	ck_assert_int_eq(m->t->events[2], VDEV_EVENT_RESET);
	for (unsigned int i = 0; i < TEST_MACHINE_DEVICES; i++)
		vdev_device_reset(m->devices[i]);
	ck_assert_uint_eq(config(SMRAM), 0x02);
	set_config(SMRAM, 0x4a);
	ck_assert_uint_eq(config(SMRAM), 0x4a);
}
END_TEST

/* A machine without SeaBIOS: the bridge is an 82443BX. */
struct bx {
	struct test_board *t;
	struct vdev_i82443bx *bridge;
	struct vdev_shadow *shadow;
	struct vid_memory *ram, *image;
};

static void make_bx(struct bx *bx)
{
	bx->t = test_board_create();
	ck_assert_int_eq(vid_memory_create("r", MIB(1), &bx->ram), 0);
	ck_assert_int_eq(vid_memory_create("i", 0x20000, &bx->image), 0);
	ck_assert_int_eq(vid_partition_unmap(bx->t->partition, 0, TEST_RAM_SIZE), 0);
	ck_assert_int_eq(vdev_shadow_create(&bx->t->board, bx->ram, bx->image, &bx->shadow), 0);
	ck_assert_int_eq(
		vdev_i82443bx_create(&bx->t->pci, &vdev_shadow_ops, bx->shadow, false, &bx->bridge),
		0);
}

static void destroy_bx(struct bx *bx)
{
	vdev_device_destroy(vdev_i82443bx_device(bx->bridge));
	vdev_shadow_destroy(bx->shadow);
	test_board_destroy(bx->t);
	vid_memory_destroy(bx->ram);
	vid_memory_destroy(bx->image);
}

static uint32_t bx_config(struct bx *bx, unsigned int reg, unsigned int width)
{
	return vdev_pci_config_read(&bx->t->pci, 0, reg, width);
}

static void bx_set_config(struct bx *bx, unsigned int reg, unsigned int width, uint32_t value)
{
	vdev_pci_config_write(&bx->t->pci, 0, reg, width, value);
}

/*
 * 290633 section 3.3, of a board whose AGP is disabled: no APBASE, no capabilities, nothing from A0h
 * to BFh. Straps are 0 but for AGP_DIS. What is cleared by ones is never set.
 */
START_TEST(the_data_sheet_of_the_82443bx)
{
	static const struct test_register registers[] = {
		{"VID, DID", 0x00, 4, 0x71928086, 0, 0},
		{"PCICMD", 0x04, 2, 0x0006, 0x0140, 0},
		{"PCISTS", 0x06, 2, 0x0200, 0, 0}, /* without capabilities */
		{"RID, SUBC, BCC", 0x08, 4, 0x06000002, 0, 0},
		{"MLT", 0x0d, 1, 0x00, 0xf8, 0},
		{"SVID, SID", 0x2c, 4, 0x11001af4, 0, 0}, /* written once, by firmware */
		{"NBXCFG", 0x50, 4, 0x00000000, 0xff078fe8, 0},
		{"DRAMC", 0x57, 1, 0x00, 0x1f, 0},
		{"DRAMT", 0x58, 1, 0x03, 0x03, 0},
		{"PAM0", 0x59, 1, 0x00, 0x30, 0},
		{"PAM1", 0x5a, 1, 0x00, 0x33, 0},
		{"PAM2", 0x5b, 1, 0x00, 0x33, 0},
		{"PAM3", 0x5c, 1, 0x00, 0x33, 0},
		{"PAM4", 0x5d, 1, 0x00, 0x33, 0},
		{"PAM5", 0x5e, 1, 0x00, 0x33, 0},
		{"PAM6", 0x5f, 1, 0x00, 0x33, 0},
		{"DRB0-3", 0x60, 4, 0x01010101, 0xffffffff, 0},
		{"DRB4-7", 0x64, 4, 0x01010101, 0xffffffff, 0},
		{"FDHC", 0x68, 1, 0x00, 0xc0, 0},
		{"MBSC[7:0]", 0x69, 1, 0x00, 0xff, 0},
		{"MBSC[39:8]", 0x6a, 4, 0x00000000, 0xffffffff, 0},
		{"MBSC[47:40]", 0x6e, 1, 0x00, 0x00, 0},
		{"SMRAM", 0x72, 1, 0x02, 0, 0x78}, /* its lock has tests of its own */
		{"ESMRAMC", 0x73, 1, 0x38, 0x87, 0},
		{"RPS", 0x74, 2, 0x0000, 0xffff, 0},
		{"SDRAMC", 0x76, 2, 0x0000, 0x03ff, 0},
		{"PGPOL", 0x78, 2, 0x0000, 0xff0f, 0},
		{"PMCR", 0x7a, 1, 0x02, 0xf5, 0},
		{"SCRR", 0x7b, 2, 0x0038, 0x1fff, 0},
		{"EAP", 0x80, 4, 0x00000000, 0, 0},
		{"ERRCMD", 0x90, 1, 0x80, 0xff, 0},
		{"ERRSTS", 0x91, 2, 0x0000, 0, 0},
		{"MBFS[15:0]", 0xca, 2, 0x0000, 0xffff, 0},
		{"MBFS[23:16]", 0xcc, 1, 0x00, 0x7f, 0},
		{"BSPAD", 0xd0, 4, 0x00000000, 0xffffffff, 0},
		{"BSPAD", 0xd4, 4, 0x00000000, 0xffffffff, 0},
		{"DWTC[31:0]", 0xe0, 4, 0x00000000, 0xffffffff, 0},
		{"DWTC[47:32]", 0xe4, 2, 0x0000, 0x3fff, 0},
		{"DWTC[55:48]", 0xe6, 1, 0x00, 0, 0},
		{"DWTC[63:56]", 0xe7, 1, 0x00, 0, 0x80}, /* TLOCK: a test of its own */
		{"DRTC[31:0]", 0xe8, 4, 0x00000000, 0xffffffff, 0},
		{"DRTC[63:32]", 0xec, 4, 0x00000000, 0x00003fff, 0},
		{"BUFFC", 0xf0, 2, 0x0000, 0x03c0, 0},
		{"MFGID", 0xf8, 4, 0x00000f20, 0, 0},
	};
	struct bx bx;

	make_bx(&bx);
	test_config_registers(vdev_i82443bx_device(bx.bridge), &(struct test_config){bx.t, 0},
			      registers, ARRAY_SIZE(registers));
	destroy_bx(&bx);
}
END_TEST

/* D_LCK makes "D_OPEN, H_SMRAM_EN, TSEG_SZ, TSEG_EN and DRB7 … read only"; TLOCK DWTC and DRTC. */
START_TEST(the_locks_of_the_82443bx)
{
	struct bx bx, other;

	make_bx(&bx);
	make_bx(&other);
	bx_set_config(&bx, 0x67, 1, 0x20);
	bx_set_config(&bx, SMRAM, 2, 0x031a);
	bx_set_config(&bx, 0xe4, 4, 0x80001234);
	test_round_trip(vdev_i82443bx_device(bx.bridge), vdev_i82443bx_device(other.bridge));
	bx_set_config(&other, 0x64, 4, UINT32_MAX);
	bx_set_config(&other, SMRAM, 2, 0xff42);
	for (unsigned int reg = 0xe0; reg < 0xf0; reg += 4)
		bx_set_config(&other, reg, 4, 0x00001111);
	ck_assert_uint_eq(bx_config(&other, 0x64, 4), 0x20ffffff);
	ck_assert_uint_eq(bx_config(&other, SMRAM, 2), 0x3b1a);
	ck_assert_uint_eq(bx_config(&other, 0xe0, 4), 0);
	ck_assert_uint_eq(bx_config(&other, 0xe4, 4), 0x80001234);
	ck_assert_uint_eq(bx_config(&other, 0xe8, 4) | bx_config(&other, 0xec, 4), 0);
	test_hostile_state(vdev_i82443bx_device(other.bridge));
	vdev_device_reset(vdev_i82443bx_device(other.bridge));
	bx_set_config(&other, SMRAM, 2, 0x8748);
	bx_set_config(&other, 0xe4, 4, 0x00000042);
	ck_assert_uint_eq(bx_config(&other, SMRAM, 2), 0xbf4a);
	ck_assert_uint_eq(bx_config(&other, 0xe4, 4), 0x00000042);
	destroy_bx(&other);
	destroy_bx(&bx);
}
END_TEST

START_TEST(state_and_reset)
{
	struct test_machine *m2 = test_machine_create(rom, sizeof(rom), MIB(2));

	set_config(PAM0, 0x30);
	set_config(SMRAM, 0x1a);
	test_round_trip(vdev_i82443bx_device(m->bridge), vdev_i82443bx_device(m2->bridge));
	ck_assert_uint_eq(vdev_pci_config_read(&m2->t->pci, 0, PAM0, 1), 0x30);
	ck_assert_ptr_nonnull(
		vid_gpa_host(m2->t->partition, 0xf0000, 1, VID_ACCESS_WRITE, &(size_t){0}));
	test_machine_destroy(m2);
	test_hostile_state(vdev_i82443bx_device(m->bridge));
	vdev_device_reset(vdev_i82443bx_device(m->bridge));
	ck_assert_uint_eq(config(PAM0), 0);
	ck_assert_uint_eq(guest_read(0xffff0), 0xea);
}
END_TEST

/*
 * 290549 chapter 3: the chip that SeaBIOS knows. Registers for DRAM, buffers and timers are kept
 * only; TRC (93h) is not there, as the PIIX4 has RC.
 */
START_TEST(the_data_sheet_of_the_82441fx)
{
	static const struct test_register registers[] = {
		{"VID, DID", 0x00, 4, 0x12378086, 0, 0},
		{"PCICMD", 0x04, 2, 0x0006, 0x0102, 0},
		{"PCISTS", 0x06, 2, 0x0200, 0, 0},
		{"RID, CLASSC", 0x08, 4, 0x06000002, 0, 0},
		{"MLT", 0x0d, 1, 0x00, 0xf8, 0},
		{"SVID, SID", 0x2c, 4, 0x11001af4, 0,
		 0}, /* the chip has none; firmware looks for it */
		{"PMCCFG", 0x50, 2, 0x0200, 0xc070, 0},
		{"DETURBO", 0x52, 1, 0x00, 0xff, 0},
		{"DBC", 0x53, 1, 0x80, 0xff, 0},
		{"AXC", 0x54, 1, 0x00, 0x82, 0},
		{"DRT", 0x55, 2, 0x0000, 0xffff, 0},
		{"DRAMC", 0x57, 1, 0x01, 0x77, 0},
		{"DRAMT", 0x58, 1, 0x10, 0x7f, 0},
		{"PAM0", 0x59, 1, 0x00, 0x30, 0},
		{"PAM1", 0x5a, 1, 0x00, 0x33, 0},
		{"PAM2", 0x5b, 1, 0x00, 0x33, 0},
		{"PAM3", 0x5c, 1, 0x00, 0x33, 0},
		{"PAM4", 0x5d, 1, 0x00, 0x33, 0},
		{"PAM5", 0x5e, 1, 0x00, 0x33, 0},
		{"PAM6", 0x5f, 1, 0x00, 0x33, 0},
		{"DRB0-3", 0x60, 4, 0x01010101, 0xffffffff, 0},
		{"DRB4-7", 0x64, 4, 0x01010101, 0xffffffff, 0},
		{"FDHC", 0x68, 1, 0x00, 0xc0, 0},
		{"MTT", 0x70, 1, 0x00, 0xf8, 0},
		{"CLT", 0x71, 1, 0x10, 0x1f, 0},
		{"SMRAM", 0x72, 1, 0x02, 0, 0x78}, /* its lock has tests of its own */
		{"ERRCMD", 0x90, 1, 0x00, 0x1b, 0},
		{"ERRSTS", 0x91, 1, 0x00, 0, 0},
	};
	const struct test_config function = {m->t, 0};

	test_config_registers(vdev_i82443bx_device(m->bridge), &function, registers,
			      ARRAY_SIZE(registers));
}
END_TEST

/* 290633, table of PAM registers: which bits are for which addresses. */
static const struct {
	const char *name;
	unsigned int reg, shift;
	uint64_t first, last;
} pam[] = {
	{"PAM0[5:4]", 0x59, 4, 0xf0000, 0xfffff}, {"PAM1[1:0]", 0x5a, 0, 0xc0000, 0xc3fff},
	{"PAM1[5:4]", 0x5a, 4, 0xc4000, 0xc7fff}, {"PAM2[1:0]", 0x5b, 0, 0xc8000, 0xcbfff},
	{"PAM2[5:4]", 0x5b, 4, 0xcc000, 0xcffff}, {"PAM3[1:0]", 0x5c, 0, 0xd0000, 0xd3fff},
	{"PAM3[5:4]", 0x5c, 4, 0xd4000, 0xd7fff}, {"PAM4[1:0]", 0x5d, 0, 0xd8000, 0xdbfff},
	{"PAM4[5:4]", 0x5d, 4, 0xdc000, 0xdffff}, {"PAM5[1:0]", 0x5e, 0, 0xe0000, 0xe3fff},
	{"PAM5[5:4]", 0x5e, 4, 0xe4000, 0xe7fff}, {"PAM6[1:0]", 0x5f, 0, 0xe8000, 0xebfff},
	{"PAM6[5:4]", 0x5f, 4, 0xec000, 0xeffff},
};

/* Bit 0 is reads, bit 1 writes; what has neither is ROM or nothing. */
static bool reads_ram(uint64_t gpa)
{
	return guest_read(gpa) == 'm';
}

static bool writes_ram(uint64_t gpa)
{
	bool written;

	guest_write(gpa, 'w');
	written = test_ram(m->t)[gpa] == 'w';
	test_ram(m->t)[gpa] = 'm';
	return written;
}

static void check_segment(size_t n, unsigned int access)
{
	for (size_t i = 0; i < ARRAY_SIZE(pam); i++) {
		unsigned int expected = i == n ? access : 0;

		ck_assert_msg(reads_ram(pam[i].first) == (expected & 1) &&
				      reads_ram(pam[i].last) == (expected & 1) &&
				      writes_ram(pam[i].first) == expected >> 1 &&
				      writes_ram(pam[i].last) == expected >> 1,
			      "%s with %s at %u", pam[i].name, pam[n].name, access);
	}
}

START_TEST(the_data_sheet_of_shadow_ram)
{
	memset(test_ram(m->t) + 0xc0000, 'm', 0x40000);
	for (size_t n = 0; n < ARRAY_SIZE(pam); n++) {
		for (unsigned int access = 0; access < 4; access++) {
			set_config(pam[n].reg, (uint8_t)(access << pam[n].shift));
			check_segment(n, access);
		}
		set_config(pam[n].reg, 0);
	}
}
END_TEST

/* 290633, I/O mapped registers; byte and word accesses to CF8h go on to PCI, where CF9h is. */
START_TEST(the_data_sheet_of_the_ports)
{
	static const struct test_register registers[] = {
		{"CONFADD", 0xcf8, 4, 0x00000000, 0x80fffffc, 0},
		{"not CONFADD", 0xcf8, 1, 0xff, 0, 0},
		{"not CONFADD", 0xcf8, 2, 0xffff, 0, 0xff00},
		{"RC", 0xcf9, 1, 0x00, 0x06, 0},
		{"not CONFADD", 0xcfa, 1, 0xff, 0, 0},
		{"not CONFADD", 0xcfa, 2, 0xffff, 0, 0},
		{"not CONFADD", 0xcfb, 1, 0xff, 0, 0},
		{"CONFDATA, disabled", 0xcfc, 4, 0xffffffff, 0, 0},
		{"CONFDATA, disabled", 0xcfd, 1, 0xff, 0, 0},
	};
	const struct test_access access = test_access_ports(m->t);

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		vdev_device_reset(vdev_piix4_isa_device(m->isa));
		test_registers(m->devices[5], &access, &registers[i], 1);
	}
}
END_TEST

/* CONFDATA reaches each byte of the register that CONFADD names, in every width. */
START_TEST(the_data_port_in_every_width)
{
	select_register(0, 0x60);
	test_out32(m->t, 0xcfc, 0x33221100);
	for (uint16_t i = 0; i < 4; i++)
		ck_assert_uint_eq(test_in8(m->t, 0xcfc + i), 0x11u * i);
	ck_assert_uint_eq(test_in16(m->t, 0xcfc), 0x1100);
	ck_assert_uint_eq(test_in16(m->t, 0xcfe), 0x3322);
	test_out8(m->t, 0xcff, 0x77);
	test_out16(m->t, 0xcfc, 0x5544);
	ck_assert_uint_eq(test_in32(m->t, 0xcfc), 0x77225544);
	test_out32(m->t, 0xcf8, 0x00000060); /* the enable bit is clear */
	ck_assert_uint_eq(test_in32(m->t, 0xcfc), 0xffffffff);
	test_out32(m->t, 0xcfc, 0);
	select_register(0, 0x60);
	ck_assert_uint_eq(test_in32(m->t, 0xcfc), 0x77225544);
}
END_TEST

TEST_MAIN("vdev/host_bridge", setup, teardown, the_data_sheet_of_the_82441fx,
	  the_data_sheet_of_the_82443bx, the_locks_of_the_82443bx, the_data_sheet_of_shadow_ram,
	  the_data_sheet_of_the_ports, the_data_port_in_every_width, configuration_cycles,
	  at_first_all_is_rom, every_segment_takes_every_access, shadowing_the_bios,
	  reserved_pam_bits_stay_zero, smram_opens_closes_and_locks,
	  the_lock_ends_with_a_hard_reset, state_and_reset)
