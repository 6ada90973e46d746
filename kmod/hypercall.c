// SPDX-License-Identifier: GPL-2.0-or-later
/* See hypercall.h. */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include "hv/hypercall.h"
#include "hv/keelson.h"
#include "hv/status.h"
#include "hypercall.h"
#include "keelson_vid.h"
#include "linux.h"

/* Input and output page of each processor. */
static DEFINE_PER_CPU(void *, input_page);
static DEFINE_PER_CPU(void *, output_page);

int hypercall_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
	{
		per_cpu(input_page, cpu) = (void *)__get_free_page(GFP_KERNEL);
		per_cpu(output_page, cpu) = (void *)__get_free_page(GFP_KERNEL);
		if (!per_cpu(input_page, cpu) || !per_cpu(output_page, cpu)) {
			hypercall_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

void hypercall_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
	{
		free_page((unsigned long)per_cpu(input_page, cpu));
		free_page((unsigned long)per_cpu(output_page, cpu));
		per_cpu(input_page, cpu) = per_cpu(output_page, cpu) = NULL;
	}
}

static int to_errno(u64 result)
{
	switch (result & HV_RESULT_STATUS) {
	case HV_STATUS_SUCCESS:
		return 0;
	case HV_STATUS_INSUFFICIENT_MEMORY:
		return -ENOMEM;
	case HV_STATUS_INVALID_HYPERCALL_INPUT:
	case HV_STATUS_INVALID_ALIGNMENT:
	case HV_STATUS_INVALID_PARAMETER:
	case HV_STATUS_UNKNOWN_PROPERTY:
	case HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE:
	case HV_STATUS_INVALID_REGISTER_VALUE:
	case HV_STATUS_INVALID_SYNIC_STATE:
		return -EINVAL;
	case HV_STATUS_INVALID_PARTITION_ID:
		return -ENODEV;
	case HV_STATUS_INVALID_VP_INDEX:
		return -ENOENT;
	case HV_STATUS_INVALID_PARTITION_STATE:
	case HV_STATUS_INVALID_VP_STATE:
		return -EBUSY;
	case HV_STATUS_INSUFFICIENT_BUFFERS:
		return -EAGAIN;
	case HV_STATUS_NO_RESOURCES:
		return -ENOSPC;
	case HV_STATUS_ACCESS_DENIED:
	case HV_STATUS_OPERATION_DENIED:
		return -EPERM;
	case HV_STATUS_INVALID_HYPERCALL_CODE:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

static u32 reps_done(u64 result)
{
	return result >> HV_RESULT_REPS_SHIFT & HV_CONTROL_REP_MASK;
}

static u64 with_reps(u64 code, u32 count)
{
	return code | (u64)count << HV_CONTROL_REPS_SHIFT;
}

/*
 * One call: `header`, then `list`, is the input; `output` is what comes back. All sizes are known to
 * fit into a page.
 */
struct call {
	u64 control;
	const void *header, *list;
	void *output;
	u32 header_size, list_size, output_size;
};

static u64 make(const struct call *call)
{
	unsigned long flags;
	void *in, *out;
	u64 result;

	local_irq_save(flags);
	in = this_cpu_read(input_page);
	out = this_cpu_read(output_page);
	memcpy(in, call->header, call->header_size);
	if (call->list_size)
		memcpy(in + call->header_size, call->list, call->list_size);
	result = linux_hypercall(call->control, in, call->output_size ? out : NULL);
	if (call->output_size)
		memcpy(call->output, out, call->output_size);
	local_irq_restore(flags);
	return result;
}

static u64 send(u64 code, const void *header, u32 size)
{
	return make(&(struct call){.control = code, .header = header, .header_size = size});
}

static u64 ask(u64 code, const void *header, u32 size, void *output, u32 output_size)
{
	return make(&(struct call){
		.control = code,
		.header = header,
		.header_size = size,
		.output = output,
		.output_size = output_size,
	});
}

/* Of calls on real hardware's Hyper-V nobody has this one. */
bool hypercall_is_keelson(void)
{
	const struct hv_keelson_statistics_input in = {0};
	struct hv_keelson_statistics out;

	return !to_errno(ask(HV_CALL_KEELSON_STATISTICS, &in, sizeof(in), &out, sizeof(out)));
}

/* ---- partitions ---- */

int hypercall_create_partition(u64 *ret_id)
{
	const struct hv_create_partition_input in = {0};
	u64 id;
	int r = to_errno(ask(HV_CALL_CREATE_PARTITION, &in, sizeof(in), &id, sizeof(id)));

	if (!r)
		*ret_id = id;
	return r;
}

static int call_on_partition(u64 code, u64 id)
{
	const struct hv_partition_input in = {.partition_id = id};

	return to_errno(send(code, &in, sizeof(in)));
}

int hypercall_initialize_partition(u64 id)
{
	return call_on_partition(HV_CALL_INITIALIZE_PARTITION, id);
}

int hypercall_finalize_partition(u64 id)
{
	return call_on_partition(HV_CALL_FINALIZE_PARTITION, id);
}

int hypercall_delete_partition(u64 id)
{
	return call_on_partition(HV_CALL_DELETE_PARTITION, id);
}

int hypercall_get_property(u64 id, u32 code, u64 *ret_value)
{
	const struct hv_property_input in = {.partition_id = id, .code = code};
	u64 value;
	int r = to_errno(ask(HV_CALL_GET_PARTITION_PROPERTY, &in,
			     offsetof(struct hv_property_input, value), &value, sizeof(value)));

	if (!r)
		*ret_value = value;
	return r;
}

int hypercall_set_property(u64 id, u32 code, u64 value)
{
	const struct hv_property_input in = {.partition_id = id, .code = code, .value = value};

	return to_errno(send(HV_CALL_SET_PARTITION_PROPERTY, &in, sizeof(in)));
}

int hypercall_install_intercept(u64 id, u32 access, u32 type, u64 parameter)
{
	const struct hv_install_intercept_input in = {
		.partition_id = id,
		.access = access,
		.type = type,
		.parameter = parameter,
	};

	return to_errno(send(HV_CALL_INSTALL_INTERCEPT, &in, sizeof(in)));
}

int hypercall_cpuid_result(const struct hv_intercept_result_input *result)
{
	return to_errno(send(HV_CALL_REGISTER_INTERCEPT_RESULT, result, sizeof(*result)));
}

/* ---- memory ---- */

int hypercall_deposit(u64 id, const u64 *pages, u32 count, u32 *ret_done)
{
	const struct hv_partition_input in = {.partition_id = id};
	u64 result = make(&(struct call){
		.control = with_reps(HV_CALL_DEPOSIT_MEMORY, count),
		.header = &in,
		.header_size = sizeof(in),
		.list = pages,
		.list_size = count * sizeof(*pages),
	});

	*ret_done = reps_done(result);
	return to_errno(result);
}

int hypercall_withdraw(u64 id, u64 *ret_pages, u32 count, u32 *ret_done)
{
	const struct hv_partition_proximity_input in = {.partition_id = id};
	u64 result = ask(with_reps(HV_CALL_WITHDRAW_MEMORY, count), &in, sizeof(in), ret_pages,
			 count * sizeof(*ret_pages));

	*ret_done = reps_done(result);
	return to_errno(result);
}

int hypercall_get_balance(u64 id, struct hv_memory_balance *ret_balance)
{
	const struct hv_partition_proximity_input in = {.partition_id = id};

	return to_errno(ask(HV_CALL_GET_MEMORY_BALANCE, &in, sizeof(in), ret_balance,
			    sizeof(*ret_balance)));
}

int hypercall_map(u64 id, u64 gpa_page, const u64 *pages, u32 count, u32 flags, u32 *ret_done)
{
	const struct hv_map_gpa_input in = {
		.partition_id = id,
		.gpa_page = gpa_page,
		.flags = flags,
	};
	u64 result = make(&(struct call){
		.control = with_reps(HV_CALL_MAP_GPA_PAGES, count),
		.header = &in,
		.header_size = sizeof(in),
		.list = pages,
		.list_size = count * sizeof(*pages),
	});

	*ret_done = reps_done(result);
	return to_errno(result);
}

int hypercall_unmap(u64 id, u64 gpa_page, u32 count, u32 flags, u32 *ret_done)
{
	const struct hv_map_gpa_input in = {
		.partition_id = id,
		.gpa_page = gpa_page,
		.flags = flags,
	};
	u64 result = send(with_reps(HV_CALL_UNMAP_GPA_PAGES, count), &in, sizeof(in));

	*ret_done = reps_done(result);
	return to_errno(result);
}

/* ---- VPs ---- */

int hypercall_create_vp(u64 id, u32 index)
{
	const struct hv_create_vp_input in = {.partition_id = id, .vp_index = index};

	return to_errno(send(HV_CALL_CREATE_VP, &in, sizeof(in)));
}

int hypercall_delete_vp(u64 id, u32 index)
{
	const struct hv_vp_input in = {.partition_id = id, .vp_index = index};

	return to_errno(send(HV_CALL_DELETE_VP, &in, sizeof(in)));
}

int hypercall_map_state_page(u64 id, u32 index, u32 type, u64 *ret_page)
{
	const struct hv_map_state_page_input in = {
		.partition_id = id,
		.vp_index = index,
		.type = type,
	};
	u64 page;
	int r = to_errno(ask(HV_CALL_MAP_VP_STATE_PAGE, &in, sizeof(in), &page, sizeof(page)));

	if (!r)
		*ret_page = page;
	return r;
}

int hypercall_set_wake_flag(u64 id, u32 index, u8 sint, u16 flag)
{
	const struct hv_keelson_wake_flag_input in = {
		.partition_id = id,
		.vp_index = index,
		.sint = sint,
		.flag = flag,
	};

	return to_errno(send(HV_CALL_KEELSON_SET_WAKE_FLAG, &in, sizeof(in)));
}

int hypercall_get_registers(u64 id, u32 index, struct vid_ioctl_register *registers, u32 count)
{
	const struct hv_vp_input in = {.partition_id = id, .vp_index = index};
	const union hv_register_value *values;
	unsigned long flags;
	void *input, *output;
	u32 *names, i;
	u64 result;

	local_irq_save(flags);
	input = this_cpu_read(input_page);
	output = this_cpu_read(output_page);
	memcpy(input, &in, sizeof(in));
	names = input + sizeof(in);
	for (i = 0; i < count; i++)
		names[i] = registers[i].name;
	result = linux_hypercall(with_reps(HV_CALL_GET_VP_REGISTERS, count), input, output);
	values = output;
	for (i = 0; i < reps_done(result) && i < count; i++) {
		registers[i].low = values[i].word[0];
		registers[i].high = values[i].word[1];
	}
	local_irq_restore(flags);
	return to_errno(result);
}

int hypercall_set_registers(u64 id, u32 index, const struct vid_ioctl_register *registers,
			    u32 count)
{
	const struct hv_vp_input in = {.partition_id = id, .vp_index = index};
	struct hv_set_register *list;
	unsigned long flags;
	void *input;
	u64 result;
	u32 i;

	local_irq_save(flags);
	input = this_cpu_read(input_page);
	memcpy(input, &in, sizeof(in));
	list = input + sizeof(in);
	for (i = 0; i < count; i++)
		list[i] = (struct hv_set_register){
			.name = registers[i].name,
			.value.word = {registers[i].low, registers[i].high},
		};
	result = linux_hypercall(with_reps(HV_CALL_SET_VP_REGISTERS, count), input, NULL);
	local_irq_restore(flags);
	return to_errno(result);
}

int hypercall_translate(u64 id, u32 index, u64 flags, u64 gva, struct hv_translate_output *ret)
{
	const struct hv_translate_input in = {
		.partition_id = id,
		.vp_index = index,
		.flags = flags,
		.gva_page = gva >> 12,
	};

	return to_errno(ask(HV_CALL_TRANSLATE_VIRTUAL_ADDRESS, &in, sizeof(in), ret, sizeof(*ret)));
}

int hypercall_get_state(u64 id, u32 index, u32 type, const u64 *pages, u32 count, u64 *ret_size)
{
	const struct hv_vp_state_input in = {
		.partition_id = id,
		.vp_index = index,
		.type = type,
	};

	*ret_size = 0;
	return to_errno(make(&(struct call){
		.control = with_reps(HV_CALL_GET_VP_STATE, count),
		.header = &in,
		.header_size = offsetof(struct hv_vp_state_input, size),
		.list = pages,
		.list_size = count * sizeof(*pages),
		.output = ret_size,
		.output_size = sizeof(*ret_size),
	}));
}

int hypercall_set_state(u64 id, u32 index, u32 type, const u64 *pages, u32 count, u64 size)
{
	const struct hv_vp_state_input in = {
		.partition_id = id,
		.vp_index = index,
		.type = type,
		.size = size,
	};

	return to_errno(make(&(struct call){
		.control = with_reps(HV_CALL_SET_VP_STATE, count),
		.header = &in,
		.header_size = sizeof(in),
		.list = pages,
		.list_size = count * sizeof(*pages),
	}));
}

/* ---- to a running partition ---- */

int hypercall_assert_interrupt(const struct hv_assert_interrupt_input *interrupt)
{
	return to_errno(send(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, interrupt, sizeof(*interrupt)));
}

int hypercall_clear_interrupt(u64 id)
{
	return call_on_partition(HV_CALL_CLEAR_VIRTUAL_INTERRUPT, id);
}

int hypercall_signal_event(const struct hv_signal_event_direct_input *event)
{
	struct hv_signal_event_direct_output out;

	return to_errno(ask(HV_CALL_SIGNAL_EVENT_DIRECT, event, sizeof(*event), &out, sizeof(out)));
}

int hypercall_post_message(const struct hv_post_message_direct_input *message)
{
	return to_errno(send(HV_CALL_POST_MESSAGE_DIRECT, message, sizeof(*message)));
}

int hypercall_dispatch(u64 id, u32 index)
{
	u64 result = linux_fast_hypercall(HV_CALL_DISPATCH_VP, id,
					  index | (u64)HV_DISPATCH_CLEAR_INTERCEPT << 32);

	return likely(!(result & HV_RESULT_STATUS)) ? 0 : to_errno(result);
}
