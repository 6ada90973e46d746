/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life of partitions, deposits, guest maps: who may do what when, and that no page gets lost. */
#include "child.h"

#define RW       (HV_MAP_READABLE | HV_MAP_WRITABLE)
#define RWX      (RW | HV_MAP_EXECUTABLE)
#define NO_CHILD 0x12345ull

static hv_status create_vp(u64 id, u32 index)
{
	const struct hv_create_vp_input in = {.partition_id = id, .vp_index = index};

	return STATUS(raw(HV_CALL_CREATE_VP, &in, sizeof(in)));
}

static hv_status delete_vp(u64 id, u32 index)
{
	const struct hv_vp_input in = {.partition_id = id, .vp_index = index};

	return STATUS(raw(HV_CALL_DELETE_VP, &in, sizeof(in)));
}

/* Nothing left: every page of the arena is the root's, the hypervisor's own pool is as it was. */
static void expect_clean(u64 boot_free)
{
	withdraw_all(HV_PARTITION_ID_SELF);
	ck_assert_uint_eq(root_partition.pool.total_count, 0);
	ck_assert(fake_is_identity(&root_partition.map, GPA(FAKE_RAM_BASE),
				   (FAKE_RAM_PAGES - FAKE_HIDDEN) * PAGE_SIZE));
	ck_assert_uint_eq(boot_pool.free_count, boot_free);
	for (u32 i = 1; i < PARTITIONS_MAX; i++)
		ck_assert_ptr_null(partitions[i]);
}

