/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the two files of the driver's backend share.
 */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "backend.h"
#include "keelson_vid.h"

struct driver_partition {
	struct vid_partition base;
	int fd;
};

static inline struct driver_partition *driver_partition(const struct vid_partition *base)
{
	return container_of(base, struct driver_partition, base);
}

/* ioctl() that returns -errno. */
int driver_ioctl(int fd, unsigned long request, void *argument);

int driver_vp_create(struct vid_partition *p, uint32_t index, struct vid_vp **ret_vp);
void driver_vp_destroy(struct vid_vp *vp);
int driver_vp_run(struct vid_vp *vp, struct vid_exit *ret_exit);
void driver_vp_kick(struct vid_vp *vp);
int driver_vp_extint(struct vid_vp *vp, uint8_t vector);
bool driver_vp_extint_ready(struct vid_vp *vp);
struct vid_regs *driver_vp_regs(struct vid_vp *vp, unsigned int dirty);
int driver_vp_get_registers(struct vid_vp *vp, struct vid_register *registers, size_t count);
int driver_vp_set_registers(struct vid_vp *vp, const struct vid_register *registers, size_t count);
int driver_vp_translate(struct vid_vp *vp, uint64_t gva, unsigned int access, uint64_t *ret_gpa);
int driver_vp_get_state(struct vid_vp *vp, enum vid_vp_state state, void *buffer, size_t size,
			size_t *ret_size);
int driver_vp_set_state(struct vid_vp *vp, enum vid_vp_state state, const void *buffer,
			size_t size);

#endif
