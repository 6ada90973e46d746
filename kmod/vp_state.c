// SPDX-License-Identifier: GPL-2.0-or-later
/* The ioctls that read and write a VP: registers, addresses, saved state. */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "vid.h"

int vid_vp_transfer_registers(struct vid_vp *vp, void __user *argument, bool set)
{
	struct vid_ioctl_registers a;
	struct vid_ioctl_register *list;
	u64 id = vp->partition->id;
	size_t size;
	int r;

	if (copy_from_user(&a, argument, sizeof(a)))
		return -EFAULT;
	if (a.reserved || !a.count || a.count > VID_IOCTL_REGISTERS_MAX)
		return -EINVAL;
	size = a.count * sizeof(*list);
	list = memdup_user(u64_to_user_ptr(a.registers), size);
	if (IS_ERR(list))
		return PTR_ERR(list);
	r = set ? hypercall_set_registers(id, vp->index, list, a.count)
		: hypercall_get_registers(id, vp->index, list, a.count);
	if (!r && !set && copy_to_user(u64_to_user_ptr(a.registers), list, size))
		r = -EFAULT;
	kfree(list);
	return r;
}

int vid_vp_translate(struct vid_vp *vp, void __user *argument)
{
	const u64 all = HV_TRANSLATE_READ | HV_TRANSLATE_WRITE | HV_TRANSLATE_EXECUTE |
			HV_TRANSLATE_AS_KERNEL;
	struct hv_translate_output out;
	struct vid_ioctl_translate t;
	int r;

	if (copy_from_user(&t, argument, sizeof(t)))
		return -EFAULT;
	if (t.flags & ~all)
		return -EINVAL;
	r = hypercall_translate(vp->partition->id, vp->index, t.flags, t.gva, &out);
	if (r)
		return r;
	t.result = out.result;
	t.gpa = out.gpa_page << PAGE_SHIFT | (t.gva & ~PAGE_MASK);
	return copy_to_user(argument, &t, sizeof(t)) ? -EFAULT : 0;
}

/* ---- state ---- */

#define STATE_PAGES (VID_IOCTL_STATE_MAX / 4096)

struct state {
	void *memory; /* in one piece, whole pages */
	u32 count;
	u64 page[STATE_PAGES];
};

static int state_init(struct state *s, u64 size)
{
	u32 i;

	s->count = max_t(u64, DIV_ROUND_UP(size, PAGE_SIZE), 1);
	s->memory = alloc_pages_exact(s->count * PAGE_SIZE, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!s->memory)
		return -ENOMEM;
	for (i = 0; i < s->count; i++)
		s->page[i] = PHYS_PFN(__pa(s->memory)) + i;
	return 0;
}

static void state_fini(struct state *s)
{
	free_pages_exact(s->memory, s->count * PAGE_SIZE);
}

static int get_state(struct vid_vp *vp, struct vid_ioctl_state *a, const struct state *s)
{
	u64 size;
	int r = hypercall_get_state(vp->partition->id, vp->index, a->type, s->page, s->count,
				    &size);

	if (r == -EAGAIN || (!r && size > a->size))
		return -ENOSPC;
	if (r)
		return r;
	a->size = size;
	return copy_to_user(u64_to_user_ptr(a->buffer), s->memory, size) ? -EFAULT : 0;
}

static int set_state(struct vid_vp *vp, const struct vid_ioctl_state *a, const struct state *s)
{
	int r;

	if (copy_from_user(s->memory, u64_to_user_ptr(a->buffer), a->size))
		return -EFAULT;
	r = hypercall_set_state(vp->partition->id, vp->index, a->type, s->page, s->count, a->size);
	return r == -EAGAIN ? -EINVAL : r;
}

int vid_vp_transfer_state(struct vid_vp *vp, void __user *argument, bool set)
{
	struct vid_ioctl_state a;
	struct state s;
	int r;

	if (copy_from_user(&a, argument, sizeof(a)))
		return -EFAULT;
	if (a.reserved || a.type > HV_VP_STATE_TIMERS || a.size > VID_IOCTL_STATE_MAX)
		return -EINVAL;
	r = state_init(&s, a.size);
	if (r)
		return r;
	r = set ? set_state(vp, &a, &s) : get_state(vp, &a, &s);
	state_fini(&s);
	if (!r && !set && copy_to_user(argument, &a, sizeof(a)))
		r = -EFAULT;
	return r;
}
