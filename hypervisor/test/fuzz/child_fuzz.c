/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A root that makes any management calls, and children whose VPs do anything a guest can: calls,
 * MSRs, CPUID, faults, from CPL 0 and 3. Whatever happened, taking everything down gives the root
 * all its pages back, and the hypervisor's own pages are as many as before.
 */
#include "core/arch.h"
#include "core/exit.h"
#include "core/format.h"
#include "core/manage.h"
#include "core/panic.h"
#include "fake/fake.h"
#include "hv/keelson.h"
#include "hv/partition.h"
#include "input.h"

#define REPS(n) ((u64)(n) << HV_CONTROL_REPS_SHIFT)
#define PAGE_0  (FAKE_RAM_BASE >> PAGE_SHIFT)

static u64 in_page, out_page;
static struct vp *root;

static u64 hypercall(u64 control)
{
	struct vexit e = {.type = VEXIT_HYPERCALL, .length = 3};

	root->gpr[RCX] = control;
	root->gpr[RDX] = in_page;
	root->gpr[R8] = out_page;
	fake_vp_clear(root);
	exit_handle(root, &e);
	CHECK(root->arch->exception == -1);
	CHECK(!(root->gpr[RAX] & 0xfffff000ffff0000));
	return root->gpr[RAX];
}

static u64 *list(void)
{
	return arch_map(SPA(in_page));
}

static u64 call1(u64 control, u64 a, u64 b)
{
	list()[0] = a;
	list()[1] = b;
	return hypercall(control);
}

static struct partition *any_child(struct input *in)
{
	u32 n = take_u8(in) % 3 + 1;

	return partitions[n];
}

static const u16 codes[] = {
	HV_CALL_CREATE_PARTITION,
	HV_CALL_INITIALIZE_PARTITION,
	HV_CALL_FINALIZE_PARTITION,
	HV_CALL_DELETE_PARTITION,
	HV_CALL_GET_PARTITION_PROPERTY,
	HV_CALL_SET_PARTITION_PROPERTY,
	HV_CALL_GET_NEXT_CHILD_PARTITION,
	HV_CALL_DEPOSIT_MEMORY,
	HV_CALL_WITHDRAW_MEMORY,
	HV_CALL_GET_MEMORY_BALANCE,
	HV_CALL_MAP_GPA_PAGES,
	HV_CALL_UNMAP_GPA_PAGES,
	HV_CALL_INSTALL_INTERCEPT,
	HV_CALL_CREATE_VP,
	HV_CALL_DELETE_VP,
	HV_CALL_GET_VP_REGISTERS,
	HV_CALL_SET_VP_REGISTERS,
	HV_CALL_TRANSLATE_VIRTUAL_ADDRESS,
	HV_CALL_CLEAR_VIRTUAL_INTERRUPT,
	HV_CALL_REGISTER_INTERCEPT_RESULT,
	HV_CALL_ASSERT_VIRTUAL_INTERRUPT,
	HV_CALL_SIGNAL_EVENT_DIRECT,
	HV_CALL_POST_MESSAGE_DIRECT,
	HV_CALL_MAP_VP_STATE_PAGE,
	HV_CALL_UNMAP_VP_STATE_PAGE,
	HV_CALL_GET_VP_STATE,
	HV_CALL_SET_VP_STATE,
	HV_CALL_KEELSON_SET_WAKE_FLAG,
};

/* A management call: the id is a child's, small numbers stay small, pages are RAM, mostly. */
static void manage(struct input *in)
{
	u8 shape = take_u8(in);
	struct partition *p = any_child(in);
	u64 control = codes[take_u8(in) % ARRAY_SIZE(codes)];
	u64 *words = list();

	for (u32 i = 1; i < 8; i++) {
		u8 kind = take_u8(in);

		words[i] = kind < 0x60   ? kind & 7
			   : kind < 0xc0 ? PAGE_0 + (take_u32(in) % FAKE_RAM_PAGES)
			   : kind < 0xe0 ? (u64)(kind & 3) | (u64)take_u32(in) << 32
					 : take_u64(in);
	}
	words[0] = shape & 0x80 ? HV_PARTITION_ID_SELF : p ? p->id : take_u64(in);
	if (shape & 0x40)
		control |= REPS(1 + (shape & 3)) | (u64)(shape >> 2 & 3) << HV_CONTROL_START_SHIFT;
	/* The lists' own pages are the driver's; it would not give them away. */
	for (u32 i = 1; i < 8; i++)
		if (words[i] == in_page >> PAGE_SHIFT || words[i] == out_page >> PAGE_SHIFT)
			words[i] = 0;
	if ((control & 0xffff) == HV_CALL_CREATE_PARTITION)
		memset(words, 0, sizeof(struct hv_create_partition_input));
	hypercall(control);
}

static struct input *guest_input;

static const u32 msrs[] = {0x10, 0x1b, 0x3b, 0x6e0, 0x277, 0xc0000080, 0xc0000082};

static void pick_msr(struct vp *vp)
{
	u8 kind = take_u8(guest_input);

	vp->gpr[RCX] = kind < 0x40   ? 0x800 + kind
		       : kind < 0xa0 ? 0x40000000 + take_u8(guest_input) + (kind == 0x40) * 0x100
		       : kind < 0xb0 ? msrs[kind % ARRAY_SIZE(msrs)]
				     : take_u32(guest_input);
	vp->gpr[RAX] = take_u32(guest_input);
	vp->gpr[RDX] = kind & 1 ? take_u32(guest_input) : 0;
}

