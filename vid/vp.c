/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The common half of virtual processors.
 */
#include "backend.h"

#include <errno.h>

#define VP_INDEX_MAX 63u

int vid_vp_create(struct vid_partition *p, uint32_t index, struct vid_vp **ret_vp)
{
	struct vid_vp *vp;
	int r;

	if (index > VP_INDEX_MAX)
		return -EINVAL;
	r = p->ops->vp_create(p, index, &vp);
	if (r < 0)
		return r;
	vp->partition = p;
	vp->index = index;
	*ret_vp = vp;
	return 0;
}

void vid_vp_destroy(struct vid_vp *vp)
{
	if (vp)
		vp->partition->ops->vp_destroy(vp);
}

uint32_t vid_vp_index(const struct vid_vp *vp)
{
	return vp->index;
}

int vid_vp_run(struct vid_vp *vp, struct vid_exit *ret_exit)
{
	return vp->partition->ops->vp_run(vp, ret_exit);
}

void vid_vp_kick(struct vid_vp *vp)
{
	vp->partition->ops->vp_kick(vp);
}

int vid_vp_extint(struct vid_vp *vp, uint8_t vector)
{
	return vp->partition->ops->vp_extint(vp, vector);
}

bool vid_vp_extint_ready(struct vid_vp *vp)
{
	return vp->partition->ops->vp_extint_ready(vp);
}

struct vid_regs *vid_vp_regs(struct vid_vp *vp, unsigned int dirty)
{
	return vp->partition->ops->vp_regs(vp, dirty);
}

int vid_vp_get_registers(struct vid_vp *vp, struct vid_register *registers, size_t count)
{
	return vp->partition->ops->vp_get_registers(vp, registers, count);
}

int vid_vp_set_registers(struct vid_vp *vp, const struct vid_register *registers, size_t count)
{
	return vp->partition->ops->vp_set_registers(vp, registers, count);
}

int vid_vp_translate(struct vid_vp *vp, uint64_t gva, unsigned int access, uint64_t *ret_gpa)
{
	return vp->partition->ops->vp_translate(vp, gva, access, ret_gpa);
}

int vid_vp_get_state(struct vid_vp *vp, enum vid_vp_state state, void *buffer, size_t size,
		     size_t *ret_size)
{
	return vp->partition->ops->vp_get_state(vp, state, buffer, size, ret_size);
}

int vid_vp_set_state(struct vid_vp *vp, enum vid_vp_state state, const void *buffer, size_t size)
{
	if (size > VID_VP_STATE_MAX)
		return -EINVAL;
	return vp->partition->ops->vp_set_state(vp, state, buffer, size);
}
