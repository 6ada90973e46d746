// SPDX-License-Identifier: GPL-2.0-or-later
/* See child.h. */
#include "child.h"
#include "boot.h"
#include "check.h"
#include "core/format.h"
#include "cpu.h"
#include "hv.h"
#include "x86/asm.h"

#define E820_RAM     1
#define POOL_START   0x4000000ull /* above the image */
#define FREE_MAX     4096
#define CODE_PAGE    1
#define LONG_CODE    0xa09b /* attributes: 64-bit code, data, free LDT, busy TSS */
#define FLAT_DATA    0xc093
#define REAL_CODE    0x009b
#define NO_LDT       0x0082
#define BUSY_TSS     0x008b
#define RFLAGS_FIXED 2

extern const char image_start[], bss_end[];

static u64 pool_next, free_list[FREE_MAX];
static u32 free_count;
static u8 lists[MAX_CPUS][2][PAGE_SIZE] aligned_to(PAGE_SIZE);

static void find_pool(void)
{
	for (u32 i = 0; i < boot.range_count; i++)
		if (boot.range[i].type == E820_RAM && boot.range[i].start <= POOL_START &&
		    boot.range[i].start + boot.range[i].size > 2 * POOL_START)
			pool_next = POOL_START;
	if (!pool_next)
		check_abort("no RAM at %llx", POOL_START);
}

u64 child_pages(u32 count)
{
	u64 start;

	if (!pool_next)
		find_pool();
	start = align_up(pool_next, count * PAGE_SIZE);
	pool_next = start + count * PAGE_SIZE;
	return start;
}

u64 child_page(void)
{
	return free_count ? free_list[--free_count] : child_pages(1);
}

static void give_page(u64 page)
{
	if (free_count < FREE_MAX)
		free_list[free_count++] = page;
}

u64 child_call(u64 control, const void *in, size_t in_size, void *out, size_t out_size)
{
	u8 *input = lists[this_cpu()->index][0], *output = lists[this_cpu()->index][1];
	u64 result;

	memcpy(input, in, in_size);
	result = hypercall(control, (u64)input, (u64)output);
	if (out)
		memcpy(out, output, out_size);
	return result;
}

static void must(u64 control, const void *in, size_t in_size, void *out, size_t out_size)
{
	u64 result = child_call(control, in, in_size, out, out_size);

	if (result & 0xffff)
		check_abort("hypercall %lx: result %lx", control, result);
}

static void must_id(u16 code, u64 id)
{
	must(code, &id, sizeof(id), NULL, 0);
}

void child_deposit(u64 id, u32 count)
{
	u64 list[1 + 256];
	u32 i, n;

	for (; count; count -= n) {
		n = (u32)min_u64(count, 256);
		list[0] = id;
		for (i = 1; i <= n; i++)
			list[i] = child_page() >> PAGE_SHIFT;
		must(HV_CALL_DEPOSIT_MEMORY | REPS(n), list, 8 + n * 8, NULL, 0);
	}
}

u64 child_withdraw(u64 id)
{
	const struct hv_partition_proximity_input in = {id, 0};
	u64 list[256], result, sum = 0, i;

	do {
		result = child_call(HV_CALL_WITHDRAW_MEMORY | REPS(256), &in, sizeof(in), list,
				    sizeof(list));
		for (i = 0; i < REPS_DONE(result); i++)
			give_page(list[i] << PAGE_SHIFT);
		sum += i;
	} while (i == 256);
	return sum;
}

struct hv_memory_balance child_balance(u64 id)
{
	const struct hv_partition_proximity_input in = {id, 0};
	struct hv_memory_balance b;

	must(HV_CALL_GET_MEMORY_BALANCE, &in, sizeof(in), &b, sizeof(b));
	return b;
}

void child_new(struct child *c, u32 pages)
{
	const struct hv_create_partition_input in = {0};

	memset(c, 0, sizeof(*c));
	child_deposit(HV_PARTITION_ID_SELF, 1);
	must(HV_CALL_CREATE_PARTITION, &in, sizeof(in), &c->id, sizeof(c->id));
	child_deposit(c->id, pages);
	c->deposited = pages;
	must_id(HV_CALL_INITIALIZE_PARTITION, c->id);
}

static void *map_state_page(const struct child *c, u32 index, u32 type)
{
	const struct hv_map_state_page_input in = {c->id, index, type};
	u64 number;

	must(HV_CALL_MAP_VP_STATE_PAGE, &in, sizeof(in), &number, sizeof(number));
	return (void *)(number << PAGE_SHIFT);
}

void child_add_vp(struct child *c, u32 index)
{
	const struct hv_create_vp_input in = {.partition_id = c->id, .vp_index = index};
	struct child_vp *v = &c->vp[index];

	must(HV_CALL_CREATE_VP, &in, sizeof(in), NULL, 0);
	v->partition = c->id;
	v->index = index;
	v->regs = map_state_page(c, index, HV_STATE_PAGE_REGISTERS);
	v->stop = map_state_page(c, index, HV_STATE_PAGE_INTERCEPT);
}

void child_map(const struct child *c, u64 gpa_page, u64 page, u32 count, u32 flags)
{
	u64 list[3 + 128];
	const struct hv_map_gpa_input in = {c->id, gpa_page, flags, 0};
	u64 step = flags & HV_MAP_LARGE_PAGE ? SIZE_2M : PAGE_SIZE;

	memcpy(list, &in, sizeof(in));
	for (u32 i = 0; i < count; i++)
		list[3 + i] = (page + i * step) >> PAGE_SHIFT;
	must(HV_CALL_MAP_GPA_PAGES | REPS(count), list, sizeof(in) + count * 8, NULL, 0);
}