/* What the guest has in its registers when it exits. */
static void guest_registers(struct vp *vp)
{
	u8 flags = take_u8(guest_input);

	vp->arch->cpl = flags & 0xc0 ? 0 : 3;
	vp->arch->regs.rflags = flags & 1 ? 0x202 : 2;
	vp->arch->long_mode = flags & 2;
	vp->arch->event_queued = false;
	vp->partition->guest_os_id = flags & 4;
	pick_msr(vp);
	if (flags & 8)
		vp->gpr[RCX] = (flags & 16 ? HV_CALL_SIGNAL_EVENT : HV_CALL_POST_MESSAGE) |
			       (flags & 32 ? HV_CONTROL_FAST : 0);
}

static struct vexit guest_exit(struct input *in)
{
	struct vexit e = {.type = take_u8(in) % VEXIT_TYPES, .length = 2};

	if (e.type == VEXIT_NPF) {
		e.npf.gpa = GPA(take_u8(in) & 1 ? APIC_BASE_ADDRESS + (take_u32(in) & 0xfff)
						: take_u64(in));
		e.npf.access = take_u8(in) & 15;
	} else if (e.type == VEXIT_EXCEPTION) {
		e.exception.vector = take_u8(in) & 31;
	}
	return e;
}

static void run_guest(struct input *in)
{
	struct fake_step steps[4];
	u32 count = take_u8(in) % 4 + 1;
	struct partition *p = any_child(in);

	for (u32 i = 0; i < count; i++)
		steps[i] = (struct fake_step){guest_exit(in), guest_registers};
	if (!p)
		return;
	guest_input = in;
	fake_script(steps, count);
	memset(list(), 0, sizeof(struct hv_dispatch_input));
	list()[0] = p->id;
	list()[1] = (take_u8(in) & 3) | 1ull << 32;
	hypercall(HV_CALL_DISPATCH_VP);
	fake_script(NULL, 0);
	memset(root->lapic.irr, 0, sizeof(root->lapic.irr));
}

static void withdraw_all(u64 id)
{
	for (;;)
		if ((u16)call1(HV_CALL_WITHDRAW_MEMORY | REPS(100), id, 0) != HV_STATUS_SUCCESS)
			return;
}

static void tear_down(u32 slot)
{
	struct partition *p = partitions[slot];
	u64 id = p->id;

	CHECK((u16)call1(HV_CALL_FINALIZE_PARTITION, id, 0) == HV_STATUS_SUCCESS);
	for (u32 i = 0; i < PARTITION_MAX_VPS; i++)
		if (p->vp[i])
			CHECK((u16)call1(HV_CALL_DELETE_VP, id, i) == HV_STATUS_SUCCESS);
	withdraw_all(id);
	CHECK((u16)call1(HV_CALL_DELETE_PARTITION, id, 0) == HV_STATUS_SUCCESS);
}

static void new_child(void)
{
	u64 id;

	memset(list(), 0, sizeof(struct hv_create_partition_input));
	call1(HV_CALL_DEPOSIT_MEMORY | REPS(1), HV_PARTITION_ID_SELF, fake_page().v >> PAGE_SHIFT);
	memset(list(), 0, sizeof(struct hv_create_partition_input));
	CHECK((u16)hypercall(HV_CALL_CREATE_PARTITION) == HV_STATUS_SUCCESS);
	memcpy(&id, arch_map(SPA(out_page)), sizeof(id));
	for (u32 i = 0; i < 16; i++)
		call1(HV_CALL_DEPOSIT_MEMORY | REPS(1), id, fake_page().v >> PAGE_SHIFT);
	CHECK((u16)call1(HV_CALL_INITIALIZE_PARTITION, id, 0) == HV_STATUS_SUCCESS);
	memset(list(), 0, sizeof(struct hv_create_vp_input));
	CHECK((u16)call1(HV_CALL_CREATE_VP, id, 0) == HV_STATUS_SUCCESS);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, size};
	u64 boot_free;

	memset(&partitions[1], 0, (PARTITIONS_MAX - 1) * sizeof(partitions[0]));
	fake_reset();
	fake_root(1);
	root = root_partition.vp[0];
	root->lapic.svr = 0x1ff;
	root_partition.guest_os_id = 1;
	in_page = fake_page().v;
	out_page = fake_page().v;
	boot_free = boot_pool.free_count;
	new_child();
	new_child();
	while (in.left) {
		if (take_u8(&in) & 1)
			manage(&in);
		else
			run_guest(&in);
		fake.tsc += 100000;
	}
	for (u32 i = 1; i < PARTITIONS_MAX; i++)
		if (partitions[i])
			tear_down(i);
	withdraw_all(HV_PARTITION_ID_SELF);
	CHECK(root_partition.pool.total_count == 0);
	CHECK(fake_is_identity(&root_partition.map, GPA(FAKE_RAM_BASE),
			       (FAKE_RAM_PAGES - FAKE_HIDDEN) * PAGE_SIZE));
	CHECK(boot_pool.free_count == boot_free);
	return 0;
}
