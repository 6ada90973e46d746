// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Partitions: their descriptors, their life from creation to teardown, and the ioctls that are a
 * check and a hypercall.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vid.h"

/* ---- life ---- */

void vid_partition_get(struct vid_partition *p)
{
	kref_get(&p->kref);
}

/*
 * The page that the hypervisor kept the partition in was deposited for that. One comes back for each
 * partition that goes, whichever of several came for.
 */
static int create_in_hypervisor(u64 *ret_id)
{
	int r = vid_with_deposits(HV_PARTITION_ID_SELF, hypercall_create_partition(ret_id));

	if (r)
		vid_pool_withdraw(HV_PARTITION_ID_SELF, 1);
	return r;
}

/* Finalized: whatever it still has is taken away. */
static void delete_in_hypervisor(u64 id)
{
	int r;

	vid_pool_withdraw(id, U32_MAX);
	r = hypercall_delete_partition(id);
	WARN_ONCE(r, "vid: partition %llu cannot be deleted (%d)\n", id, r);
	if (!r)
		vid_pool_withdraw(HV_PARTITION_ID_SELF, 1);
}

static void release(struct kref *kref)
{
	struct vid_partition *p = container_of(kref, struct vid_partition, kref);
	int r;

	vid_irqfd_release(p);
	vid_doorbell_release(p);
	r = hypercall_finalize_partition(p->id);
	/* Memory that a guest might still see is not given free. */
	if (!WARN_ONCE(r, "vid: partition %llu cannot be finalized (%d)\n", p->id, r)) {
		vid_memory_release(p);
		delete_in_hypervisor(p->id);
	}
	vid_quota_leave(p);
	mutex_destroy(&p->lock);
	kfree(p);
}

void vid_partition_put(struct vid_partition *p)
{
	kref_put(&p->kref, release);
}

/* ---- ioctls ---- */

static int create_vp(struct vid_partition *p, void __user *argument)
{
	struct vid_ioctl_create_vp a;

	return copy_from_user(&a, argument, sizeof(a)) ? -EFAULT : vid_vp_create_fd(p, &a);
}

/* A copy of the argument, and then `function` under the partition's lock. */
#define WITH_LOCK(name, type, function)                                 \
	static int name(struct vid_partition *p, void __user *argument) \
	{                                                               \
		struct type a;                                          \
		int r;                                                  \
                                                                        \
		if (copy_from_user(&a, argument, sizeof(a)))            \
			return -EFAULT;                                 \
		if (mutex_lock_killable(&p->lock))                      \
			return -EINTR;                                  \
		r = function(p, &a);                                    \
		mutex_unlock(&p->lock);                                 \
		return r;                                               \
	}

WITH_LOCK(map, vid_ioctl_map, vid_memory_map)
WITH_LOCK(unmap, vid_ioctl_unmap, vid_memory_unmap)
WITH_LOCK(change_doorbell, vid_ioctl_doorbell, vid_doorbell_change)
WITH_LOCK(change_irqfd, vid_ioctl_irqfd, vid_irqfd_change)

static int assert_interrupt(struct vid_partition *p, void __user *argument)
{
	struct hv_assert_interrupt_input in;
	struct vid_ioctl_interrupt a;
	int r;

	if (copy_from_user(&a, argument, sizeof(a)))
		return -EFAULT;
	r = vid_interrupt_decode(p->id, &a, &in);
	return r ?: hypercall_assert_interrupt(&in);
}

static int signal_event(struct vid_partition *p, void __user *argument)
{
	struct hv_signal_event_direct_input in;
	struct vid_ioctl_event_flag a;
	int r;

	if (copy_from_user(&a, argument, sizeof(a)))
		return -EFAULT;
	r = vid_event_flag_decode(p->id, &a, &in);
	return r ?: hypercall_signal_event(&in);
}

static void fill_message(u64 id, const struct vid_ioctl_message *a,
			 struct hv_post_message_direct_input *in)
{
	struct hv_message message = {.type = a->type, .payload_size = a->size};

	memcpy(message.payload, a->payload, a->size);
	*in = (struct hv_post_message_direct_input){
		.partition_id = id,
		.vp_index = a->vp_index,
		.sint = a->sint,
	};
	memcpy(in->message, &message, sizeof(message));
}

static int post_message(struct vid_partition *p, void __user *argument)
{
	struct hv_post_message_direct_input in;
	struct vid_ioctl_message a;

	if (copy_from_user(&a, argument, sizeof(a)))
		return -EFAULT;
	if (!a.type || a.sint >= HV_SINT_COUNT || a.size > HV_MESSAGE_PAYLOAD)
		return -EINVAL;
	fill_message(p->id, &a, &in);
	return hypercall_post_message(&in);
}

static int transfer_property(struct vid_partition *p, void __user *argument, bool set)
{
	struct vid_ioctl_property a;
	u64 value;
	int r;

	if (copy_from_user(&a, argument, sizeof(a)))
		return -EFAULT;
	if (a.reserved ||
	    (a.code != HV_PROPERTY_TIME_FREEZE && a.code != HV_PROPERTY_REFERENCE_TIME))
		return -EINVAL;
	if (set)
		return hypercall_set_property(p->id, a.code, a.value);
	r = hypercall_get_property(p->id, a.code, &value);
	if (r)
		return r;
	a.value = value;
	return copy_to_user(argument, &a, sizeof(a)) ? -EFAULT : 0;
}

