/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See child.h. */
#include "child.h"

u8 *in_page, *out_page;
u32 caller, starts;

void child_machine(void)
{
	for (u32 i = 1; i < PARTITIONS_MAX; i++)
		partitions[i] = NULL;
	fake_reset();
	fake_root(4);
	caller = 0;
	root_partition.guest_os_id = 1;
	for (u32 i = 0; i < 4; i++)
		ck_assert_int_eq(lapic_msr_write(&root_partition.vp[i]->lapic, 0x80f, 0x1ff), 0);
	in_page = arch_map(fake_page());
	out_page = arch_map(fake_page());
}

u64 raw(u64 control, const void *in, size_t size)
{
	struct vp *vp = root_partition.vp[caller];
	const struct vexit e = {.type = VEXIT_HYPERCALL, .length = 3};

	if (in)
		memcpy(in_page, in, size);
	fake_vp_clear(vp);
	fake.cpu = caller;
	vp->gpr[RCX] = control;
	vp->gpr[RDX] = arch_unmap(in_page).v;
	vp->gpr[R8] = arch_unmap(out_page).v;
	for (starts = 0; !vp->arch->advanced; starts++)
		exit_handle(vp, &e);
	ck_assert_int_eq(vp->arch->exception, -1);
	return vp->gpr[RAX];
}

static void must(u64 result)
{
	ck_assert_uint_eq(STATUS(result), HV_STATUS_SUCCESS);
}

hv_status partition_call(u16 code, u64 id)
{
	return STATUS(raw(code, &id, sizeof(id)));
}

void deposit(u64 id, u32 count)
{
	while (count) {
		u32 n = (u32)min_u64(count, 500);
		u64 *list = (u64 *)in_page;

		list[0] = id;
		for (u32 i = 1; i <= n; i++)
			list[i] = fake_page().v >> PAGE_SHIFT;
		must(raw(HV_CALL_DEPOSIT_MEMORY | REPS(n), NULL, 0));
		count -= n;
	}
}

hv_status deposit_page(u64 id, u64 page)
{
	const u64 list[] = {id, page};

	return STATUS(raw(HV_CALL_DEPOSIT_MEMORY | REPS(1), list, sizeof(list)));
}

u32 withdraw_all(u64 id)
{
	const struct hv_partition_proximity_input in = {.partition_id = id};
	u32 total = 0;
	u64 result;

	do {
		result = raw(HV_CALL_WITHDRAW_MEMORY | REPS(500), &in, sizeof(in));
		total += (u32)DONE(result);
	} while (STATUS(result) == HV_STATUS_SUCCESS);
	ck_assert_uint_eq(STATUS(result), HV_STATUS_NO_RESOURCES);
	return total;
}

struct child child_new(u32 pages)
{
	const struct hv_create_partition_input in = {.compatibility = 1};
	struct child c = {.pages = pages};

	deposit(HV_PARTITION_ID_SELF, 1);
	must(raw(HV_CALL_CREATE_PARTITION, &in, sizeof(in)));
	memcpy(&c.id, out_page, sizeof(c.id));
	deposit(c.id, pages);
	ck_assert_uint_eq(partition_call(HV_CALL_INITIALIZE_PARTITION, c.id), HV_STATUS_SUCCESS);
	return c;
}

void child_add_vp(const struct child *c, u32 index)
{
	const struct hv_create_vp_input in = {.partition_id = c->id, .vp_index = index};

	must(raw(HV_CALL_CREATE_VP, &in, sizeof(in)));
}

struct vp *child_vp(const struct child *c, u32 index)
{
	return partition_vp(partition_find(NULL, c->id), index);
}

struct vp *child_with_vp(struct child *ret_child)
{
	child_machine();
	*ret_child = child_new(60);
	child_add_vp(ret_child, 0);
	return child_vp(ret_child, 0);
}

u64 map_pages(u64 id, u64 gpa_page, u32 flags, u32 count, const u64 *pages)
{
	struct hv_map_gpa_input in = {.partition_id = id, .gpa_page = gpa_page, .flags = flags};

	memcpy(in_page + sizeof(in), pages, count * sizeof(*pages));
	return raw(HV_CALL_MAP_GPA_PAGES | REPS(count), &in, sizeof(in));
}

u64 unmap_pages(u64 id, u64 gpa_page, u32 flags, u32 count)
{
	struct hv_map_gpa_input in = {.partition_id = id, .gpa_page = gpa_page, .flags = flags};

	return raw(HV_CALL_UNMAP_GPA_PAGES | REPS(count), &in, sizeof(in));
}

u8 *child_ram(const struct child *c, u64 gpa_page, u32 flags)
{
	struct {
		struct hv_map_gpa_input header;
		u64 page;
	} in = {{.partition_id = c->id, .gpa_page = gpa_page, .flags = flags}, 0};
	spa_t page = fake_page();

	in.page = page.v >> PAGE_SHIFT;
	must(raw(HV_CALL_MAP_GPA_PAGES | REPS(1), &in, sizeof(in)));
	return arch_map(page);
}

hv_status get_register(const struct child *c, u32 index, u32 name, union hv_register_value *v)
{
	struct {
		struct hv_vp_input header;
		u32 name;
	} in = {{.partition_id = c->id, .vp_index = index}, name};
	u64 result = raw(HV_CALL_GET_VP_REGISTERS | REPS(1), &in, sizeof(in));

	memcpy(v, out_page, sizeof(*v));
	return STATUS(result);
}

hv_status set_register(const struct child *c, u32 index, u32 name, u64 value)
{
	struct {
		struct hv_vp_input header;
		struct hv_set_register r;
	} in = {{.partition_id = c->id, .vp_index = index}, {.name = name}};

	in.r.value.word[0] = value;
	return STATUS(raw(HV_CALL_SET_VP_REGISTERS | REPS(1), &in, sizeof(in)));
}

struct hv_dispatch_output dispatch(const struct child *c, u32 index, u32 flags)
{
	const struct hv_dispatch_input in = {
		.partition_id = c->id, .vp_index = index, .flags = flags};

	/* What ended the last one has been handled. */
	memset(root_partition.vp[caller]->lapic.irr, 0,
	       sizeof(root_partition.vp[caller]->lapic.irr));
	must(raw(HV_CALL_DISPATCH_VP, &in, sizeof(in)));
	return partition_find(&root_partition, c->id)->vp[index]->intercept_page->dispatch;
}
