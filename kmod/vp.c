// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual processors: their descriptors, and the loop of RUN.
 *
 * A turn of the loop: with interrupts off, look whether anybody wants this thread; dispatch. The
 * hypervisor comes back at an intercept, when the VP waits, or when this processor has an interrupt,
 * which is taken as soon as interrupts are on again. So a kick or a signal that comes after the look
 * ends the stay at once. No allocation and no copy is on this way.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/math64.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/tsc.h>

#include "linux.h"
#include "vid.h"

#define HOUR_MS (60u * 60u * 1000u)

static void wake(struct vid_flag *flag)
{
	struct vid_vp *vp = container_of(flag, struct vid_vp, flag);

	WRITE_ONCE(vp->woken, true);
	wake_up(&vp->wait);
}

/* ---- running ---- */

/* Anything that is done on the way to user space, or instead of this thread. */
static bool is_wanted(const struct vid_vp *vp)
{
	return READ_ONCE(vp->kicked) || !vid_synic_is_on() ||
	       read_thread_flags() & (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | _TIF_NEED_RESCHED |
				      _TIF_NOTIFY_RESUME);
}

/* Deals with it. -EINTR: in user space. */
static int serve(struct vid_vp *vp)
{
	if (xchg(&vp->kicked, false) || signal_pending(current) ||
	    test_thread_flag(TIF_NOTIFY_RESUME))
		return -EINTR;
	/* A processor that is going away is left that way, too. */
	schedule();
	return 0;
}

/* 1: not now. */
static int dispatch(struct vid_vp *vp)
{
	int r = 1;

	local_irq_disable();
	WRITE_ONCE(vp->cpu, smp_processor_id());
	smp_mb(); /* pairs with kick() */
	if (likely(!is_wanted(vp))) {
		WRITE_ONCE(vp->woken, false);
		current->flags |= PF_VCPU; /* it is the guest's time, up to the interrupt */
		r = hypercall_dispatch(vp->partition->id, vp->index);
	}
	WRITE_ONCE(vp->cpu, -1);
	local_irq_enable();
	current->flags &= ~PF_VCPU;
	return r;
}

/* From now, for which `tsc` stands in the dispatch's output. */
static ktime_t time_until(u64 tsc)
{
	u64 now = rdtsc_ordered(), most = (u64)tsc_khz * HOUR_MS;

	if (tsc == ~0ull)
		return KTIME_MAX;
	if (tsc <= now)
		return 0;
	return ns_to_ktime(mul_u64_u32_div(min(tsc - now, most), NSEC_PER_MSEC, tsc_khz));
}

/* Signals and kicks are the next turn's business. */
static void wait_for_news(struct vid_vp *vp)
{
	ktime_t timeout = time_until(vp->intercept->dispatch.wake_tsc);

	if (timeout)
		wait_event_interruptible_hrtimeout(
			vp->wait, READ_ONCE(vp->woken) || READ_ONCE(vp->kicked), timeout);
}

static int run_locked(struct vid_vp *vp)
{
	const struct hv_dispatch_output *out = &vp->intercept->dispatch;
	int r;

	for (;;) {
		r = dispatch(vp);
		if (r > 0)
			r = serve(vp);
		else if (!r && out->state == HV_DISPATCH_BLOCKED)
			wait_for_news(vp);
		else if (!r && out->event == HV_DISPATCH_INTERCEPT && !vid_vp_handle_intercept(vp))
			return 0;
		else if (!r && out->event == HV_DISPATCH_SUSPENDED)
			return -ECANCELED;
		if (r)
			return r;
	}
}

static int run(struct vid_vp *vp)
{
	int r;

	if (!mutex_trylock(&vp->run_lock))
		return -EBUSY;
	r = run_locked(vp);
	mutex_unlock(&vp->run_lock);
	return r;
}

/* While preemption is off, the processor that the VP is on cannot go away. */
static int kick(struct vid_vp *vp)
{
	int cpu;

	preempt_disable();
	WRITE_ONCE(vp->kicked, true);
	smp_mb(); /* pairs with dispatch() */
	cpu = READ_ONCE(vp->cpu);
	if (cpu >= 0)
		linux_interrupt_cpu(cpu);
	preempt_enable();
	wake_up(&vp->wait);
	return 0;
}

/* ---- the descriptor ---- */

static long vp_ioctl(struct file *file, unsigned int request, unsigned long argument)
{
	struct vid_vp *vp = file->private_data;

	switch (request) {
	case VID_IOCTL_RUN:
		return argument ? -EINVAL : run(vp);
	case VID_IOCTL_KICK:
		return argument ? -EINVAL : kick(vp);
	case VID_IOCTL_GET_REGISTERS:
	case VID_IOCTL_SET_REGISTERS:
		return vid_vp_transfer_registers(vp, (void __user *)argument,
						 request == VID_IOCTL_SET_REGISTERS);
	case VID_IOCTL_TRANSLATE:
		return vid_vp_translate(vp, (void __user *)argument);
	case VID_IOCTL_GET_STATE:
	case VID_IOCTL_SET_STATE:
		return vid_vp_transfer_state(vp, (void __user *)argument,
					     request == VID_IOCTL_SET_STATE);
	default:
		return -ENOTTY;
	}
}

