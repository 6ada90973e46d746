/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long calls give way and go on where they were; a page that a child sees is known as one. */
#include "child.h"
#include "core/owner.h"

#define RWX     (HV_MAP_READABLE | HV_MAP_WRITABLE | HV_MAP_EXECUTABLE)
#define LARGE   (RWX | HV_MAP_LARGE_PAGE)
#define ALIGNED (0x400000ull >> PAGE_SHIFT)

static struct child c;

static void prepare(u32 pages)
{
	child_machine();
	c = child_new(pages);
}

/* Each look at the clock finds that the call has taken too long; or never. */
static void hurry(bool on)
{
	fake.tsc_step = on ? FAKE_HZ / 10000 : 0;
}

START_TEST(maps_give_way)
{
	struct partition *p;
	u64 pages[5];

	prepare(16);
	p = partition_find(NULL, c.id);
	for (int i = 0; i < 5; i++)
		pages[i] = fake_page().v >> PAGE_SHIFT;
	hurry(true);
	ck_assert_uint_eq(map_pages(c.id, 0x100, RWX, 5, pages), REPS(5));
	ck_assert_uint_eq(starts, 5);
	ck_assert_uint_eq(p->map.pages_4k, 5);
	fake.flushes = 0;
	ck_assert_uint_eq(unmap_pages(c.id, 0x100, 0, 5), REPS(5));
	ck_assert_uint_eq(starts, 5);
	ck_assert_uint_eq(fake.flushes, 5); /* before the others take the lock */
	ck_assert_uint_eq(p->map.pages_4k, 0);
	hurry(false);
	ck_assert_uint_eq(map_pages(c.id, 0x100, RWX, 5, pages), REPS(5));
	ck_assert_uint_eq(starts, 1);
}
END_TEST

/* What stands in the registers in between: all as it was, but the start index. */
START_TEST(registers_in_between)
{
	const struct vexit e = {.type = VEXIT_HYPERCALL, .length = 3};
	struct vp *vp = root_partition.vp[0];
	struct hv_map_gpa_input *in;
	u64 control = HV_CALL_UNMAP_GPA_PAGES | REPS(3);

	for (int wide = 1; wide >= 0; wide--) {
		prepare(16);
		in = (void *)in_page;
		*in = (struct hv_map_gpa_input){.partition_id = c.id, .gpa_page = 5};
		vp = root_partition.vp[0];
		fake_vp_clear(vp);
		vp->arch->long_mode = wide;
		vp->gpr[RAX] = wide ? 0x77 : (u32)control;
		vp->gpr[RBX] = 0;
		vp->gpr[RCX] = wide ? control : arch_unmap(in_page).v;
		vp->gpr[RDX] = wide ? arch_unmap(in_page).v : control >> 32;
		hurry(true);
		for (u64 start = 1; start < 3; start++) {
			exit_handle(vp, &e);
			ck_assert_uint_eq(vp->arch->advanced, 0);
			ck_assert_uint_eq(vp->gpr[RAX], wide ? 0x77 : (u32)control);
			ck_assert_uint_eq(vp->gpr[wide ? RCX : RDX] << (wide ? 0 : 32),
					  (wide ? control : control & ~0xffffffffull) |
						  START(start));
		}
		exit_handle(vp, &e);
		ck_assert_uint_eq(vp->arch->advanced, 3);
		ck_assert_uint_eq(wide ? vp->gpr[RAX] : vp->gpr[RDX] << 32 | vp->gpr[RAX], REPS(3));
	}
}
END_TEST

START_TEST(deposits_give_way)
{
	struct partition *p;
	u64 list[6];

	prepare(4);
	p = partition_find(NULL, c.id);
	list[0] = c.id;
	for (int i = 1; i < 6; i++, fake_page()) /* every other one: no runs */
		list[i] = fake_page().v >> PAGE_SHIFT;
	hurry(true);
	ck_assert_uint_eq(raw(HV_CALL_DEPOSIT_MEMORY | REPS(5), list, sizeof(list)), REPS(5));
	ck_assert_uint_eq(starts, 5);
	ck_assert_uint_eq(p->pool.total_count, 9);
	ck_assert_uint_eq(partition_call(HV_CALL_FINALIZE_PARTITION, c.id), 0);
	ck_assert_uint_eq(withdraw_all(c.id), 9);
	ck_assert_uint_eq(partition_call(HV_CALL_DELETE_PARTITION, c.id), 0);
	for (int i = 1; i < 6; i++)
		ck_assert(owner_is_root(SPA(list[i] << PAGE_SHIFT), PAGE_SIZE));
}
END_TEST

