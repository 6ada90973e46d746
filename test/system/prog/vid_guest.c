// SPDX-License-Identifier: GPL-2.0-or-later
/* See vid_guest.h. */
#include "vid_guest.h"

#include <string.h>

#define PML4 0x10000u
#define PDPT 0x11000u
#define PD   0x12000u

void guest_init(struct guest *g, unsigned int vps)
{
	memset(g, 0, sizeof(*g));
	EXPECT_EQ(vid_partition_open(-1, &g->partition), 0);
	EXPECT_EQ(vid_memory_create("guest", GUEST_SIZE, &g->memory), 0);
	g->host = vid_memory_host(g->memory);
	EXPECT_EQ(vid_partition_map(g->partition, 0, g->memory, 0, GUEST_SIZE, VID_ACCESS_ALL), 0);
	for (unsigned int i = 0; i < vps; i++)
		EXPECT_EQ(vid_vp_create(g->partition, i, &g->vp[i]), 0);
}

void guest_fini(struct guest *g)
{
	for (unsigned int i = 0; i < GUEST_VPS; i++)
		vid_vp_destroy(g->vp[i]);
	vid_partition_destroy(g->partition);
	vid_memory_destroy(g->memory);
}

static struct vid_register segment(uint32_t name, uint16_t attributes, uint32_t limit)
{
	return (struct vid_register){
		.name = name,
		.low = 0,
		.high = limit | (uint64_t)attributes << 48,
	};
}

void guest_begin(struct guest *g, unsigned int vp)
{
	const struct vid_register r[] = {
		segment(HV_REGISTER_ES, 0x93, 0xffff),
		segment(HV_REGISTER_ES + 1, 0x9b, 0xffff),
		segment(HV_REGISTER_ES + 2, 0x93, 0xffff),
		segment(HV_REGISTER_ES + 3, 0x93, 0xffff),
		{HV_REGISTER_RIP, GUEST_CODE, 0},
		{HV_REGISTER_RFLAGS, 2, 0},
		{HV_REGISTER_RAX + 4, 0x8000, 0},
		{HV_REGISTER_INTERNAL_ACTIVITY, 0, 0},
	};

	EXPECT_EQ(vid_vp_set_registers(g->vp[vp], r, ARRAY_SIZE(r)), 0);
}

static void put64(struct guest *g, uint32_t at, uint64_t value)
{
	memcpy(g->host + at, &value, sizeof(value));
}

void guest_begin_64(struct guest *g, unsigned int vp)
{
	const struct vid_register r[] = {
		segment(HV_REGISTER_ES, 0xc093, 0xffffffff),
		segment(HV_REGISTER_ES + 1, 0xa09b, 0xffffffff),
		segment(HV_REGISTER_ES + 2, 0xc093, 0xffffffff),
		segment(HV_REGISTER_ES + 3, 0xc093, 0xffffffff),
		{HV_REGISTER_CR4, 0x20, 0},
		{HV_REGISTER_EFER, 0x500, 0},
		{HV_REGISTER_CR3, PML4, 0},
		{HV_REGISTER_CR0, 0x80000031, 0},
		{HV_REGISTER_RIP, GUEST_CODE, 0},
		{HV_REGISTER_RFLAGS, 2, 0},
		{HV_REGISTER_RAX + 4, 0x8000, 0},
		{HV_REGISTER_INTERNAL_ACTIVITY, 0, 0},
	};

	put64(g, PML4, PDPT | 7);
	put64(g, PDPT, PD | 7);
	for (uint32_t i = 0; i < 512; i++)
		put64(g, PD + i * 8, (uint64_t)i << 21 | 0x87);
	EXPECT_EQ(vid_vp_set_registers(g->vp[vp], r, ARRAY_SIZE(r)), 0);
}

void guest_load_bytes(struct guest *g, const uint8_t *code, size_t size)
{
	memcpy(g->host + GUEST_CODE, code, size);
	guest_begin(g, 0);
}

void guest_run(struct guest *g, enum vid_exit_kind kind)
{
	do
		EXPECT_EQ(vid_vp_run(g->vp[0], &g->exit), 0);
	while (g->exit.kind == VID_EXIT_INTERRUPTED);
	EXPECT_EQ(g->exit.kind, kind);
}

void guest_step_over(struct guest *g)
{
	vid_vp_regs(g->vp[0], VID_REGS_RIP)->rip += g->exit.instruction.length;
}

uint64_t guest_register(struct guest *g, unsigned int vp, uint32_t name)
{
	struct vid_register r = {.name = name};

	EXPECT_EQ(vid_vp_get_registers(g->vp[vp], &r, 1), 0);
	return r.low;
}

void guest_set_register(struct guest *g, unsigned int vp, uint32_t name, uint64_t value)
{
	const struct vid_register r = {.name = name, .low = value};

	EXPECT_EQ(vid_vp_set_registers(g->vp[vp], &r, 1), 0);
}
