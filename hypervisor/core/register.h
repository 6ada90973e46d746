/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VP registers by their TLFS names. The VP is claimed. */
#pragma once

#include "core/types.h"
#include "hv/register.h"
#include "hv/status.h"

struct vp;

/* INVALID_PARAMETER: no such register; INVALID_REGISTER_VALUE: it cannot have that value. */
hv_status must_check register_get(struct vp *vp, u32 name, union hv_register_value *ret_value);
hv_status must_check register_set(struct vp *vp, u32 name, const union hv_register_value *value);