static int vp_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vid_vp *vp = file->private_data;
	bool registers = vma->vm_pgoff == VID_MMAP_REGISTERS >> PAGE_SHIFT;

	if (!registers && vma->vm_pgoff != VID_MMAP_INTERCEPT >> PAGE_SHIFT)
		return -EINVAL;
	if (vma->vm_end - vma->vm_start != PAGE_SIZE || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (!registers && vma->vm_flags & VM_WRITE)
		return -EACCES;
	linux_set_vm_flags(vma, registers);
	return remap_pfn_range(vma, vma->vm_start,
			       PHYS_PFN(__pa(registers ? (const void *)vp->registers
						       : (const void *)vp->intercept)),
			       PAGE_SIZE, vma->vm_page_prot);
}

static void forget_index(struct vid_vp *vp)
{
	mutex_lock(&vp->partition->lock);
	__clear_bit(vp->index, vp->partition->vps);
	mutex_unlock(&vp->partition->lock);
}

static int vp_release(struct inode *inode, struct file *file)
{
	struct vid_vp *vp = file->private_data;
	struct vid_partition *p = vp->partition;
	int r;

	vid_bell_leave(vp);
	r = vid_with_deposits(p->id, hypercall_delete_vp(p->id, vp->index));
	/* It would have to be running; then its pages stay the hypervisor's for good. */
	WARN_ONCE(r, "vid: VP %u of partition %llu cannot be deleted (%d)\n", vp->index, p->id, r);
	vid_synic_remove(&vp->flag);
	if (!r)
		forget_index(vp);
	kfree_rcu(vp, rcu);
	vid_partition_put(p);
	return 0;
}

static const struct file_operations vp_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vp_ioctl,
	.mmap = vp_mmap,
	.release = vp_release,
	.llseek = noop_llseek,
};

/* ---- making one ---- */

static struct vid_vp *new_vp(struct vid_partition *p, u32 index)
{
	struct vid_vp *vp = kzalloc(sizeof(*vp), GFP_KERNEL_ACCOUNT);

	if (!vp)
		return NULL;
	vp->partition = p;
	vp->index = index;
	vp->cpu = -1;
	vp->flag = (struct vid_flag){.waits = true, .raised = wake};
	mutex_init(&vp->run_lock);
	init_waitqueue_head(&vp->wait);
	return vp;
}

static int map_page(struct vid_vp *vp, u32 type, void **ret_page)
{
	u64 id = vp->partition->id, pfn;
	int r = vid_with_deposits(id, hypercall_map_state_page(id, vp->index, type, &pfn));

	if (!r)
		*ret_page = pfn_to_kaddr(pfn);
	return r;
}

/* The hypervisor's half; it takes the pages back when the VP is deleted. */
static int make_in_hypervisor(struct vid_vp *vp)
{
	u64 id = vp->partition->id;
	void *registers, *intercept;
	int r = vid_with_deposits(id, hypercall_create_vp(id, vp->index));

	if (r)
		return r;
	r = map_page(vp, HV_STATE_PAGE_REGISTERS, &registers);
	if (!r)
		r = map_page(vp, HV_STATE_PAGE_INTERCEPT, &intercept);
	if (!r)
		r = hypercall_set_wake_flag(id, vp->index, VID_SYNIC_SINT, vp->flag.number);
	if (r) {
		WARN_ON_ONCE(vid_with_deposits(id, hypercall_delete_vp(id, vp->index)));
		return r;
	}
	vp->registers = registers;
	vp->intercept = intercept;
	vid_bell_join(vp);
	return 0;
}

static int take_index(struct vid_partition *p, u32 index)
{
	int r = 0;

	mutex_lock(&p->lock);
	if (test_bit(index, p->vps))
		r = -EEXIST;
	else if (bitmap_weight(p->vps, VID_VPS_MAX) >= vid_quota_vps())
		r = -EDQUOT;
	else
		__set_bit(index, p->vps);
	mutex_unlock(&p->lock);
	return r;
}

/* Whole, but for the descriptor. */
static int create_vp(struct vid_partition *p, u32 index, struct vid_vp **ret_vp)
{
	struct vid_vp *vp;
	int r = take_index(p, index);

	if (r)
		return r;
	vp = new_vp(p, index);
	if (!vp) {
		r = -ENOMEM;
		goto out_index;
	}
	r = vid_synic_add(p, &vp->flag, 0);
	if (r)
		goto out_free;
	r = make_in_hypervisor(vp);
	if (r)
		goto out_flag;
	*ret_vp = vp;
	return 0;

out_flag:
	vid_synic_remove(&vp->flag);
out_free:
	kfree_rcu(vp, rcu);
out_index:
	mutex_lock(&p->lock);
	__clear_bit(index, p->vps);
	mutex_unlock(&p->lock);
	return r;
}

int vid_vp_create_fd(struct vid_partition *p, const struct vid_ioctl_create_vp *arguments)
{
	struct vid_vp *vp;
	int r;

	if (arguments->flags || arguments->index >= VID_VPS_MAX)
		return -EINVAL;
	r = create_vp(p, arguments->index, &vp);
	if (r)
		return r;
	vid_partition_get(p);
	r = anon_inode_getfd("keelson-vp", &vp_operations, vp, O_RDWR | O_CLOEXEC);
	if (r >= 0)
		return r;
	vid_bell_leave(vp);
	WARN_ON_ONCE(vid_with_deposits(p->id, hypercall_delete_vp(p->id, vp->index)));
	vid_synic_remove(&vp->flag);
	forget_index(vp);
	kfree_rcu(vp, rcu);
	vid_partition_put(p);
	return r;
}