static int install_intercept(struct vid_partition *p, void __user *argument)
{
	struct vid_ioctl_intercept a;

	if (copy_from_user(&a, argument, sizeof(a)))
		return -EFAULT;
	if (a.type != HV_INTERCEPT_MSR && a.type != HV_INTERCEPT_CPUID)
		return -EINVAL;
	return vid_with_deposits(p->id,
				 hypercall_install_intercept(p->id, a.access, a.type, a.parameter));
}

static int cpuid_result(struct vid_partition *p, void __user *argument)
{
	struct hv_intercept_result_input in;
	struct vid_ioctl_cpuid_result a;
	u32 i;

	if (copy_from_user(&a, argument, sizeof(a)))
		return -EFAULT;
	if (a.reserved || a.subleaf_specific > 1)
		return -EINVAL;
	in = (struct hv_intercept_result_input){
		.partition_id = p->id,
		.vp_index = ~0u,
		.type = HV_INTERCEPT_CPUID,
		.leaf = a.leaf,
		.subleaf = a.subleaf,
		.subleaf_specific = a.subleaf_specific,
		.always_override = 1,
	};
	for (i = 0; i < 4; i++) {
		in.result[i].value = a.value[i];
		in.result[i].mask = a.mask[i];
	}
	return vid_with_deposits(p->id, hypercall_cpuid_result(&in));
}

static int get_balance(struct vid_partition *p, void __user *argument)
{
	struct hv_memory_balance balance;
	int r = hypercall_get_balance(p->id, &balance);

	if (r)
		return r;
	return copy_to_user(argument, &balance, sizeof(balance)) ? -EFAULT : 0;
}

static long partition_ioctl(struct file *file, unsigned int request, unsigned long argument)
{
	struct vid_partition *p = file->private_data;
	void __user *at = (void __user *)argument;

	switch (request) {
	case VID_IOCTL_CREATE_VP:
		return create_vp(p, at);
	case VID_IOCTL_MAP:
		return map(p, at);
	case VID_IOCTL_UNMAP:
		return unmap(p, at);
	case VID_IOCTL_ASSERT_INTERRUPT:
		return assert_interrupt(p, at);
	case VID_IOCTL_CLEAR_INTERRUPT:
		return argument ? -EINVAL : hypercall_clear_interrupt(p->id);
	case VID_IOCTL_DOORBELL:
		return change_doorbell(p, at);
	case VID_IOCTL_IRQFD:
		return change_irqfd(p, at);
	case VID_IOCTL_POST_MESSAGE:
		return post_message(p, at);
	case VID_IOCTL_SIGNAL_EVENT:
		return signal_event(p, at);
	case VID_IOCTL_GET_PROPERTY:
	case VID_IOCTL_SET_PROPERTY:
		return transfer_property(p, at, request == VID_IOCTL_SET_PROPERTY);
	case VID_IOCTL_INTERCEPT:
		return install_intercept(p, at);
	case VID_IOCTL_CPUID_RESULT:
		return cpuid_result(p, at);
	case VID_IOCTL_GET_BALANCE:
		return get_balance(p, at);
	default:
		return -ENOTTY;
	}
}

/* ---- the descriptor ---- */

static int partition_release(struct inode *inode, struct file *file)
{
	vid_partition_put(file->private_data);
	return 0;
}

static const struct file_operations partition_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = partition_ioctl,
	.release = partition_release,
	.llseek = noop_llseek,
};

static struct vid_partition *new_partition(void)
{
	struct vid_partition *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	if (!p)
		return NULL;
	kref_init(&p->kref);
	mutex_init(&p->lock);
	INIT_LIST_HEAD(&p->mappings);
	INIT_LIST_HEAD(&p->irqfds);
	INIT_LIST_HEAD(&p->vp_list);
	hash_init(p->doorbells);
	return p;
}

static int make_partition(struct vid_partition **ret_partition)
{
	struct vid_partition *p = new_partition();
	int r;

	if (!p)
		return -ENOMEM;
	r = vid_quota_join(p);
	if (r)
		goto out_free;
	r = create_in_hypervisor(&p->id);
	if (r)
		goto out_leave;
	r = vid_with_deposits(p->id, hypercall_initialize_partition(p->id));
	if (r)
		goto out_delete;
	*ret_partition = p;
	return 0;

out_delete:
	delete_in_hypervisor(p->id);
out_leave:
	vid_quota_leave(p);
out_free:
	kfree(p);
	return r;
}

int vid_partition_create_fd(void)
{
	struct vid_partition *p;
	int r = make_partition(&p);

	if (r)
		return r;
	r = anon_inode_getfd("keelson-partition", &partition_operations, p, O_RDWR | O_CLOEXEC);
	if (r < 0)
		vid_partition_put(p);
	return r;
}