void child_map_image(const struct child *c)
{
	u64 start = align_down((u64)image_start, SIZE_2M), end = align_up((u64)bss_end, SIZE_2M);

	child_map(c, start >> PAGE_SHIFT, start, (u32)((end - start) / SIZE_2M),
		  CHILD_RWX | HV_MAP_LARGE_PAGE);
}

u64 child_end(struct child *c)
{
	u64 back;

	must_id(HV_CALL_FINALIZE_PARTITION, c->id);
	for (u32 i = 0; i < CHILD_VPS; i++) {
		const struct hv_vp_input in = {c->id, i, 0};

		if (c->vp[i].regs)
			must(HV_CALL_DELETE_VP, &in, sizeof(in), NULL, 0);
	}
	back = child_withdraw(c->id);
	must_id(HV_CALL_DELETE_PARTITION, c->id);
	return c->deposited - back + 1 - child_withdraw(HV_PARTITION_ID_SELF);
}

static void set_value(const struct child_vp *v, u32 name, union hv_register_value value)
{
	struct {
		struct hv_vp_input header;
		struct hv_set_register set;
	} in = {{v->partition, v->index, 0}, {name, 0, 0, value}};

	must(HV_CALL_SET_VP_REGISTERS | REPS(1), &in, sizeof(in), NULL, 0);
}

void child_set(const struct child_vp *v, u32 name, u64 value)
{
	set_value(v, name, (union hv_register_value){.word = {value, 0}});
}

void child_set_pair(const struct child_vp *v, u32 name, u64 low, u64 high)
{
	set_value(v, name, (union hv_register_value){.word = {low, high}});
}

u64 child_get(const struct child_vp *v, u32 name)
{
	struct {
		struct hv_vp_input header;
		u64 name;
	} in = {{v->partition, v->index, 0}, name};
	union hv_register_value value;

	must(HV_CALL_GET_VP_REGISTERS | REPS(1), &in, sizeof(in), &value, sizeof(value));
	return value.word[0];
}

void child_set_segment(const struct child_vp *v, u32 name, u16 selector, u64 base, u16 attributes)
{
	set_value(v, name, (union hv_register_value){.segment = {base, ~0u, selector, attributes}});
}

void child_load_real(struct child *c, const void *code, size_t size)
{
	u64 page = child_page();

	memcpy((void *)page, code, size);
	child_map(c, CODE_PAGE, page, 1, CHILD_RWX);
	child_set_segment(&c->vp[0], HV_REGISTER_ES + 1, 0, 0, REAL_CODE);
	child_set(&c->vp[0], HV_REGISTER_RIP, CODE_PAGE << PAGE_SHIFT);
}

struct call {
	void (*f)(void *);
	void *arg;
};
static struct call calls[CHILD_VPS];

static void start_function(u32 index)
{
	cpu_init_child(MAX_CPUS - 1 - index);
	calls[index].f(calls[index].arg);
	for (;;)
		out8(CHILD_DONE_PORT, 0);
}

void child_load(const struct child_vp *v, void (*f)(void *), void *arg)
{
	u64 stack = (u64)cpu_of(MAX_CPUS - 1 - v->index) + CPU_BLOCK_SIZE;

	calls[v->index] = (struct call){f, arg};
	child_set(v, HV_REGISTER_CR3, read_cr3());
	child_set(v, HV_REGISTER_CR4, CR4_PAE);
	child_set(v, HV_REGISTER_EFER, EFER_LME | EFER_LMA | EFER_NXE);
	child_set(v, HV_REGISTER_CR0, read_cr0());
	for (u32 name = HV_REGISTER_ES; name < HV_REGISTER_ES + 6; name++)
		child_set_segment(v, name, SEL_DATA, 0, FLAT_DATA);
	child_set_segment(v, HV_REGISTER_ES + 1, SEL_CODE, 0, LONG_CODE);
	child_set_segment(v, HV_REGISTER_TR - 1, 0, 0, NO_LDT);
	child_set_segment(v, HV_REGISTER_TR, 0, 0, BUSY_TSS);
	child_set(v, HV_REGISTER_RIP, (u64)start_function);
	child_set(v, HV_REGISTER_RAX + 4, stack - 8);
	child_set(v, HV_REGISTER_RAX + 7, v->index);
	child_set(v, HV_REGISTER_RFLAGS, RFLAGS_FIXED);
	child_set(v, HV_REGISTER_INTERNAL_ACTIVITY, 0);
}

static void dispatch(struct child_vp *v)
{
	u64 result = hypercall(HV_CALL_DISPATCH_VP | HV_CONTROL_FAST, v->partition,
			       v->index | (u64)HV_DISPATCH_CLEAR_INTERCEPT << 32);

	if (result & 0xffff)
		check_abort("dispatch: result %lx", result);
}

u32 child_run(struct child_vp *v)
{
	u64 start = deadline_start();

	while (!deadline_passed(start)) {
		dispatch(v);
		if (v->stop->dispatch.event == HV_DISPATCH_INTERCEPT)
			return v->stop->type;
		if (v->stop->dispatch.state == HV_DISPATCH_BLOCKED) {
			if (v->stop->dispatch.wake_tsc == ~0ull)
				return CHILD_BLOCKED;
			while (rdtsc() < v->stop->dispatch.wake_tsc)
				cpu_pause();
		}
		irq_window();
	}
	check_abort("VP %u does not come to an end, rip %lx", v->index, v->regs->rip);
}

void child_answer(struct child_vp *v, u64 rax)
{
	v->regs->rip += v->stop->header.length_cr8 & 15;
	v->regs->gpr[0] = rax;
	v->regs->dirty = HV_DIRTY_GENERAL | HV_DIRTY_RIP;
}