START_TEST(registers_give_way)
{
	struct {
		struct hv_vp_input header;
		u32 name[4];
	} in = {{.partition_id = 0},
		{HV_REGISTER_RAX, HV_REGISTER_RAX + 1, HV_REGISTER_RIP, HV_REGISTER_RFLAGS}};
	u64 first[8];

	prepare(16);
	child_add_vp(&c, 0);
	in.header.partition_id = c.id;
	ck_assert_uint_eq(raw(HV_CALL_GET_VP_REGISTERS | REPS(4), &in, sizeof(in)), REPS(4));
	ck_assert_uint_eq(starts, 1);
	memcpy(first, out_page, sizeof(first));
	memset(out_page, 0xee, sizeof(first));
	hurry(true);
	ck_assert_uint_eq(raw(HV_CALL_GET_VP_REGISTERS | REPS(4), &in, sizeof(in)), REPS(4));
	ck_assert_uint_eq(starts, 4);
	ck_assert_int_eq(memcmp(first, out_page, sizeof(first)), 0);
}
END_TEST

/* The map of a partition that ends goes by pieces; meanwhile nothing else can be done with it. */
START_TEST(finalize_gives_way)
{
	const u64 aligned = ALIGNED;
	struct vexit e = {.type = VEXIT_HYPERCALL, .length = 3};
	struct vp *vp;
	u64 page;

	prepare(40);
	page = fake_page().v >> PAGE_SHIFT;
	for (u64 gpa = 0; gpa < 4; gpa++)
		ck_assert_uint_eq(map_pages(c.id, gpa << 27, RWX, 1, &page), REPS(1));
	for (u64 gpa = 1; gpa < 4; gpa++)
		ck_assert_uint_eq(map_pages(c.id, gpa << 9, LARGE, 1, &aligned), REPS(1));
	vp = root_partition.vp[0];
	fake_vp_clear(vp);
	memcpy(in_page, &c.id, sizeof(c.id));
	vp->gpr[RCX] = HV_CALL_FINALIZE_PARTITION;
	vp->gpr[RDX] = arch_unmap(in_page).v;
	hurry(true);
	exit_handle(vp, &e);
	ck_assert_uint_eq(vp->arch->advanced, 0);
	ck_assert_uint_eq(vp->gpr[RCX], HV_CALL_FINALIZE_PARTITION);
	ck_assert(owner_is_shown(SPA(page << PAGE_SHIFT)));
	ck_assert_uint_eq(STATUS(map_pages(c.id, 7, RWX, 1, &page)),
			  HV_STATUS_INVALID_PARTITION_STATE);
	ck_assert_uint_eq(partition_call(HV_CALL_FINALIZE_PARTITION, c.id), 0);
	ck_assert_uint_eq(starts, 6);
	ck_assert(!owner_is_shown(SPA(page << PAGE_SHIFT)));
	ck_assert(!owner_is_shown(SPA(aligned << PAGE_SHIFT)));
	ck_assert_uint_eq(withdraw_all(c.id), 40);
}
END_TEST

/* Large leaves, their pieces, the same page twice, and in two children. */
START_TEST(what_children_see)
{
	const u64 large = ALIGNED;
	struct child other;
	u64 page;

	prepare(40);
	other = child_new(40);
	page = fake_page().v >> PAGE_SHIFT;
	ck_assert_uint_eq(map_pages(c.id, 512, LARGE, 1, &large), REPS(1));
	ck_assert_uint_eq(unmap_pages(c.id, 512 + 77, 0, 1), REPS(1));
	ck_assert_uint_eq(deposit_page(c.id, large + 76), HV_STATUS_OPERATION_DENIED);
	ck_assert_uint_eq(deposit_page(c.id, large + 77), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(deposit_page(c.id, large + 78), HV_STATUS_OPERATION_DENIED);
	/* Not all of it is the root's any more. */
	ck_assert_uint_eq(STATUS(map_pages(c.id, 1024, LARGE, 1, &large)),
			  HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(map_pages(c.id, 1, RWX, 1, &page), REPS(1));
	ck_assert_uint_eq(map_pages(c.id, 2, RWX, 1, &page), REPS(1));
	ck_assert_uint_eq(map_pages(other.id, 1, RWX, 1, &page), REPS(1));
	ck_assert_uint_eq(map_pages(c.id, 1, HV_MAP_READABLE, 1, &page), REPS(1));
	ck_assert_uint_eq(unmap_pages(c.id, 1, 0, 1), REPS(1));
	ck_assert_uint_eq(unmap_pages(c.id, 2, 0, 1), REPS(1));
	ck_assert_uint_eq(deposit_page(c.id, page), HV_STATUS_OPERATION_DENIED);
	ck_assert_uint_eq(partition_call(HV_CALL_FINALIZE_PARTITION, other.id), 0);
	ck_assert_uint_eq(deposit_page(c.id, page), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(partition_call(HV_CALL_FINALIZE_PARTITION, c.id), 0);
	ck_assert_uint_eq(deposit_page(HV_PARTITION_ID_SELF, large + 76), HV_STATUS_SUCCESS);
}
END_TEST

TEST_MAIN("memory", maps_give_way, registers_in_between, deposits_give_way, registers_give_way,
	  finalize_gives_way, what_children_see)