static void tear_down(const struct child *c)
{
	ck_assert_uint_eq(partition_call(HV_CALL_FINALIZE_PARTITION, c->id), HV_STATUS_SUCCESS);
	for (u32 i = 0; i < PARTITION_MAX_VPS; i++)
		if (child_vp(c, i))
			ck_assert_uint_eq(delete_vp(c->id, i), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(withdraw_all(c->id), c->pages);
	ck_assert_uint_eq(partition_call(HV_CALL_DELETE_PARTITION, c->id), HV_STATUS_SUCCESS);
}

START_TEST(life)
{
	struct child c;
	u64 boot_free;

	child_machine();
	boot_free = boot_pool.free_count;
	c = child_new(20);
	child_add_vp(&c, 0);
	child_add_vp(&c, 1);
	child_ram(&c, 0, RWX);
	tear_down(&c);
	expect_clean(boot_free);
}
END_TEST

/* Every call in every state. */
START_TEST(states)
{
	const struct {
		u16 code;
		hv_status created, active, finalized;
	} c[] = {
		{HV_CALL_INITIALIZE_PARTITION, 0, HV_STATUS_INVALID_PARTITION_STATE,
		 HV_STATUS_INVALID_PARTITION_STATE},
		{HV_CALL_FINALIZE_PARTITION, 0, 0, 0},
		{HV_CALL_DELETE_PARTITION, HV_STATUS_INVALID_PARTITION_STATE, /* has pages */
		 HV_STATUS_INVALID_PARTITION_STATE, HV_STATUS_INVALID_PARTITION_STATE},
		{HV_CALL_CREATE_VP, HV_STATUS_INVALID_PARTITION_STATE, 0,
		 HV_STATUS_INVALID_PARTITION_STATE},
		{HV_CALL_GET_MEMORY_BALANCE, 0, 0, 0},
		{HV_CALL_SET_PARTITION_PROPERTY, 0, HV_STATUS_INVALID_PARTITION_STATE,
		 HV_STATUS_INVALID_PARTITION_STATE},
		{HV_CALL_MAP_GPA_PAGES, HV_STATUS_INVALID_PARTITION_STATE, 0,
		 HV_STATUS_INVALID_PARTITION_STATE},
		{HV_CALL_INSTALL_INTERCEPT, HV_STATUS_INVALID_PARTITION_STATE, 0,
		 HV_STATUS_INVALID_PARTITION_STATE},
		{HV_CALL_ASSERT_VIRTUAL_INTERRUPT, HV_STATUS_INVALID_PARTITION_STATE, 0,
		 HV_STATUS_INVALID_PARTITION_STATE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		for (int state = PARTITION_CREATED; state <= PARTITION_FINALIZED; state++) {
			const struct hv_create_partition_input create = {0};
			const hv_status want[] = {c[i].created, c[i].active, c[i].finalized};
			union {
				u64 words[8];
				struct hv_property_input property;
				struct hv_map_gpa_input map;
				struct hv_install_intercept_input intercept;
			} in = {{0}};
			u64 id;

			child_machine();
			deposit(HV_PARTITION_ID_SELF, 1);
			ck_assert_uint_eq(raw(HV_CALL_CREATE_PARTITION, &create, sizeof(create)),
					  0);
			memcpy(&id, out_page, 8);
			deposit(id, 20);
			if (state >= PARTITION_ACTIVE)
				ck_assert_uint_eq(partition_call(HV_CALL_INITIALIZE_PARTITION, id),
						  0);
			if (state == PARTITION_FINALIZED)
				ck_assert_uint_eq(partition_call(HV_CALL_FINALIZE_PARTITION, id),
						  0);
			in.words[0] = id;
			if (c[i].code == HV_CALL_SET_PARTITION_PROPERTY)
				in.property.code = HV_PROPERTY_PRIVILEGES;
			if (c[i].code == HV_CALL_INSTALL_INTERCEPT)
				in.intercept.type = HV_INTERCEPT_MSR;
			if (c[i].code == HV_CALL_MAP_GPA_PAGES) {
				in.map.flags = RW;
				in.words[3] = fake_page().v >> PAGE_SHIFT;
			}
			if (STATUS(raw(c[i].code |
					       (c[i].code == HV_CALL_MAP_GPA_PAGES ? REPS(1) : 0),
				       &in, sizeof(in))) != want[state])
				ck_abort_msg("code %x in state %d", c[i].code, state);
		}
}
END_TEST

START_TEST(nobody_elses_partitions)
{
	struct child c;

	child_machine();
	c = child_new(8);
	for (u16 code = 0x40; code < 0x100; code++) {
		const u64 ids[] = {NO_CHILD, 1, 0, c.id + PARTITIONS_MAX, ~0ull >> 1};

		for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
			u64 in[36] = {ids[i]};
			hv_status slow = STATUS(raw(code, in, sizeof(in)));
			hv_status rep = STATUS(raw(code | REPS(1), in, sizeof(in)));

			if (code == HV_CALL_CREATE_PARTITION || (!slow && code == 0x47))
				continue;
			if (slow == HV_STATUS_SUCCESS || rep == HV_STATUS_SUCCESS)
				ck_abort_msg("code %x, id %lx", code, ids[i]);
		}
	}
	ck_assert_ptr_nonnull(partition_find(NULL, c.id));
}
END_TEST

START_TEST(privileges)
{
	struct child c;

	child_machine();
	c = child_new(8);
	root_partition.privileges &= 0xffffffff;
	ck_assert_uint_eq(partition_call(HV_CALL_FINALIZE_PARTITION, c.id),
			  HV_STATUS_ACCESS_DENIED);
	ck_assert_uint_eq(deposit_page(c.id, fake_page().v >> PAGE_SHIFT), HV_STATUS_ACCESS_DENIED);
	ck_assert_uint_eq(create_vp(c.id, 0), HV_STATUS_ACCESS_DENIED);
}
END_TEST

START_TEST(ids_are_not_reused)
{
	struct child a, b;

	child_machine();
	a = child_new(4);
	tear_down(&a);
	b = child_new(4);
	ck_assert_uint_ne(a.id, b.id);
	ck_assert_ptr_null(partition_find(NULL, a.id));
	ck_assert_uint_eq(partition_call(HV_CALL_FINALIZE_PARTITION, a.id),
			  HV_STATUS_INVALID_PARTITION_ID);
}
END_TEST

START_TEST(children_in_a_row)
{
	struct hv_next_child_input in = {.partition_id = HV_PARTITION_ID_SELF};
	struct child c[3];
	u64 next;

	child_machine();
	for (int i = 0; i < 3; i++)
		c[i] = child_new(4);
	for (int i = 0; i < 4; i++) {
		ck_assert_uint_eq(raw(HV_CALL_GET_NEXT_CHILD_PARTITION, &in, sizeof(in)), 0);
		memcpy(&next, out_page, 8);
		ck_assert_uint_eq(next, i < 3 ? c[i].id : 0);
		in.previous_id = next;
	}
}
END_TEST

START_TEST(creation_needs_memory)
{
	const struct hv_create_partition_input in = {0};
	u64 id;

	child_machine();
	ck_assert_uint_eq(raw(HV_CALL_CREATE_PARTITION, &in, sizeof(in)),
			  HV_STATUS_INSUFFICIENT_MEMORY);
	deposit(HV_PARTITION_ID_SELF, 1);
	ck_assert_uint_eq(raw(HV_CALL_CREATE_PARTITION, &in, sizeof(in)), 0);
	memcpy(&id, out_page, 8);
	ck_assert_uint_eq(partition_call(HV_CALL_INITIALIZE_PARTITION, id),
			  HV_STATUS_INSUFFICIENT_MEMORY);
	deposit(id, 1);
	ck_assert_uint_eq(partition_call(HV_CALL_INITIALIZE_PARTITION, id), 0);
	for (u32 have = 0; have < 5; have++) { /* three pages, and two of the fake vendor's */
		ck_assert_uint_eq(create_vp(id, 0), HV_STATUS_INSUFFICIENT_MEMORY);
		ck_assert_uint_eq(partition_find(NULL, id)->pool.free_count, have);
		deposit(id, 1);
	}
	ck_assert_uint_eq(create_vp(id, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(create_vp(id, 0), HV_STATUS_INVALID_VP_INDEX);
	ck_assert_uint_eq(create_vp(id, 255),
			  HV_STATUS_INVALID_VP_INDEX); /* its APIC id would be all */
	ck_assert_uint_eq(create_vp(id, 256), HV_STATUS_INVALID_VP_INDEX);
}
END_TEST

START_TEST(deposited_pages_leave_the_root)
{
	u64 page;
	u32 rights;
	spa_t spa;

	child_machine();
	page = fake_page().v;
	ck_assert_uint_eq(deposit_page(HV_PARTITION_ID_SELF, page >> PAGE_SHIFT), 0);
	ck_assert(!gpa_map_lookup(&root_partition.map, GPA(page), &spa, &rights));
	ck_assert_uint_ge(fake.flushes, 1);
	ck_assert_uint_eq(deposit_page(HV_PARTITION_ID_SELF, page >> PAGE_SHIFT),
			  HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(withdraw_all(HV_PARTITION_ID_SELF), 1);
	ck_assert(gpa_map_lookup(&root_partition.map, GPA(page), &spa, &rights));
	ck_assert_uint_eq(spa.v, page);
	ck_assert_uint_eq(rights, GPA_ALL);
}
END_TEST

START_TEST(deposits_that_are_refused)
{
	const u64 hidden = FAKE_RAM_BASE + (FAKE_RAM_PAGES - 1) * PAGE_SIZE;
	struct child c;
	u64 shown, list[4], result;

	child_machine();
	c = child_new(16);
	shown = arch_unmap(child_ram(&c, 7, RW)).v >> PAGE_SHIFT;
	fake_device(FAKE_RAM_BASE + 3000 * PAGE_SIZE, PAGE_SIZE);
	ck_assert_uint_eq(deposit_page(c.id, shown), HV_STATUS_OPERATION_DENIED);
	ck_assert_uint_eq(deposit_page(c.id, hidden >> PAGE_SHIFT), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(deposit_page(c.id, fake.device_base >> PAGE_SHIFT),
			  HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(deposit_page(c.id, 1ull << 36), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(deposit_page(c.id, ~0ull), HV_STATUS_INVALID_PARAMETER);
	list[0] = c.id;
	list[1] = fake_page().v >> PAGE_SHIFT;
	list[2] = hidden >> PAGE_SHIFT;
	list[3] = fake_page().v >> PAGE_SHIFT;
	result = raw(HV_CALL_DEPOSIT_MEMORY | REPS(3), list, sizeof(list));
	ck_assert_uint_eq(STATUS(result), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(DONE(result), 1);
	list[1] = list[3]; /* twice the same */
	list[2] = list[3];
	result = raw(HV_CALL_DEPOSIT_MEMORY | REPS(2), list, sizeof(list));
	ck_assert_uint_eq(STATUS(result), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(DONE(result), 1);
	ck_assert_uint_eq(partition_find(NULL, c.id)->pool.total_count, 18);
	ck_assert_uint_eq(unmap_pages(c.id, 7, 0, 1), REPS(1));
	ck_assert_uint_eq(deposit_page(c.id, shown), HV_STATUS_SUCCESS);
}
END_TEST

START_TEST(deposit_goes_on_from_rep_start)
{
	struct child c;
	u64 list[4], result;

	child_machine();
	c = child_new(4);
	list[0] = c.id;
	for (int i = 1; i < 4; i++)
		list[i] = fake_page().v >> PAGE_SHIFT;
	result = raw(HV_CALL_DEPOSIT_MEMORY | REPS(3) | START(2), list, sizeof(list));
	ck_assert_uint_eq(result, REPS(3));
	ck_assert_uint_eq(partition_find(NULL, c.id)->pool.total_count, 5);
	ck_assert(fake_is_identity(&root_partition.map, GPA(list[1] << 12), 2 * PAGE_SIZE));
}
END_TEST

START_TEST(balance)
{
	struct hv_partition_proximity_input in = {0};
	struct hv_memory_balance b;
	struct child c;

	child_machine();
	c = child_new(10);
	in.partition_id = c.id;
	ck_assert_uint_eq(raw(HV_CALL_GET_MEMORY_BALANCE, &in, sizeof(in)), 0);
	memcpy(&b, out_page, sizeof(b));
	ck_assert_uint_eq(b.available, 9);
	ck_assert_uint_eq(b.in_use, 1);
}
END_TEST

START_TEST(guest_maps)
{
	struct partition *p;
	struct child c;
	u64 pages[3], result;
	u32 rights;
	spa_t spa;

	child_machine();
	c = child_new(16);
	p = partition_find(NULL, c.id);
	for (int i = 0; i < 3; i++)
		pages[i] = fake_page().v >> PAGE_SHIFT;
	ck_assert_uint_eq(map_pages(c.id, 0x100, RWX, 3, pages), REPS(3));
	ck_assert(gpa_map_lookup(&p->map, GPA(0x101234), &spa, &rights));
	ck_assert_uint_eq(spa.v, (pages[1] << PAGE_SHIFT) + 0x234);
	ck_assert_uint_eq(rights, GPA_ALL);
	ck_assert_uint_eq(map_pages(c.id, 0x100, HV_MAP_READABLE, 1, pages), REPS(1));
	ck_assert(gpa_map_lookup(&p->map, GPA(0x100000), &spa, &rights));
	ck_assert_uint_eq(rights, GPA_READ);
	pages[1] = (FAKE_RAM_BASE >> PAGE_SHIFT) + FAKE_RAM_PAGES - 1; /* hidden */
	result = map_pages(c.id, 0x200, RWX, 3, pages);
	ck_assert_uint_eq(STATUS(result), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(DONE(result), 1);
	ck_assert(gpa_map_lookup(&p->map, GPA(0x200000), &spa, &rights));
	ck_assert(!gpa_map_lookup(&p->map, GPA(0x201000), &spa, &rights));
	fake.flushes = 0;
	ck_assert_uint_eq(unmap_pages(c.id, 0x100, 0, 3), REPS(3));
	ck_assert_uint_eq(fake.flushes, 1);
	ck_assert(!gpa_map_lookup(&p->map, GPA(0x101000), &spa, &rights));
}
END_TEST

START_TEST(map_flags)
{
	const struct {
		u32 flags;
		hv_status status;
	} f[] = {
		{HV_MAP_READABLE, 0},
		{RWX, 0},
		{HV_MAP_READABLE | HV_MAP_EXECUTABLE, 0},
		{0, HV_STATUS_INVALID_PARAMETER},
		{HV_MAP_WRITABLE, HV_STATUS_INVALID_PARAMETER},
		{HV_MAP_EXECUTABLE, HV_STATUS_INVALID_PARAMETER},
		{HV_MAP_READABLE | 4, HV_STATUS_INVALID_PARAMETER},
		{HV_MAP_READABLE | 8, HV_STATUS_INVALID_PARAMETER},
		{HV_MAP_READABLE | 0x10, HV_STATUS_INVALID_PARAMETER},
		{HV_MAP_READABLE | 0x40000000, HV_STATUS_INVALID_PARAMETER},
	};
	struct child c;
	u64 page;

	child_machine();
	c = child_new(16);
	page = fake_page().v >> PAGE_SHIFT;
	for (size_t i = 0; i < ARRAY_SIZE(f); i++)
		ck_assert_uint_eq(STATUS(map_pages(c.id, 5, f[i].flags, 1, &page)), f[i].status);
	ck_assert_uint_eq(STATUS(map_pages(c.id, 1ull << 36, RW, 1, &page)),
			  HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(STATUS(unmap_pages(c.id, 5, 1, 1)), HV_STATUS_INVALID_PARAMETER);
}
END_TEST

START_TEST(large_pages)
{
	const u64 aligned = 0x400000 >> PAGE_SHIFT, crooked = aligned + 1;
	struct partition *p;
	struct child c;

	child_machine();
	c = child_new(16);
	p = partition_find(NULL, c.id);
	ck_assert_uint_eq(map_pages(c.id, 512, RWX | HV_MAP_LARGE_PAGE, 1, &aligned), REPS(1));
	ck_assert_uint_eq(p->map.pages_2m, 1);
	ck_assert_uint_eq(STATUS(map_pages(c.id, 512, RWX | HV_MAP_LARGE_PAGE, 1, &crooked)),
			  HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(STATUS(map_pages(c.id, 513, RWX | HV_MAP_LARGE_PAGE, 1, &aligned)),
			  HV_STATUS_INVALID_ALIGNMENT);
	ck_assert_uint_eq(deposit_page(c.id, crooked + 77), HV_STATUS_OPERATION_DENIED);
	ck_assert_uint_eq(unmap_pages(c.id, 512, HV_MAP_LARGE_PAGE, 1), REPS(1));
	ck_assert_uint_eq(p->map.pages_2m, 0);
}
END_TEST

START_TEST(map_runs_out_of_memory)
{
	struct child c;
	u64 pages[2], result;

	child_machine();
	c = child_new(4); /* root table and three below: one path */
	pages[0] = fake_page().v >> PAGE_SHIFT;
	pages[1] = fake_page().v >> PAGE_SHIFT;
	result = map_pages(c.id, 511, RW, 2, pages);
	ck_assert_uint_eq(STATUS(result), HV_STATUS_INSUFFICIENT_MEMORY);
	ck_assert_uint_eq(DONE(result), 1);
	deposit(c.id, 1);
	c.pages++;
	memcpy(in_page + 24, pages, sizeof(pages));
	((struct hv_map_gpa_input *)in_page)->partition_id = c.id;
	((struct hv_map_gpa_input *)in_page)->gpa_page = 511;
	((struct hv_map_gpa_input *)in_page)->flags = RW;
	result = raw(HV_CALL_MAP_GPA_PAGES | REPS(2) | START(1), NULL, 0);
	ck_assert_uint_eq(result, REPS(2));
	tear_down(&c);
}
END_TEST

START_TEST(time_properties)
{
	struct hv_property_input in = {.code = HV_PROPERTY_REFERENCE_TIME};
	struct vp *vp;
	struct child c;
	u64 now;

	child_machine();
	fake.tsc = 5 * FAKE_HZ;
	c = child_new(16);
	child_add_vp(&c, 0);
	vp = child_vp(&c, 0);
	in.partition_id = c.id;
	fake.tsc += FAKE_HZ;
	ck_assert_uint_eq(raw(HV_CALL_GET_PARTITION_PROPERTY, &in, sizeof(in)), 0);
	memcpy(&now, out_page, 8);
	ck_assert_uint_ge(now, 9999999);
	ck_assert_uint_le(now, 10000000);
	ck_assert_uint_eq(fake.tsc + vp->tsc_offset, FAKE_HZ);
	in.code = HV_PROPERTY_TIME_FREEZE;
	in.value = 1;
	ck_assert_uint_eq(raw(HV_CALL_SET_PARTITION_PROPERTY, &in, sizeof(in)), 0);
	fake.tsc += 7 * FAKE_HZ;
	in.value = 0;
	ck_assert_uint_eq(raw(HV_CALL_SET_PARTITION_PROPERTY, &in, sizeof(in)), 0);
	ck_assert_uint_eq(fake.tsc + vp->tsc_offset, FAKE_HZ);
	ck_assert_uint_eq(vp->arch->tsc_offset, vp->tsc_offset);
	in.code = HV_PROPERTY_REFERENCE_TIME;
	ck_assert_uint_eq(raw(HV_CALL_GET_PARTITION_PROPERTY, &in, sizeof(in)), 0);
	ck_assert_uint_eq(*(u64 *)out_page, now);
	in.value = 777;
	ck_assert_uint_eq(raw(HV_CALL_SET_PARTITION_PROPERTY, &in, sizeof(in)), 0);
	ck_assert_uint_eq(raw(HV_CALL_GET_PARTITION_PROPERTY, &in, sizeof(in)), 0);
	ck_assert_uint_eq(*(u64 *)out_page, 777);
	vp->busy = 1;
	ck_assert_uint_eq(raw(HV_CALL_SET_PARTITION_PROPERTY, &in, sizeof(in)),
			  HV_STATUS_INVALID_VP_STATE);
	in.code = 0x99;
	ck_assert_uint_eq(raw(HV_CALL_SET_PARTITION_PROPERTY, &in, sizeof(in)),
			  HV_STATUS_UNKNOWN_PROPERTY);
	ck_assert_uint_eq(raw(HV_CALL_GET_PARTITION_PROPERTY, &in, sizeof(in)),
			  HV_STATUS_UNKNOWN_PROPERTY);
}
END_TEST

START_TEST(a_running_vp_is_left_alone)
{
	struct child c;

	child_machine();
	c = child_new(16);
	child_add_vp(&c, 0);
	child_vp(&c, 0)->busy = 1;
	ck_assert_uint_eq(delete_vp(c.id, 0), HV_STATUS_INVALID_VP_STATE);
	ck_assert_uint_eq(partition_call(HV_CALL_FINALIZE_PARTITION, c.id),
			  HV_STATUS_INVALID_VP_STATE);
	child_vp(&c, 0)->busy = 0;
	tear_down(&c);
}
END_TEST

static u32 random_state;

static u32 random_below(u32 n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (u32)((u64)random_state * n >> 32);
}

static void random_call(struct child *c)
{
	u64 page = (FAKE_RAM_BASE >> PAGE_SHIFT) + random_below(FAKE_RAM_PAGES);
	union hv_register_value v;

	switch (random_below(8)) {
	case 0:
		c->pages += deposit_page(c->id, page) == HV_STATUS_SUCCESS;
		break;
	case 1:
		create_vp(c->id, random_below(4));
		break;
	case 2:
		delete_vp(c->id, random_below(4));
		break;
	case 3:
		map_pages(c->id, random_below(4096), RW, 1, &page);
		break;
	case 4:
		unmap_pages(c->id, random_below(4096), 0, 1 + random_below(64));
		break;
	case 5: {
		const struct hv_map_state_page_input in = {c->id, random_below(4), random_below(3)};

		raw(random_below(2) ? HV_CALL_MAP_VP_STATE_PAGE : HV_CALL_UNMAP_VP_STATE_PAGE, &in,
		    sizeof(in));
		break;
	}
	case 6:
		get_register(c, random_below(4), HV_REGISTER_RAX + random_below(18), &v);
		break;
	case 7: {
		struct hv_install_intercept_input in = {c->id, 1, HV_INTERCEPT_CPUID, page};

		raw(HV_CALL_INSTALL_INTERCEPT, &in, sizeof(in));
		break;
	}
	}
}

/* A worker that dies at any moment: the driver tears down, and every page is back. */
START_TEST(teardown_at_any_moment)
{
	for (u32 run = 0; run < 60; run++) {
		struct child c;
		u64 boot_free;

		child_machine();
		random_state = run;
		boot_free = boot_pool.free_count;
		c = child_new(4);
		for (u32 i = random_below(120); i; i--)
			random_call(&c);
		tear_down(&c);
		expect_clean(boot_free);
	}
}
END_TEST

TEST_MAIN("partition", life, states, nobody_elses_partitions, privileges, ids_are_not_reused,
	  children_in_a_row, creation_needs_memory, deposited_pages_leave_the_root,
	  deposits_that_are_refused, deposit_goes_on_from_rep_start, balance, guest_maps, map_flags,
	  large_pages, map_runs_out_of_memory, time_properties, a_running_vp_is_left_alone,
	  teardown_at_any_moment)
